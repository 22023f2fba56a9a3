// Chrome trace events, as an object or as a bare array, cut ones included.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format)
// Read: B E X b n e S T p F i I R C M; GPU rows of the dialects below. Ignored: s t f (a dialect joins
// launches and GPU rows by correlation id, other arrows join nothing here). Counted as unsupported: samples,
// object snapshots, memory dumps and whatever else a file holds.
import type { RowsBuilder } from '../rows-builder.js'
import { CaptureFileBuilder } from './capture-file-rows.js'
import { nameOf, type TraceEvent, textOf } from './chrome-event.js'
import { ChromeRows } from './chrome-rows.js'
import { type JsonTrace, readJsonEvents } from './json-events.js'
import { KinetoDialect } from './kineto.js'
import { NodeTraceDialect } from './node-trace.js'
import { OpscopeDialect } from './opscope-chrome.js'
import { OpscopeStreamDialect } from './opscope-stream.js'
import { OrtDialect } from './ort-profile.js'
import { VizTracerDialect } from './viztracer.js'

/** What one writer of Chrome traces does its own way. */
export interface Dialect {
  /** Takes an event that has a time and is this writer's own; false leaves it to the rules of all. */
  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean
  /** An event of ph M. */
  metadata?(event: TraceEvent): void
  /** After the last event. `head`: the keys beside the events; `damaged`: events that could not be read. */
  finish?(rows: ChromeRows, head: JsonTrace['head'], damaged: number): void
  /** The file's times start with its session: they stay as they are. */
  readonly isSessionRelative?: boolean
  /** The file's times are those of the clock of process.hrtime. */
  readonly isMonotonic?: boolean
  /** A file that ends in the middle is one of those that this writer leaves behind, and finish() says so. */
  readonly mayEndAnywhere?: boolean
}

/** The first nanosecond of 2001: a clock that shows more counts from the Unix epoch. */
const EARLIEST_EPOCH_NS = 978_307_200_000_000_000n

/** undefined: not a Chrome trace. */
export async function importChrome(chunks: AsyncIterable<Buffer>): Promise<RowsBuilder | undefined> {
  const builder = new CaptureFileBuilder()
  const rows = new ChromeRows(builder)
  const unsupported = new Set<string>()
  let dialect: Dialect | undefined
  let isKnown = false

  const trace = await readJsonEvents(chunks, (events, jsonOf, head) => {
    if (!isKnown) {
      isKnown = true
      dialect = dialectOf(events, head, builder)
    }
    for (const [index, event] of events.entries()) {
      takeEvent(event, () => jsonOf(index))
    }
  })
  if (trace.isForeign) {
    return undefined
  }

  function takeEvent(event: TraceEvent, jsonOf: () => string): void {
    if (event.ph === 'M') {
      dialect?.metadata?.(event)
      rows.metadata(event)
      return
    }
    const startNs = rows.startNs(event, jsonOf)
    if (startNs === undefined) {
      builder.warn('events-skipped', `events without a time, the first is ${nameOf(event)}`)
    } else if (dialect?.take(event, startNs, rows) !== true && !takePlain(event, startNs, rows)) {
      unsupported.add(textOf(event.ph, 'none'))
      builder.warn('events-unsupported', 'events of kinds that are not read')
    }
  }

  // A trace without events still has its metadata.
  dialect ??= dialectOf([], trace.head, builder)
  dialect?.finish?.(rows, trace.head, trace.damaged)
  rows.finish()
  if (trace.damaged > 0) {
    builder.warn('events-damaged', 'events that are not valid JSON', trace.damaged)
  }
  if (trace.isCut && dialect?.mayEndAnywhere !== true) {
    builder.warn('file-cut', 'the file ends in the middle; every whole event was read')
  }
  if (dialect?.isSessionRelative !== true) {
    startAtFirstRow(builder, rows, dialect?.isMonotonic)
  }
  return builder
}

function dialectOf(events: TraceEvent[], head: JsonTrace['head'], builder: CaptureFileBuilder): Dialect | undefined {
  if (OpscopeDialect.fits(head)) {
    return new OpscopeDialect(head, builder)
  }
  if (OpscopeStreamDialect.fits(head)) {
    return new OpscopeStreamDialect(head, builder)
  }
  if (KinetoDialect.fits(events, head)) {
    return new KinetoDialect()
  }
  if (OrtDialect.fits(events)) {
    return new OrtDialect()
  }
  if (VizTracerDialect.fits(events, head)) {
    return new VizTracerDialect()
  }
  return NodeTraceDialect.fits(events) ? new NodeTraceDialect() : undefined
}

function takePlain(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
  switch (event.ph) {
    case 'X': {
      const durationNs = rows.durationNs(event)
      rows.span(event, startNs, durationNs === undefined ? Number.NaN : startNs + durationNs)
      return true
    }
    case 'B':
    case 'E':
      rows.edge(event, startNs, event.ph === 'B')
      return true
    case 'b':
    case 'e':
    case 'S':
    case 'F':
      rows.laneEdge(event, startNs, event.ph === 'b' || event.ph === 'S')
      return true
    case 'i':
    case 'I':
    case 'R':
    case 'n':
    case 'T':
    case 'p':
      rows.mark(event, startNs)
      return true
    case 'C':
      rows.counter(event, startNs)
      return true
    case 's':
    case 't':
    case 'f':
      return true
    default:
      return false
  }
}

function startAtFirstRow(builder: CaptureFileBuilder, rows: ChromeRows, isMonotonic = false): void {
  const { startNs } = builder.timeRange()
  const firstNs = rows.clock.baseNs + BigInt(startNs) + builder.originEpochNs
  builder.originClockNs = isMonotonic && firstNs > 0n ? firstNs : 0n
  builder.originEpochNs = firstNs >= EARLIEST_EPOCH_NS ? firstNs : 0n
  builder.shiftBy(-startNs)
}
