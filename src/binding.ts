import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { OpscopeError } from './errors.js'
import type { NativeTables } from './native-tables.js'
import type { PackedColumn } from './page/page-model.js'
import type { RawRows } from './raw-rows.js'

export * from './recording-codes.js'

/** A finished recording, owned by the native side; opaque here. */
export interface RecordingHandle {
  readonly __recording: unique symbol
}

/** Indices into {@link NativeBinding.control}, the block that this thread shares with its native log. */
export const SLOT_NAME = 0
export const SLOT_GATE = 1
export const SLOT_DEPTH = 2
export const SLOT_LIVE_ASYNC = 3
export const SLOT_DETAIL = 4
export const SLOT_SPAN_LOW = 5
export const SLOT_SPAN_HIGH = 6
export const SLOT_PARENT_LOW = 7
export const SLOT_PARENT_HIGH = 8
export const SLOT_UNSEEN_BRACKETS = 9
export const SLOT_CONTEXTS = 10
export const SLOT_EXACT = 11
export const SLOT_SCOPES = 12

export interface NameEntry {
  text: string
  instance: string
  /** Index into {@link CATEGORIES}. */
  category: number
  /** Index into {@link ROLES}. */
  role: number
}
/** One process of a merged recording: `ProcessEntry` of binding/core/columns.h. */
export interface ProcessEntry {
  host: string
  name: string
  /** The system's; 0: unknown. */
  id: number
  startNs: number
  durationNs: number
  originEpochNs: bigint
  originClockNs: bigint
  dropped: number
  firstContext: number
  metaJson: string
}
/** What {@link NativeBinding.merge} is to do; parts by `shiftNs`. */
export interface MergePlan {
  parts: { recording: RecordingHandle; shiftNs: number; host: string; name: string }[]
  originEpochNs: bigint
  originClockNs: bigint
  metaJson: string
  warnings: NativeWarning[]
}
/** `SampledFrames` of binding/core/add_samples.h: by start, whole ns. */
export interface SampledFrames {
  /** Name of their track. */
  thread: string
  names: string[]
  name: Uint32Array
  startNs: Float64Array
  endNs: Float64Array
  /** A row of the recording; its row count + a frame before; -1: none. */
  parent: Int32Array
  warnings: NativeWarning[]
}
/** Sections, inferences or requests of one name that ended: `EndedGroup` of binding/core/ended_spans.h. */
export interface EndedSpans {
  name: string
  /** Index into {@link CATEGORIES}. */
  category: number
  /** Inside of a request. */
  isInner: boolean
  calls: number
  totalNs: number
  maxNs: number
  /** Of the first 65,536 of all names. */
  durationsNs: Float64Array
  /** Of those that are open now: how many, and since when the oldest is. */
  open: number
  oldestNs: number
}
export interface ThreadEntry {
  name: string
  osThreadId: number
  jsThreadId: number
  firstRow: number
  rowCount: number
  /** Index into {@link RecordingView.processes}; 0 where there are none. */
  process: number
}
export interface NativeWarning {
  code: string
  detail: string
  count: number
}

/**
 * A recording as typed arrays that share the native memory (no copy per event). Times are ns since
 * session start. Int64 columns are `BigInt64Array`.
 */
export interface RecordingView {
  names: NameEntry[]
  /** Empty: a recording of one process. */
  processes: ProcessEntry[]
  threads: ThreadEntry[]
  strings: string[]
  warnings: NativeWarning[]
  pauses: { startNs: number; endNs: number; process: number }[]
  durationNs: number
  originEpochNs: bigint
  originClockNs: bigint
  processId: number
  dropped: number
  unfinished: number
  metaJson: string
  spans: {
    startNs: BigInt64Array
    durationNs: BigInt64Array
    name: Uint32Array
    parent: Int32Array
    flags: Uint8Array
    /** Length 0 when nothing ran on a GPU. */
    gpuNs: BigInt64Array
  }
  /** Sparse tables, one object a row. */
  asyncs: { row: Uint32Array; returnNs: Float64Array }
  ids: {
    row: Uint32Array
    spanId: BigUint64Array
    remoteParentId: BigUint64Array
    traceIdHigh: BigUint64Array
    traceIdLow: BigUint64Array
  }
  /** Of every row, spans and then what the GPU did: given, or made by the rule of binding/core/row_ids.h. 0: none. */
  rowIds: { spanId: BigUint64Array; parentId: BigUint64Array; traceIdHigh: BigUint64Array; traceIdLow: BigUint64Array }
  attributes: { row: number; key: string; value: string | number | bigint | boolean }[]
  links: { row: number; traceId: string; spanId: string }[]
  marks: { thread: Uint32Array; name: Uint32Array; atNs: Float64Array; span: Int32Array }
  counters: RawRows['counters']
  launches: RawRows['launches'] & { span: Int32Array; flags: Uint8Array }
  gpu: RawRows['gpu'] & { launch: Int32Array; span: Int32Array }
}

