import { CATEGORIES, type NativeWarning, type OpColumns, type RecordingView } from '../binding.js'
import type { ReportSource } from './ops.js'

/** How far the figures can be trusted. */
export interface TraceQuality {
  /** Session length without the pauses. */
  recordedNs: number
  wallNs: number
  pausedNs: number
  spans: number
  dropped: number
  unfinished: number
  unmatchedEnds: number
  gpuRows: number
  /** GPU rows that no span launched as far as is known: in no op's GPU time. */
  orphanGpuRows: number
  /** opscope's own cost: measured per span, times the spans, as a share of the recorded time. */
  own?: { spanNs: number; totalNs: number; ratio: number }
  /** Time of integrations' own work (category overhead), by name: loading and ending profiled twins. */
  integrations: { name: string; calls: number; totalNs: number }[]
  /** Model runs without figures per op. */
  notBrokenDown: number
  warnings: NativeWarning[]
}

export function traceQuality({ view, meta, merged }: ReportSource): TraceQuality {
  const pausedNs = view.pauses.reduce((ns, pause) => ns + (pause.endNs - pause.startNs), 0)
  const recordedNs = Math.max(0, view.durationNs - pausedNs)
  const spans = view.spans.startNs.length
  const spanNs = meta.spanCostNs
  return {
    recordedNs,
    wallNs: view.durationNs,
    pausedNs,
    spans,
    dropped: view.dropped,
    unfinished: view.unfinished,
    unmatchedEnds: view.warnings.reduce((count, { code, count: n }) => count + (code === 'unmatched-ends' ? n : 0), 0),
    gpuRows: view.gpu.span.length,
    orphanGpuRows: view.gpu.span.reduce((count, span) => count + (span < 0 ? 1 : 0), 0),
    ...(spanNs === undefined
      ? {}
      : { own: { spanNs, totalNs: spanNs * spans, ratio: recordedNs > 0 ? (spanNs * spans) / recordedNs : 0 } }),
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

/** Time during which at least one kernel, copy or fill ran on some GPU. */
export function gpuBusyNs({ view }: ReportSource): number {
  const { startNs, endNs } = view.gpu
  let busy = 0
  let covered = Number.NEGATIVE_INFINITY
  for (let row = 0; row < startNs.length; row++) {
    // Rows are ordered by start, so only the part past all earlier ones is new.
    const end = endNs[row]!
    if (end > covered) {
      busy += end - Math.max(startNs[row]!, covered)
      covered = end
    }
  }
  return busy
}

/** Whether anything ran on a GPU: decides if CPU and GPU time are told apart. */
export function hasGpuTime({ view, merged }: ReportSource): boolean {
  return view.gpu.kind.length > 0 || merged.gpuNs.some(gpuNs => gpuNs > 0)
}
