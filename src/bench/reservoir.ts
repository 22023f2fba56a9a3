/** A fair choice of at most `size` of all values that came, so that memory stays bounded: Vitter's algorithm R. */
export class Reservoir<T> {
  readonly #size: number
  readonly #random: () => number
  readonly #kept: T[] = []
  #count = 0

  constructor(size: number, random: () => number) {
    this.#size = size
    this.#random = random
  }

  /** How many came. */
  get count(): number {
    return this.#count
  }
  get values(): readonly T[] {
    return this.#kept
  }

  add(value: T): void {
    this.#count++
    if (this.#kept.length < this.#size) {
      this.#kept.push(value)
      return
    }
    const at = Math.floor(this.#random() * this.#count)
    if (at < this.#size) this.#kept[at] = value
  }
}
