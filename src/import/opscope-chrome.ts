// Our own Chrome traces, back without loss: what the format has no field for is in args and metadata. The rules
// are those that binding/format/chrome_writer.h states.
// Span rows are the events X and b of the host, in file order. A copy that came from an API call is left out:
// the call is in the file too, and makes the row again. Numbers beyond 2^53 are written as text and stay text
// where they are attributes.
import { GPU_KINDS, type ProcessEntry } from '../binding.js'
import type { CaptureFileBuilder } from './capture-file-rows.js'
import type { Dialect } from './chrome.js'
import {
  type Args,
  argsOf,
  idOf,
  listOf,
  nameOf,
  numberOf,
  objectsOf,
  type TraceEvent,
  textOf,
} from './chrome-event.js'
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

interface OpenSlice {
  endNs: number
  row: number
}
interface Launch {
  thread: number
  startNs: number
  correlationId: bigint
  isGraph: boolean
}

export class OpscopeDialect implements Dialect {
  readonly isSessionRelative = true
  readonly #builder: CaptureFileBuilder
  readonly #longNames: Record<string, unknown>
  // Threads by tid, and those tids that stand for the thread before them in the file: its API calls.
  readonly #threads = new Map<number, number>()
  readonly #open = new Map<number, OpenSlice[]>()
  #lastThread = 0
  #lastLane = -1
  readonly #processOfThread: number[] = []
  // By process: ids of different processes may meet, and a parent in another one is told by its id alone.
  readonly #rowOfId = new Map<number, Map<bigint, number>>()
  readonly #parentIds: { row: number; process: number; id: bigint }[] = []
  readonly #copyRows = new Map<string, number[]>()
  readonly #launches: Launch[] = []
  readonly #copiesOf = new Map<bigint, number>()

  static fits(head: Record<string, unknown>): boolean {
    return (head.metadata as Args | undefined)?.opscope_format !== undefined
  }

  constructor(head: Record<string, unknown>, builder: CaptureFileBuilder) {
    const metadata = head.metadata as Args
    this.#builder = builder
    this.#longNames = objectsOf([metadata.long_names])[0] ?? {}
    builder.metaJson = textOf(metadata.meta, '{}')
    builder.originEpochNs = signedOf(metadata.base_epoch_ns)
    builder.originClockNs = signedOf(metadata.base_clock_ns)
    builder.processId = numberOf(metadata.process_id) ?? 0
    builder.durationNs = numberOf(metadata.duration_ns) ?? 0
    builder.dropped = numberOf(metadata.dropped) ?? 0
    builder.processes = objectsOf(metadata.processes).map(processOf)
    const process = (value: unknown) => knownProcess(builder, value)
    for (const thread of objectsOf(metadata.threads)) {
      const index = builder.addThread(
        textOf(thread.name),
        numberOf(thread.os_thread_id) ?? 0,
        numberOf(thread.js_thread_id) ?? -1,
        process(thread.process),
      )
      this.#processOfThread.push(process(thread.process))
      this.#threads.set(numberOf(thread.tid) ?? 0, index)
    }
    builder.pauses = listOf(metadata.pauses).map(pause => {
      const [start, end, of] = listOf(pause)
      return { startNs: numberOf(start) ?? 0, endNs: numberOf(end) ?? 0, process: process(of) }
    })
    addGpuMetadata(builder.gpu, metadata)
    for (const device of builder.gpu.devices) device.process = process(device.process)
    for (const { code, detail, count } of objectsOf(metadata.warnings)) {
      builder.warn(textOf(code), textOf(detail), numberOf(count) ?? 0)
    }
  }

