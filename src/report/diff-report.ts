import { isChange } from '../model/diff/changes.js'
import type { Diff } from '../model/diff/diff.js'
import type { CheckedDiffOptions } from '../model/diff/options.js'
import type { OverallRow } from '../model/diff/overall.js'
import type { CopyDiffRow, DiffFigures, DiffRow, KernelDiffRow } from '../model/diff/rows.js'
import type { Drift } from '../model/diff/verdict.js'
import { bytesText, changeText, countText, durationText, percentText, plural, ratioText } from '../model/figure-text.js'
import { printedPath, printedText } from '../model/names.js'
import { pieces, wrap } from '../text-width.js'
import { headline } from './diff-headline.js'
import { TimeScale } from './number-text.js'
import { reportWidth, titleLine } from './op-report.js'
import { type Column, tableLines } from './text-table.js'

export interface DiffReportOptions {
  /** Width in cells; no line is longer. @default that of the terminal, else 100; between 60 and 160 */
  columns?: number
  /** All rows, not only those that changed and the first that cannot be told. @default false */
  all?: boolean
}

const ALWAYS = Number.POSITIVE_INFINITY
// Of those that cannot be told; they are no answer, and a diff of a large model has hundreds.
const MOST_UNSURE = 10
const MOST_CHANGES = 40

/** The diff as text, ending in a newline: the answer first. */
export function formatDiff(
  diff: Diff,
  options: CheckedDiffOptions,
  { columns, all = false }: DiffReportOptions,
): string {
  const width = reportWidth(columns)
  const lines = [...wrap(headline(diff, options), width), ...pieces(methodFacts(diff, options), width, '')]
  for (const note of diff.notes) lines.push(...wrap(note, width))
  for (const { title, note, rows, nameOf, moved } of tablesOf(diff)) {
    if (rows.length === 0) continue
    const { shown, left } = shownRows(rows, all)
    lines.push('', titleLine({ title, ...(note === undefined ? {} : { note }) }, width))
    lines.push(
      ...(shown.length > 0 ? tableLines(...diffTable(shown, nameOf, moved), width) : []),
      ...leftLines(left, width),
    )
  }
  if (diff.overall.length > 0) {
    lines.push('', titleLine({ title: 'Overall', note: OVERALL_NOTE }, width), ...overallLines(diff.overall, width))
  }
  return `${lines.join('\n')}\n`
}

/** How verdicts were found, on one line. */
export function methodFacts(
  { comparable, work, drift }: Diff,
  { minChange, minImpact, confidence }: CheckedDiffOptions,
): string[] {
  if (!comparable) return []
  const drifts: [string, Drift][] = [
    ['drift', drift.host],
    ['GPU drift', drift.gpu],
  ]
  return [
    `What counts: ${percentText(minChange)} per call and ${percentText(minImpact)} of all time`,
    `${percentText(confidence)} sure of times over all rows`,
    ...(work.before === work.after ? [] : [`${ratioText(work.after / work.before)} the work`]),
    ...drifts
      .filter(([, { rows }]) => rows > 0)
      .map(
        ([name, { change, spread, rows }]) =>
          `${name} ${changeText(change)} ± ${percentText(spread)} over ${plural(rows, 'row')}`,
      ),
  ]
}

export interface DiffTable<R extends DiffFigures = DiffFigures> {
  title: string
  note?: string
  rows: readonly R[]
  nameOf(row: DiffFigures): string
  /** `16.0 → 32.0 MiB` of copies. */
  moved?(row: DiffFigures): string
}
export function tablesOf(diff: Diff): DiffTable[] {
  const pathOf = (row: DiffFigures) => {
    const { path, movedFrom } = row as DiffRow
    return `${printedPath(path)}${movedFrom === undefined ? '' : ` (was ${printedPath(movedFrom)})`}`
  }
  const time = { cpu: 'own host time', gpu: 'own GPU time', all: 'own host and GPU time' }[diff.basis]
  return [
    { title: 'Ops', note: time, rows: diff.ops, nameOf: pathOf },
    { title: 'Stages', note: 'async: wall time that nothing inside accounts for', rows: diff.stages, nameOf: pathOf },
    { title: 'Kernels', rows: diff.kernels, nameOf: row => kernelName(row as KernelDiffRow) },
    {
      title: 'Copies',
      rows: diff.copies,
      nameOf: row => copyName(row as CopyDiffRow),
      moved: row => bytesBetween(row as CopyDiffRow),
    },
  ]
}

const kernelName = ({ name, device }: KernelDiffRow) => `${printedText(name)}${device === 0 ? '' : ` on GPU ${device}`}`
function copyName({ name, from, to }: CopyDiffRow): string {
  return from === 'unknown' && to === 'unknown' ? printedText(name) : `${printedText(name)} ${from} to ${to}`
}
function bytesBetween({ bytes }: CopyDiffRow): string {
  const [before, after] = [bytesText(bytes.before), bytesText(bytes.after)]
  return before === after ? after : `${before} → ${after}`
}

