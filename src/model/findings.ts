// What a reader should do next. Every finding names an op, a figure and a remedy; below its threshold there is none.
import { type AsyncRow, asyncRows } from './async-rows.js'
import { longestBlocking } from './blocking.js'
import { copySummary } from './copies.js'
import { eventLoop } from './event-loop.js'
import { countText, durationText, percentText, plural } from './figure-text.js'
import { gpuFindings } from './gpu-findings.js'
import type { ReportSource } from './ops.js'
import { computeNodes, frameworkNsOf, overhead } from './overhead.js'
import { processText } from './process-text.js'
import { hasGpuTime, traceQuality } from './quality.js'
import { type OpNode, opTree, pathOf, sumTotal, totalOf, walk } from './tree.js'

export type FindingCode =
  | 'cpu-bound'
  | 'framework-overhead'
  | 'copies'
  | 'gpu-idle'
  | 'launch-bound'
  | 'blocking-copies'
  | 'pageable-copies'
  | 'small-copies'
  | 'low-occupancy'
  | 'event-loop-blocked'
  | 'queueing'
  | 'gc'
  | 'dropped-spans'
  | 'unfinished-spans'
  | 'recording-cost'

export interface Finding {
  code: FindingCode
  /** `high`: changes what the run is limited by, or how far this report can be trusted. */
  severity: 'high' | 'medium' | 'low'
  /** Path of the op it is about; empty when it is about the whole recording. */
  op: string[]
  figure: string
  remedy: string
  /** Share of what the finding is measured against, 0..1: the order within a severity. */
  weight: number
  /** Where to look at it, since the start of the session: the longest stretch of those that it is about. */
  range?: { startNs: number; endNs: number }
}

export const THRESHOLDS = {
  /** Below a tenth of the total, making the op free gains less than most runs vary. */
  opShare: 0.1,
  /** Nine tenths on the host: even a GPU that takes no time at all saves a tenth of the op. */
  cpuShare: 0.9,
  /** A third of the time outside of compute is more than a warm executor needs, which stays below a fifth. */
  frameworkShare: 0.33,
  /** Pinned memory or fewer copies win about half of the copy time: a tenth of the run. */
  copyShare: 0.2,
  /** The browsers' definition of a long task; a server misses its p99 with fewer. */
  blockedNs: 50e6,
  /** A request that waits half as long as it runs is limited by capacity, not by the model. */
  queueShareOfRun: 0.5,
  /** A healthy process collects for 1 to 3 % of the time. */
  gcShare: 0.1,
  /** More than the run-to-run noise of a quiet machine. */
  recordingShare: 0.05,
} as const

const SEVERITIES = ['high', 'medium', 'low'] as const

/** The most serious first. */
export function findings(source: ReportSource): Finding[] {
  const roots = opTree(source, 'merged')
  const found = [
    cpuBound(source, roots),
    frameworkOverhead(source, roots),
    copies(source),
    ...gpuFindings(source),
    blockedLoop(source),
    ...queueing(asyncRows(source)),
    collections(source),
    dropped(source),
    unfinished(source, roots),
    recordingCost(source),
  ].filter(finding => finding !== undefined)
  const rank = (finding: Finding): number => SEVERITIES.indexOf(finding.severity)
  return found.sort((a, b) => rank(a) - rank(b) || b.weight - a.weight)
}

function cpuBound(source: ReportSource, roots: OpNode[]): Finding | undefined {
  // Without GPU time everything is CPU time, which is no finding.
  if (source.meta.state !== 'All' || !hasGpuTime(source)) return undefined
  const total = sumTotal(roots)
  const cpuShare = (node: OpNode): number => node.columns.cpuNs[node.row]! / totalOf(node)
  const op = roots
    .filter(node => node.role === 'op' && totalOf(node) > 0)
    .filter(node => totalOf(node) >= THRESHOLDS.opShare * total && cpuShare(node) >= THRESHOLDS.cpuShare)
    .sort((a, b) => totalOf(b) - totalOf(a))
    .map(root => culprit(root, totalOf))[0]
  if (op === undefined) return undefined
  const gpuNs = op.columns.gpuNs[op.row]!
  return {
    code: 'cpu-bound',
    severity: totalOf(op) >= 0.3 * total ? 'high' : 'medium',
    op: pathOf(op.trail),
    figure:
      `is CPU-bound: ${percentText(cpuShare(op))} of its ${durationText(totalOf(op))} is host time, ` +
      (gpuNs > 0 ? `the GPU works for ${durationText(gpuNs)}` : 'the GPU does nothing for it'),
    remedy:
      gpuNs > 0
        ? 'Launch less and larger: bigger batches, fused kernels or a CUDA graph; look for waits on copies inside it.'
        : 'Move it to the GPU, or run it on another thread while the GPU works.',
    weight: totalOf(op) / total,
  }
}

