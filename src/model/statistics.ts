// Comparing samples that are neither normal nor free of outliers, as durations are: ranks and medians, no means.

/** Value at a share of a sorted list by linear interpolation, as percentile() but not rounded; NaN for no values. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share
  const below = Math.max(0, Math.floor(position))
  const low = sorted[below] ?? Number.NaN
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low
  return low + (high - low) * (position - below)
}

/** NaN for no values. */
export function median(values: ArrayLike<number>): number {
  return quantile(ascending(values), 0.5)
}

/** Median distance from the median: a spread that up to half of the values cannot move far. */
export function medianDeviation(values: ArrayLike<number>): number {
  const middle = median(values)
  return median(Float64Array.from(values, value => Math.abs(value - middle)))
}

/** What a median deviation is multiplied with to be the standard deviation of normal values: 1 / Φ⁻¹(3/4). */
export const DEVIATION_TO_SIGMA = 1.482602218505602

/** A copy in ascending order. */
export function ascending(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort()
}

/**
 * Numbers in [0, 1), the same for the same seed: a Weyl sequence of 32 bits through the finalizer of MurmurHash3. Its
 * period is 2^32.
 */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}

/** An estimate and the interval that holds the true value with the confidence asked for. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/** Probabilities of a rank sum as extreme as the one seen if both samples came from one distribution. */
export interface RankTest {
  /** Pairs in which the second sample's value is the larger one; equal ones count half. */
  u: number
  /** That the second sample's values would be as large as they are. */
  pGreater: number
  /** That they would be as small. */
  pLess: number
  /** Either way. */
  p: number
}

// Beyond, the normal approximation is off by at most 0.002, and towards a larger p where p is small. Where most values
// are equal it may give 0.7 of the true p; of 5 and 5 values it would give 0.4.
const MOST_COUNTED = 20

/**
 * Mann-Whitney U: whether the values of `after` tend to be larger than those of `before`. Counted exactly for small
 * samples, else by the normal approximation with corrections for ties and continuity. It takes the values for
 * independent: those that follow each other in time belong in blocks first (see blockMedians()).
 */
export function mannWhitney(before: ArrayLike<number>, after: ArrayLike<number>): RankTest {
  const n = before.length
  const m = after.length
  if (n === 0 || m === 0) return { u: 0, pGreater: 1, pLess: 1, p: 1 }
  const { rankSum, groups } = ranksOf(before, after)
  const u = rankSum - (m * (m + 1)) / 2
  const { pGreater, pLess } =
    n > MOST_COUNTED || m > MOST_COUNTED
      ? normalTails(u, n, m, groups)
      : groups.length === n + m
        ? countedTails(u, uShares(n, m))
        : countedTails(2 * u, tiedShares(n, m, groups))
  return { u, pGreater, pLess, p: Math.min(1, 2 * Math.min(pGreater, pLess)) }
}

/** Sum of the ranks of the second sample in both together, and how many values are equal, from the smallest on. */
function ranksOf(before: ArrayLike<number>, after: ArrayLike<number>): { rankSum: number; groups: number[] } {
  const all = new Float64Array(before.length + after.length)
  all.set(Float64Array.from(before))
  all.set(Float64Array.from(after), before.length)
  const order = Uint32Array.from(all.keys()).sort((a, b) => all[a]! - all[b]!)
  let rankSum = 0
  const groups: number[] = []
  for (let first = 0; first < order.length; ) {
    let next = first + 1
    while (next < order.length && all[order[next]!] === all[order[first]!]) next++
    const rank = (first + 1 + next) / 2
    for (let at = first; at < next; at++) if (order[at]! >= before.length) rankSum += rank
    groups.push(next - first)
    first = next
  }
  return { rankSum, groups }
}

type Tails = Pick<RankTest, 'pGreater' | 'pLess'>

/** Of a place in a distribution, both with the place itself. */
function countedTails(at: number, shares: Float64Array): Tails {
  const sum = (part: Float64Array) =>
    Math.min(
      1,
      part.reduce((total, share) => total + share, 0),
    )
  return { pGreater: sum(shares.subarray(at)), pLess: sum(shares.subarray(0, at + 1)) }
}

/**
 * Share of the arrangements that have each 2 U, where U has halves since values are equal: group after group of these,
 * how many are of `after`, each of which is above all of `before` so far and half above those of its group.
 */
function tiedShares(n: number, m: number, groups: readonly number[]): Float64Array {
  // Arrangements by 2 U, by how many of the values so far are of `after`. At most 1.4e11, of 20 and 20, so exact.
  let ways: (Float64Array | undefined)[] = [Float64Array.of(1)]
  let seen = 0
  for (const size of groups) {
    const seenBefore = seen
    seen += size
    const next = Array.from({ length: m + 1 }, (_, ofAfter) => {
      const ofBefore = seen - ofAfter
      return ofBefore >= 0 && ofBefore <= n ? new Float64Array(2 * ofBefore * ofAfter + 1) : undefined
    })
    for (const [ofAfter, known] of ways.entries()) {
      for (let taken = 0, choices = 1; known !== undefined && taken <= size; taken++) {
        const into = next[ofAfter + taken]
        const more = taken * (2 * (seenBefore - ofAfter) + size - taken)
        if (into !== undefined) for (let at = 0; at < known.length; at++) into[at + more]! += choices * known[at]!
        choices = (choices * (size - taken)) / (taken + 1)
      }
    }
    ways = next
  }
  const counts = ways[m]!
  const all = counts.reduce((total, count) => total + count, 0)
  return counts.map(count => count / all)
}