/** What the native side writes; `ExportFormat` without those that JavaScript makes. */
export type NativeFormat = 'perfetto' | 'chrome' | 'paddle' | 'pprof' | 'otlp' | 'xplane' | 'arrow' | 'csv'

/** What an XSpace in memory may be at most, unless told otherwise; files are never larger. */
export const DEFAULT_XPLANE_BYTES: number = 512 << 20
/** Where protobuf ends. */
export const MAX_XPLANE_BYTES: number = 2 ** 31 - 1

/** A file of request traces that is being written, owned by the native side; opaque here. */
export interface TraceFileHandle {
  readonly __traceFile: unique symbol
}
/** What openTraceFile() needs to know. */
export interface TraceFileStart {
  path: string
  /** A pipe or a device. */
  isSpecial: boolean
  /** The path, which is there, is written as it is: its folder takes no new files. */
  isDirect: boolean
  /** The form of TRTIS 1.9, else that of Triton 2. */
  isWhole: boolean
  /** Files of so many traces, under numbers; 0: one file. */
  tracesPerFile: number
  /** A file is completed, under a number, before it grows beyond; 0: never. */
  maxFileBytes: number
  maxPendingBytes: number
  /** Until what could not be written is tried again. */
  flushMs: number
}

/** The rows of a recording as a table, owned by the native side; opaque here. */
export interface TableHandle {
  readonly __table: unique symbol
}
export interface TableColumnInfo {
  name: string
  type: 'dictionary' | 'text' | 'int32' | 'int64' | 'timestamp'
  nullable: boolean
}

/** `PageColumns` of binding/format/page_columns.h: what the HTML report has of a recording beside the model. */
export interface NativePageColumns {
  /** The packed columns, in native memory that they own. */
  bytes: Uint8Array
  columns: PackedColumn[]
  /** What string indices of the columns refer to. */
  strings: string[]
  /** Of those that have one. */
  streamNames: { context: number; stream: number; name: string }[]
  leftOutAttributes: number
}
/** A file of request traces that is being read; opaque here. */
export interface RequestTracesHandle {
  readonly __requestTraces: unique symbol
}
/** What is kept of a trace beyond its slots. */
export interface RequestTraceNeeds {
  allStamps?: boolean
  requestIds?: boolean
  tensors?: boolean
}
/** `TraceBatch` of binding/format/request_trace.h: whole traces, a row each. */
export interface RequestTracePiece {
  rows: number
  ids: BigInt64Array
  parentIds: BigInt64Array
  parentRows: Int32Array
  models: Int32Array
  flags: Uint32Array
  stamps: Float64Array
  bases: BigInt64Array
  stampStarts: Uint32Array
  stampNames: Uint32Array
  stampNs: BigInt64Array
  requestIds: string[]
  tensors: { row: number; activity: string; name: string; data: string; shape: string; dtype: string }[]
  /** Version, a line end, name: of models that no earlier piece had. */
  newModels: string[]
  /** Custom names of stamps, likewise. */
  newNames: string[]
  /** Of the file up to here. */
  counts: {
    fragments: number
    damaged: number
    damagedStamps: number
    late: number
    split: number
    leftOutNames: number
    leftOutTensors: number
  }
  /** Of a descriptor: it has no more bytes. */
  isAtEnd: boolean
  isForeign: boolean
  isCut: boolean
}

export type TimeOf = 0 | 1 | 2 // cpu, gpu, all

