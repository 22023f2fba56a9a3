import { type Estimate, normalQuantile, quantile } from './statistics.js'

// Counting takes n³ steps: 10 ms. Beyond, the normal approximation of so many ranks differs by less than one of them.
const MOST_COUNTED = 300

/**
 * Hodges-Lehmann: the middle of paired differences, as the median of all averages of two of them (Walsh averages), and
 * the interval that goes with Wilcoxon's signed-rank test. It holds the true difference with the confidence asked for
 * whatever the distribution, provided each difference is as likely to lie above the truth by some amount as below it.
 * Random order within a pair makes that so (bench/schedule.ts). With too few differences the interval is infinite.
 * All n (n + 1) / 2 averages are held, so a few thousand differences are the most.
 */
export function middleOf(differences: ArrayLike<number>, confidence: number): Estimate {
  const n = differences.length
  const averages = new Float64Array((n * (n + 1)) / 2)
  let at = 0
  for (let a = 0; a < n; a++) for (let b = a; b < n; b++) averages[at++] = (differences[a]! + differences[b]!) / 2
  averages.sort()
  const outside = leftOut(n, (1 - confidence) / 2)
  return {
    value: quantile(averages, 0.5),
    low: outside === 0 ? Number.NEGATIVE_INFINITY : averages[outside - 1]!,
    high: outside === 0 ? Number.POSITIVE_INFINITY : averages[averages.length - outside]!,
  }
}

/** The fewest differences with which {@link middleOf} has an interval: the rarest outcome, all signs alike, is 2^-n. */
export function fewestDifferences(confidence: number): number {
  return Math.ceil(Math.log2(2 / (1 - confidence)) - 1e-9)
}

/** How many averages may lie outside on each side: the most k with P(W < k) <= tail, where W is the rank sum. */
function leftOut(n: number, tail: number): number {
  if (n > MOST_COUNTED) {
    const sigma = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
    return Math.floor((n * (n + 1)) / 4 + normalQuantile(tail) * sigma)
  }
  const shares = rankSumShares(n)
  let sum = 0
  let outside = 0
  while (outside < shares.length && sum + shares[outside]! <= tail) sum += shares[outside++]!
  return outside
}

const counted = new Map<number, Float64Array>()

/** Share of the 2^n ways to choose signs that have each sum of positive ranks; rank r is in the sum or not, evenly. */
function rankSumShares(n: number): Float64Array {
  const known = counted.get(n)
  if (known !== undefined) return known
  const shares = new Float64Array((n * (n + 1)) / 2 + 1)
  shares[0] = 1
  for (let rank = 1, largest = 0; rank <= n; rank++) {
    largest += rank
    for (let sum = largest; sum >= 0; sum--) {
      shares[sum] = (shares[sum]! + (sum >= rank ? shares[sum - rank]! : 0)) / 2
    }
  }
  counted.set(n, shares)
  return shares
}
