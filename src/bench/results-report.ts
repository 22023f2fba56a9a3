import process from 'node:process'

import { addedText, countText, durationText, grouped, percentText, plural } from '../model/figure-text.js'
import { printedPath } from '../model/names.js'
import { type Column, type TableRow, tableLines } from '../report/text-table.js'
import { cutMiddle, pieces } from '../text-width.js'
import type { BenchData, CaseResult, Figures, Interval, OpResult, ResultsReportOptions } from './results.js'

const MIN_COLUMNS = 60
const MAX_COLUMNS = 160
const DEFAULT_COLUMNS = 80
// An op below this share of its case is left out: hundreds of them would hide those that matter.
const LEAST_SHARE = 0.005
const ALWAYS = Number.POSITIVE_INFINITY

const CASE_COLUMNS: readonly Column[] = [
  { head: 'case', keep: ALWAYS },
  { head: 'median', keep: ALWAYS },
  { head: 'interval', keep: 9 },
  { head: 'mad', keep: 6 },
  { head: 'p99', keep: 8 },
  { head: 'per s', keep: 7 },
  { head: 'samples', keep: 3 },
  { head: 'recording', keep: 4 },
]
const OP_COLUMNS: readonly Column[] = [
  { head: 'op', keep: ALWAYS },
  { head: 'median', keep: ALWAYS },
  { head: 'share', keep: 9 },
  { head: 'calls', keep: 8 },
  { head: 'interval', keep: 7 },
  { head: 'mad', keep: 5 },
  { head: 'p99', keep: 6 },
]

export function widthOf(columns: number | undefined): number {
  const asked = columns ?? process.stdout.columns ?? DEFAULT_COLUMNS
  return Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, Math.floor(asked) || DEFAULT_COLUMNS))
}

/** Results as text, without a newline at its end. */
export function formatResults(results: BenchData, options: ResultsReportOptions = {}): string {
  const width = widthOf(options.columns)
  const { node, cpu, cores, load } = results.environment
  const measured = results.cases.filter(({ unitsNs }) => unitsNs.length > 0)
  const units = measured.reduce((most, { unitsNs }) => Math.max(most, unitsNs.length), 0)
  const unit = results.unit === 'launch' && units !== 1 ? 'launches' : results.unit === 'launch' ? 'launch' : 'round'
  const count = results.unit === 'launch' ? `${units} ${unit}` : plural(units, 'round')
  const facts = [`Node ${node}`, `${cpu}, ${plural(cores, 'core')}`, `load ${load.toFixed(1)}`]
  return [
    ...wrapped(
      `${results.title}: ${plural(results.cases.length, 'case')}, ${count} in ${durationText(results.durationMs * 1e6)}`,
      width,
    ),
    ...pieces(facts, width, ''),
    '',
    ...(measured.length === 0 ? [] : [...tableLines(CASE_COLUMNS, measured.map(caseRow), width), '']),
    ...noteLines(results, measured, width),
    ...(options.isShort === true ? [] : measured.flatMap(each => opLines(each, width))),
  ]
    .join('\n')
    .trimEnd()
}

function caseRow(each: CaseResult): TableRow {
  return {
    cells: [
      each.name,
      durationText(each.medianNs),
      intervalText(each.medianNs, each.interval) + (each.isSettled ? '' : ' !'),
      durationText(each.madNs),
      durationText(each.p99Ns),
      rateText(each.itemsPerSecond),
      countText(each.samples),
      each.profilerCost === null ? '' : addedText(each.profilerCost.value),
    ],
    indent: 1,
  }
}

/** `±0.8%`: half the width. */
export function intervalText(value: number, interval: Interval | null): string {
  if (interval === null || !(value > 0)) return '–'
  const half = (interval.high - interval.low) / 2 / value
  return `±${(half * 100).toFixed(half < 0.0995 ? 1 : 0)}%`
}

