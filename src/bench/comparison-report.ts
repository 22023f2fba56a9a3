import { changeText, durationText, plural } from '../model/figure-text.js'
import { printedPath } from '../model/names.js'
import { type Column, tableLines } from '../report/text-table.js'
import { cutMiddle } from '../text-width.js'
import type { CaseComparison, Comparison, ComparisonData } from './comparison.js'
import { widthOf, wrapped } from './results-report.js'

const ALWAYS = Number.POSITIVE_INFINITY
const COLUMNS: readonly Column[] = [
  { head: 'case', keep: ALWAYS },
  { head: 'before', keep: 7 },
  { head: 'after', keep: 7 },
  { head: 'change', keep: ALWAYS },
  { head: 'interval', keep: 9 },
  { head: 'verdict', keep: ALWAYS, align: 'left' },
]

/** A comparison as text, without a newline at its end. */
export function formatComparison(comparison: ComparisonData, options: { columns?: number } = {}): string {
  const width = widthOf(options.columns)
  const { before, after, method, cases } = comparison
  const how = method === 'interleaved' ? 'in turns' : 'in runs of their own'
  return [
    ...wrapped(`${after} against ${before}, measured ${how}`, width),
    '',
    ...(cases.length === 0 ? ['Nothing was compared.'] : tableLines(COLUMNS, cases.map(rowOf), width)),
    ...cases.flatMap(each => opLines(each, width)),
    '',
    ...noteLines(comparison).flatMap(text => wrapped(text, width)),
  ]
    .join('\n')
    .trimEnd()
}

function rowOf(each: CaseComparison) {
  return { cells: [each.name, ...cellsOf(each)], indent: 1 }
}

function cellsOf({ beforeNs, afterNs, ratio, interval, verdict }: Comparison): string[] {
  return [
    durationText(beforeNs),
    durationText(afterNs),
    changeText(ratio - 1),
    interval === null ? '–' : `${changeText(interval.low - 1)} … ${changeText(interval.high - 1)}`,
    verdict === 'slower' ? 'SLOWER' : verdict,
  ]
}

/** The ops of a case that changed; the others are counted. */
function opLines(each: CaseComparison, width: number): string[] {
  const changed = each.ops.filter(({ verdict }) => verdict === 'slower' || verdict === 'faster')
  if (changed.length === 0) return []
  const rest = each.ops.length - changed.length
  return [
    '',
    cutMiddle(`Ops of ${each.name} that changed`, width),
    ...tableLines(
      [{ head: 'op', keep: ALWAYS }, ...COLUMNS.slice(1)],
      changed.map(op => ({ cells: [printedPath(op.path), ...cellsOf(op)], indent: 1 })),
      width,
    ),
    ...(rest === 0 ? [] : [`  ${plural(rest, 'op')} more: the same, or not to be told`]),
  ]
}

function noteLines({ threshold, confidence, cases, leftOut, warnings }: ComparisonData): string[] {
  const percent = (share: number) => `${Number((share * 100).toFixed(3))} %`
  const notes: string[] = []
  if (cases.length > 0) {
    notes.push(
      `A change of ${percent(threshold)} is to be found; the line lies at half of it. Intervals hold together at ${percent(confidence)}.`,
    )
  }
  const open = cases.filter(({ verdict }) => verdict === 'undecided')
  if (open.length > 0) {
    notes.push(
      `Undecided (${open.map(({ name }) => name).join(', ')}): the interval is too wide to tell. More time, or a quieter machine, narrows it.`,
    )
  }
  return [...notes, ...leftOut.map(text => `Not compared: ${text}`), ...warnings.map(text => `Warning: ${text}`)]
}
