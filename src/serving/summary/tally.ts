import { percentile } from '../../model/percentiles.js'

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

/** The figures of one line of a summary, whole ns but for the mean. */
export interface LineFigures {
  n: number
  meanNs: number
  p50Ns: number
  p90Ns: number
  p99Ns: number
  maxNs: number
  /** Of the percentiles, by how much they may be off: 0 up to {@link EXACT_VALUES} values. */
  relativeError: number
}

/** Up to so many values, percentiles are exact. 512 KiB a line. */
export const EXACT_VALUES = 65_536
// For all lines of a file together: 64 MiB. What comes later is counted in buckets from its first value on.
const EXACT_VALUES_OF_ALL = 8 << 20

/** Shared by the tallies of a file. */
export class ValueBudget {
  #left = EXACT_VALUES_OF_ALL
  take(count: number): boolean {
    if (count > this.#left) return false
    this.#left -= count
    return true
  }
  giveBack(count: number): void {
    this.#left += count
  }
}

/** Adds up whole ns in bounded memory. */
export class Tally {
  n = 0
  readonly #budget: ValueBudget
  readonly #sum = new ExactSum()
  #max = Number.NEGATIVE_INFINITY
  #min = Number.POSITIVE_INFINITY
  #values: Float64Array | undefined = new Float64Array(0)
  #buckets: Buckets | undefined

  constructor(budget: ValueBudget) {
    this.#budget = budget
  }

  add(ns: number): void {
    this.#sum.add(ns)
    if (ns > this.#max) this.#max = ns
    if (ns < this.#min) this.#min = ns
    const at = this.n++
    const values = this.#values
    if (values === undefined) this.#buckets!.add(ns)
    else if (at < values.length) values[at] = ns
    else this.#grow(values, ns)
  }

  #grow(values: Float64Array, ns: number): void {
    const size = Math.max(16, values.length * 2)
    if (size <= EXACT_VALUES && this.#budget.take(size - values.length)) {
      const grown = new Float64Array(size)
      grown.set(values)
      grown[values.length] = ns
      this.#values = grown
      return
    }
    const buckets = new Buckets()
    for (const value of values) buckets.add(value)
    buckets.add(ns)
    this.#budget.giveBack(values.length)
    this.#values = undefined
    this.#buckets = buckets
  }

  /** Undefined for no values. */
  figures(): LineFigures | undefined {
    if (this.n === 0) return undefined
    const at = this.#values === undefined ? this.#fromBuckets() : this.#fromValues(this.#values)
    return {
      n: this.n,
      meanNs: Number(this.#sum.value) / this.n,
      p50Ns: at(0.5),
      p90Ns: at(0.9),
      p99Ns: at(0.99),
      maxNs: this.#max,
      relativeError: this.#values === undefined ? RELATIVE_ERROR : 0,
    }
  }
  #fromValues(values: Float64Array): (share: number) => number {
    const sorted = values.slice(0, this.n).sort()
    return share => percentile(sorted, share)
  }
  #fromBuckets(): (share: number) => number {
    const buckets = this.#buckets!
    return share => {
      const value = buckets.at(Math.floor((this.n - 1) * share + 0.5))
      return Math.min(this.#max, Math.max(this.#min, value))
    }
  }
}

// 128 buckets an octave, exact below 128: a bucket's middle is off by half of 1/128 at most. 50 KiB a line.
const PER_OCTAVE = 128
export const RELATIVE_ERROR: number = 1 / (2 * PER_OCTAVE)
const OCTAVES = 57 // up to 2^63

class Buckets {
  readonly #counts = new Float64Array(PER_OCTAVE * OCTAVES)
  // An overhead is below zero where the request was released after its answer was sent.
  #negative: Float64Array | undefined
  #negativeCount = 0

  add(value: number): void {
    if (value >= 0) {
      this.#counts[bucketOf(value)]! += 1
      return
    }
    this.#negative ??= new Float64Array(this.#counts.length)
    this.#negative[bucketOf(-value)]! += 1
    this.#negativeCount++
  }
  /** The value at this place of the sorted order. */
  at(rank: number): number {
    if (rank < this.#negativeCount) return -middleOf(find(this.#negative!, this.#negativeCount - 1 - rank))
    return middleOf(find(this.#counts, rank - this.#negativeCount))
  }
}

function find(counts: Float64Array, rank: number): number {
  let before = 0
  for (let bucket = 0; bucket < counts.length; bucket++) {
    before += counts[bucket]!
    if (before > rank) return bucket
  }
  return counts.length - 1
}

function bucketOf(value: number): number {
  if (value < PER_OCTAVE) return value
  if (value < 2 ** 31) {
    const shift = 24 - Math.clz32(value)
    return (shift << 7) + (value >>> shift)
  }
  const shift = 56 - Math.clz32(value / 2 ** 32)
  return Math.min((shift << 7) + Math.floor(value / 2 ** shift), PER_OCTAVE * OCTAVES - 1)
}
function middleOf(bucket: number): number {
  const octave = Math.floor(bucket / PER_OCTAVE)
  if (octave === 0) return bucket
  const width = 2 ** (octave - 1)
  return Math.floor(((bucket % PER_OCTAVE) + PER_OCTAVE) * width + (width - 1) / 2)
}
