// What lies in a stretch of time, added up by path: one pass over the spans, one over the GPU's rows. Times are those
// parts of spans and GPU work that lie inside.
import { lowerBound } from '../../../model/lower-bound.js'
import type { TimeRange } from '../../page-state.js'
import { FLAG_ASYNC, FLAG_UNFINISHED, GPU_SYNC, type PageRecording } from '../../recording.js'
import type { SpanPaths } from './span-paths.js'

/** By path; times in ns. */
export interface RangeSums {
  /** Finished spans that lie in the range with at least a part. */
  calls: Float64Array
  /** Likewise of those that were open when the recording stopped; they are in no time. */
  unfinished: Float64Array
  cpuNs: Float64Array
  /** Of what was launched inside of the spans, wherever they lie themselves. */
  gpuNs: Float64Array
  /** Host time that no child covers; of async spans, of their synchronous part. */
  selfNs: Float64Array
  /** Of one call; infinite and 0 without any. */
  minNs: Float64Array
  maxNs: Float64Array
}

export type Time = 'CPU' | 'GPU' | 'All'

export function rangeSums(recording: PageRecording, paths: SpanPaths, range: TimeRange, time: Time): RangeSums {
  const column = (): Float64Array => new Float64Array(paths.count)
  const sums: RangeSums = {
    calls: column(),
    unfinished: column(),
    cpuNs: column(),
    gpuNs: column(),
    selfNs: column(),
    minNs: column().fill(Number.POSITIVE_INFINITY),
    maxNs: column(),
  }
  const gpuOfSpan = gpuBySpan(recording, range)
  addSpans(recording, paths, range, time, gpuOfSpan, sums)
  if (gpuOfSpan !== undefined) {
    const { flags } = recording.spans
    for (let span = 0; span < flags.length; span++) {
      if (gpuOfSpan[span]! > 0 && (flags[span]! & FLAG_UNFINISHED) === 0) {
        sums.gpuNs[paths.ofSpan[span]!]! += gpuOfSpan[span]!
      }
    }
  }
  return sums
}

/** Whether a stretch lies in the range; one of no length does where it touches it. */
export function isInside(startNs: number, endNs: number, range: TimeRange): boolean {
  if (startNs === endNs) return startNs >= range.startNs && startNs <= range.endNs
  return startNs < range.endNs && endNs > range.startNs
}

// As in the native table: what children cover of a span is known up to one point, since they arrive in the order of
// their starts. A child that began before its parent covers nothing of it.
function addSpans(
  recording: PageRecording,
  paths: SpanPaths,
  range: TimeRange,
  time: Time,
  gpuOfSpan: Float64Array | undefined,
  sums: RangeSums,
): void {
  const { startNs: starts, durationNs: durations, parent: parents, flags: allFlags } = recording.spans
  const { calls, cpuNs, selfNs, minNs, maxNs } = sums
  const { ofSpan } = paths
  const from = range.startNs
  const to = range.endNs
  const coveredTo = new Float64Array(starts.length)
  const hostEnds = new HostEnds(recording)
  recording.threads.forEach(({ firstRow, rowCount }, thread) => {
    const order = paths.orders[thread]
    for (let at = 0; at < rowCount; at++) {
      const span = order === undefined ? firstRow + at : order[at]!
      const start = starts[span]!
      if (start > to) break
      const end = start + durations[span]!
      if (end < from || (start !== end && (start === to || end === from))) continue
      const path = ofSpan[span]!
      const flags = allFlags[span]!
      const clippedStart = Math.max(start, from)
      const hostEnd = (flags & FLAG_ASYNC) === 0 ? end : hostEnds.of(span)
      const clippedHostEnd = Math.min(hostEnd, to)
      coveredTo[span] = clippedStart

      if ((flags & FLAG_UNFINISHED) !== 0) sums.unfinished[path]!++
      else {
        const cpu = Math.min(end, to) - clippedStart
        const gpu = gpuOfSpan === undefined ? 0 : gpuOfSpan[span]!
        const spent = time === 'CPU' ? cpu : time === 'GPU' ? gpu : cpu + gpu
        calls[path]!++
        cpuNs[path]! += cpu
        selfNs[path]! += Math.max(0, clippedHostEnd - clippedStart)
        if (spent < minNs[path]!) minNs[path] = spent
        if (spent > maxNs[path]!) maxNs[path] = spent
      }

      const parent = parents[span]!
      if (parent < firstRow || parent >= firstRow + rowCount) continue
      const parentFlags = allFlags[parent]!
      const isAfterParent = starts[parent]! < start || (starts[parent] === start && parent < span)
      if ((parentFlags & FLAG_UNFINISHED) !== 0 || !isAfterParent) continue
      const parentEnd = (parentFlags & FLAG_ASYNC) === 0 ? starts[parent]! + durations[parent]! : hostEnds.of(parent)
      const coverEnd = Math.min(clippedHostEnd, parentEnd)
      const coverStart = Math.max(clippedStart, coveredTo[parent]!)
      if (coverEnd <= coverStart) continue
      selfNs[ofSpan[parent]!]! -= coverEnd - coverStart
      coveredTo[parent] = coverEnd
    }
  })
}

/** When the synchronous part of an async span ended; asked for in nearly ascending order. */
class HostEnds {
  readonly #recording: PageRecording
  #next = 0

  constructor(recording: PageRecording) {
    this.#recording = recording
  }

  of(span: number): number {
    const { returns, spans } = this.#recording
    const start = spans.startNs[span]!
    const end = start + spans.durationNs[span]!
    const at = this.#find(span)
    return at < 0 ? start : Math.min(Math.max(returns.atNs[at]!, start), end)
  }
  #find(span: number): number {
    const { row } = this.#recording.returns
    if (row[this.#next] === span) return this.#next
    if (row[this.#next + 1] === span) return ++this.#next
    const at = lowerBound(row, span)
    if (row[at] !== span) return -1
    this.#next = at
    return at
  }
}

/** GPU time inside the range, of each span with what is inside of it; undefined: none at all. */
function gpuBySpan({ gpu, spans }: PageRecording, range: TimeRange): Float64Array | undefined {
  let times: Float64Array | undefined
  for (let row = 0; row < gpu.startNs.length; row++) {
    const start = gpu.startNs[row]!
    if (start >= range.endNs) break
    const inside = Math.min(start + gpu.durationNs[row]!, range.endNs) - Math.max(start, range.startNs)
    if (inside <= 0 || gpu.span[row]! < 0 || gpu.kind[row] === GPU_SYNC) continue
    times ??= new Float64Array(spans.startNs.length)
    times[gpu.span[row]!]! += inside
  }
  if (times === undefined) return undefined
  for (let span = times.length; span-- > 0; ) {
    const own = times[span]!
    if (own === 0) continue
    // Where a parent comes later, as on a later thread, its own turn is over: what it is given goes on at once.
    let parent = spans.parent[span]!
    for (; parent > span; parent = spans.parent[parent]!) times[parent]! += own
    if (parent >= 0) times[parent]! += own
  }
  return times
}
