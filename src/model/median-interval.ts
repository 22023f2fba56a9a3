import { ascending, type Estimate, quantile } from './statistics.js'

/**
 * The median, and the interval of values between two ranks that holds the true one with the confidence asked for,
 * whatever the distribution: how many of n values lie below the true median is n tosses of a coin. With too few values
 * the interval is infinite; NaN for none.
 */
export function medianInterval(values: ArrayLike<number>, confidence: number): Estimate {
  const sorted = ascending(values)
  const n = sorted.length
  const outside = n === 0 ? 0 : leftOut(n, (1 - confidence) / 2)
  return {
    value: quantile(sorted, 0.5),
    low: outside === 0 ? Number.NEGATIVE_INFINITY : sorted[outside - 1]!,
    high: outside === 0 ? Number.POSITIVE_INFINITY : sorted[n - outside]!,
  }
}

/** The most k with P(fewer than k heads in n tosses) <= tail. */
function leftOut(n: number, tail: number): number {
  // In logarithms, since 2^-n is 0 beyond n of 1074.
  let logShare = -n * Math.LN2
  let sum = 0
  let outside = 0
  while (outside <= n / 2 && sum + Math.exp(logShare) <= tail) {
    sum += Math.exp(logShare)
    logShare += Math.log((n - outside) / (outside + 1))
    outside++
  }
  return outside
}
