const MOST = Number.MAX_SAFE_INTEGER

/**
 * Counts of values from 0 on, in steps that grow with them: `2 ** stepBits` of equal width between a power of two and the
 * next. A value is told by the middle of its step, at most `1 / 2 ** (stepBits + 1)` of it away; below 1, as 0.
 * Memory: 4 bytes for each step between the lowest and the highest value, whatever their number, up to 4 billion.
 */
export class Histogram {
  count = 0
  sum = 0
  min: number = Number.POSITIVE_INFINITY
  max = 0
  readonly #stepBits: number
  #counts = new Uint32Array(0)
  /** The step that `#counts` begins with. */
  #first = 0

  /** @param stepBits 1 to 20 */
  constructor(stepBits: number) {
    this.#stepBits = stepBits
  }

  /** What is no number from 0 on counts as 0. */
  add(given: number): void {
    const value = given > 0 ? Math.min(given, MOST) : 0
    this.count += 1
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const step = stepOf(value, this.#stepBits)
    this.#reach(step)
    this.#counts[step - this.#first]! += 1
  }

  /** Adds what another one with the same steps has. */
  merge(other: Histogram): void {
    if (other.count === 0) return
    this.count += other.count
    this.sum += other.sum
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.#reach(other.#first)
    this.#reach(other.#first + other.#counts.length - 1)
    const offset = other.#first - this.#first
    for (let index = 0; index < other.#counts.length; index++) {
      this.#counts[offset + index]! += other.#counts[index]!
    }
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /** The value that so large a share of all others lies below, rounded to a whole number; 0 for no values. */
  percentile(share: number): number {
    if (this.count === 0) return 0
    const rank = (this.count - 1) * share
    return rank >= this.count - 1 ? this.max : this.atRank(rank)
  }
  /** The value that has its place there in the order of all, from 0 to `count - 1`, rounded to a whole number. */
  atRank(rank: number): number {
    let seen = 0
    let index = 0
    while (seen + this.#counts[index]! <= rank) seen += this.#counts[index++]!
    const middle = middleOf(this.#first + index, this.#stepBits)
    return Math.round(Math.min(this.max, Math.max(this.min, middle)))
  }

  /** Grows by as many steps as a power of two has, so that it seldom grows. */
  #reach(step: number): void {
    const length = this.#counts.length
    if (length > 0 && step >= this.#first && step < this.#first + length) return
    const block = (step >> this.#stepBits) << this.#stepBits
    const first = length === 0 ? block : Math.min(block, this.#first)
    const end = Math.max(block + (1 << this.#stepBits), length === 0 ? 0 : this.#first + length)
    const counts = new Uint32Array(end - first)
    if (length > 0) counts.set(this.#counts, this.#first - first)
    this.#counts = counts
    this.#first = first
  }
}

// The upper bits of a double are its exponent and the highest bits of its mantissa, which is to say its step.
const bits = new DataView(new ArrayBuffer(8))
const EXPONENT_BIAS = 1023
const UPPER_MANTISSA_BITS = 20

/** 0: all values below 1. */
function stepOf(value: number, stepBits: number): number {
  if (value < 1) return 0
  bits.setFloat64(0, value)
  return (bits.getUint32(0) >>> (UPPER_MANTISSA_BITS - stepBits)) - (EXPONENT_BIAS << stepBits) + 1
}
function middleOf(step: number, stepBits: number): number {
  if (step === 0) return 0
  const steps = 1 << stepBits
  const above = step - 1
  return 2 ** (above >> stepBits) * (1 + ((above & (steps - 1)) + 0.5) / steps)
}
