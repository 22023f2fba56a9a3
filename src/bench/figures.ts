// From what was measured to what is told.
import { medianInterval } from '../model/median-interval.js'
import { middleOf } from '../model/signed-rank.js'
import { ascending, blockMedians, type Estimate, median, medianDeviation, quantile } from '../model/statistics.js'
import type { Arm } from './arm.js'
import type { OpFigure } from './host.js'
import type { CaseResult, Figures, Interval, OpResult, Share } from './results.js'
import { errorOfLook } from './schedule.js'

/** How often an interval of a median may miss it, over all looks. */
export const MEDIAN_ERROR = 0.05
// Units that follow each other share what the machine does at the time. So many stretches of them count as witnesses:
// enough for a narrow interval, few enough to be long when many units are alike.
const WITNESSES = 24

/** Null for an end that is infinite: too few values. */
export function intervalOf({ low, high }: Estimate, confidence: number): Interval | null {
  return Number.isFinite(low) && Number.isFinite(high) ? { low, high, confidence } : null
}

// Tests of ranks hold all pairs of their values: of so many half a million, or a million of two samples, in 8 MB.
const MOST_RANKED = 1000

/** Few enough values for a test of ranks: medians of stretches where a long run has more. */
export function ranked(values: readonly number[]): Float64Array {
  return blockMedians(values, MOST_RANKED)
}

/** Values of units that can be taken for independent. */
export function witnesses(unitsNs: readonly number[]): Float64Array {
  return blockMedians(unitsNs, WITNESSES)
}

/** The median of units and its interval at a look. */
export function unitMedian(unitsNs: readonly number[], look: number): { value: number; interval: Interval | null } {
  const confidence = 1 - errorOfLook(MEDIAN_ERROR, look)
  const estimate = medianInterval(witnesses(unitsNs), confidence)
  return { value: estimate.value, interval: intervalOf(estimate, confidence) }
}

/** Whether half the interval is at most this share of the median. */
export function isNarrow(value: number, interval: Interval | null, share: number): boolean {
  return interval !== null && interval.high - interval.low <= 2 * share * value
}

/** Whether every case has the interval that was asked for. */
export function areNarrow(arms: readonly Arm[], look: number, targetInterval: number): boolean {
  return arms.every(arm => {
    const { value, interval } = unitMedian(arm.unitNs(), look)
    return isNarrow(value, interval, targetInterval)
  })
}

export function caseResult(arm: Arm, look: number, targetInterval: number): CaseResult {
  const { caseName, isAsync, items, iterations, paceNs, failure } = arm
  const unitsNs = arm.unitNs()
  const hasUnits = unitsNs.length > 0
  const { value, interval } = hasUnits ? unitMedian(unitsNs, look) : { value: 0, interval: null }
  const isApart = arm.iterationNs.count > 0
  const sampleNs = arm.sampleNs()
  const tail = isApart ? arm.iterationNs.values : sampleNs
  const waitShares = arm.samples.values.map(({ ns, waitNs }) => waitNs / ns)
  return {
    name: caseName,
    run: 0,
    isAsync,
    items,
    itemsPerSecond: value > 0 ? (items * 1e9) / value : 0,
    iterations,
    samples: arm.samples.count,
    p99Of: isApart ? 'iteration' : 'sample',
    waitShare: median(waitShares) || 0,
    isWaitLeftOut: arm.isAlone,
    medianNs: value,
    madNs: hasUnits ? medianDeviation(sampleNs) : 0,
    p99Ns: hasUnits ? quantile(ascending(tail), 0.99) : 0,
    interval,
    isSettled: isNarrow(value, interval, targetInterval),
    unitsNs,
    roundsNs: arm.roundNs(),
    paceNs: [...paceNs],
    ops: opResults(arm.profiledOps),
    profilerCost: profilerCost(arm.profilerCosts),
    ...(failure !== undefined && { failure }),
  }
}

function profilerCost(logs: readonly number[]): Share | null {
  if (logs.length === 0) return null
  const confidence = 1 - MEDIAN_ERROR
  const { value, low, high } = middleOf(ranked(logs), confidence)
  return {
    value: Math.expm1(value),
    interval: intervalOf({ value, low: Math.expm1(low), high: Math.expm1(high) }, confidence),
  }
}

/** One row for each path, in the order of the first sample that has it. */
export function opResults(samples: readonly (readonly OpFigure[])[]): OpResult[] {
  const byPath = new Map<string, (OpFigure | undefined)[]>()
  for (const [at, ops] of samples.entries()) {
    for (const op of ops) {
      const key = JSON.stringify(op.path)
      const figures = byPath.get(key) ?? new Array<OpFigure | undefined>(samples.length).fill(undefined)
      figures[at] = added(figures[at], op)
      byPath.set(key, figures)
    }
  }
  // A sample without the op had none of its time.
  return [...byPath].map(([key, figures]) => {
    const valuesNs = figures.map(figure => figure?.ns ?? 0)
    return {
      path: JSON.parse(key) as string[],
      calls: quantile(ascending(figures.map(figure => figure?.calls ?? 0)), 0.5),
      gpuNs: quantile(ascending(figures.map(figure => figure?.gpuNs ?? 0)), 0.5),
      valuesNs,
      ...figuresOf(valuesNs),
    }
  })
}

/** Ops of one path that differ in their category or role. */
function added(known: OpFigure | undefined, op: OpFigure): OpFigure {
  if (known === undefined) return op
  return { path: op.path, calls: known.calls + op.calls, ns: known.ns + op.ns, gpuNs: known.gpuNs + op.gpuNs }
}

function figuresOf(valuesNs: readonly number[]): Figures {
  const estimate = medianInterval(valuesNs, 1 - MEDIAN_ERROR)
  return {
    medianNs: estimate.value,
    madNs: medianDeviation(valuesNs),
    p99Ns: quantile(ascending(valuesNs), 0.99),
    interval: intervalOf(estimate, 1 - MEDIAN_ERROR),
  }
}