/** Every function that the native addon exports. Functions without a comment do what their name says. */
/** What startSession() needs to know. */
export interface SessionStart {
  /** Bits by place in {@link CATEGORIES}. */
  categoryMask: number
  startPaused: boolean
  /** Instances of ops are wanted. */
  isDetailed: boolean
  /** Async contexts are followed. */
  isExact: boolean
  /** startGpu() answered available, and the session is to stop it. */
  hasGpu: boolean
  /** If the environment ends before the session, its file is completed with this path (empty: none), format and text. */
  path: string
  format: string
  metaJson: string
  /** A regular file that gets the records while the session goes on, taken over; -1: none. */
  streamFd: number
  /** Where it lies, and the part of that name that stays at the end when a number is put in. */
  streamPath: string
  streamSuffix: string
  /** From this size on the file is completed and another one begun; 0: never. */
  maxFileBytes: number
  streamFormat: 'perfetto' | 'chrome'
  flushMs: number
  /** The window's beginning moves: `keepMs` (0: what memory holds) before now. */
  isMoving: boolean
  keepMs: number
  /** Spans slower than this are told by takeSlowSpan(); 0: none. Then nothing is streamed. */
  slowMs: number
  /** Spans are added up as they end, for takeEndedSpans(); nothing is streamed then. */
  addsUpEnded?: boolean
}

export interface NativeBinding {
  version: string

  // This thread's log. The calls without arguments read and write the control block:
  // SLOT_NAME, SLOT_PARENT_*, SLOT_SPAN_* (src/span-calls.ts is their only user).
  control(): Uint32Array
  internName(text: string, category: number, role: number, instance: string): number
  begin(): void
  end(): void
  /** As begin; true when the gate was open. */
  beginCounted(): boolean
  /** As begin, with a parent id, for a thread whose stack is empty. */
  beginChild(): void
  /** Opens a span that carries an id and pushes it on the stack; id 0 while its category is off. */
  beginSpan(): void
  /** As beginSpan, but not inside what is open on this thread: a parent only if its id is given. */
  beginRoot(): void
  /** As openSpan, likewise. */
  openRoot(): void
  /** As beginSpan, around a native call that may launch GPU work from threads of its own. */
  beginBracket(): void
  /** This thread works for the span SLOT_SPAN_* (0: for nobody) until exitContext(); SLOT_CONTEXTS counts them. */
  enterContext(): void
  exitContext(): void
  /** A bracket ended that was counted in SLOT_UNSEEN_BRACKETS. */
  endUnseenBracket(): void
  /** As beginSpan, off the stack: never a parent of what follows. */
  openSpan(): void
  /** The synchronous part of a beginSpan() is over: off the stack, the span stays open. */
  leaveSpan(): void
  endSpan(): void
  /** As endSpan; the body threw or rejected. */
  failSpan(): void
  /** A span with both times, CLOCK_MONOTONIC ns. Returns its id. parentId 0: none; isAsync draws it on a lane. */
  timedSpan(
    nameId: number,
    startNs: bigint,
    endNs: bigint,
    parentId: number,
    isAsync: boolean,
    isBracket?: boolean,
  ): number
  attribute(spanId: number, key: string, value: string | number | bigint | boolean): void
  link(spanId: number, traceIdHigh: bigint, traceIdLow: bigint, linkedSpanId: bigint): void
  traceId(spanId: number, traceIdHigh: bigint, traceIdLow: bigint, remoteParentId: bigint): void
  /** 32 hex digits, random, of this thread's own generator. */
  newTraceId(): string
  /** The upper bits that all span ids of the process share; a span's number of this thread or another is below them. */
  processBits(): bigint
  mark(nameId: number): void
  /** As mark, belonging to a span. */
  spanMark(nameId: number, spanId: number): void
  /** A mark of a moment that is past, CLOCK_MONOTONIC ns. */
  timedMark(nameId: number, atNs: bigint): void
  counter(nameId: number, value: number): void
  /** CLOCK_MONOTONIC in ns, the clock of process.hrtime.bigint(). */
  nowNs(): bigint
  nameThread(name: string, jsThreadId: number): void

