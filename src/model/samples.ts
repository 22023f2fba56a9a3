import { type RecordingView, ROLES } from '../binding.js'

const SAMPLE = ROLES.indexOf('sample')

/** Threads that are no threads, but tracks of what a sampling profiler saw of one. */
export function sampledTracks({ threads, names, spans }: RecordingView): ReadonlySet<number> {
  const isSampled = (row: number) => names[spans.name[row]!]!.role === SAMPLE
  return new Set(
    threads.flatMap(({ firstRow, rowCount }, thread) => (rowCount > 0 && isSampled(firstRow) ? [thread] : [])),
  )
}

/** How many spans were recorded, and not sampled. */
export function recordedSpanCount(view: RecordingView): number {
  let count = view.spans.startNs.length
  for (const thread of sampledTracks(view)) count -= view.threads[thread]!.rowCount
  return count
}
