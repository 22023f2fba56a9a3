// Whether something got slower, from single measurements. docs/diff.md tells the method and its limits; the steps:
//
// 1. Witnesses of a recording are cut into blocks of equally many, in their order; a block says its median. Calls that
//    follow each other share what else the machine does, and a test that takes them for independent finds differences
//    between equal programs.
// 2. The change is the Hodges-Lehmann shift of the blocks' logarithms, so a factor, and its interval.
// 3. Where most of a group moved alike, that is the machine or a cause common to all: the drift. The spread around it
//    is what two recordings of one program differ by here, which no recording can tell by itself.
// 4. A row is slower if Mann-Whitney rejects that it grew by at most its threshold: the least change that counts, or
//    what drift and spread explain. Holm's correction over all rows keeps the probability of one false verdict.
// 5. Its fast calls must say so too. Other load slows a part of the calls, and changes of a program all of them.
import {
  ascending,
  blockMedians,
  DEVIATION_TO_SIGMA,
  type Estimate,
  holm,
  mannWhitney,
  median,
  quantile,
  shiftBetween,
} from '../statistics.js'
import type { CheckedDiffOptions } from './options.js'

export type Verdict = 'slower' | 'faster' | 'same' | 'unsure' | 'added' | 'removed'
/**
 * Why a verdict is `unsure`: `few-calls`, too few to tell; `drift`, it moved as most others did; `uneven`, the fast calls
 * are as fast as before; `noise`, the interval holds both a change that counts and none.
 */
export type Doubt = 'few-calls' | 'drift' | 'uneven' | 'noise'

/** Witnesses of one row, by recording. */
export interface Pair {
  before: readonly Float64Array[]
  after: readonly Float64Array[]
  /** The least change that counts, as a share of the time per call before. */
  leastChange: number
  /** It has at least the share of all time that counts, so it takes part in finding the drift. */
  isWeighty: boolean
}
export interface Judgement {
  verdict: Exclude<Verdict, 'added' | 'removed'>
  doubt?: Doubt
  /** After over before, less 1; the interval holds it with the confidence asked for, for this row alone. NaN: unknown. */
  change: Estimate
  /** Of the test, as it counts among all rows; 1 where none was possible. */
  p: number
}
/** How most rows of a group moved. */
export interface Drift {
  /** After over before, less 1. */
  change: number
  /** Of the rows around it, as the standard deviation of a logarithm. */
  spread: number
  /** Rows that it was found from. */
  rows: number
}

// A block of 1,000 batches is 50 of them long, beyond most bursts of other load; with more blocks, shorter ones, the
// interval claims more than one recording knows.
const BLOCKS = 20
// Of fewer, Mann-Whitney cannot go below p = 0.008 however far apart they are.
const MIN_BLOCKS = 5
// Below, the median of the changes may be that of the changed rows, and a spread is a guess.
const MIN_FOR_SPREAD = 5
// Rows that stand still, counted among the rows of a group: most programs differ in few ops.
const STILL_ROWS = 2
/**
 * How many of its standard deviations a spread explains: beyond three lie 0.3 % of normal values, and where the spread
 * was found from few rows, it is itself uncertain. A median deviation of n values is as good as a standard deviation of
 * 0.37 n; Student's t for that many asks for what this formula gives, within 10 % from 10 rows on.
 */
const sigmasOf = (rows: number) => 3 * (1 + 8 / rows)
// The fastest tenth: of the 20 to 100 calls that a short recording has, more than one.
const FAST_SHARE = 0.1

interface Logs {
  before: Float64Array
  after: Float64Array
  shift: Estimate
}

/** Judges the rows of groups that drift apart: ops of the host, what a GPU did. */
export function judge(
  groups: readonly (readonly Pair[])[],
  { confidence, drift: driftOption }: Pick<CheckedDiffOptions, 'confidence' | 'drift'>,
): { judgements: Judgement[][]; drifts: Drift[] } {
  const logs = groups.map(pairs => pairs.map(pair => logsOf(pair, confidence)))
  const drifts = groups.map((pairs, group) => driftOf(pairs, logs[group]!, driftOption))
  const tests = groups.map((pairs, group) => pairs.map((pair, at) => test(pair, logs[group]![at]!, drifts[group]!)))
  const adjusted = holm(tests.flat().map(({ p }) => p))
  let next = 0
  const judgements = groups.map((pairs, group) =>
    pairs.map((pair, at) => {
      const p = adjusted[next++]!
      return verdictOf(pair, logs[group]![at]!, { ...tests[group]![at]!, p }, 1 - confidence)
    }),
  )
  return { judgements, drifts }
}