  metadata(event: TraceEvent): void {
    if (event.name === 'thread_name' && Number(event.pid) < FIRST_GPU_PID) {
      this.#lastThread = this.#threads.get(Number(event.tid)) ?? this.#lastThread
    }
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    const args = argsOf(event)
    switch (event.ph) {
      case 'X': {
        const endNs = startNs + (rows.durationNs(event) ?? 0)
        if (Number(event.pid) >= FIRST_GPU_PID) {
          this.#gpu(event, args, startNs, endNs)
        } else if (args.sync_part === true) {
          this.#stack(event, startNs).push({ endNs, row: this.#lastLane })
        } else if (this.#threads.has(Number(event.tid))) {
          this.#span(event, args, startNs, endNs)
        } else if ('correlation' in args) {
          this.#launch(event, args, startNs, endNs)
        } else if ('overhead' in args) {
          const process = knownProcess(this.#builder, args.process)
          this.#builder.gpu.addOverhead(startNs, endNs, numberOf(args.overhead) ?? 0, process)
        }
        return true
      }
      case 'b':
        this.#span(event, args, startNs, startNs)
        return true
      case 'e':
        if (this.#lastLane !== -1 && !this.#isUnfinished) {
          this.#builder.endSpan(this.#lastLane, startNs)
        }
        return true
      case 'i':
        this.#builder.addMark(
          this.#threads.get(Number(event.tid)) ?? 0,
          nameIndexOf(this.#builder, event, args),
          startNs,
        )
        return true
      case 'C': {
        if (Number(event.pid) >= FIRST_GPU_PID) {
          for (const allocation of objectsOf([event.allocation])) {
            addAllocation(this.#builder.gpu, allocation, startNs)
          }
          return true
        }
        const name = nameIndexOf(this.#builder, event, args)
        this.#builder.addCounter(this.#threads.get(Number(event.tid)) ?? 0, name, startNs, counterValueOf(args))
        return true
      }
      default:
        return event.ph === 's' || event.ph === 'f'
    }
  }
  #isUnfinished = false

  /** `damaged`: events that could not be read, so that row numbers of the file mean nothing. */
  finish(_rows: ChromeRows, _head: unknown, damaged: number): void {
    const builder = this.#builder
    builder.areParentsKnown = damaged === 0
    const parents = builder.parents.values
    for (const { row, process, id } of this.#parentIds) {
      const parent = this.#rowOfId.get(process)?.get(id)
      if (parent !== undefined) {
        parents[row] = parent
      }
      if (parent === undefined || damaged > 0) {
        builder.setParentId(row, id)
      }
    }
    // A file that was cut may name parents on threads that are not there.
    for (const [row, parent] of parents.entries()) {
      if (parent >= parents.length) {
        parents[row] = -1
      }
    }
    builder.removeSpans(this.#rowsOfLaunches())
  }

  #span(event: TraceEvent, args: Args, startNs: number, endNs: number): void {
    const builder = this.#builder
    const stack = this.#stack(event, startNs)
    this.#isUnfinished = args.unfinished === true
    const flags = flagsOf(args)
    const parentId = hexOf(args.parent_span_id)
    const ids = idsOf(args)
    const thread = this.#threads.get(Number(event.tid)) ?? 0
    const row = builder.addSpan(
      thread,
      nameIndexOf(this.#builder, event, args),
      startNs,
      this.#isUnfinished ? Number.NaN : endNs,
      flags,
      ids ?? (parentId === 0n ? undefined : NO_IDS),
    )
    builder.parents.push(numberOf(args.parent_row) ?? stack.at(-1)?.row ?? -1)
    const process = this.#processOfThread[thread] ?? 0
    if (ids !== undefined && ids.spanId !== 0n) {
      const rows = this.#rowOfId.get(process) ?? new Map<bigint, number>()
      this.#rowOfId.set(process, rows.set(ids.spanId, row))
    }
    if (parentId !== 0n) {
      this.#parentIds.push({ row, process, id: parentId })
    }
    const returnNs = numberOf(args.return_ns)
    if (returnNs !== undefined) {
      builder.addReturn(row, returnNs)
    }
    addExtras(this.#builder, row, args)
    if (args.role === 'copy' && flags === 0) {
      const key = `${thread} ${startNs}`
      this.#copyRows.set(key, [...(this.#copyRows.get(key) ?? []), row])
    }
    if (event.ph === 'X') {
      stack.push({ endNs, row })
    } else {
      this.#lastLane = row
    }
  }

  #launch(event: TraceEvent, args: Args, startNs: number, endNs: number): void {
    const name = this.#gpuName(event, args)
    const correlationId = idOf(args.correlation)
    this.#builder.addLaunch(this.#lastThread, name, startNs, endNs, correlationId)
    this.#launches.push({ thread: this.#lastThread, startNs, correlationId, isGraph: name.includes('Graph') })
  }
  #gpu(event: TraceEvent, args: Args, startNs: number, endNs: number): void {
    const name = this.#builder.string(this.#gpuName(event, args))
    const kind = addGpuRow(this.#builder.gpu, args, name, startNs, endNs)
    if (GPU_KINDS[kind] === 'copy') {
      const correlationId = idOf(args.correlation)
      this.#copiesOf.set(correlationId, (this.#copiesOf.get(correlationId) ?? 0) + 1)
    }
  }
  #gpuName(event: TraceEvent, args: Args): string {
    return textOf(this.#longNames[textOf(args.name_id)]) || nameOf(event)
  }

  // A copy's row begins with its call; a graph has one row for each copy in it.
  #rowsOfLaunches(): Set<number> {
    const found = new Set<number>()
    for (const { thread, startNs, correlationId, isGraph } of this.#launches) {
      const copies = this.#copiesOf.get(correlationId) ?? 0
      const rows = this.#copyRows.get(`${thread} ${startNs}`) ?? []
      for (const row of rows.splice(0, isGraph ? copies : Math.min(copies, 1))) {
        found.add(row)
      }
    }
    return found
  }

  /** The slices still open on the event's thread when it begins. */
  #stack(event: TraceEvent, startNs: number): OpenSlice[] {
    const tid = Number(event.tid)
    let stack = this.#open.get(tid)
    if (stack === undefined) {
      stack = []
      this.#open.set(tid, stack)
    }
    const hasLength = event.ph !== 'X' || event.dur !== 0
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (top.endNs > startNs || (top.endNs === startNs && !hasLength)) {
        break
      }
      stack.pop()
    }
    return stack
  }
}

function processOf(process: Args): ProcessEntry {
  return {
    host: textOf(process.host),
    name: textOf(process.name),
    id: numberOf(process.id) ?? 0,
    startNs: numberOf(process.start_ns) ?? 0,
    durationNs: numberOf(process.duration_ns) ?? 0,
    originEpochNs: signedOf(process.origin_epoch_ns),
    originClockNs: signedOf(process.origin_clock_ns),
    dropped: Math.max(0, numberOf(process.dropped) ?? 0),
    firstContext: Math.min(0xffff_ffff, Math.max(0, numberOf(process.first_context) ?? 0)),
    metaJson: textOf(process.meta, '{}'),
  }
}
/** What names a process that is not there is the first's. */
function knownProcess({ processes }: CaptureFileBuilder, value: unknown): number {
  const index = numberOf(value) ?? 0
  return Number.isInteger(index) && index >= 0 && index < processes.length ? index : 0
}
