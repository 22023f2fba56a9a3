// 16 children a node: a seventh of the memory of a binary tree, and a range costs about 30 looks a level.
const FANOUT_BITS = 4
const FANOUT = 1 << FANOUT_BITS

/** Where the largest of a range of numbers is, the first of equal ones, in O(log n). */
export class RangeMax {
  readonly #keyOf: (index: number) => number
  // Level k has for every 16^(k+1) indices the one of the largest.
  readonly #levels: Uint32Array[] = []

  constructor(count: number, keyOf: (index: number) => number) {
    this.#keyOf = keyOf
    let below: Uint32Array | undefined
    for (let size = count; size > FANOUT; size = Math.ceil(size / FANOUT)) {
      const level = new Uint32Array(Math.ceil(size / FANOUT))
      for (let node = 0; node < level.length; node++) {
        level[node] = this.#largest(below, node * FANOUT, Math.min(size, (node + 1) * FANOUT), -1)
      }
      this.#levels.push(level)
      below = level
    }
  }

  /** Of `from <= index < to`, which is not empty. */
  indexOf(from: number, to: number): number {
    let best = -1
    let below: Uint32Array | undefined
    for (const level of this.#levels) {
      const head = Math.min(to, (from + FANOUT - 1) & ~(FANOUT - 1))
      const tail = Math.max(head, to & ~(FANOUT - 1))
      if (from < head) best = this.#largest(below, from, head, best)
      if (tail < to) best = this.#largest(below, tail, to, best)
      if (head === tail) return best
      from = head >> FANOUT_BITS
      to = tail >> FANOUT_BITS
      below = level
    }
    return this.#largest(below, from, to, best)
  }

  // Of equal ones the lower index wins, whichever is seen first: heads come before tails, but inner nodes after both.
  #largest(nodes: Uint32Array | undefined, from: number, to: number, best: number): number {
    let bestKey = best < 0 ? Number.NEGATIVE_INFINITY : this.#keyOf(best)
    for (let node = from; node < to; node++) {
      const index = nodes === undefined ? node : nodes[node]!
      const key = this.#keyOf(index)
      if (best < 0 || key > bestKey || (key === bestKey && index < best)) {
        best = index
        bestKey = key
      }
    }
    return best
  }
}
