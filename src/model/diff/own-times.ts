import { FLAG_ASYNC, type RecordingView } from '../../binding.js'

/** Of each span, what none of its children accounts for, so that a change shows where it is and not all the way up. */
export interface OwnTimes {
  /**
   * Host time that no child on the same thread covers, as Self in the report. Of an async span, wall time that no child
   * covers, wherever it ran.
   */
  hostNs: Float64Array
  /** GPU time that was launched by no child. Absent when nothing ran on a GPU. */
  gpuNs?: Float64Array
}

/** Starts of the spans as numbers. */
export function startsOf({ spans }: RecordingView): Float64Array {
  return Float64Array.from(spans.startNs, Number)
}

/** Children come in the order of their starts, so what those of a span cover is known up to one point. */
export function ownTimes(view: RecordingView, startNs: Float64Array): OwnTimes {
  const { parent, flags, durationNs } = view.spans
  const endNs = startNs.map((start, row) => start + Number(durationNs[row]))
  const hostEndNs = hostEnds(view, startNs, endNs)
  const thread = threadsOf(view)
  const hostNs = endNs.map((end, row) => end - startNs[row]!)
  const coveredTo = Float64Array.from(startNs)
  for (const row of inOrderOf(startNs)) {
    const above = parent[row]!
    if (above < 0) continue
    const isUnderAsync = (flags[above]! & FLAG_ASYNC) !== 0
    if (!isUnderAsync && thread[row] !== thread[above]) continue
    const to = Math.min(isUnderAsync ? endNs[row]! : hostEndNs[row]!, endNs[above]!)
    const from = Math.max(startNs[row]!, coveredTo[above]!)
    if (to <= from) continue
    hostNs[above]! -= to - from
    coveredTo[above] = to
  }
  const gpuNs = ownGpuTimes(view)
  return { hostNs, ...(gpuNs === undefined ? {} : { gpuNs }) }
}

function ownGpuTimes({ spans }: RecordingView): Float64Array | undefined {
  if (spans.gpuNs.length === 0) return undefined
  const own = Float64Array.from(spans.gpuNs, Number)
  for (const [row, parent] of spans.parent.entries()) if (parent >= 0) own[parent]! -= Number(spans.gpuNs[row])
  // A child's GPU time is in that of the spans around it on any thread; should a file say otherwise, nothing is negative.
  return own.map(ns => Math.max(0, ns))
}

/** When the part of a span that its thread was busy with ended: of an async one, its return. */
function hostEnds({ asyncs }: RecordingView, startNs: Float64Array, endNs: Float64Array): Float64Array {
  const ends = Float64Array.from(endNs)
  for (const [at, row] of asyncs.row.entries()) {
    ends[row] = Math.max(startNs[row]!, Math.min(endNs[row]!, asyncs.returnNs[at]!))
  }
  return ends
}

function threadsOf({ threads, spans }: RecordingView): Int32Array {
  const of = new Int32Array(spans.parent.length)
  for (const [thread, { firstRow, rowCount }] of threads.entries()) of.fill(thread, firstRow, firstRow + rowCount)
  return of
}

function inOrderOf(startNs: Float64Array): Iterable<number> {
  const rows = startNs.keys()
  if (startNs.every((start, row) => row === 0 || startNs[row - 1]! <= start)) return rows
  return Uint32Array.from(rows).sort((a, b) => startNs[a]! - startNs[b]! || a - b)
}
