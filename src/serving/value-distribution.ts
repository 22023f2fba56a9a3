import { percentile } from '../model/percentiles.js'
import { Histogram } from './histogram.js'

/** So many values are kept as they are: 512 KiB. */
const MOST_EXACT = 65_536
// A histogram of 1024 steps between a power of two and the next.
const STEP_BITS = 10
/** Of a whole distribution once it is a histogram. */
export const HISTOGRAM_ERROR: number = 1 / 2 ** (STEP_BITS + 1)

/**
 * Count, sum, extremes and percentiles of any number of values from 0 on, in bounded memory: exact up to 65,536
 * values, then of a histogram whose steps grow with the values.
 */
export class ValueDistribution {
  count = 0
  sum = 0
  min: number = Number.POSITIVE_INFINITY
  max = 0
  #values: number[] = []
  #isSorted = true
  #histogram: Histogram | undefined

  add(value: number): void {
    this.count += 1
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    if (this.#histogram !== undefined) {
      this.#histogram.add(value)
      return
    }
    this.#values.push(value)
    this.#isSorted = false
    if (this.#values.length <= MOST_EXACT) return
    this.#histogram = new Histogram(STEP_BITS)
    for (const each of this.#values) this.#histogram.add(each)
    this.#values = []
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }
  /** False once percentiles are told within {@link HISTOGRAM_ERROR}. */
  get isExact(): boolean {
    return this.#histogram === undefined
  }

  /** Linear interpolation, rounded half up to a whole number; 0 for no values. */
  percentile(share: number): number {
    if (this.#histogram !== undefined) return this.#histogram.percentile(share)
    if (!this.#isSorted) this.#values.sort((a, b) => a - b)
    this.#isSorted = true
    return percentile(this.#values, share)
  }
}
