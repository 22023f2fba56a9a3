import { asyncRows } from '../model/async-rows.js'
import { countText, durationText, percentText } from '../model/figure-text.js'
import { printedName, printedPath } from '../model/names.js'
import { type OpRow, opRows, type ReportSource, type SortedKey, type TracerOption } from '../model/ops.js'
import { processText } from '../model/process-text.js'
import { hasGpuTime } from '../model/quality.js'
import { bar, TimeScale } from './number-text.js'
import type { Block } from './op-report.js'
import { type Column, type TableRow, tableLines } from './text-table.js'

const BAR_CELLS = 8
const ALWAYS = Number.POSITIVE_INFINITY

/** How a sorted key reads after "sorted by". The first six are those of the original. */
export const ORDER_TEXT: Record<SortedKey, string> = {
  default: 'event first end time',
  calls: 'number of calls',
  total: 'total time',
  min: 'minimum time',
  max: 'maximum time',
  ave: 'average time',
  cpu: 'cpu time',
  gpu: 'gpu time',
  p99: '99th percentile',
  self: 'self time',
}

export function eventSummaryLines(
  source: ReportSource,
  sortedKey: SortedKey,
  tracerOption: TracerOption,
  width: number,
): Block {
  const rows = opRows(source, { sortedKey, tracerOption })
  const table = opTable(source, rows, sortedKey)
  return {
    title: 'Event Summary',
    note: `sorted by ${ORDER_TEXT[sortedKey]}`,
    lines:
      rows.length === 0
        ? ['  No ops were recorded. Wrap work in record(), recordSync() or op().']
        : tableLines(table.columns, rows.map(table.row), width),
  }
}

/** One table with a title per thread; only when several threads ran ops, else it would repeat the merged one. */
export function perThreadLines(
  source: ReportSource,
  sortedKey: SortedKey,
  tracerOption: TracerOption,
  width: number,
): Block {
  const rows = opRows(source, { sortedKey, tracerOption, thread: 'per-thread' })
  const threads = [...new Set(rows.map(row => row.thread ?? 0))]
  const title = 'Per Thread'
  if (threads.length < 2) return { title, lines: [] }
  const table = opTable(source, rows, sortedKey)
  const lines = threads.flatMap((thread): TableRow[] => {
    const own = rows.filter(row => row.thread === thread)
    const totalNs = own.reduce((ns, row) => ns + (row.depth === 0 ? row.totalNs : 0), 0)
    return [
      { cells: [`  ${threadText(source, thread)} · ${durationText(totalNs)}`], isTitle: true },
      ...own.map(row => ({ ...table.row(row), indent: row.depth + 2 })),
    ]
  })
  return { title, note: 'ratio of the time of its thread', lines: tableLines(table.columns, lines, width) }
}

/** `thread 1 (worker pool 1)`; of a merged recording `thread 1 (worker pool 1) of server.mjs 4242 on host-a`. */
export function threadText(source: ReportSource, thread: number): string {
  const { name = '', jsThreadId = -1, process = 0 } = source.view.threads[thread] ?? {}
  const label = name !== '' ? name : jsThreadId === 0 ? 'main' : jsThreadId > 0 ? `worker ${jsThreadId}` : ''
  const text = label === '' ? `thread ${thread}` : `thread ${thread} (${printedName(label)})`
  const ofProcess = source.view.processes[process]
  return ofProcess === undefined ? text : `${text} of ${processText(ofProcess)}`
}

interface Field extends Column {
  cell(row: OpRow): string
}

