// Our own Chrome traces that grew while the session went on, and may end anywhere. The rules are those that
// binding/format/chrome_stream.h states; what differs from the complete file is how threads, names and parents
// are told. Not in such a file: attributes that were set after a span's end.
import type { CaptureFileBuilder } from './capture-file-rows.js'
import type { Dialect } from './chrome.js'
import { type Args, argsOf, idOf, nameOf, numberOf, objectsOf, type TraceEvent, textOf } from './chrome-event.js'
import type { ChromeRows } from './chrome-rows.js'
import {
  addExtras,
  counterValueOf,
  FIRST_GPU_PID,
  flagsOf,
  hexOf,
  idsOf,
  NO_IDS,
  nameIndexOf,
  signedOf,
} from './opscope-args.js'
import { addAllocation, addGpuMetadata, addGpuRow } from './opscope-gpu.js'

/** A span or mark whose parent is still to come. */
interface Waiting {
  startNs: number
  endNs: number
  /** Says which row the parent is. */
  take(parent: number): void
}
interface Told {
  row: number
  ids: bigint[]
  number: number | undefined
}

export class OpscopeStreamDialect implements Dialect {
  readonly isSessionRelative = true
  readonly mayEndAnywhere = true
  readonly #builder: CaptureFileBuilder
  readonly #threads = new Map<number, number>() // by tid
  readonly #callTracks = new Map<number, number>() // tracks of API calls: tid -> the thread's tid
  readonly #waiting = new Map<number, Waiting[]>() // by tid
  readonly #rowOfId = new Map<bigint, number>()
  readonly #rowOfNumber = new Map<number, number>()
  readonly #told: Told[] = []
  readonly #marksOfIds: { mark: number; id: bigint }[] = []
  readonly #longNames = new Map<string, string>()
  #lastPair = -1 // the row of the last `b`, -1: its `e` says nothing
  #lastNs = 0

  static fits(head: Record<string, unknown>): boolean {
    return (head.metadata as Args | undefined)?.opscope_stream !== undefined
  }

  constructor(head: Record<string, unknown>, builder: CaptureFileBuilder) {
    const metadata = head.metadata as Args
    this.#builder = builder
    builder.metaJson = textOf(metadata.meta, '{}')
    builder.originEpochNs = signedOf(metadata.base_epoch_ns)
    builder.originClockNs = signedOf(metadata.base_clock_ns)
    builder.processId = numberOf(metadata.process_id) ?? 0
    builder.areParentsKnown = true
  }

