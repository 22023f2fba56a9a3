import { lowerBound } from '../../model/lower-bound.js'
import { FLAG_ASYNC, FLAG_TIMED, type PageRecording, type PageThread } from '../recording.js'
import { rowsByStart } from '../rows-by-start.js'
import type { PlacedEvents } from './row-index.js'

export interface ThreadRows {
  /** What the thread did, one row a nesting depth. */
  nested: PlacedEvents
  depthCount: number
  /** Spans that need lanes, by start: async ones for their whole life, and timed ones that do not nest in the rest. */
  loose: Uint32Array
}

/**
 * Nests a thread's spans by time. An async span lies on its thread until its synchronous part returned. One that was
 * given with both times nests if it ends within what is open at its start, and no span of the thread begins inside it
 * that was not given so.
 */
export function nestThread(recording: PageRecording, thread: PageThread): ThreadRows {
  const { startNs, durationNs, parent, flags } = recording.spans
  const order =
    rowsByStart(startNs, thread) ?? Uint32Array.from({ length: thread.rowCount }, (_, at) => thread.firstRow + at)
  const nested = {
    count: 0,
    events: new Uint32Array(thread.rowCount),
    rows: new Uint32Array(thread.rowCount),
    durationsNs: new Float64Array(thread.rowCount),
  }
  const loose: number[] = []
  const open: { row: number; endNs: number }[] = []
  let nextOwn = 0
  let depthCount = 0
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!
    const start = startNs[row]!
    // What ended at this very moment has ended, unless it is the parent: an empty span can hold empty spans.
    while (open.length > 0 && open.at(-1)!.endNs <= start && open.at(-1)!.row !== parent[row]) open.pop()
    const isAsync = (flags[row]! & FLAG_ASYNC) !== 0
    if (isAsync) loose.push(row)
    const end = isAsync ? returnOf(recording, row) : start + durationNs[row]!
    if (isAsync && end <= start) continue
    if ((flags[row]! & FLAG_TIMED) !== 0) {
      nextOwn = Math.max(nextOwn, at + 1)
      while (nextOwn < order.length && (flags[order[nextOwn]!]! & FLAG_TIMED) !== 0) nextOwn++
      const nextStart = nextOwn < order.length ? startNs[order[nextOwn]!]! : Number.POSITIVE_INFINITY
      if (end > (open.at(-1)?.endNs ?? Number.POSITIVE_INFINITY) || nextStart < end) {
        if (!isAsync) loose.push(row)
        continue
      }
    }
    nested.events[nested.count] = row
    nested.rows[nested.count] = open.length
    nested.durationsNs[nested.count++] = end - start
    open.push({ row, endNs: end })
    depthCount = Math.max(depthCount, open.length)
  }
  return { nested, depthCount, loose: Uint32Array.from(loose) }
}

/** When the synchronous part of an async span returned; its start: nothing of it ran synchronously. */
function returnOf({ returns, spans }: PageRecording, row: number): number {
  const at = lowerBound(returns.row, row)
  return returns.row[at] === row ? returns.atNs[at]! : spans.startNs[row]!
}