const counted = new Map<string, Float64Array>()

/** Share of the arrangements that have each U: of those of n + m values, the last is one of `after` in m / (n + m). */
function uShares(n: number, m: number): Float64Array {
  const key = `${n} ${m}`
  const known = counted.get(key)
  if (known !== undefined) return known
  const shares = new Float64Array(n * m + 1)
  if (n === 0 || m === 0) shares[0] = 1
  else {
    const lastBefore = uShares(n - 1, m)
    const lastAfter = uShares(n, m - 1)
    for (const [u, share] of lastBefore.entries()) shares[u]! += (share * n) / (n + m)
    for (const [u, share] of lastAfter.entries()) shares[u + n]! += (share * m) / (n + m)
  }
  counted.set(key, shares)
  return shares
}

function normalTails(u: number, n: number, m: number, groups: readonly number[]): Tails {
  const all = n + m
  const tieSum = groups.reduce((sum, equal) => sum + equal ** 3 - equal, 0)
  const sigma = Math.sqrt(((n * m) / 12) * (all + 1 - tieSum / (all * (all - 1))))
  const tail = (pairs: number) => (sigma > 0 ? 1 - normalShare((pairs - 0.5 - (n * m) / 2) / sigma) : 1)
  return { pGreater: tail(u), pLess: tail(n * m - u) }
}

/**
 * Share of a standard normal distribution below z: Φ(z) = erfc(-z/√2)/2, where erfc is the series of erf near 0 and
 * its continued fraction elsewhere, as in Abramowitz and Stegun 7.1.6 and 7.1.14.
 */
export function normalShare(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  let tail: number
  if (x < 2.5) {
    let term = x
    let sum = x
    for (let at = 1; Math.abs(term) > 1e-17 * sum; at++) {
      term *= (2 * x * x) / (2 * at + 1)
      sum += term
    }
    tail = 0.5 - (Math.exp(-x * x) * sum) / Math.sqrt(Math.PI)
  } else {
    let fraction = x
    for (let at = 60; at >= 1; at--) fraction = x + at / 2 / fraction
    tail = Math.exp(-x * x) / (2 * fraction * Math.sqrt(Math.PI))
  }
  return z > 0 ? 1 - tail : tail
}

/** The z that a share of a standard normal distribution lies below; by bisection, to 1e-12. */
export function normalQuantile(share: number): number {
  let low = -40
  let high = 40
  while (high - low > 1e-12) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (normalShare(middle) < share) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * Hodges-Lehmann: by how much the values of `after` are larger, as the median of all differences between a value of
 * each, and the interval that goes with the Mann-Whitney test: the shifts that it would not reject. With too few values
 * for the confidence the interval is infinite. All n × m differences are held, so a few thousand values are the most.
 */
export function shiftBetween(before: ArrayLike<number>, after: ArrayLike<number>, confidence = 0.95): Estimate {
  const n = before.length
  const m = after.length
  const differences = new Float64Array(n * m)
  for (let a = 0; a < n; a++) for (let b = 0; b < m; b++) differences[a * m + b] = after[b]! - before[a]!
  differences.sort()
  const outside = leftOut(n, m, (1 - confidence) / 2)
  return {
    value: quantile(differences, 0.5),
    low: outside === 0 ? Number.NEGATIVE_INFINITY : differences[outside - 1]!,
    high: outside === 0 ? Number.POSITIVE_INFINITY : differences[n * m - outside]!,
  }
}

/** How many differences may lie outside on each side: the most k with P(U < k) <= tail. */
function leftOut(n: number, m: number, tail: number): number {
  if (n > MOST_COUNTED || m > MOST_COUNTED) {
    const sigma = Math.sqrt((n * m * (n + m + 1)) / 12)
    return Math.max(0, Math.floor((n * m) / 2 + normalQuantile(tail) * sigma))
  }
  const shares = uShares(n, m)
  let sum = 0
  let outside = 0
  while (outside < shares.length && sum + shares[outside]! <= tail) sum += shares[outside++]!
  return outside
}

/**
 * Holm: each p as it counts among all of them. Where those below `alpha` are taken for real, the probability that even
 * one of them is not stays below alpha.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!)
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - rank)))
    adjusted[index] = largest
  }
  return adjusted
}

/**
 * Medians of up to `count` stretches of equally many values, in their order. Calls that follow each other share what
 * the machine does at the time, so a hundred of them are not a hundred witnesses; stretches longer than that are.
 */
export function blockMedians(values: ArrayLike<number>, count: number): Float64Array {
  const blocks = Math.min(count, values.length)
  const all = Float64Array.from(values)
  return Float64Array.from({ length: blocks }, (_, block) =>
    median(all.subarray(Math.floor((block * all.length) / blocks), Math.floor(((block + 1) * all.length) / blocks))),
  )
}
