import {
  CATEGORIES,
  type Category,
  type NameEntry,
  type NativeWarning,
  native,
  type RecordingHandle,
} from './binding.js'
import { OpscopeError } from './errors.js'
import { dataFrameOf } from './export/data-frame.js'
import {
  type CaptureContent,
  type ExportFormat,
  type Output,
  openOutput,
  type Written,
  writeCapture,
  writeCaptureSync,
} from './export/index.js'
import { type AsyncRow, asyncRows } from './model/async-rows.js'
import { gpuOf, TRACER_OPTIONS, warningsOf, warningText } from './model/capture-meta.js'
import { type CopySummary, copySummary } from './model/copies.js'
import { type DeviceRow, deviceRows } from './model/devices.js'
import type { DiffOptions } from './model/diff/options.js'
import { executionTable } from './model/executions.js'
import { type Finding, findings } from './model/findings.js'
import { named, type TableOptions } from './model/furiosa.js'
import { type GapRow, gapRows } from './model/gaps.js'
import { inferenceTable } from './model/inferences.js'
import { type KernelRow, kernelRows } from './model/kernels.js'
import { type MemoryRow, memoryRows } from './model/memory.js'
import { cpuOperatorTable, operatorTable } from './model/operators.js'
import {
  type OpRow,
  type OpRowsOptions,
  opRows,
  type ReportSource,
  SORTED_KEYS,
  type State,
  type TracerOption,
} from './model/ops.js'
import { type Overhead, overhead } from './model/overhead.js'
import { type CaptureProcess, processRows } from './model/processes.js'
import { reportSource, reportSourceSync } from './model/report-source.js'
import { showAsText } from './model/show-as-text.js'
import { type Summary, type SummaryOptions, summaryOf } from './model/summary.js'
import { type SyncRow, syncRows } from './model/syncs.js'
import { Table, type Value } from './model/table.js'
import { TraceRows } from './model/trace-rows.js'
import { checkChoice, checkKeys } from './option-checks.js'
import { CaptureDiff } from './report/capture-diff.js'
import { htmlText } from './report/html.js'
import { formatReport, type ReportOptions } from './report/op-report.js'
import { shortHtml, shortText } from './report/short-report.js'

export type { ReportOptions }

export interface ExportOptions {
  /** @default by the suffix of the path: .json chrome, .paddle.pb paddle, .pb.gz pprof, .otlp.json otlp, .xplane.pb xplane, .arrow, .parquet, .csv, .html, all others perfetto */
  format?: ExportFormat
  /**
   * Of .arrow, .parquet and .csv: `start` and `end` are moments since the Unix epoch, not ns since the session's start.
   * @default false
   */
  absolute?: boolean
}
export type ArrowOptions = Pick<ExportOptions, 'absolute'>
/** Trouble while recording, reading or importing; the recording went on without what is counted here. */
export interface CaptureWarning extends NativeWarning {
  /** A sentence for people. */
  message: string
}
export interface CaptureThread {
  name: string
  /** 0: unknown. */
  osThreadId: number
  /** `worker_threads.threadId`; -1 for a thread that runs no JavaScript. */
  jsThreadId: number
  spanCount: number
  /** Index into {@link Capture.processes}. */
  process: number
}
/** The spans as columns that share memory with the recording: read, do not write. Times are ns since session start. */
export interface SpanColumns {
  readonly length: number
  /** What {@link name} refers to. */
  readonly names: readonly NameEntry[]
  readonly name: Uint32Array
  readonly startNs: BigInt64Array
  readonly durationNs: BigInt64Array
  /** Row of the span around it, -1: none. Rows of one thread follow each other, parents before their children. */
  readonly parent: Int32Array
  /** Bits: 1 async, 2 unfinished, 4 error, 8 given with both times. */
  readonly flags: Uint8Array
  /** GPU time of the span and all inside it; empty when nothing ran on a GPU. */
  readonly gpuNs: BigInt64Array
}
export interface Mark {
  thread: number
  name: string
  category: Category
  atNs: number
  /** Row of {@link Capture.spans} that it lies in or, as an event, belongs to; -1: none. */
  span: number
}
export interface CounterValue extends Omit<Mark, 'span'> {
  value: number
}

