import { ValueBudget, type ValueDistribution } from '../value-distribution.js'

/** The figures of one line of a summary, whole ns but for the mean. */
export interface LineFigures {
  count: number
  meanNs: number
  p50Ns: number
  p90Ns: number
  p99Ns: number
  maxNs: number
  /** By how much the percentiles may be off, as a share of them: 0 up to 65,536 values. */
  relativeError: number
}

// For all lines of a file together: 64 MiB. What comes later is in a histogram from its first value on.
const EXACT_VALUES_OF_ALL = 8 << 20

/** For all distributions of a file. */
export function fileBudget(): ValueBudget {
  return new ValueBudget(EXACT_VALUES_OF_ALL)
}

/** Undefined for no values. */
export function lineFigures(values: ValueDistribution): LineFigures | undefined {
  if (values.count === 0) return undefined
  return {
    count: values.count,
    meanNs: values.mean,
    p50Ns: values.percentile(0.5),
    p90Ns: values.percentile(0.9),
    p99Ns: values.percentile(0.99),
    maxNs: values.max,
    relativeError: values.relativeError,
  }
}
