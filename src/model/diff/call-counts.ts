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
 * moves the count by about its root, on both sides; before's is carried over to the calls that are around after.
 */
export function callCount({ before, after }: BeforeAfter, around: BeforeAfter): CallCount {
  const grown = around.before > 0 ? around.after / around.before : 0
  const expected = before * grown
  const isFixed = isWhole(before / around.before) && isWhole(after / around.after)
  // Of counts with one rate r, after - expected has the variance r·A + (A / B)²·r·B for A and B calls around, and r is
  // known best as all calls by all that are around.
  const chance = isFixed ? 0 : 3 * Math.sqrt((before + after) * grown)
  const allowed = Math.max(EDGE_CALLS, LEAST_SHARE * expected, chance)
  const verdict = Math.abs(after - expected) <= allowed ? 'same' : after > expected ? 'more' : 'fewer'
  return { before, after, expected, verdict }
}

// The work that stands for what is around comes of a product.
const isWhole = (ratio: number) => Math.abs(ratio - Math.round(ratio)) < 1e-9

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