  // Sessions: windows on the one recorder of the process.
  setPoolBytes(bytes: number): boolean
  startSession(start: SessionStart): number
  /** Starts GPU recording, blocking up to the deadline; what is available belongs to the next startSession(). */
  /** Until the descriptor is closed; false where another one, of any process, has the lock of its file. */
  lockFile(fd: number): boolean
  startGpu(
    deadlineMs: number,
    hasMemory: boolean,
    hasGraphNodes: boolean,
  ): { available: boolean; reason: string; detail: string }
  pauseSession(session: number): void
  resumeSession(session: number): void
  resetSession(session: number): void
  /** Ends the window and merges; the session is gone when this resolves. */
  stopSession(session: number, metaJson: string): Promise<RecordingHandle>
  stopSessionSync(session: number, metaJson: string): RecordingHandle
  /** The window up to now as a recording of its own; the session goes on. */
  snapshotSession(session: number, metaJson: string): Promise<RecordingHandle>
  /** The slowest section, inference or request since the last call. */
  takeEndedSpans(session: number): EndedSpans[]
  takeSlowSpan(session: number): { name: string; durationNs: number } | null
  /** Brings what was recorded so far to the session's stream; resolves when it is there. */
  flushSession(session: number): Promise<void>
  /** Counts since process start, and the cost of one begin/end pair measured now, in ns. */
  recorderStats(): {
    dropped: number
    unmatchedEnds: number
    poolBytes: number
    poolUsedBytes: number
    spanCostNs: number
    clock: string
  }
  /** Of these, what is known without measuring. */
  recorderCounts(): { dropped: number; poolBytes: number; poolUsedBytes: number }

  // Recordings.
  build(rows: RawRows): Promise<RecordingHandle>
  /** One recording of several, on a thread of its own; see binding/core/merge_recordings.h. */
  merge(plan: MergePlan): Promise<RecordingHandle>
  /** A recording of one process with what a sampling profiler saw of one of its threads. */
  addSamples(recording: RecordingHandle, frames: SampledFrames): Promise<RecordingHandle>
  view(recording: RecordingHandle): RecordingView
  /** One of the sparse tables of {@link RecordingView}, copied. */
  viewTable(recording: RecordingHandle, table: SparseTable): never
  /** Everything that reports are made of; computed once for a recording, on a thread of its own. */
  tables(recording: RecordingHandle, time: TimeOf): Promise<NativeTables>
  tablesSync(recording: RecordingHandle, time: TimeOf): NativeTables
  /**
   * Streams the recording to an open file descriptor (not closed); resolves to the bytes written. `absolute`: times in
   * a table since the Unix epoch.
   */
  write(
    recording: RecordingHandle,
    format: NativeFormat,
    fd: number,
    absolute: boolean,
  ): Promise<{ bytes: number; warnings: NativeWarning[] }>
  writeSync(
    recording: RecordingHandle,
    format: NativeFormat,
    fd: number,
    absolute: boolean,
  ): { bytes: number; warnings: NativeWarning[] }
  /** The bytes of an Arrow file, in native memory that they own. */
  toArrow(recording: RecordingHandle, absolute: boolean): Promise<Uint8Array>
  /**
   * The bytes of an XSpace, in native memory that they own, of at most `maxBytes` ({@link DEFAULT_XPLANE_BYTES}) by
   * leaving out the oldest events. Their buffer begins `headroom` free bytes earlier, for a message around them.
   */
  toXplane(recording: RecordingHandle, options?: { maxBytes?: number; headroom?: number }): Promise<Uint8Array>
  pageColumns(recording: RecordingHandle): Promise<NativePageColumns>
  pageColumnsSync(recording: RecordingHandle): NativePageColumns
  /** Puts the rows in order, once for all the calls below. */
  openTable(recording: RecordingHandle, absolute: boolean): Promise<TableHandle>
  openTableSync(recording: RecordingHandle, absolute: boolean): TableHandle
  describeTable(table: TableHandle): { rows: number; columns: TableColumnInfo[]; metadata: Record<string, string> }
  /** What these codes of a dictionary mean. */
  tableTexts(table: TableHandle, column: number, codes: Int32Array): string[]
  /** At most `count` rows, a batch for each column as Arrow lays it out: values are numbers, codes or UTF-8. */
  tableBatch(
    table: TableHandle,
    first: number,
    count: number,
  ): { validity: Uint8Array; offsets: Int32Array; values: Uint8Array }[]
  /** Reads a Perfetto trace written by opscope; a cut file gives what is whole, with a warning. */
  readPerfetto(path: string): Promise<RecordingHandle>

