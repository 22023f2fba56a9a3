/** A sum of whole numbers that stays exact beyond 2^53. */
export class ExactSum {
  #low = 0
  #high = 0n

  add(value: number): void {
    this.#low += value
    if (this.#low > SPILL || this.#low < -SPILL) {
      this.#high += BigInt(this.#low)
      this.#low = 0
    }
  }
  get value(): bigint {
    return this.#high + BigInt(this.#low)
  }
}
// What is added may be as large: together they are exact.
const SPILL = 2 ** 52
