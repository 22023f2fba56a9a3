import { FLAG_ASYNC, FLAG_TIMED, type PageRecording, type PageThread } from '../recording.js'
import type { PlacedEvents } from './row-index.js'

export interface ThreadRows {
  /** What the thread did, one row a nesting depth. */
  nested: PlacedEvents
  depthCount: number
  /** Spans that need lanes, by start: async ones for their whole life, and timed ones that do not nest in the rest. */
  loose: Uint32Array
}

/**
 * Nests a thread's spans by time. An async span lies on its thread until its synchronous part returned. Spans given
 * with both times follow after the others in the columns; each nests if it ends within what is open at its start and
 * no span of the thread begins inside it.
 */
export function nestThread(recording: PageRecording, thread: PageThread): ThreadRows {
  const { startNs, durationNs, parent, flags } = recording.spans
  const end = thread.firstRow + thread.rowCount
  const order = new Merged(recording, thread)
  const nested = {
    count: 0,
    events: new Uint32Array(thread.rowCount),
    rows: new Uint32Array(thread.rowCount),
    durationsNs: new Float64Array(thread.rowCount),
  }
  const loose: number[] = []
  const open: { row: number; endNs: number }[] = []
  const returns = new Returns(recording, thread.firstRow)
  let depthCount = 0
  for (let row = order.next(); row < end; row = order.next()) {
    const start = startNs[row]!
    // What ended at this very moment has ended, unless it is the parent: an empty span can hold empty spans.
    while (open.length > 0 && open.at(-1)!.endNs <= start && open.at(-1)!.row !== parent[row]) open.pop()
    const isAsync = (flags[row]! & FLAG_ASYNC) !== 0
    const isTimed = (flags[row]! & FLAG_TIMED) !== 0
    if (isAsync) loose.push(row)
    const spanEnd = isAsync ? (isTimed ? start : returns.of(row, start)) : start + durationNs[row]!
    if (isAsync && spanEnd <= start) continue
    const above = open.at(-1)
    if (isTimed && ((above !== undefined && spanEnd > above.endNs) || order.nextOwnStartNs() < spanEnd)) {
      if (!isAsync) loose.push(row)
      continue
    }
    nested.events[nested.count] = row
    nested.rows[nested.count] = open.length
    nested.durationsNs[nested.count++] = spanEnd - start
    open.push({ row, endNs: spanEnd })
    depthCount = Math.max(depthCount, open.length)
  }
  return { nested, depthCount, loose: Uint32Array.from(loose) }
}

/** A thread's own spans and those given with both times, as one sequence by start; past it, the end of its rows. */
class Merged {
  readonly #startNs: Float64Array
  readonly #end: number
  readonly #ownEnd: number
  #own: number
  #timed: number

  constructor({ spans }: PageRecording, { firstRow, rowCount }: PageThread) {
    this.#startNs = spans.startNs
    this.#end = firstRow + rowCount
    let ownEnd = this.#end
    while (ownEnd > firstRow && (spans.flags[ownEnd - 1]! & FLAG_TIMED) !== 0) ownEnd--
    this.#ownEnd = ownEnd
    this.#own = firstRow
    this.#timed = ownEnd
  }
  nextOwnStartNs(): number {
    return this.#own < this.#ownEnd ? this.#startNs[this.#own]! : Number.POSITIVE_INFINITY
  }
  next(): number {
    const ownNs = this.nextOwnStartNs()
    const timedNs = this.#timed < this.#end ? this.#startNs[this.#timed]! : Number.POSITIVE_INFINITY
    if (ownNs === Number.POSITIVE_INFINITY && timedNs === ownNs) return this.#end
    return ownNs <= timedNs ? this.#own++ : this.#timed++
  }
}

/** When synchronous parts returned; asked in ascending order of rows. */
class Returns {
  readonly #returns: PageRecording['returns']
  #at: number

  constructor({ returns }: PageRecording, firstRow: number) {
    this.#returns = returns
    let low = 0
    let high = returns.row.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (returns.row[middle]! < firstRow) low = middle + 1
      else high = middle
    }
    this.#at = low
  }
  /** `otherwise`: nothing of it ran synchronously. */
  of(row: number, otherwise: number): number {
    const { row: rows, atNs } = this.#returns
    while (this.#at < rows.length && rows[this.#at]! < row) this.#at++
    return rows[this.#at] === row ? atNs[this.#at]! : otherwise
  }
}