function opTable(
  source: ReportSource,
  rows: readonly OpRow[],
  sortedKey: SortedKey,
): { columns: Column[]; row(row: OpRow): TableRow } {
  const total = TimeScale.ofLargest(rows.map(row => row.totalNs))
  const finished = rows.filter(row => row.calls > 0)
  const each = TimeScale.ofMedian(
    finished.map(row => row.aveNs),
    finished.reduce((ns, row) => Math.max(ns, row.maxNs), 0),
  )
  const hasGpu = source.meta.state === 'All' && hasGpuTime(source)
  const totals = [`total in ${total.unit.name}`, total.unit.name]
  const calls = [`per call in ${each.unit.name}`, `each in ${each.unit.name}`, each.unit.name]
  const time = (head: string, keep: number, ns: (row: OpRow) => number, block: string[]): Field => {
    const scale = block === totals ? total : each
    return { head, keep, block, cell: row => (row.calls === 0 ? '–' : scale.cell(ns(row))) }
  }
  // `keep` is the order in which columns go when the width is short: bar, Min, CPU, Max, p50, GPU, Ave, p99, Self.
  const fields: Field[] = [
    { head: 'Event', keep: ALWAYS, cell: eventName },
    { head: 'Calls', keep: ALWAYS, cell: row => countText(row.calls) },
    time('Total', ALWAYS, row => row.totalNs, totals),
    time('Self', 9, row => row.selfNs, totals),
    // CPU is Total without GPU, and Min says the least of the five: both are the first to go.
    ...(hasGpu
      ? [{ ...time('CPU', 3, row => row.cpuNs, totals), isSpare: true }, time('GPU', 6, row => row.gpuNs, totals)]
      : []),
    { ...time('Min', 2, row => row.minNs, calls), isSpare: true },
    time('Ave', 7, row => row.aveNs, calls),
    time('p50', 5, row => row.p50Ns, calls),
    time('p99', 8, row => row.p99Ns, calls),
    time('Max', 4, row => row.maxNs, calls),
    { head: 'Ratio', keep: ALWAYS, cell: row => (row.calls === 0 ? '–' : percentText(row.ratio)) },
    { head: '', keep: 1, isSpare: true, align: 'left', cell: row => bar(row.ratio, BAR_CELLS).trimEnd() },
  ]
  const sortHead = SORT_HEAD[sortedKey]
  return {
    // The column that the order comes from stays, or the order could not be seen.
    columns: fields.map(field => (field.head === sortHead ? { ...field, keep: ALWAYS } : field)),
    row: row => ({ indent: row.depth + 1, cells: fields.map(field => field.cell(row)) }),
  }
}

const SORT_HEAD: Partial<Record<SortedKey, string>> = {
  max: 'Max',
  min: 'Min',
  ave: 'Ave',
  cpu: 'CPU',
  gpu: 'GPU',
  p99: 'p99',
  self: 'Self',
}

/** A top-level row shows its whole path, since an async parent is not in this table. */
function eventName(row: OpRow): string {
  const name = row.depth === 0 ? printedPath(row.path) : printedName(row.name)
  return row.calls === 0 && row.unfinished > 0 ? `${name} (unfinished)` : name
}

export function asyncLines(source: ReportSource, width: number): Block {
  const rows = asyncRows(source)
  const title = 'Async Operations'
  if (rows.length === 0) return { title, lines: [] }
  const finished = rows.filter(row => row.calls > 0)
  const scale = TimeScale.ofMedian(
    finished.map(row => row.meanNs),
    finished.reduce((ns, row) => Math.max(ns, row.maxNs), 0),
  )
  const block = [`wall per call in ${scale.unit.name}`, scale.unit.name]
  const columns: Column[] = [
    { head: 'Event', keep: ALWAYS },
    { head: 'Calls', keep: ALWAYS },
    { head: 'Mean', keep: ALWAYS, block },
    { head: 'p50', keep: 3, block },
    { head: 'p99', keep: ALWAYS, block },
    { head: 'Max', keep: 2, block },
    { head: 'Peak', keep: ALWAYS },
    ...(rows.some(row => row.unfinished > 0) ? [{ head: 'Open', keep: 4 }] : []),
  ]
  const cells = rows.map(
    (row): TableRow => ({
      indent: row.depth + 1,
      cells: [
        row.depth === 0 ? printedPath(row.path) : printedName(row.name),
        countText(row.calls),
        ...[row.meanNs, row.p50Ns, row.p99Ns, row.maxNs].map(ns => (row.calls === 0 ? '–' : scale.cell(ns))),
        countText(row.peakConcurrency),
        countText(row.unfinished),
      ],
    }),
  )
  return {
    title,
    note: 'overlapping, so in no total; Peak: open at one time',
    lines: tableLines(columns, cells, width),
  }
}