  // Files of request traces.
  openTraceFile(start: TraceFileStart): TraceFileHandle
  /**
   * Hands over a batch (src/serving/trace-batch.ts). False: there was no room, its traces are counted as dropped, and
   * the next batch begins with its first name at 0.
   */
  addTraces(
    file: TraceFileHandle,
    words: Float64Array,
    wordCount: number,
    traceCount: number,
    texts: string[],
    firstName: number,
    names: string[],
  ): boolean
  /** Resolves when all that was handed over is in the file. */
  flushTraces(file: TraceFileHandle): Promise<void>
  /** The same, and what could not be written is told by the counts alone. */
  flushTracesSync(file: TraceFileHandle): void
  /** The file is complete when this resolves, as far as it could be written. */
  closeTraces(file: TraceFileHandle): Promise<void>
  closeTracesSync(file: TraceFileHandle): void
  traceCounts(file: TraceFileHandle): {
    written: number
    dropped: number
    writeErrors: number
    bytes: number
    files: number
    /** What the last error was. */
    trouble: string
    /** Where the traces are, because somebody else writes to the path; else empty. */
    otherPath: string
  }

  // Reading them.
  openRequestTraces(needs: RequestTraceNeeds): RequestTracesHandle
  /**
   * The traces that this piece of the file completes: bytes, or what a descriptor has next; null: the file ends. May be
   * called again before it resolves.
   */
  feedRequestTraces(traces: RequestTracesHandle, source: Uint8Array | number | null): Promise<RequestTracePiece>
}

const SPARSE_TABLES = [
  'strings',
  'asyncs',
  'ids',
  'rowIds',
  'attributes',
  'links',
  'marks',
  'counters',
  'launches',
  'gpu',
] as const
type SparseTable = (typeof SPARSE_TABLES)[number]

/** The sparse tables are copied when first asked for: a report needs none of them. */
function withSparseTables(binding: NativeBinding): NativeBinding {
  const viewColumns = binding.view
  const view = (recording: RecordingHandle): RecordingView => {
    const result = viewColumns(recording)
    for (const table of SPARSE_TABLES) {
      let rows: RecordingView[typeof table] | undefined
      Object.defineProperty(result, table, {
        enumerable: true,
        get: () => (rows ??= binding.viewTable(recording, table)),
      })
    }
    return result
  }
  return { ...binding, view }
}

let loaded: NativeBinding | undefined
let failure: Error | undefined

/**
 * The native core, or undefined where no binary fits this platform: importing opscope and running
 * instrumented code must work there too.
 */
export function tryNative(): NativeBinding | undefined {
  if (loaded === undefined && failure === undefined) {
    try {
      const root = join(dirname(fileURLToPath(import.meta.url)), '..')
      loaded = withSparseTables(createRequire(import.meta.url)('node-gyp-build')(root) as NativeBinding)
    } catch (error) {
      failure = error as Error
    }
  }
  return loaded
}

/**
 * The native core.
 * @throws OpscopeError ERR_OPSCOPE_NATIVE_MISSING naming the platform and the command that builds it.
 */
export function native(): NativeBinding {
  const binding = tryNative()
  if (binding === undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_NATIVE_MISSING',
      `opscope has no native binary that loads on ${platformName()}.`,
      `Build it: ${BUILD_COMMAND}`,
      { cause: failure },
    )
  }
  return binding
}

/** Needs a C++20 compiler and cmake. Verified for a package installed from the registry or a tarball. */
export const BUILD_COMMAND = 'npm i -D cmake-js node-addon-api && npx cmake-js compile -d node_modules/opscope'

export function platformName(): string {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  const glibc = report?.header?.glibcVersionRuntime
  const libc = process.platform === 'linux' ? (glibc === undefined ? ' (musl)' : ` (glibc ${glibc})`) : ''
  return `${process.platform}-${process.arch}${libc}, Node ${process.versions.node}`
}