/** Follows the child that makes up most of a row: the op to act on, not the frame around it. */
function culprit(root: OpNode, figure: (node: OpNode) => number): OpNode {
  let node = root
  for (;;) {
    const child = node.children.filter(({ role }) => role === 'op').sort((a, b) => figure(b) - figure(a))[0]
    if (child === undefined || figure(child) < 0.8 * figure(node)) return node
    node = child
  }
}

function frameworkOverhead(source: ReportSource, roots: OpNode[]): Finding | undefined {
  const { frameworkRatio, accumulatedNs, hasPhases } = overhead(source)
  if (frameworkRatio < THRESHOLDS.frameworkShare) return undefined
  const compute = new Set(computeNodes(roots).nodes)
  const ops = roots
    .flatMap(root => (root.role === 'special' ? root.children : [root]))
    .map(node => ({
      node,
      ns: frameworkNsOf(node, compute),
      isBrokenDown: [...walk([node])].some(inner => compute.has(inner)),
    }))
    .sort((a, b) => b.ns - a.ns)
  const worst = ops.find(({ ns, isBrokenDown }) => isBrokenDown && ns >= THRESHOLDS.opShare * accumulatedNs) ?? ops[0]
  if (worst === undefined || worst.ns === 0) return undefined
  const all = `framework overhead is ${percentText(frameworkRatio)} of the op time`
  const finding = { code: 'framework-overhead', op: pathOf(worst.node.trail), weight: frameworkRatio } as const
  if (!worst.isBrokenDown) {
    return {
      ...finding,
      severity: 'low',
      figure: `counts as overhead with its ${durationText(worst.ns)}, as it has no compute phase; ${all}`,
      remedy: "If it computes, mark that with phase('compute'); if not, do it once, before the first request.",
    }
  }
  return {
    ...finding,
    severity: frameworkRatio >= 0.5 ? 'high' : 'medium',
    figure:
      `spends ${durationText(worst.ns)} of its ${durationText(totalOf(worst.node))} outside ` +
      `${hasPhases ? 'compute' : 'its inner ops'}; ${all}`,
    remedy:
      'Give each call more work (larger batches, fused ops), and do preparation, shape inference and copies once.',
  }
}

function copies(source: ReportSource): Finding | undefined {
  const summary = copySummary(source)
  const top = summary.rows[0]
  if (top === undefined || summary.ratio < THRESHOLDS.copyShare) return undefined
  const share = percentText(top.totalNs / summary.totalNs)
  return {
    code: 'copies',
    severity: summary.ratio >= 0.4 ? 'high' : 'medium',
    op: [top.name],
    figure:
      `copies take ${percentText(summary.ratio)} of the op time, ${durationText(summary.totalNs)} in ` +
      `${plural(summary.calls, 'call')}; ${share} of that is this direction`,
    remedy:
      top.mode === 'sync'
        ? 'Keep tensors on the GPU between ops and copy asynchronously: a synchronous copy waits for all earlier work.'
        : 'Keep tensors on the GPU between ops, copy in fewer and larger pieces, from pinned memory.',
    weight: summary.ratio,
  }
}

function blockedLoop(source: ReportSource): Finding | undefined {
  const blocking = longestBlocking(source.view, THRESHOLDS.blockedNs)
  if (blocking === undefined) return undefined
  const { recordedNs } = traceQuality(source)
  const thread = source.view.threads[blocking.thread]!
  const isMain = thread.jsThreadId === 0
  const process = source.view.processes[thread.process]
  const ofProcess = process === undefined ? '' : ` of ${processText(process)}`
  return {
    code: 'event-loop-blocked',
    severity: isMain ? 'high' : 'low',
    op: blocking.path,
    figure:
      `blocked the event loop of ${isMain ? 'the main thread' : `worker ${blocking.thread}`}${ofProcess} for ` +
      `${durationText(blocking.durationNs)}` +
      (blocking.count > 1 ? `, the longest of ${countText(blocking.count)} times over ` : ', over ') +
      durationText(THRESHOLDS.blockedNs),
    remedy: isMain
      ? 'Call the async form, move the work to a worker thread, or split it.'
      : 'Messages to this worker wait meanwhile: split the work or add workers.',
    weight: recordedNs > 0 ? Math.min(1, blocking.durationNs / recordedNs) : 0,
    range: { startNs: blocking.startNs, endNs: blocking.startNs + blocking.durationNs },
  }
}

