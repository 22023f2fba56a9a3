import type { Estimate } from '../model/statistics.js'

/** `undecided`: the interval is too wide to tell. */
export type Verdict = 'slower' | 'faster' | 'same' | 'undecided'

/**
 * What an interval of the log of a ratio of times says about a threshold, the smallest change that is to be found. The
 * line between `same` and a change lies at half the threshold: once the interval is no wider than the threshold, equal
 * code and code that is slower by the threshold fall on the wrong side of it equally seldom. A change is told only if
 * the interval leaves out 0, and `same` only if it leaves out the threshold, so that a wide interval tells nothing.
 */
export function verdictOf({ value, low, high }: Estimate, threshold: number): Verdict {
  const line = Math.log1p(threshold / 2)
  const limit = Math.log1p(threshold)
  if (low > 0 && value >= line) return 'slower'
  if (high < 0 && value <= -line) return 'faster'
  if (low > -limit && high < limit) return 'same'
  return 'undecided'
}
