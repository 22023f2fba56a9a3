import { OpscopeError } from '../errors.js'
import { ascending, type Estimate, median, normalQuantile, quantile, shiftBetween } from '../model/statistics.js'
import { checkedCompareOptions } from './compare-options.js'
import {
  BenchComparison,
  type CaseComparison,
  type CompareOptions,
  type OpComparison,
  unlikeTimes,
} from './comparison.js'
import { doubts, unlikeness } from './environment.js'
import { intervalOf, ranked, witnesses } from './figures.js'
import type { BenchData, CaseResult } from './results.js'
import { verdictOf } from './verdict.js'

/**
 * By how much two runs of the same code differ, as a standard deviation of the log, where a run is one process and so
 * says nothing about it. Launches of two cases of docs/bench.md had 0.9 % and 2.8 %, on a shared machine of two cores.
 */
const ONE_PROCESS_SPREAD = 0.02

/**
 * Compares two runs that were made one after the other. Nothing cancels the difference between the two moments, so this
 * finds less than runs that take turns: the interval is of launches of each run, and where the machine itself was
 * measured to be slower or faster, it reaches from what was measured to what would be so on an unchanged machine.
 * @throws OpscopeError ERR_OPSCOPE_UNLIKE when the machines were, ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const found = compare(await loadResults('before.json'), await loadResults('after.json'))
 * console.log(found.report())
 */
export function compare(before: BenchData, after: BenchData, options: CompareOptions = {}): BenchComparison {
  const { threshold, confidence, allowUnlike } = checkedCompareOptions(options)
  const unlike = unlikeness(before.environment, after.environment)
  if (unlike.length > 0 && !allowUnlike) {
    throw new OpscopeError(
      'ERR_OPSCOPE_UNLIKE',
      `The two runs were made on unlike machines (${unlike.join('; ')}).`,
      'Run both on one machine, or allow it (allowUnlike, --allow-unlike) and read the figures with that in mind.',
    )
  }
  const names = before.cases.map(({ name }) => name).filter(name => after.cases.some(each => each.name === name))
  const leftOut: string[] = []
  const pairs: [CaseResult, CaseResult][] = []
  for (const name of new Set([...before.cases, ...after.cases].map(each => each.name))) {
    const [a, b] = [before, after].map(({ cases }) => cases.find(each => each.name === name))
    if (a === undefined || b === undefined) leftOut.push(`${name}: only ${a === undefined ? 'after' : 'before'}`)
    else if (a.unitsNs.length === 0 || b.unitsNs.length === 0) leftOut.push(`${name}: nothing was measured`)
    else if (unlikeTimes(a, b) !== undefined) leftOut.push(`${name}: ${unlikeTimes(a, b)}`)
    else pairs.push([a, b])
  }
  const error = (1 - confidence) / Math.max(1, names.length)
  const oneProcessRuns = [before, after].filter(({ unit }) => unit === 'round').length
  return new BenchComparison({
    before: before.title,
    after: after.title,
    method: 'separate',
    threshold,
    confidence,
    cases: pairs.map(([a, b]) => compareCase(a, b, threshold, error, oneProcessRuns)),
    leftOut,
    warnings: [
      'The two runs were made at different moments; --with, or a gate on two files, lets them take turns and finds more.',
      ...(oneProcessRuns > 0
        ? ['A run of one process does not tell how far processes differ: 2 % was taken for it.']
        : []),
      ...unlike,
      ...doubts(before.environment, after.environment),
    ],
  })
}

function compareCase(
  before: CaseResult,
  after: CaseResult,
  threshold: number,
  error: number,
  oneProcessRuns: number,
): CaseComparison {
  const pace = Math.log(median(after.paceNs.filter(isPositive))) - Math.log(median(before.paceNs.filter(isPositive)))
  const shift = logShift(witnesses(before.unitsNs), witnesses(after.unitsNs), 1 - error)
  const spread = Math.sqrt(oneProcessRuns) * ONE_PROCESS_SPREAD * -normalQuantile(error / 2)
  const estimate = withDoubt(shift, Number.isFinite(pace) ? pace : 0, spread)
  return {
    name: before.name,
    verdict: verdictOf(estimate, threshold),
    beforeNs: before.medianNs,
    afterNs: after.medianNs,
    ratio: Math.exp(shift.value),
    interval: ratioInterval(estimate, 1 - error),
    units: Math.min(before.unitsNs.length, after.unitsNs.length),
    ops: compareOps(before, after, threshold, error, Number.isFinite(pace) ? pace : 0),
  }
}

/** Ops of both sides, by their profiled samples; `pace` is 0 where the samples were taken in turns. */
export function compareOps(
  before: CaseResult,
  after: CaseResult,
  threshold: number,
  error: number,
  pace: number,
): OpComparison[] {
  const others = new Map(after.ops.map(op => [JSON.stringify(op.path), op]))
  const pairs = before.ops.flatMap(op => {
    const other = others.get(JSON.stringify(op.path))
    return other === undefined ? [] : [[op, other] as const]
  })
  const errorOfOne = error / Math.max(1, pairs.length)
  return pairs.map(([a, b]) => {
    const shift = logShift(ranked(a.valuesNs.filter(isPositive)), ranked(b.valuesNs.filter(isPositive)), 1 - errorOfOne)
    const estimate = withDoubt(shift, pace, 0)
    return {
      path: a.path,
      verdict: verdictOf(estimate, threshold),
      beforeNs: a.medianNs,
      afterNs: b.medianNs,
      ratio: Math.exp(shift.value),
      interval: ratioInterval(estimate, 1 - errorOfOne),
    }
  })
}

function isPositive(value: number): boolean {
  return value > 0
}

function logShift(before: ArrayLike<number>, after: ArrayLike<number>, confidence: number): Estimate {
  return shiftBetween(Float64Array.from(before, Math.log), Float64Array.from(after, Math.log), confidence)
}

/** From what was measured to what it would be without the change of pace, and `spread` beyond; of values the smallest. */
function withDoubt({ value, low, high }: Estimate, pace: number, spread: number): Estimate {
  const values = ascending([value, value - pace])
  const isAcrossZero = values[0]! < 0 && values[1]! > 0
  return {
    value: isAcrossZero ? 0 : quantile(values, values[0]! >= 0 ? 0 : 1),
    low: Math.min(low, low - pace) - spread,
    high: Math.max(high, high - pace) + spread,
  }
}

export function ratioInterval(estimate: Estimate, confidence: number): CaseComparison['interval'] {
  const { value, low, high } = estimate
  return intervalOf({ value, low: Math.exp(low), high: Math.exp(high) }, confidence)
}
