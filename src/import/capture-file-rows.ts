import { FLAG_ASYNC, type ProcessEntry } from '../binding.js'
import { float64, type Growing, int32, uint32 } from '../columns.js'
import type { RawRows } from '../raw-rows.js'
import { RowsBuilder } from '../rows-builder.js'

/** What a capture file knows and plain rows do not. With `spans.parent` nothing is nested by time. */
export interface CaptureFileRows extends RawRows {
  spans: RawRows['spans'] & { parent?: Int32Array }
  marks: RawRows['marks'] & { span?: Int32Array }
  /** When the synchronous part of an async span returned. */
  returns?: { row: Uint32Array; returnNs: Float64Array }
  pauses?: { startNs: number; endNs: number; process?: number }[]
  originClockNs?: bigint
}

/** Rows of a file that opscope wrote: parents are told. */
export class CaptureFileBuilder extends RowsBuilder {
  originClockNs = 0n
  /** Of a merged capture. */
  processes: ProcessEntry[] = []
  /** One per span, set by whoever adds the span; -1: a root. */
  readonly parents: Growing<Int32Array> = int32()
  /** False for the files of others, and when rows are missing, so that their numbers mean nothing. */
  areParentsKnown = false
  /** The innermost span at each mark, -1 none; empty: found by time, of rows that are in begin order. */
  readonly markSpans: Growing<Int32Array> = int32()
  readonly #returnRow = uint32()
  readonly #returnNs = float64()

  endSpan(row: number, endNs: number): void {
    this.span.endNs.values[row] = endNs
  }
  addReturn(row: number, returnNs: number): void {
    this.#returnRow.push(row)
    this.#returnNs.push(returnNs)
  }
  /** Only for a span that was added with ids. */
  setParentId(row: number, id: bigint): void {
    this.ids.parentId.values[row] = id
  }

  /** Takes rows out, and renumbers what refers to the others. */
  removeSpans(removed: ReadonlySet<number>): void {
    if (removed.size === 0) {
      return
    }
    const newRow = new Int32Array(this.spanCount)
    for (let row = 0, kept = 0; row < newRow.length; row++) {
      newRow[row] = removed.has(row) ? -1 : kept++
    }
    const moved = (row: number) => (row < 0 ? -1 : (newRow[row] as number))
    const isKept = (_: unknown, row: number) => newRow[row] !== -1
    const keep = <A extends { keep(is: typeof isKept): void; length: number }>(columns: A[]) => {
      for (const column of columns) {
        if (column.length > 0) {
          column.keep(isKept)
        }
      }
    }
    this.padIds(this.spanCount)
    keep([...Object.values(this.span), ...Object.values(this.ids), this.parents])
    renumber(this.parents.values, moved)
    renumber(this.#returnRow.values, moved)
    for (const row of [...this.attributes, ...this.links]) {
      row.span = moved(row.span)
    }
  }

  override rows(): CaptureFileRows {
    const rows: RawRows = { ...super.rows(), processes: this.processes }
    if (!this.areParentsKnown) {
      return { ...rows, originClockNs: this.originClockNs }
    }
    return {
      ...rows,
      returns: { row: this.#returnRow.values, returnNs: this.#returnNs.values },
      originClockNs: this.originClockNs,
      spans: { ...rows.spans, parent: this.parents.values },
      marks: { ...rows.marks, span: this.markSpans.length > 0 ? this.markSpans.values : this.#markSpans(rows) },
    }
  }

  // The innermost span that was open at each mark; rows of a thread are in begin order, its marks in order of time.
  #markSpans({ spans, marks }: RawRows): Int32Array {
    const found = new Int32Array(marks.atNs.length).fill(-1)
    const rowsOf = Array.from({ length: this.threadCount }, () => [] as number[])
    if (found.length > 0) {
      for (const [row, thread] of spans.thread.entries()) {
        rowsOf[thread]?.push(row)
      }
    }
    const open: number[] = []
    const endOf = (row: number) =>
      Number.isNaN(spans.endNs[row]) ? Number.POSITIVE_INFINITY : (spans.endNs[row] as number)
    const close = (atNs: number) => {
      while (open.length > 0 && endOf(open.at(-1) as number) <= atNs) {
        open.pop()
      }
    }
    let thread = -1
    let next = 0
    for (const [mark, atNs] of marks.atNs.entries()) {
      if (marks.thread[mark] !== thread) {
        thread = marks.thread[mark] as number
        next = 0
        open.length = 0
      }
      const rows = rowsOf[thread] ?? []
      for (; next < rows.length && (spans.startNs[rows[next] as number] as number) <= atNs; next++) {
        const row = rows[next] as number
        if (((spans.flags[row] as number) & FLAG_ASYNC) === 0) {
          close(spans.startNs[row] as number)
          open.push(row)
        }
      }
      close(atNs)
      found[mark] = open.at(-1) ?? -1
    }
    return found
  }
}

function renumber(rows: Int32Array | Uint32Array, moved: (row: number) => number): void {
  for (let i = 0; i < rows.length; i++) {
    rows[i] = moved(rows[i] as number)
  }
}
