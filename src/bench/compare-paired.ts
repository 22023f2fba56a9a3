import { fewestDifferences, middleOf } from '../model/signed-rank.js'
import { type Estimate, median } from '../model/statistics.js'
import { compareOps, ratioInterval } from './compare-separate.js'
import type { CaseComparison } from './comparison.js'
import { ranked } from './figures.js'
import type { CaseResult } from './results.js'
import { errorOfLook } from './schedule.js'
import { verdictOf } from './verdict.js'

export interface PairedDecision {
  threshold: number
  /** How often all comparisons together may be wrong about equal code, over all looks. */
  error: number
  comparisons: number
}

/**
 * The log of head over base and its interval at a look. Rounds are compared with the rounds that they took turns with;
 * a unit's difference is the median of those of its rounds, so that one that was disturbed does not spoil it.
 */
export function logRatio(
  baseNs: readonly (readonly number[])[],
  headNs: readonly (readonly number[])[],
  { error, comparisons }: PairedDecision,
  look: number,
): Estimate {
  const differences = baseNs.map((rounds, unit) =>
    median(rounds.map((ns, round) => Math.log(headNs[unit]![round]!) - Math.log(ns))),
  )
  return middleOf(ranked(differences), 1 - errorOfLook(error / comparisons, look))
}

/** The first count of units at which a comparison can be decided: a few more than have an interval at all. */
export function firstLook({ error, comparisons }: PairedDecision): number {
  return fewestDifferences(1 - errorOfLook(error / comparisons, 1)) + 1
}

/** Two cases, or two sides of one, whose samples took turns. */
export function comparePaired(
  name: string,
  base: CaseResult,
  head: CaseResult,
  decision: PairedDecision,
  look: number,
): CaseComparison {
  const estimate = logRatio(base.roundsNs, head.roundsNs, decision, look)
  const error = errorOfLook(decision.error / decision.comparisons, look)
  return {
    name,
    verdict: verdictOf(estimate, decision.threshold),
    beforeNs: base.medianNs,
    afterNs: head.medianNs,
    ratio: Math.exp(estimate.value),
    interval: ratioInterval(estimate, 1 - error),
    units: base.unitsNs.length,
    ops: compareOps(base, head, decision.threshold, error, 0),
  }
}
