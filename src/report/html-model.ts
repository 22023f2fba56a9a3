// Capture → what the page is told as JSON. The same rows as the tables of the report, bounded: a page with more rows
// than anybody reads would only be slower to open, and what is left out is said on it.
import type { NativePageColumns, NativeWarning } from '../binding.js'
import { asyncRows } from '../model/async-rows.js'
import { gpuOf } from '../model/capture-meta.js'
import { copySummary } from '../model/copies.js'
import { deviceRows } from '../model/devices.js'
import { eventLoop } from '../model/event-loop.js'
import { type FindingCode, findings } from '../model/findings.js'
import { gapRows } from '../model/gaps.js'
import { kernelRows } from '../model/kernels.js'
import { memoryRows } from '../model/memory.js'
import { cutPath } from '../model/names.js'
import type { ReportSource } from '../model/ops.js'
import { overhead } from '../model/overhead.js'
import { placesText, processEntries, processRows } from '../model/processes.js'
import { syncRows } from '../model/syncs.js'
import type { FindingPlace, PageModel, PageSection } from '../page/page-model.js'
import { VERSION } from '../version.js'
import { pageGaps } from './html-gaps.js'
import { OpIndex } from './html-ops.js'

// 20,000 op rows are 6 MB of JSON, which a browser reads in 60 ms.
const MOST_OPS = 20_000
// Of the other tables.
const MOST_ROWS = 5_000

export interface PageFacts {
  /** What is recorded, or the name of its file. */
  title?: string
  /** Of the recording and of what came after it. */
  warnings: readonly NativeWarning[]
}

export function pageModel(source: ReportSource, packed: NativePageColumns, { title, warnings }: PageFacts): PageModel {
  const { view, meta } = source
  const leftOut = new Map<string, number>()
  /** The first ones; tables have the rows that matter most first. */
  const most = <Row>(table: string, rows: Row[]): Row[] => {
    if (rows.length > MOST_ROWS) leftOut.set(table, rows.length - MOST_ROWS)
    return rows.slice(0, MOST_ROWS)
  }
  const ops = new OpIndex(source, MOST_OPS)
  if (ops.leftOut > 0) leftOut.set('ops', ops.leftOut)
  const tables = {
    asyncOps: most('async calls', asyncRows(source)).map(shortPath),
    kernels: most('kernels', kernelRows(source)),
    gaps: gapRows(source).map(({ hostPath, before, after, ...gap }) => {
      return { ...gap, hostPath: cutPath(hostPath), before: shortPath(before), after: shortPath(after) }
    }),
    syncs: most('waits', syncRows(source)).map(shortPath),
    memory: most('allocations', memoryRows(source)).map(shortPath),
  }
  return {
    opscope: VERSION,
    title: title ?? titleOf(source),
    state: meta.state,
    sortedKey: meta.sortedKey ?? 'default',
    durationNs: view.durationNs,
    originEpochNs: String(view.originEpochNs),
    host: meta.host ?? '',
    gpu: gpuOf(source),
    attributes: { ...meta.attributes },
    missing: pageGaps(source, warnings, { attributes: packed.leftOutAttributes, rows: leftOut }),
    findings: findings(source).map(({ range, ...finding }) => {
      return { ...finding, op: cutPath(finding.op), place: placeOf(finding, range, ops) }
    }),
    overhead: overhead(source),
    ops: ops.rows,
    copies: copySummary(source),
    devices: deviceRows(source),
    ...tables,
    eventLoop: eventLoop(source),
    spanCount: view.spans.startNs.length,
    columns: packed.columns,
    names: view.names,
    threads: view.threads,
    processes: processEntries(view, meta).map(({ name, host, id }) => ({ name, host, id })),
    strings: packed.strings,
    streamNames: packed.streamNames,
    pauses: view.pauses,
  }
}

/** The file that ran, or how many processes on how many hosts. */
function titleOf({ view, meta }: ReportSource): string {
  const processes = processRows(view, meta)
  const [first] = processes
  if (processes.length > 1) return placesText(processes)
  return first === undefined || first.name === '' ? 'opscope' : first.name.replace(/^.*[/\\](?=[^/\\])/, '')
}

const SECTIONS: Record<FindingCode, PageSection> = {
  'cpu-bound': 'ops',
  'framework-overhead': 'ops',
  copies: 'copies',
  'gpu-idle': 'gaps',
  'launch-bound': 'kernels',
  'blocking-copies': 'copies',
  'pageable-copies': 'copies',
  'small-copies': 'copies',
  'low-occupancy': 'kernels',
  'event-loop-blocked': 'event-loop',
  queueing: 'requests',
  gc: 'event-loop',
  'dropped-spans': 'missing',
  'unfinished-spans': 'missing',
  'recording-cost': 'missing',
}
function placeOf(
  { code, op }: { code: FindingCode; op: string[] },
  range: { startNs: number; endNs: number } | undefined,
  ops: OpIndex,
): FindingPlace {
  if (range !== undefined) return { kind: 'time', ...range }
  const row = op.length === 0 ? -1 : ops.find(op)
  return row < 0 ? { kind: 'section', section: SECTIONS[code] } : { kind: 'op', op: row }
}

function shortPath<Row extends { path: string[] }>(row: Row): Row {
  return { ...row, path: cutPath(row.path) }
}