/** Per second: `81.2`, `12,400`. */
function rateText(rate: number): string {
  return grouped(rate < 10 ? rate.toFixed(2) : rate < 1000 ? rate.toFixed(1) : rate.toFixed(0))
}

/** What is to be known of the figures, each once. */
function noteLines(results: BenchData, measured: readonly CaseResult[], width: number): string[] {
  const notes: string[] = []
  const confidence = measured.find(({ interval }) => interval !== null)?.interval?.confidence
  if (confidence !== undefined) notes.push(`Intervals are of the median, at ${(confidence * 100).toFixed(1)} %.`)
  const loose = measured.filter(({ isSettled }) => !isSettled)
  if (loose.length > 0) {
    const asked = `±${(results.targetInterval * 100).toFixed(1)}%`
    notes.push(
      `! ${loose.length === measured.length ? 'No case' : `Not every case (${loose.map(({ name }) => name).join(', ')})`} reached the interval of ${asked} that was asked for: its figures are as sure as the interval says, and no surer. More time, or a quieter machine, narrows it.`,
    )
  }
  const short = measured.filter(({ p99Of }) => p99Of === 'sample').map(({ name }) => name)
  if (short.length > 0) {
    notes.push(`Too short to time one by one (${short.join(', ')}): their p99 is of samples of many iterations.`)
  }
  const waiting = measured.filter(({ waitShare }) => waitShare > 0.05)
  if (waiting.length > 0) {
    const share = waiting.reduce((most, { waitShare }) => Math.max(most, waitShare), 0)
    const kept = waiting.filter(({ isWaitLeftOut }) => !isWaitLeftOut).map(({ name }) => name)
    notes.push(
      `Other programs wanted the CPU: up to ${percentText(share)} of a sample was spent waiting for it, and is left out of the times, but not of the p99.`,
      ...(kept.length === 0 ? [] : [`It is part of the times of ${kept.join(', ')}, which run threads of their own.`]),
    )
  }
  if (measured.some(({ profilerCost }) => profilerCost !== null)) {
    notes.push(
      'Times are without the profiler; "recording" is what it adds, measured in turns. Ops are of profiled samples.',
    )
  }
  for (const { name, failure } of results.cases) {
    if (failure !== undefined) notes.push(`FAILED ${name}, in its ${failure.stage}: ${failure.message}`)
  }
  const lines = [...notes, ...results.warnings.map(text => `Warning: ${text}`)]
  return lines.flatMap(text => wrapped(text, width))
}

/** Lines of at most `width` cells, broken at spaces. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const each of text.split(/\s+/)) {
    const word = cutMiddle(each, width)
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** A table of the ops of a case, after an empty line; no lines without ops. */
export function opLines(each: Pick<CaseResult, 'name' | 'medianNs' | 'ops'>, width: number): string[] {
  const rows = each.ops.filter(({ medianNs }) => medianNs >= LEAST_SHARE * each.medianNs)
  if (rows.length === 0) return []
  const few = each.ops.length - rows.length
  return [
    '',
    cutMiddle(`Ops of ${each.name}, per iteration`, width),
    ...tableLines(
      OP_COLUMNS,
      rows.map(op => opRow(op, each)),
      width,
    ),
    ...(few === 0 ? [] : [`  … and ${plural(few, 'op')} below ${LEAST_SHARE * 100} % of the case`]),
  ]
}

function opRow(op: OpResult, { medianNs }: Pick<Figures, 'medianNs'>): TableRow {
  const depth = op.path.length
  return {
    cells: [
      printedPath(op.path.slice(-1)),
      durationText(op.medianNs),
      `${((op.medianNs / medianNs) * 100).toFixed(1)}%`,
      op.calls < 10 && !Number.isInteger(op.calls) ? op.calls.toFixed(2) : countText(op.calls),
      intervalText(op.medianNs, op.interval),
      durationText(op.madNs),
      durationText(op.p99Ns),
    ],
    indent: depth,
  }
}
