import { median } from '../statistics.js'
import type { BeforeAfter } from './rows.js'

/** Calls of a row against what the calls around it lead one to expect. */
export interface CallCount extends BeforeAfter {
  /** After, had each call of the op around it made as many as before. */
  expected: number
  verdict: 'more' | 'fewer' | 'same'
}

// Calls that a recording cut off at its ends.
const EDGE_CALLS = 2.5
const LEAST_SHARE = 0.05

/**
 * Whether a row is called more often by what is around it, so that twice the calls of an op are told of that op and not
 * of all inside it. Where not each call of the op around makes the same number, as with a cache or a choice, chance
 * moves the count by about its root, on both sides.
 */
export function callCount({ before, after }: BeforeAfter, around: BeforeAfter): CallCount {
  const perCall = around.before > 0 ? before / around.before : 0
  const expected = perCall * around.after
  const isFixed = Number.isInteger(perCall)
  const chance = isFixed ? 0 : 3 * Math.sqrt(2 * expected)
  const allowed = Math.max(EDGE_CALLS, LEAST_SHARE * expected, chance)
  const verdict = Math.abs(after - expected) <= allowed ? 'same' : after > expected ? 'more' : 'fewer'
  return { before, after, expected, verdict }
}

/**
 * How much was done on each side: calls of the outermost rows, of the one in the middle where they differ. Without any,
 * 1 and 1.
 */
export function workOf(counts: readonly BeforeAfter[]): BeforeAfter {
  const inBoth = counts.filter(({ before, after }) => before > 0 && after > 0)
  if (inBoth.length === 0) return { before: 1, after: 1 }
  const before = median(inBoth.map(count => count.before))
  return { before, after: before * median(inBoth.map(count => count.after / count.before)) }
}
