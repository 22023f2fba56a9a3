import { resolve } from 'node:path'

import { type NativeBinding, native, type TraceFileHandle } from '../binding.js'
import { OpscopeError } from '../errors.js'
import { openPlace } from '../export/output.js'
import { ownError } from '../native-error.js'
import { checkChoice, checkKeys } from '../option-checks.js'
import { TraceBatch, type TraceRecord } from './trace-batch.js'
import { V1_STAMP_NAMES } from './v1-stamp-names.js'

export type { TraceRecord, TraceTensor } from './trace-batch.js'

export interface TraceFileOptions {
  path: string
  /**
   * Whose trace files it is like: those of Triton 2, or those of TRTIS 1.9, which have neither request ids nor tensors.
   * @default 'v2'
   */
  form?: 'v2' | 'v1'
  /**
   * 0: one file, `path`. Otherwise a file for each so many traces, `path`.0, .1, …, with what is left in the last one.
   * @default 0
   */
  logFrequency?: number
  /** A file is completed before it grows beyond, and gets the next number: `path`.0, .1, … Default: any size. */
  maxFileMB?: number
  /**
   * How long a trace waits before it is written.
   * @default 250
   */
  flushMs?: number
  /**
   * How much may wait for a disk that is full or slow. What comes beyond is dropped and counted.
   * @default 64
   */
  maxPendingMB?: number
  /** Told what went wrong since it was last told, at most once in ten seconds for each code, and at the end. */
  onWarning?: (code: string, text: string, count: number) => void
}
export interface TraceFileCounts {
  added: number
  written: number
  /** For want of room, after the end, or because they could not be written until the end. */
  dropped: number
  writeErrors: number
  bytes: number
  files: number
}

const KEYS = ['path', 'form', 'logFrequency', 'maxFileMB', 'flushMs', 'maxPendingMB', 'onWarning'] as const
const WARNING_GAP_MS = 10_000

/**
 * A file of request traces that is valid JSON after every write, and so at any moment. No text is made of a trace here:
 * batches go to a native thread, which formats and writes. Nothing is created before the first trace.
 */
export class TraceFile {
  readonly #native: NativeBinding = native()
  readonly #handle: TraceFileHandle
  readonly #path: string
  readonly #flushMs: number
  readonly #onWarning: TraceFileOptions['onWarning']
  readonly #batch: TraceBatch
  #timer: NodeJS.Timeout | undefined
  #added = 0
  #refused = 0
  #isClosed = false
  #isEnding = false
  /** By code: how much was told, and when. */
  #told = new Map<string, { count: number; atMs: number }>()

