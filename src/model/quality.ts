import { CATEGORIES, type NativeWarning, type RecordingView } from '../binding.js'
import type { OpColumns } from '../native-tables.js'
import { coveredNs, type Interval } from './intervals.js'
import type { ReportSource } from './ops.js'
import { recordedSpanCount } from './samples.js'

/** How far the figures can be trusted. */
export interface TraceQuality {
  /** Session length without the pauses. */
  recordedNs: number
  wallNs: number
  pausedNs: number
  /** The recorded times of all processes added up: what costs on each of them are shares of. */
  processNs: number
  /** That were recorded: without what a CPU profile adds. */
  spans: number
  dropped: number
  unfinished: number
  unmatchedEnds: number
  gpuRows: number
  /** GPU rows that no span launched as far as is known: in no op's GPU time. */
  orphanGpuRows: number
  /** GPU rows given to the only bracketed call that was in flight: their thread had no span open. */
  exclusionGpuRows: number
  /** What CUPTI says that it cost itself: buffers, flushes, loading of modules. */
  gpuOverheadNs: number
  /** opscope's own cost: measured per span, times the spans, as a share of the recorded time. */
  own?: { spanNs: number; totalNs: number; ratio: number }
  /** Time of integrations' own work (category overhead), by name: loading and ending profiled twins. */
  integrations: { name: string; calls: number; totalNs: number }[]
  /** Model runs without figures per op. */
  notBrokenDown: number
  warnings: NativeWarning[]
}

/** Session length without the pauses; of a merged recording, the time in which at least one process recorded. */
export function recordedNsOf(view: RecordingView): number {
  if (view.processes.length === 0) return Math.max(0, view.durationNs - pausesNs(view.pauses))
  return coveredNs(recordedStretches(view), { startNs: 0, endNs: view.durationNs })
}
/** Of a merged recording, the time in which all of the processes that were there had paused. */
function pausedNsOf(view: RecordingView): number {
  if (view.processes.length === 0) return pausesNs(view.pauses)
  const sessions = view.processes.map(({ startNs, durationNs }) => ({ startNs, endNs: startNs + durationNs }))
  return coveredNs(sessions, { startNs: 0, endNs: view.durationNs }) - recordedNsOf(view)
}
function pausesNs(pauses: RecordingView['pauses']): number {
  return pauses.reduce((ns, pause) => ns + (pause.endNs - pause.startNs), 0)
}
function recordedStretches(view: RecordingView): Interval[] {
  return view.processes.flatMap(({ startNs, durationNs }, index) => {
    const pauses = view.pauses.filter(({ process }) => process === index)
    const starts = [startNs, ...pauses.map(pause => pause.endNs)]
    const ends = [...pauses.map(pause => pause.startNs), startNs + durationNs]
    return starts.map((start, at) => ({ startNs: start, endNs: ends[at]! }))
  })
}
/** Of all processes together: a cost of each span is paid on its own process's time. */
function processTimeNs(view: RecordingView): number {
  if (view.processes.length === 0) return recordedNsOf(view)
  return recordedStretches(view).reduce((ns, { startNs, endNs }) => ns + Math.max(0, endNs - startNs), 0)
}

export function traceQuality({ view, meta, merged, gpu }: ReportSource): TraceQuality {
  const recordedNs = recordedNsOf(view)
  const spans = recordedSpanCount(view)
  const spanNs = meta.spanCostNs
  const ownNs = (spanNs ?? 0) * spans
  const processNs = processTimeNs(view)
  return {
    recordedNs,
    wallNs: view.durationNs,
    processNs,
    pausedNs: pausedNsOf(view),
    spans,
    dropped: view.dropped,
    unfinished: view.unfinished,
    unmatchedEnds: view.warnings.reduce((count, { code, count: n }) => count + (code === 'unmatched-ends' ? n : 0), 0),
    gpuRows: gpu.rows,
    orphanGpuRows: gpu.orphans,
    exclusionGpuRows: gpu.byExclusion,
    gpuOverheadNs: gpu.overheads.reduce((sum, { ns }) => sum + ns, 0),
    ...(spanNs === undefined ? {} : { own: { spanNs, totalNs: ownNs, ratio: processNs > 0 ? ownNs / processNs : 0 } }),
    integrations: overheadOps(view, merged),
    notBrokenDown: meta.notBrokenDown ?? 0,
    warnings: view.warnings,
  }
}

function overheadOps(view: RecordingView, merged: OpColumns): TraceQuality['integrations'] {
  const names = Array.from(merged.name, name => view.names[name]!)
  return names.flatMap(({ text, category }, row) => {
    const isOwn = CATEGORIES[category] === 'overhead' && merged.calls[row]! > 0
    return isOwn ? [{ name: text, calls: merged.calls[row]!, totalNs: merged.cpuNs[row]! }] : []
  })
}

/** Whether anything ran on a GPU: decides if CPU and GPU time are told apart. */
export function hasGpuTime({ gpu, merged }: ReportSource): boolean {
  return gpu.rows > 0 || merged.gpuNs.some(gpuNs => gpuNs > 0)
}