  metadata(event: TraceEvent): void {
    const args = argsOf(event)
    const tid = Number(event.tid)
    if (event.name !== 'thread_name' || Number(event.pid) >= FIRST_GPU_PID) {
      return
    }
    if (args.of_thread !== undefined) {
      this.#callTracks.set(tid, numberOf(args.of_thread) ?? 0)
    } else if (args.os_thread_id !== undefined) {
      const known = this.#threads.get(tid)
      const name = textOf(args.given_name)
      const jsThreadId = numberOf(args.js_thread_id) ?? -1
      if (known === undefined) {
        this.#threads.set(tid, this.#builder.addThread(name, numberOf(args.os_thread_id) ?? 0, jsThreadId))
      } else {
        this.#builder.renameThread(known, name, jsThreadId)
      }
    }
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    const args = argsOf(event)
    const endNs = startNs + (rows.durationNs(event) ?? 0)
    const isGpu = Number(event.pid) >= FIRST_GPU_PID
    this.#lastNs = Math.max(this.#lastNs, endNs)
    switch (event.ph) {
      case 'X':
        if (isGpu) {
          const name = this.#builder.string(this.#gpuName(event, args))
          addGpuRow(this.#builder.gpu, args, name, startNs, endNs)
        } else if (args.pause === true) {
          this.#builder.pauses.push({ startNs, endNs })
        } else if (args.correlation !== undefined) {
          const thread = this.#threadOf(this.#callTracks.get(Number(event.tid)))
          this.#builder.addLaunch(thread, this.#gpuName(event, args), startNs, endNs, idOf(args.correlation))
        } else if (args.overhead !== undefined) {
          this.#builder.gpu.addOverhead(startNs, endNs, numberOf(args.overhead) ?? 0)
        } else if (args.sync_part !== true) {
          this.#slice(event, args, startNs, endNs)
        }
        return true
      case 'b': {
        const row = this.#span(event, args, startNs, startNs)
        this.#lastPair = args.unfinished === true ? -1 : row
        return true
      }
      case 'e':
        if (this.#lastPair !== -1) {
          this.#builder.endSpan(this.#lastPair, startNs)
        }
        return true
      case 'i':
        this.#mark(event, args, startNs)
        return true
      case 'C':
        if (isGpu) {
          for (const allocation of objectsOf([event.allocation])) {
            addAllocation(this.#builder.gpu, allocation, startNs)
          }
        } else {
          const name = nameIndexOf(this.#builder, event, args)
          this.#builder.addCounter(this.#threadOf(event.tid), name, startNs, counterValueOf(args))
        }
        return true
      default:
        return event.ph === 's' || event.ph === 'f'
    }
  }

  finish(_rows: ChromeRows, head: Record<string, unknown>): void {
    const builder = this.#builder
    const parents = builder.parents.values
    for (const { row, ids, number } of this.#told) {
      const id = ids.find(id => this.#rowOfId.has(id))
      const named = number === undefined ? undefined : this.#rowOfNumber.get(number)
      parents[row] = (id === undefined ? named : this.#rowOfId.get(id)) ?? -1
    }
    for (const { mark, id } of this.#marksOfIds) {
      builder.markSpans.values[mark] = this.#rowOfId.get(id) ?? -1
    }
    const end = objectsOf([head.opscope])[0] ?? {}
    builder.durationNs = numberOf(end.duration_ns) ?? this.#lastNs
    builder.dropped = numberOf(end.dropped) ?? 0
    addGpuMetadata(builder.gpu, end)
    if (end.stopped !== true) {
      builder.warn(
        'recording-cut',
        'The process ended before the recording was stopped: the file holds what was written until then.',
      )
    }
    for (const { code, detail, count } of objectsOf(end.warnings)) {
      builder.warn(textOf(code), textOf(detail), numberOf(count) ?? 0)
    }
  }

  #span(event: TraceEvent, args: Args, startNs: number, endNs: number): number {
    const builder = this.#builder
    const remoteParentId = hexOf(args.remote_parent_span_id)
    const ids = idsOf(args) ?? (remoteParentId === 0n ? undefined : NO_IDS)
    const row = builder.addSpan(
      this.#threadOf(event.tid),
      nameIndexOf(builder, event, args),
      startNs,
      args.unfinished === true ? Number.NaN : endNs,
      flagsOf(args),
      ids && { ...ids, parentId: remoteParentId },
    )
    builder.parents.push(-1)
    if (ids !== undefined && ids.spanId !== 0n) {
      this.#rowOfId.set(ids.spanId, row)
    }
    const number = numberOf(args.row)
    if (number !== undefined) {
      this.#rowOfNumber.set(number, row)
    }
    if (isParentTold(args)) {
      const parentIds = [hexOf(args.parent_span_id), hexOf(args.within_span_id)].filter(id => id !== 0n)
      this.#told.push({ row, ids: parentIds, number: numberOf(args.parent_row) })
    }
    const returnNs = numberOf(args.return_ns)
    if (returnNs !== undefined) {
      builder.addReturn(row, returnNs)
    }
    addExtras(builder, row, args)
    return row
  }

  // Takes in what waits for a parent and began no earlier.
  #slice(event: TraceEvent, args: Args, startNs: number, endNs: number): void {
    const row = this.#span(event, args, startNs, endNs)
    const waiting = this.#waitingOn(event)
    for (let child = waiting.at(-1); child !== undefined; child = waiting.at(-1)) {
      const isInside = child.startNs > startNs || (child.startNs === startNs && child.endNs > startNs)
      if (!isInside) {
        break
      }
      child.take(row)
      waiting.pop()
    }
    if (!isParentTold(args)) {
      waiting.push({ startNs, endNs, take: parent => this.#setParent(row, parent) })
    }
  }
  #setParent(row: number, parent: number): void {
    this.#builder.parents.values[row] = parent
  }

  #mark(event: TraceEvent, args: Args, atNs: number): void {
    const { markSpans } = this.#builder
    this.#builder.addMark(this.#threadOf(event.tid), nameIndexOf(this.#builder, event, args), atNs)
    const mark = markSpans.length
    markSpans.push(-1)
    if (args.span_id !== undefined) {
      this.#marksOfIds.push({ mark, id: hexOf(args.span_id) })
      return
    }
    const take = (span: number) => {
      markSpans.values[mark] = span
    }
    // In a span that begins at the same moment.
    this.#waitingOn(event).push({ startNs: atNs, endNs: Number.POSITIVE_INFINITY, take })
  }

  #waitingOn(event: TraceEvent): Waiting[] {
    const tid = Number(event.tid)
    let waiting = this.#waiting.get(tid)
    if (waiting === undefined) {
      waiting = []
      this.#waiting.set(tid, waiting)
    }
    return waiting
  }
  // A file with a torn line may lack a thread's name.
  #threadOf(tid: unknown): number {
    let thread = this.#threads.get(Number(tid))
    if (thread === undefined) {
      thread = this.#builder.addThread('')
      this.#threads.set(Number(tid), thread)
    }
    return thread
  }
  #gpuName(event: TraceEvent, args: Args): string {
    const id = textOf(args.name_id)
    if (args.long_name !== undefined) {
      this.#longNames.set(id, textOf(args.long_name))
    }
    return this.#longNames.get(id) || nameOf(event)
  }
}

function isParentTold(args: Args): boolean {
  return args.parent_span_id !== undefined || args.parent_row !== undefined
}