  /**
   * Checks the path, and leaves nothing there.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_OPTION_UNKNOWN
   */
  constructor(options: TraceFileOptions) {
    checkKeys(options, KEYS)
    checkChoice(options, 'form', ['v2', 'v1'])
    const { form = 'v2', logFrequency = 0, maxFileMB = Infinity, flushMs = 250, maxPendingMB = 64 } = options
    checkNumber('logFrequency', logFrequency, Number.isSafeInteger(logFrequency) && logFrequency >= 0, 'a whole number')
    checkNumber('maxFileMB', maxFileMB, maxFileMB > 0, 'greater than 0')
    checkNumber('flushMs', flushMs, flushMs >= 1 && flushMs < 2 ** 31, 'at least 1')
    checkNumber('maxPendingMB', maxPendingMB, maxPendingMB > 0 && maxPendingMB < 2 ** 20, 'greater than 0')
    const { isSpecial, isDirect, target, path } = openPlace(options.path)
    const isSplit = logFrequency > 0 || maxFileMB !== Infinity
    if (isSplit && isDirect) {
      throw new OpscopeError(
        'ERR_OPSCOPE_FILE_WRITE',
        `Cannot write ${path} as several files: ${isSpecial ? 'it is no regular file' : 'its directory takes no files'}.`,
        'Leave out logFrequency and maxFileMB, or choose another path.',
      )
    }
    this.#path = path
    this.#flushMs = flushMs
    this.#onWarning = options.onWarning
    this.#batch = new TraceBatch(form === 'v1' ? name => V1_STAMP_NAMES.get(name) ?? name : name => name)
    this.#handle = this.#native.openTraceFile({
      path: isSpecial ? resolve(path) : target,
      isSpecial,
      isDirect,
      isWhole: form === 'v1',
      tracesPerFile: logFrequency,
      maxFileBytes: maxFileMB === Infinity ? 0 : Math.ceil(maxFileMB * 2 ** 20),
      maxPendingBytes: maxPendingMB * 2 ** 20,
      flushMs,
    })
    noteOpen(this)
  }

  /** Takes over a trace. Never throws: a record of another kind is counted as dropped. */
  add(record: TraceRecord): void {
    this.#added++
    try {
      if (this.#isClosed) throw new Error('closed')
      if (!this.#batch.hasRoomFor(record.stampNames.length)) this.#handOver()
      this.#batch.put(record)
    } catch {
      this.#refused++
      return
    }
    if (this.#isEnding || this.#batch.isFull) this.#handOver()
    else if (this.#timer === undefined) this.#arm()
  }

  /**
   * What was added is in the file.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE: it is not. It stays pending, and is tried again.
   */
  async flush(): Promise<void> {
    this.#handOver()
    try {
      await this.#native.flushTraces(this.#handle)
    } catch (error) {
      throw ownError(error, `Cannot write ${this.#path}`)
    } finally {
      this.#tell()
    }
  }

  /** Completes the file. What cannot be written is counted as dropped, and told. */
  async close(): Promise<void> {
    if (!this.#end()) return
    await this.#native.closeTraces(this.#handle)
    this.#tell(true)
  }
  /** The same, blocking, for the end of the process. */
  closeSync(): void {
    if (!this.#end()) return
    this.#native.closeTracesSync(this.#handle)
    this.#tell(true)
  }

  get counts(): TraceFileCounts {
    const { written, dropped, writeErrors, bytes, files } = this.#native.traceCounts(this.#handle)
    return { added: this.#added, written, dropped: dropped + this.#refused, writeErrors, bytes, files }
  }

  /** @internal No timer comes any more: what there is goes to the file, and what still comes goes after it. */
  prepareExit(): void {
    this.#isEnding = true
    this.#handOver()
    this.#native.flushTracesSync(this.#handle)
    this.#tell()
  }

  #end(): boolean {
    if (this.#isClosed) return false
    this.#handOver()
    this.#isClosed = true
    clearTimeout(this.#timer)
    noteClosed(this)
    return true
  }

  #handOver(): void {
    if (this.#batch.traceCount === 0) return
    this.#batch.handOver((...batch) => this.#native.addTraces(this.#handle, ...batch))
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#tick(), this.#flushMs).unref()
  }
  #tick(): void {
    this.#timer = undefined
    this.#handOver()
    this.#tell()
    // Until nothing waits any more: trouble is told also if no more traces come.
    const { added, written, dropped } = this.counts
    if (written + dropped < added) this.#arm()
  }

  #tell(isLast = false): void {
    const { writeErrors, trouble, otherPath } = this.#native.traceCounts(this.#handle)
    const path = this.#path
    this.#warn('trace-file-write', `Cannot write ${path}: ${trouble}`, writeErrors, isLast)
    this.#warn('trace-file-dropped', `Traces for ${path} were dropped`, this.counts.dropped, isLast)
    const shared = `Somebody else writes to ${path}: these traces are in ${otherPath}`
    this.#warn('trace-file-shared', shared, otherPath === '' ? 0 : 1, isLast)
  }
  #warn(code: string, text: string, count: number, isLast: boolean): void {
    const told = this.#told.get(code) ?? { count: 0, atMs: -Infinity }
    const nowMs = performance.now()
    if (count <= told.count || (!isLast && nowMs < told.atMs + WARNING_GAP_MS)) return
    this.#told.set(code, { count, atMs: nowMs })
    this.#onWarning?.(code, text, count - told.count)
  }
}

// One listener for all files: a program may have more of them than Node lets listen without a warning.
const openFiles = new Set<TraceFile>()
let isListening = false
function noteOpen(file: TraceFile): void {
  openFiles.add(file)
  if (isListening) return
  isListening = true
  process.once('exit', () => {
    for (const each of openFiles) each.prepareExit()
  })
}
function noteClosed(file: TraceFile): void {
  openFiles.delete(file)
}

function checkNumber(key: string, value: unknown, isGood: boolean, expected: string): void {
  if (typeof value === 'number' && isGood) return
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "${key}" option to be a number, ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}.`,
  )
}
