import { lowerBound } from '../../model/lower-bound.js'
import { type Keys, RangeMax } from './range-max.js'

/** One counter: a value holds until the next one. */
export class CounterSteps {
  readonly atNs: Float64Array
  readonly values: Float64Array
  readonly lowest: number
  readonly highest: number
  readonly #largest: RangeMax
  readonly #smallest: RangeMax

  /** Parallel arrays, by time; at least one value, all finite. */
  constructor(atNs: Float64Array, values: Float64Array) {
    this.atNs = atNs
    this.values = values
    this.#largest = new RangeMax(values.length, keysOf(values, 1))
    this.#smallest = new RangeMax(values.length, keysOf(values, -1))
    this.lowest = this.smallest(0, values.length)
    this.highest = this.largest(0, values.length)
  }
  /** Index of the first value at the moment or later. */
  from(atNs: number): number {
    return lowerBound(this.atNs, atNs)
  }
  /** Of `from <= index < to`, which is not empty. */
  largest(from: number, to: number): number {
    return this.values[this.#largest.indexOf(from, to)]!
  }
  smallest(from: number, to: number): number {
    return this.values[this.#smallest.indexOf(from, to)]!
  }
}

function keysOf(values: Float64Array, sign: 1 | -1): Keys {
  const keyOf = (index: number) => sign * values[index]!
  return {
    keyOf,
    largest(from, to) {
      let best = from
      for (let index = from + 1; index < to; index++) if (keyOf(index) > keyOf(best)) best = index
      return best
    },
  }
}
