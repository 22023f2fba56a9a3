// Which lane each of many overlapping stretches of time goes to.

/** Lanes in which nothing overlaps. Stretches are placed in the order of their starts. */
export class Lanes {
  // A tree over the lanes: a node holds the earliest end below it, so that a free lane is found in O(log lanes). With
  // a plain scan, requests that pile up without an end would cost their number squared.
  #ends = new Float64Array(16).fill(Number.NEGATIVE_INFINITY)
  /** Lanes in use. */
  count = 0

  /** The first lane, `from` or later, that is free at `startNs`; taken until `endNs` from now on. */
  place(startNs: number, endNs: number, from = 0): number {
    const lane = this.#firstFree(startNs, from)
    const ends = this.#ends
    let node = lane + ends.length / 2
    ends[node] = endNs
    for (node >>= 1; node > 0; node >>= 1) ends[node] = Math.min(ends[2 * node]!, ends[2 * node + 1]!)
    this.count = Math.max(this.count, lane + 1)
    return lane
  }

  #firstFree(atNs: number, from: number): number {
    while (from >= this.#ends.length / 2) this.#grow()
    const ends = this.#ends
    const leaves = ends.length / 2
    let node = from + leaves
    while (ends[node]! > atNs) {
      while (node & 1) node >>= 1
      if (node === 0) {
        this.#grow()
        return this.#firstFree(atNs, from)
      }
      node++
    }
    while (node < leaves) node = ends[2 * node]! <= atNs ? 2 * node : 2 * node + 1
    return node - leaves
  }

  #grow(): void {
    const before = this.#ends
    const leaves = before.length
    const ends = new Float64Array(2 * leaves).fill(Number.NEGATIVE_INFINITY)
    ends.set(before.subarray(leaves / 2), leaves)
    for (let node = leaves - 1; node > 0; node--) ends[node] = Math.min(ends[2 * node]!, ends[2 * node + 1]!)
    this.#ends = ends
  }
}
