// 16 children a node: a seventh of the memory of a binary tree, and a range costs about 16 looks a level.
const FANOUT_BITS = 4
const FANOUT = 1 << FANOUT_BITS

export interface Keys {
  keyOf(index: number): number
  /** Index of the largest of `from <= index < to`, which is not empty; the first of equal ones. */
  largest(from: number, to: number): number
}

/** Where the largest of a range of numbers is, the first of equal ones, in O(log n). */
export class RangeMax {
  readonly #keys: Keys
  // Level k has for every 16^(k+1) indices the one of the largest.
  readonly #levels: Uint32Array[] = []

  constructor(count: number, keys: Keys) {
    this.#keys = keys
    for (let size = count; size > FANOUT; size = Math.ceil(size / FANOUT)) {
      const below = this.#levels.at(-1)
      const level = new Uint32Array(Math.ceil(size / FANOUT))
      for (let node = 0; node < level.length; node++) {
        const from = node * FANOUT
        const to = Math.min(size, from + FANOUT)
        level[node] = below === undefined ? keys.largest(from, to) : this.#largestNode(below, from, to, -1)
      }
      this.#levels.push(level)
    }
  }

  /** Of `from <= index < to`, which is not empty. */
  indexOf(from: number, to: number): number {
    // Whole nodes in the middle; at both ends what is left over.
    let head = (from + FANOUT - 1) & ~(FANOUT - 1)
    let tail = to & ~(FANOUT - 1)
    if (this.#levels.length === 0 || head >= tail) return this.#keys.largest(from, to)
    let best = from < head ? this.#keys.largest(from, head) : -1
    if (tail < to) best = this.#larger(best, this.#keys.largest(tail, to))
    for (const [height, level] of this.#levels.entries()) {
      from = head >> FANOUT_BITS
      to = tail >> FANOUT_BITS
      head = (from + FANOUT - 1) & ~(FANOUT - 1)
      tail = to & ~(FANOUT - 1)
      if (height === this.#levels.length - 1 || head >= tail) return this.#largestNode(level, from, to, best)
      best = this.#largestNode(level, from, head, best)
      best = this.#largestNode(level, tail, to, best)
    }
    return best
  }

  #largestNode(nodes: Uint32Array, from: number, to: number, best: number): number {
    for (let node = from; node < to; node++) best = this.#larger(best, nodes[node]!)
    return best
  }
  /** Of equal ones the lower index; -1: none. */
  #larger(a: number, b: number): number {
    if (a < 0) return b
    const difference = this.#keys.keyOf(a) - this.#keys.keyOf(b)
    return difference > 0 || (difference === 0 && a < b) ? a : b
  }
}
