import { CATEGORIES, FLAG_ASYNC, FLAG_TIMED, type RecordingView } from '../binding.js'
import { pathOfRow } from './row-path.js'

/** A stretch during which one synchronous piece of work kept a JavaScript thread from its event loop. */
export interface Blocking {
  path: string[]
  thread: number
  startNs: number
  durationNs: number
  /** How many stretches reached the threshold. */
  count: number
}

// Where one child fills so much of its parent, the child is the op to act on.
const CULPRIT_SHARE = 0.8

/**
 * The longest stretch of at least `thresholdNs` on any JavaScript thread. A stretch is a synchronous span that is
 * not inside another one of its thread, or the synchronous start of an async span.
 */
export function longestBlocking(view: RecordingView, thresholdNs: number): Blocking | undefined {
  const { spans } = view
  let returns: Map<number, number> | undefined
  let longest: { row: number; thread: number; durationNs: number } | undefined
  let count = 0
  view.threads.forEach(({ jsThreadId, firstRow, rowCount }, thread) => {
    if (jsThreadId < 0) return
    let covered = Number.NEGATIVE_INFINITY
    for (const row of rowsOfAtLeast(spans.durationNs, thresholdNs, firstRow, rowCount)) {
      const startNs = Number(spans.startNs[row]!)
      const isAsync = (spans.flags[row]! & FLAG_ASYNC) !== 0
      if (isAsync) returns ??= new Map(Array.from(view.asyncs.row, (of, index) => [of, view.asyncs.returnNs[index]!]))
      const endNs = isAsync ? (returns?.get(row) ?? startNs) : startNs + Number(spans.durationNs[row]!)
      if (startNs < covered || !isWork(view, row) || mayRunElsewhere(view, row)) continue
      covered = endNs
      if (endNs - startNs < thresholdNs) continue
      count++
      if (longest === undefined || endNs - startNs > longest.durationNs) {
        longest = { row, thread, durationNs: endNs - startNs }
      }
    }
  })
  if (longest === undefined) return undefined
  const { row, thread, durationNs } = longest
  return {
    path: pathOfRow(view, culprit(view, row, thread)),
    thread,
    startNs: Number(spans.startNs[row]!),
    durationNs,
    count,
  }
}

// What is shorter can neither block nor cover what blocks. Reads the upper and lower halves as plain
// numbers: a BigInt per span would take a second at 1e7 spans.
function rowsOfAtLeast(durationNs: BigInt64Array, thresholdNs: number, first: number, count: number): number[] {
  const halves = new Uint32Array(durationNs.buffer, durationNs.byteOffset, durationNs.length * 2)
  const rows: number[] = []
  for (let row = first; row < first + count; row++) {
    if (halves[2 * row]! >= thresholdNs || halves[2 * row + 1] !== 0) rows.push(row)
  }
  return rows
}

// Collections and loop spans tell the same story from the other side and have findings of their own.
function isWork(view: RecordingView, row: number): boolean {
  const category = CATEGORIES[view.names[view.spans.name[row]!]!.category]!
  return category !== 'gc' && category !== 'event_loop' && category !== 'overhead'
}

// The nodes of an async model run are imported with both times under the run: they ran on a thread of the runtime.
function mayRunElsewhere({ spans }: RecordingView, row: number): boolean {
  const parent = spans.parent[row]!
  return (spans.flags[row]! & FLAG_TIMED) !== 0 && parent >= 0 && (spans.flags[parent]! & FLAG_ASYNC) !== 0
}

function culprit(view: RecordingView, top: number, thread: number): number {
  const { spans, threads } = view
  const end = threads[thread]!.firstRow + threads[thread]!.rowCount
  let row = top
  for (;;) {
    let longest = -1
    for (
      let child = row + 1;
      child < end && spans.startNs[child]! < spans.startNs[row]! + spans.durationNs[row]!;
      child++
    ) {
      const isChild = spans.parent[child] === row && (spans.flags[child]! & FLAG_ASYNC) === 0 && isWork(view, child)
      if (isChild && (longest < 0 || spans.durationNs[child]! > spans.durationNs[longest]!)) longest = child
    }
    if (longest < 0 || Number(spans.durationNs[longest]!) < CULPRIT_SHARE * Number(spans.durationNs[row]!)) return row
    row = longest
  }
}
