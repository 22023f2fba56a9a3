import { percentile } from '../model/percentiles.js'
import { Histogram } from './histogram.js'

/** So many values are kept as they are: 512 KiB. */
const MOST_EXACT = 65_536
const STEP_BITS = 10
/** What percentiles of more values may be off by, as a share of the value: 0.05 %. */
export const HISTOGRAM_ERROR: number = 1 / 2 ** (STEP_BITS + 1)

/**
 * Count, sum, largest and percentiles of any number of values from 0 on, in bounded memory: exact up to 65,536 values,
 * then of a histogram.
 */
export class ValueDistribution {
  readonly #histogram: Histogram = new Histogram(STEP_BITS)
  #values: number[] = []
  #isSorted = true

  add(value: number): void {
    this.#histogram.add(value)
    if (!this.isExact) {
      this.#values = []
      return
    }
    this.#values.push(value)
    this.#isSorted = false
  }

  get count(): number {
    return this.#histogram.count
  }
  get sum(): number {
    return this.#histogram.sum
  }
  get max(): number {
    return this.#histogram.max
  }
  get mean(): number {
    return this.#histogram.mean
  }
  /** False once percentiles are told within {@link HISTOGRAM_ERROR}. */
  get isExact(): boolean {
    return this.count <= MOST_EXACT
  }

  /** Linear interpolation, rounded half up to a whole number; 0 for no values. */
  percentile(share: number): number {
    if (!this.isExact) return this.#histogram.percentile(share)
    if (!this.#isSorted) this.#values.sort((a, b) => a - b)
    this.#isSorted = true
    return percentile(this.#values, share)
  }
}
