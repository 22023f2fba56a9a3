import { escapeHtml, htmlTable } from '../html-text.js'
import { asyncRows } from '../model/async-rows.js'
import { countText, durationText, percentText, plural } from '../model/figure-text.js'
import { printedPath } from '../model/names.js'
import { opRows, type ReportSource } from '../model/ops.js'
import { traceQuality } from '../model/quality.js'
import { type Column, tableLines } from './text-table.js'

// A screen of a REPL has 24 lines or more; the reader wants the next prompt on it too.
const MOST_ROWS = 10
const WIDTH = 100
const COLUMNS: readonly Column[] = ['op', 'calls', 'total', 'self', 'p50', 'p99', 'ratio'].map((head, at) => ({
  head,
  keep: at === 0 ? Number.POSITIVE_INFINITY : -at,
}))

interface ShortReport {
  head: string
  rows: readonly (readonly string[])[]
  /** Rows that are not shown. */
  more: number
}

/** A capture at a glance: what was recorded, and the ops that took the most time. */
function shortReport(source: ReportSource, warningCount: number): ShortReport {
  const { meta } = source
  const { wallNs, spans } = traceQuality(source)
  const threads = new Set(source.perThread.thread).size
  const facts = [
    durationText(wallNs),
    `${plural(spans, 'span')} on ${plural(threads, 'thread')}`,
    `state ${meta.state}`,
    ...(warningCount === 0 ? [] : [plural(warningCount, 'warning')]),
  ]
  const ops = opRows(source, { sortedKey: 'total', tracerOption: meta.tracerOption })
  const rows = ops.map(row => [
    printedPath(row.path),
    countText(row.calls),
    ...[row.totalNs, row.selfNs, row.p50Ns, row.p99Ns].map(durationText),
    percentText(row.ratio),
  ])
  // Only async spans were recorded: they overlap, so there is no self time and no share.
  if (rows.length === 0) {
    for (const { path, calls, totalNs, p50Ns, p99Ns } of asyncRows(source))
      rows.push([
        printedPath(path),
        countText(calls),
        durationText(totalNs),
        '',
        durationText(p50Ns),
        durationText(p99Ns),
        '',
      ])
  }
  return {
    head: `Capture (${facts.join(', ')})`,
    rows: rows.slice(0, MOST_ROWS),
    more: Math.max(0, rows.length - MOST_ROWS),
  }
}

export function shortText(source: ReportSource, warningCount: number): string {
  const { head, rows, more } = shortReport(source, warningCount)
  const table =
    rows.length === 0
      ? []
      : tableLines(
          COLUMNS,
          rows.map(cells => ({ cells, indent: 1 })),
          WIDTH,
        )
  return [head, ...table, ...(more === 0 ? [] : [`  … and ${plural(more, 'row')}: report() has all`])].join('\n')
}

export function shortHtml(source: ReportSource, warningCount: number): string {
  const { head, rows, more } = shortReport(source, warningCount)
  const heads = COLUMNS.map(column => column.head)
  const table = rows.length === 0 ? '' : htmlTable(heads, rows, column => column === 0)
  const rest = more === 0 ? '' : `<p>… and ${plural(more, 'row')}: report() has all</p>`
  return `<p><b>${escapeHtml(head)}</b></p>${table}${rest}`
}