/**
 * A finished recording. Immutable: everything it says is computed from the recording that it was made of.
 * Made by stopProfiler(), profile(), loadCapture(), mergeCaptures() and buildCapture().
 *
 * @example
 * const capture = await loadCapture('trace.pftrace')
 * console.log(capture.report({ sortedKey: 'total' }))
 * const slowest = capture.ops({ sortedKey: 'max' })[0]
 */
export class Capture {
  readonly #recording: RecordingHandle
  readonly #source: ReportSource
  readonly #lateWarnings: NativeWarning[] = []
  #lazyTraceRows: TraceRows | undefined

  static {
    showAsText(Capture, capture => shortHtml(capture.#source, capture.warnings.length))
  }

  private constructor(recording: RecordingHandle, source: ReportSource) {
    this.#recording = recording
    this.#source = source
  }

  /** Computes the op tables on a thread of their own. @internal */
  static async fromHandle(recording: RecordingHandle): Promise<Capture> {
    return new Capture(recording, await reportSource(recording))
  }
  /** The same, blocking. @internal */
  static fromHandleSync(recording: RecordingHandle): Capture {
    return new Capture(recording, reportSourceSync(recording))
  }

  /** What was recorded, and what Total means: CPU time, GPU time, or both added up. */
  get state(): State {
    return this.#source.meta.state
  }
  /** How much op detail was recorded. */
  get tracerOption(): TracerOption {
    return this.#source.meta.tracerOption
  }
  /** Length of the session, pauses included. */
  get durationNs(): number {
    return this.#source.view.durationNs
  }
  /** Wall clock at the session's start, ns since the Unix epoch; 0n when unknown. */
  get originEpochNs(): bigint {
    return this.#source.view.originEpochNs
  }
  /** Machine or container that was recorded; empty when unknown, or when a merged capture has several. */
  get host(): string {
    return this.#source.meta.host ?? ''
  }
  /** The processes that were recorded, by start; several in a merged capture. */
  get processes(): CaptureProcess[] {
    return processRows(this.#source.view, this.#source.meta)
  }
  /** Process that was recorded, of several the first; 0 when unknown. */
  get processId(): number {
    return this.#source.view.processId
  }
  /** Spans that found no room in the buffer. */
  get dropped(): number {
    return this.#source.view.dropped
  }
  /** Whether GPU activity was recorded, and if not, why. */
  get gpu(): { available: boolean; reason?: string } {
    return gpuOf(this.#source)
  }
  /** Attributes of the session. */
  get attributes(): Record<string, string | number | boolean> {
    return { ...this.#source.meta.attributes }
  }
  /** Everything that went wrong without ending the recording, counted. */
  get warnings(): CaptureWarning[] {
    const { view, meta } = this.#source
    return [...view.warnings, ...warningsOf(meta), ...this.#lateWarnings].map(({ code, count, detail }) => {
      return { code, count, detail, message: `${warningText({ code, detail })} (${count})` }
    })
  }
  /** By process, in the order of their first events; `thread` of other rows is an index into this. */
  get threads(): CaptureThread[] {
    return this.#source.view.threads.map(({ name, osThreadId, jsThreadId, rowCount, process }) => {
      return { name, osThreadId, jsThreadId, spanCount: rowCount, process }
    })
  }
  /** All spans as typed arrays, for own analyses. */
  get spans(): SpanColumns {
    const { names, spans } = this.#source.view
    return Object.freeze({ length: spans.startNs.length, names, ...spans })
  }

  /**
   * The op report as text: overhead, copies and one row per op.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   * @example
   * console.log(capture.report({ sortedKey: 'total', tracerOption: 'OpDetail' }))
   */
  report(options: ReportOptions = {}): string {
    checkKeys(options, ['style', 'sortedKey', 'tracerOption', 'columns', 'color'])
    checkChoice(options, 'style', ['default', 'paddle'])
    checkChoice(options, 'sortedKey', SORTED_KEYS)
    checkChoice(options, 'tracerOption', TRACER_OPTIONS)
    const { columns } = options
    if (columns !== undefined && !(Number.isInteger(columns) && columns > 0)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected the "columns" option to be a positive integer, got ${columns}.`,
      )
    }
    return formatReport(this.#source, options).replace(/\n$/, '')
  }

  /**
   * One row per op path: calls, total, CPU, GPU and self time, min, max, average and exact percentiles.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   * @example
   * for (const row of capture.ops({ sortedKey: 'total' })) console.log(row.path.join(' > '), row.totalNs)
   */
  ops(options: OpRowsOptions = {}): OpRow[] {
    checkKeys(options, ['sortedKey', 'tracerOption', 'thread', 'samples'])
    checkChoice(options, 'sortedKey', SORTED_KEYS)
    checkChoice(options, 'tracerOption', TRACER_OPTIONS)
    checkChoice(options, 'thread', ['merged', 'per-thread'])
    return opRows(this.#source, options)
  }

  /** Spans that were open across an await, added up by path. They overlap each other and all ops. */
  asyncOps(): AsyncRow[] {
    return asyncRows(this.#source)
  }
  /** How the time of the ops divides into computation and framework overhead. */
  overhead(): Overhead {
    return overhead(this.#source)
  }
  /** All copies between host and GPU and between GPUs. */
  copies(): CopySummary {
    return copySummary(this.#source)
  }
  /** One row per GPU kernel and device: calls, times, exact percentiles, launch shape and theoretical occupancy. */
  kernels(): KernelRow[] {
    return kernelRows(this.#source)
  }
  /** One row per GPU: how busy it was, how much ran at once, copies, launch latency, idle time by cause. */
  devices(): DeviceRow[] {
    return deviceRows(this.#source)
  }
  /** The longest stretches in which a GPU had nothing to do, why, and what the host did meanwhile. */
  gaps(): GapRow[] {
    return gapRows(this.#source)
  }
  /** Where the host waited for a GPU, by op and kind of call. */
  syncs(): SyncRow[] {
    return syncRows(this.#source)
  }
  /** GPU memory taken and given back, by op; empty unless recorded with `memory: true`. */
  memory(): MemoryRow[] {
    return memoryRows(this.#source)
  }
  /** What to do next, the most serious first: each finding names an op, a figure and a remedy. */
  findings(): Finding[] {
    return findings(this.#source)
  }

  /**
   * What got slower or faster in `other`, which is compared with this capture: ops, stages, kernels and copies, each with
   * a verdict that is more than noise. diffCaptures() takes several captures on each side.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   * @example
   * const diff = before.diff(after, { minChange: 0.03 })
   * console.log(diff.summary)
   * console.log(diff.report())
   */
  diff(other: Capture, options: DiffOptions = {}): CaptureDiff {
    if (!(other instanceof Capture)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected a capture to compare with, got ${other === null ? 'null' : typeof other}.`,
        'Read a file with loadCapture() first.',
      )
    }
    return new CaptureDiff([this.#source], [other.#source], options)
  }

  /**
   * Latency of the inferences: count, min, max, mean, median and percentiles. Prints itself.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN
   * @example
   * console.log(String(capture.summary()))
   */
  summary(options: SummaryOptions = {}): Summary {
    checkKeys(options, ['includePaused'])
    return summaryOf(this.#traceRows, options)
  }
  /**
   * The finished spans of category inference, by start.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, as the other tables do
   */
  inferences(options: TableOptions = {}): Table {
    return named(inferenceTable(this.#traceRows), 'inferences', options)
  }
  /** What each inference did on each device: total, busy and idle time. */
  executions(options: TableOptions = {}): Table {
    return named(executionTable(this.#traceRows), 'executions', options)
  }
  /** What devices computed, by name, the longest on average first; where they computed nothing, what the host did. */
  operators(options: TableOptions = {}): Table {
    return named(operatorTable(this.#traceRows), 'operators', options)
  }
  /** Each operator that the host computed, by start. */
  cpuOperators(options: TableOptions = {}): Table {
    return named(cpuOperatorTable(this.#traceRows), 'cpuOperators', options)
  }
  /** Every span and everything that the GPU did, by start, with all that is told of it. */
  rows(options: TableOptions = {}): Table {
    const { inOrder } = this.#traceRows
    return named(new Table(this.#traceRows.columns(), inOrder, 'No rows: nothing was recorded.'), 'rows', options)
  }
  /**
   * The rows that have this value, or for which the function answers true.
   * @throws OpscopeError ERR_OPSCOPE_COLUMN_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   * @example
   * console.log(capture.filter('name', 'conv2d').column('dur'))
   */
  filter(column: string, value: Value | ((value: never) => boolean)): Table {
    return this.rows().filter(column, value)
  }

  /** Attributes of the span in this row of {@link spans}. */
  attributesOf(row: number): Record<string, string | number | bigint | boolean> {
    const own = this.#source.view.attributes.filter(attribute => attribute.row === row)
    return Object.fromEntries(own.map(({ key, value }) => [key, value]))
  }
  /** Spans, maybe of other processes, that the span in this row of {@link spans} is linked to. */
  linksOf(row: number): { traceId: string; spanId: string }[] {
    return this.#source.view.links.filter(link => link.row === row).map(({ traceId, spanId }) => ({ traceId, spanId }))
  }

  /** Moments marked by mark(), by thread, then time. */
  marks(): Mark[] {
    const { marks } = this.#source.view
    return Array.from(marks.name, (name, row) => ({ ...this.#mark(marks, name, row), span: marks.span[row] ?? -1 }))
  }
  /** Values given to counter(), by thread, then time. */
  counters(): CounterValue[] {
    const { counters } = this.#source.view
    return Array.from(counters.name, (name, row) => ({
      ...this.#mark(counters, name, row),
      value: counters.value[row] ?? 0,
    }))
  }

  /**
   * Writes the capture to a file, whose suffix decides the format: `.json` and `.json.gz` Chrome trace, `.paddle.pb`
   * Paddle's profile, `.pb.gz` pprof, `.otlp.json` OTLP, `.xplane.pb` TensorBoard's XPlane, `.arrow`, `.parquet`,
   * `.csv` and `.csv.gz` the rows as a table, `.html` and `.html.gz` a page that shows it, anything else a Perfetto trace, which loses nothing. A regular file is replaced when the new one is complete, never before.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_OPTION_VALUE for a format that is not written,
   * ERR_OPSCOPE_PACKAGE_MISSING for `.parquet` without hyparquet-writer
   * @example
   * await capture.export('trace.json.gz')
   */
  async export(path: string | URL, options: ExportOptions = {}): Promise<Written> {
    checkKeys(options, ['format', 'absolute'])
    this.#checkAbsolute(options)
    return writeCapture(this.#content, openOutput(path, options))
  }
  /**
   * The HTML report: one page that shows the capture in any browser, from a file and without a network. As one string;
   * `export('report.html')` writes the same page piece by piece, however large it is.
   * @throws OpscopeError ERR_OPSCOPE_OUT_OF_MEMORY for a page longer than a string may be, ERR_OPSCOPE_FILE_READ where
   * opscope was built without its page
   * @example
   * response.setHeader('content-type', 'text/html').end(await capture.html())
   */
  async html(): Promise<string> {
    return htmlText(this.#content)
  }
  /**
   * The {@link rows} as an Arrow IPC file in memory, made off the JavaScript thread: what data tools read.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE for absolute times of a capture that does
   * not know when it was recorded
   * @example
   * const table = tableFromIPC(await capture.toArrow()) // of apache-arrow
   */
  async toArrow(options: ArrowOptions = {}): Promise<Uint8Array> {
    checkKeys(options, ['absolute'])
    this.#checkAbsolute(options)
    return native().toArrow(this.#recording, options.absolute ?? false)
  }
  /**
   * The {@link rows} as a data frame of nodejs-polars, which must be installed. In TypeScript, name its type:
   * `toDataFrame<pl.DataFrame>()`.
   * @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING, and as toArrow()
   * @example
   * const frame = await capture.toDataFrame()
   * console.log(frame.filter(pl.col('cat').eq(pl.lit('inference'))).select('name', 'dur'))
   */
  async toDataFrame<Frame = unknown>(options: ArrowOptions = {}): Promise<Frame> {
    return (await dataFrameOf(await this.toArrow(options))) as Frame
  }

  /** What `JSON.stringify` shows: the summaries and rows, without the single spans. */
  toJSON(): Record<string, unknown> {
    return {
      state: this.state,
      tracerOption: this.tracerOption,
      durationNs: this.durationNs,
      originEpochNs: String(this.originEpochNs),
      processId: this.processId,
      host: this.host,
      processes: this.processes.map(process => ({ ...process, originEpochNs: String(process.originEpochNs) })),
      gpu: this.gpu,
      attributes: this.attributes,
      threads: this.threads,
      overhead: this.overhead(),
      copies: this.copies(),
      kernels: this.kernels(),
      devices: this.devices(),
      gaps: this.gaps(),
      syncs: this.syncs(),
      memory: this.memory(),
      ops: this.ops(),
      asyncOps: this.asyncOps(),
      findings: this.findings(),
      warnings: this.warnings,
    }
  }

  /** At a glance, as the REPL and console.log show it: what was recorded, and the ops that took the most time. */
  toString(): string {
    return shortText(this.#source, this.warnings.length)
  }

  /** To a place that was opened before; `title` is that of a page. @internal */
  static write(capture: Capture, output: Output, title?: string): Promise<Written> {
    return writeCapture({ ...capture.#content, ...(title === undefined ? {} : { title }) }, output)
  }
  /** The same, blocking. @internal */
  static writeSync(capture: Capture, output: Output): Written {
    return writeCaptureSync(capture.#content, output)
  }
  /** What captures are merged of. @internal */
  static recordingOf(capture: Capture): RecordingHandle {
    return capture.#recording
  }
  /** For a comparison of several. @internal */
  static sourceOf(capture: Capture): ReportSource {
    return capture.#source
  }
  /** What went wrong between the end of the recording and handing the capture over. @internal */
  static addWarning(capture: Capture, warning: NativeWarning): void {
    capture.#lateWarnings.push(warning)
  }

  get #content(): CaptureContent {
    return { recording: this.#recording, source: this.#source, warnings: this.warnings }
  }
  #checkAbsolute({ absolute = false }: ArrowOptions): void {
    if (typeof absolute !== 'boolean') {
      const got = `got ${typeof absolute}`
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected the "absolute" option to be true or false, ${got}.`)
    }
    if (absolute && this.originEpochNs === 0n) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        'This capture does not know when it was recorded, so it has no absolute times.',
      )
    }
  }
  // Read when first asked for: most captures are only reported.
  get #traceRows(): TraceRows {
    this.#lazyTraceRows ??= new TraceRows(this.#source.view)
    return this.#lazyTraceRows
  }
  #mark(rows: { thread: Uint32Array; atNs: Float64Array }, name: number, row: number): Omit<Mark, 'span'> {
    const { text, category } = this.#source.view.names[name] as NameEntry
    return {
      thread: rows.thread[row] ?? 0,
      name: text,
      category: CATEGORIES[category] ?? 'user',
      atNs: rows.atNs[row] ?? 0,
    }
  }
}
