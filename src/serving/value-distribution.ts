import { percentile } from '../model/percentiles.js'
import { ExactSum } from './exact-sum.js'
import { Histogram } from './histogram.js'

/** So many values are kept as they are: 512 KiB. */
export const MOST_EXACT = 65_536
const FIRST_ROOM = 16
// A histogram of 1024 steps between a power of two and the next.
const STEP_BITS = 10
/** By how much percentiles of a histogram may be off, as a share of them. */
export const HISTOGRAM_ERROR: number = 1 / 2 ** (STEP_BITS + 1)

/** How many values several distributions may keep together. */
export class ValueBudget {
  #left: number

  constructor(count: number) {
    this.#left = count
  }
  take(count: number): boolean {
    if (count > this.#left) return false
    this.#left -= count
    return true
  }
  giveBack(count: number): void {
    this.#left += count
  }
}

/**
 * Count, sum, extremes and percentiles of any number of whole values, in bounded memory: exact up to 65,536 values, or as
 * many as the budget has room for, then of a histogram whose steps grow with the values.
 */
export class ValueDistribution {
  count = 0
  min: number = Number.POSITIVE_INFINITY
  max: number = Number.NEGATIVE_INFINITY
  readonly #budget: ValueBudget | undefined
  readonly #sum = new ExactSum()
  /** Undefined once they are in a histogram. */
  #values: Float64Array | undefined = new Float64Array(0)
  #isSorted = true
  readonly #histogram = new Histogram(STEP_BITS)
  /** Of those below 0, without their sign. */
  #below: Histogram | undefined

  constructor(budget?: ValueBudget) {
    this.#budget = budget
  }

  add(value: number): void {
    this.#sum.add(value)
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const at = this.count++
    const values = this.#values
    if (values === undefined) this.#addToHistogram(value)
    else if (at < values.length) values[at] = value
    else this.#grow(values, value)
    this.#isSorted = false
  }

  /** As near as a double is: values add up beyond 2^53. */
  get sum(): number {
    return Number(this.#sum.value)
  }
  /** 0 for no values. */
  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }
  /** By how much percentiles may be off, as a share of them: 0 while all values are kept. */
  get relativeError(): number {
    return this.#values === undefined ? HISTOGRAM_ERROR : 0
  }

  /** Linear interpolation, rounded half up to a whole number; 0 for no values. */
  percentile(share: number): number {
    if (this.#values !== undefined) return percentile(this.#sorted(this.#values), share)
    const value = this.#atRank(Math.floor((this.count - 1) * share))
    return Math.min(this.max, Math.max(this.min, value))
  }

  #sorted(values: Float64Array): Float64Array {
    const known = values.subarray(0, this.count)
    if (!this.#isSorted) known.sort()
    this.#isSorted = true
    return known
  }
  #atRank(rank: number): number {
    const belowCount = this.#below?.count ?? 0
    if (rank < belowCount) return -this.#below!.atRank(belowCount - 1 - rank)
    return this.#histogram.atRank(rank - belowCount)
  }

  #grow(values: Float64Array, value: number): void {
    const room = Math.max(FIRST_ROOM, values.length * 2)
    if (room <= MOST_EXACT && this.#budget?.take(room - values.length) !== false) {
      this.#values = new Float64Array(room)
      this.#values.set(values)
      this.#values[values.length] = value
      return
    }
    for (const each of values) this.#addToHistogram(each)
    this.#addToHistogram(value)
    this.#budget?.giveBack(values.length)
    this.#values = undefined
  }
  #addToHistogram(value: number): void {
    if (value >= 0) {
      this.#histogram.add(value)
      return
    }
    this.#below ??= new Histogram(STEP_BITS)
    this.#below.add(-value)
  }
}