function logsOf({ before, after }: Pair, confidence: number): Logs {
  const logs = { before: blockLogs(before), after: blockLogs(after) }
  const unknown = { value: Number.NaN, low: Number.NaN, high: Number.NaN }
  const hasBoth = logs.before.length > 0 && logs.after.length > 0
  return { ...logs, shift: hasBoth ? shiftBetween(logs.before, logs.after, confidence) : unknown }
}

function blockLogs(recordings: readonly Float64Array[]): Float64Array {
  const each = Math.max(MIN_BLOCKS, Math.floor(BLOCKS / recordings.length))
  // A clock that tells µs calls short times 0; as 1 ns they have a logarithm.
  return Float64Array.from(
    recordings.flatMap(times => [...blockMedians(times, each)].map(ns => Math.log(Math.max(1, ns)))),
  )
}

function isEnough({ before, after }: Logs): boolean {
  return before.length >= MIN_BLOCKS && after.length >= MIN_BLOCKS
}

function driftOf(pairs: readonly Pair[], logs: readonly Logs[], option: 'auto' | 'off'): Drift {
  const moved = pairs.flatMap(({ isWeighty }, at) => (isWeighty && isEnough(logs[at]!) ? [logs[at]!.shift.value] : []))
  if (option === 'off' || moved.length === 0) return { change: 0, spread: 0, rows: 0 }
  const all = [...moved, ...new Array<number>(STILL_ROWS).fill(0)]
  const middle = median(all)
  const spread =
    moved.length < MIN_FOR_SPREAD ? 0 : DEVIATION_TO_SIGMA * median(all.map(shift => Math.abs(shift - middle)))
  return { change: Math.expm1(middle), spread, rows: moved.length }
}

interface Test {
  /** The logarithms of the factors beyond which it is slower, or faster. */
  up: number
  down: number
  p: number
}

function test(pair: Pair, logs: Logs, drift: Drift): Test {
  const least = Math.log1p(pair.leastChange) + recordingsApart(pair.before) + recordingsApart(pair.after)
  const middle = Math.log1p(drift.change)
  const margin = Math.max(least, sigmasOf(drift.rows + STILL_ROWS) * drift.spread)
  const up = Math.max(least, middle + margin)
  const down = Math.min(-least, middle - margin)
  if (!isEnough(logs)) return { up, down, p: 1 }
  const slower = mannWhitney(moved(logs.before, up), logs.after).pGreater
  const faster = mannWhitney(moved(logs.before, down), logs.after).pLess
  return { up, down, p: Math.min(1, 2 * Math.min(slower, faster)) }
}

const moved = (logs: Float64Array, by: number) => logs.map(log => log + by)

/**
 * Half of the way between the lowest and the highest of the recordings' medians: with several recordings on a side, a
 * change counts if even the two closest differ by more than the least that does.
 */
function recordingsApart(recordings: readonly Float64Array[]): number {
  const medians = recordings.filter(times => times.length > 0).map(times => Math.log(Math.max(1, median(times))))
  if (medians.length < 2) return 0
  return (Math.max(...medians) - Math.min(...medians)) / 2
}

function verdictOf(pair: Pair, logs: Logs, { up, down, p }: Test, alpha: number): Judgement {
  const { value, low, high } = logs.shift
  const change = { value: Math.expm1(value), low: Math.expm1(low), high: Math.expm1(high) }
  const least = Math.log1p(pair.leastChange)
  const unsure = (doubt: Doubt): Judgement => ({ verdict: 'unsure', doubt, change, p })
  if (p < alpha) {
    const fast = fastChange(pair)
    const isEven = value > 0 ? fast > up : fast < down
    return isEven ? { verdict: value > 0 ? 'slower' : 'faster', change, p } : unsure('uneven')
  }
  // What has no weight on either side cannot have changed by what counts.
  if (!isEnough(logs)) return pair.isWeighty ? unsure('few-calls') : { verdict: 'same', change, p }
  if (-least < low && high < least) return { verdict: 'same', change, p }
  return unsure(low > least || high < -least ? 'drift' : 'noise')
}

/** How the tenth fastest of a hundred witnesses moved. */
function fastChange({ before, after }: Pair): number {
  const fast = (recordings: readonly Float64Array[]) =>
    Math.log(Math.max(1, quantile(ascending(recordings.flatMap(times => [...times])), FAST_SHARE)))
  return fast(after) - fast(before)
}