function queueing(rows: AsyncRow[]): Finding[] {
  const requests = rows.filter(row => row.name === 'queue' && row.calls > 0 && row.path.length > 1)
  return requests.flatMap(queue => {
    const above = queue.path.slice(0, -1)
    const request = rows.find(row => row.path.length === above.length && row.path.every((name, i) => name === above[i]))
    if (request === undefined || request.calls === 0) return []
    const waitNs = queue.totalNs / request.calls
    const runNs = Math.max(0, request.meanNs - waitNs)
    if (waitNs < THRESHOLDS.queueShareOfRun * runNs || waitNs === 0) return []
    return {
      code: 'queueing',
      severity: waitNs >= runNs ? 'high' : 'medium',
      op: request.path,
      figure:
        `waits ${durationText(waitNs)} in the queue for ${durationText(runNs)} of running; ` +
        `up to ${countText(queue.peakConcurrency)} waited at one time, p99 ${durationText(queue.p99Ns)}`,
      remedy: 'Add instances or workers, or batch queued requests together; shed load if both are at their limit.',
      weight: waitNs / (waitNs + runNs),
    } satisfies Finding
  })
}

function collections(source: ReportSource): Finding | undefined {
  const { gc } = eventLoop(source)
  const { processNs } = traceQuality(source)
  const share = processNs > 0 ? gc.totalNs / processNs : 0
  if (share < THRESHOLDS.gcShare) return undefined
  return {
    code: 'gc',
    severity: 'medium',
    op: [gc.kinds[0]!.name],
    figure: `garbage collection took ${percentText(share)} of the time, ${plural(gc.count, 'pause')} up to ${durationText(gc.maxNs)}`,
    remedy: 'Reuse typed arrays and tensors between calls, and dispose of tensors when done.',
    weight: share,
  }
}

function dropped(source: ReportSource): Finding | undefined {
  const { dropped: count, spans } = traceQuality(source)
  if (count === 0) return undefined
  const share = count / (count + spans)
  return {
    code: 'dropped-spans',
    severity: share >= 0.01 ? 'high' : 'medium',
    op: [],
    figure: `${plural(count, 'span')} (${percentText(share)}) found no room in the buffer: calls and totals are too low`,
    remedy: 'Raise bufferMB, record a shorter window, or record fewer categories.',
    weight: share,
  }
}

function unfinished(source: ReportSource, roots: OpNode[]): Finding | undefined {
  const { unfinished: count, spans } = traceQuality(source)
  if (count === 0) return undefined
  const open = (node: OpNode): number => node.columns.unfinished[node.row]!
  const op = [...walk(roots)].sort((a, b) => open(b) - open(a))[0]
  const pending = asyncRows(source).sort((a, b) => b.unfinished - a.unfinished)[0]
  const isAsync = (pending?.unfinished ?? 0) > (op === undefined ? 0 : open(op))
  return {
    code: 'unfinished-spans',
    severity: 'low',
    op: isAsync ? pending!.path : op === undefined || open(op) === 0 ? [] : pathOf(op.trail),
    figure: `${plural(count, 'span')} still open when the recording stopped: not in calls and totals`,
    remedy: isAsync ? 'Await pending work before stopping.' : 'End every begin(), in a finally block, before stopping.',
    weight: spans > 0 ? count / spans : 1,
  }
}

function recordingCost(source: ReportSource): Finding | undefined {
  const { own, spans } = traceQuality(source)
  if (own === undefined || own.ratio < THRESHOLDS.recordingShare) return undefined
  return {
    code: 'recording-cost',
    severity: 'medium',
    op: [],
    figure: `recording ${plural(spans, 'span')} at ${durationText(own.spanNs)} each took ${percentText(own.ratio)} of the time`,
    remedy: 'Instrument larger pieces of work, or record fewer categories.',
    weight: own.ratio,
  }
}