function shownRows(rows: readonly DiffFigures[], all: boolean): { shown: DiffFigures[]; left: string[] } {
  if (all) return { shown: [...rows], left: [] }
  const changed = rows.filter(isChange)
  const unsure = rows.filter(row => !isChange(row) && row.verdict === 'unsure')
  const same = rows.length - changed.length - unsure.length
  const left = [
    [changed.length - MOST_CHANGES, 'more that changed'],
    [unsure.length - MOST_UNSURE, 'more that cannot be told'],
    [same, 'without a change that counts'],
  ] as const
  return {
    shown: [...changed.slice(0, MOST_CHANGES), ...unsure.slice(0, MOST_UNSURE)],
    left: left.filter(([count]) => count > 0).map(([count, text]) => `${plural(count, 'row')} ${text}`),
  }
}

function leftLines(left: readonly string[], width: number): string[] {
  return left.length === 0 ? [] : pieces(left, width, '  ')
}

/** `slower`, `unsure: drift`, `same, more calls`. */
export function verdictText({ verdict, doubt, callsVerdict }: DiffFigures): string {
  const text = doubt === undefined ? verdict : `${verdict}: ${doubt.replace('-', ' ')}`
  if (callsVerdict === 'same' || verdict === 'added' || verdict === 'removed') return text
  return verdict === 'same' ? `${callsVerdict} calls` : `${text}, ${callsVerdict} calls`
}
export function callsText({ calls }: DiffFigures): string {
  if (calls.before === calls.after) return countText(calls.after)
  return `${countText(calls.before)} → ${countText(calls.after)}`
}
export function intervalText({ change }: DiffFigures): string {
  if (change === null || change.low === null || change.high === null) return '–'
  return `${changeText(change.low)} to ${changeText(change.high)}`
}
/** `+3.41 ms`, `−41 ns`. */
export function signedDuration(ns: number): string {
  return `${ns > 0 ? '+' : ns < 0 ? '−' : ''}${durationText(Math.abs(ns))}`
}

function diffTable(
  rows: readonly DiffFigures[],
  nameOf: (row: DiffFigures) => string,
  moved: ((row: DiffFigures) => string) | undefined,
): [Column[], { cells: string[]; indent: number }[]] {
  const each = rows.flatMap(({ medianNs }) => [medianNs.before, medianNs.after])
  const scale = TimeScale.ofMedian(each, Math.max(0, ...each))
  const block = [`median call in ${scale.unit.name}`, `each in ${scale.unit.name}`, scale.unit.name]
  const time = (side: 'before' | 'after') => (row: DiffFigures) =>
    row.calls[side] === 0 ? '–' : scale.cell(row.medianNs[side])
  const fields: (Column & { cell(row: DiffFigures): string })[] = [
    { head: 'Name', keep: ALWAYS, cell: nameOf },
    { head: 'Calls', keep: 4, cell: callsText },
    { head: 'Before', keep: 5, block, cell: time('before') },
    { head: 'After', keep: 5, block, cell: time('after') },
    { head: 'Change', keep: ALWAYS, cell: ({ change }) => (change === null ? '–' : changeText(change.ratio)) },
    { head: 'Interval', keep: 2, cell: intervalText },
    ...(moved === undefined ? [] : [{ head: 'Moved', keep: 1, isSpare: true, cell: moved }]),
    { head: 'Effect', keep: 3, cell: ({ effectNs }) => signedDuration(effectNs) },
    { head: 'Verdict', keep: ALWAYS, align: 'left', cell: verdictText },
  ]
  return [fields, rows.map(row => ({ indent: 1, cells: fields.map(({ cell }) => cell(row)) }))]
}

export const OVERALL_NOTE = 'whole recordings, no verdicts'
/** The cells of an overall figure: before, after, change, relative change. */
export function overallCells({ name, beforeNs, afterNs }: OverallRow): string[] {
  const text = (ns: number | null) => (ns === null ? '–' : durationText(ns))
  const isBoth = beforeNs !== null && afterNs !== null
  return [
    name,
    text(beforeNs),
    text(afterNs),
    isBoth ? signedDuration(afterNs - beforeNs) : '–',
    isBoth && beforeNs > 0 ? changeText(afterNs / beforeNs - 1) : '–',
  ]
}
export const OVERALL_HEADS: readonly string[] = ['Figure', 'Before', 'After', 'Difference', 'Change']

function overallLines(rows: readonly OverallRow[], width: number): string[] {
  const columns = OVERALL_HEADS.map(head => ({ head, keep: ALWAYS }))
  return tableLines(
    columns,
    rows.map(row => ({ indent: 1, cells: overallCells(row) })),
    width,
  )
}
