import { availableParallelism, hostname } from 'node:os'
import { basename } from 'node:path'

import {
  CATEGORIES,
  type EndedSpans,
  FLAG_UNFINISHED,
  type NativeBinding,
  native,
  type RecordingHandle,
} from './binding.js'
import { Capture } from './capture.js'
import { hasDeviceCategory } from './categories.js'
import { OpscopeError } from './errors.js'
import type { Output } from './export/index.js'
import { type DumpReason, isFlightRecorder, watchFlight } from './flight-recorder.js'
import { type CountsMoment, countsNow, notifyClose, notifyOpen, notifyStart, notifyStopped } from './hooks.js'
import { durationText, plural } from './model/figure-text.js'
import { showAsText } from './model/show-as-text.js'
import { monotonicClockId } from './monotonic-clock.js'
import type { ResolvedOptions } from './options.js'
import { onSignal } from './pause-signal.js'
import { startRuntimeCounters } from './runtime-counters.js'
import { SessionFile } from './session-file.js'
import { addSessionParent } from './session-parent.js'
import { parseTraceparent } from './trace-context.js'
import { VERSION } from './version.js'

/** What a stop may change: everything else was fixed at the start. */
export type StopOptions = Pick<ResolvedOptions, 'sortedKey' | 'print'> & { profilePath: string | undefined }

/** Whether GPU activity is recorded, and if not, why. */
interface GpuState {
  available: boolean
  reason?: string
  detail?: string
}

/** `waiting`: the window has not opened yet, `delayMs` is running. */
export type SessionState = 'waiting' | 'recording' | 'paused' | 'stopped'

/** What is known of a session at the moment; see {@link Session.stats}. */
export interface SessionStats {
  /** Since the window opened, pauses included; once stopped, the length of the capture. */
  durationNs: number
  /** Spans without room. While several sessions run, all of them count each. */
  dropped: number
  /** Memory for spans that is in use, and all there is, for all sessions of the process. */
  bufferBytes: number
  bufferLimitBytes: number
  /** Spans in the capture; undefined until the session has stopped: no span pays for being counted. */
  recorded: number | undefined
  /** Of these, the ones that had not ended; undefined until then. */
  unfinished: number | undefined
  /** What recording them cost, by the cost of a span on this machine; undefined until then. */
  overheadNs: number | undefined
}

// In the order of their starts.
const running: Session[] = []

/**
 * The session of this thread that started last and has not stopped; undefined when there is none. What
 * `opscope/register` records is a session of the main thread.
 */
export function currentSession(): Session | undefined {
  return running.at(-1)
}

/**
 * A recording in progress: a window on what the process records. Made by startSession() and profile(). Its methods
 * may be called in any state; a stopped session does not start again.
 */
export class Session {
  readonly #options: ResolvedOptions
  readonly #id: number
  readonly #native: NativeBinding
  readonly #file: SessionFile
  readonly #stopCounters: () => void
  readonly #release: () => void
  readonly #onStopped: (capture: Capture) => void
  readonly #isBufferSized: boolean
  readonly #gpu: GpuState
  readonly #spanCostNs: number
  readonly #clock: string
  #countsMoment: CountsMoment
  #droppedBefore = 0
  #openedNs = 0n
  #state: SessionState
  /** While waiting: whether it will open so. */
  #isPaused: boolean
  #timer: NodeJS.Timeout | undefined
  #capture: Capture | undefined
  #stopping: Promise<Capture> | undefined

  static {
    showAsText(Session)
  }

  /**
   * Use startSession(), profile() or startProfiler(). `onStopped` is called once, however it stops; `addsUpEnded`: for
   * takeEndedSpans(). @internal
   */
  constructor(options: ResolvedOptions, onStopped: (capture: Capture) => void = () => {}, addsUpEnded = false) {
    this.#native = native()
    // A bad path fails here, before anything is recorded.
    const isMoving = isFlightRecorder(options) || options.onFull === 'drop-old'
    this.#file = new SessionFile(options, !isMoving) // a window that moves is in memory alone
    this.#options = options
    this.#onStopped = onStopped
    const mask = options.categories.reduce((bits, category) => bits | (1 << CATEGORIES.indexOf(category)), 0)
    try {
      this.#gpu = startGpu(this.#native, options)
    } catch (error) {
      this.#file.discard()
      throw error
    }
    // Another session holds the memory already: its size stays, and the capture says so.
    this.#isBufferSized = this.#native.setPoolBytes(options.bufferMB * 2 ** 20)
    const { spanCostNs, clock } = this.#native.recorderStats()
    this.#spanCostNs = spanCostNs
    this.#clock = clock
    this.#isPaused = options.startPaused
    const isWaiting = options.delayMs > 0
    this.#id = this.#native.startSession({
      categoryMask: mask,
      startPaused: options.startPaused || isWaiting,
      isDetailed: options.tracerOption === 'AllOpDetail',
      isExact: options.attribution === 'exact',
      hasGpu: this.#gpu.available,
      ...this.#file.begin(),
      metaJson: JSON.stringify(this.#meta(options)),
      flushMs: options.flushMs === 0 ? 250 : options.flushMs,
      isMoving,
      keepMs: options.keepMs ?? 0,
      slowMs: options.slowMs ?? 0,
      addsUpEnded,
    })
    this.#state = isWaiting ? 'waiting' : options.startPaused ? 'paused' : 'recording'
    this.#stopCounters = startRuntimeCounters()
    this.#countsMoment = notifyStart(options.tracerOption)
    const stopToggling = options.signal === false ? () => {} : onSignal(options.signal, () => this.#toggle())
    const stopWatching = watchFlight(
      { takeSlowSpan: () => this.#native.takeSlowSpan(this.#id), dump: reason => this.#dump(undefined, reason) },
      options,
    )
    const parent = parseTraceparent(options.traceparent)
    const removeParent = parent === undefined ? () => {} : addSessionParent(parent)
    this.#release = () => {
      stopToggling()
      stopWatching()
      removeParent()
    }
    running.push(this)
    this.#beginWindow()
    if (isWaiting) this.#timer = setTimeout(() => this.#open(), options.delayMs).unref()
    else this.#limit()
  }

  get state(): SessionState {
    return this.#state
  }
  /** The finished recording; undefined until the session has stopped. */
  get capture(): Capture | undefined {
    return this.#capture
  }
  /** @internal */
  get options(): ResolvedOptions {
    return this.#options
  }

  /** How much there is. Reading it costs microseconds: nothing is counted for it while recording. */
  get stats(): SessionStats {
    const capture = this.#capture
    const { dropped, poolUsedBytes, poolBytes } = this.#native.recorderCounts()
    const spans = capture?.spans
    return {
      durationNs:
        capture?.durationNs ?? (this.#state === 'waiting' ? 0 : Number(this.#native.nowNs() - this.#openedNs)),
      dropped: capture?.dropped ?? dropped - this.#droppedBefore,
      bufferBytes: poolUsedBytes,
      bufferLimitBytes: poolBytes,
      recorded: spans?.length,
      unfinished: spans?.flags.reduce((count, flags) => count + ((flags & FLAG_UNFINISHED) === 0 ? 0 : 1), 0),
      overheadNs: spans && spans.length * this.#spanCostNs,
    }
  }

  /** Records nothing until resume(); a span that is open goes on. Idempotent. Before the window opens: it opens paused. */
  pause(): void {
    this.#isPaused = true
    if (this.#state !== 'recording') return
    notifyClose()
    this.#native.pauseSession(this.#id)
    this.#state = 'paused'
  }
  /** Records again. Idempotent. Before the window opens it does not open it: it opens recording. */
  resume(): void {
    this.#isPaused = false
    if (this.#state !== 'paused') return
    this.#native.resumeSession(this.#id)
    this.#state = 'recording'
    notifyOpen()
  }
  /** Forgets what was recorded so far, and goes on. The end of the window stays where it is. */
  reset(): void {
    if (this.#state === 'stopped' || this.#state === 'waiting') return
    if (this.#state === 'recording') notifyClose()
    this.#native.resetSession(this.#id)
    this.#countsMoment = countsNow()
    this.#beginWindow()
    if (this.#state === 'recording') notifyOpen()
  }

  /**
   * Brings what was recorded so far to the file: it outlives the process then, however that ends. Happens every
   * `flushMs` by itself.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE; nothing is lost, and the next flush tries again
   */
  async flush(): Promise<void> {
    if (this.#state !== 'stopped') await this.#native.flushSession(this.#id)
  }

  /** The sections, inferences and requests that have ended since the last call, however long ago they began. @internal */
  takeEndedSpans(): EndedSpans[] {
    return this.#native.takeEndedSpans(this.#id)
  }

  /**
   * What was recorded so far, of a flight recorder (`keepMs`) what it keeps, while the recording goes on: a capture
   * of its own. Written to this path, else to the session's own, with the next number before the suffix: `trace.1.pftrace`.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE for a path that cannot be opened, ERR_OPSCOPE_SESSION_STOPPED
   * @example
   * const session = startSession({ keepMs: 10_000, profilePath: 'flight.pftrace' })
   * process.on('warning', () => session.dump())
   */
  async dump(path?: string | URL): Promise<Capture> {
    return this.#dump(path, { 'dump.reason': 'call' })
  }
  async #dump(path: string | URL | undefined, reason: DumpReason): Promise<Capture> {
    if (this.#state === 'stopped')
      throw new OpscopeError('ERR_OPSCOPE_SESSION_STOPPED', 'The session has stopped: there is nothing to dump.')
    const output = this.#file.dumpOutput(path)
    const options = this.#options
    const meta = this.#meta({ ...options, attributes: { ...options.attributes, ...reason } })
    const recording = await this.#native.snapshotSession(this.#id, JSON.stringify(meta))
    const capture = await Capture.fromHandle(recording)
    await this.#file.writeDump(capture, output, warning => Capture.addWarning(capture, warning))
    return capture
  }

  /**
   * Ends the recording, merges it on a thread of its own and writes the file. A session that has stopped, or is
   * stopping, gives the same capture.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE for a path that cannot be opened; the session then goes on.
   *   ERR_OPSCOPE_SESSION_STOPPED for a path that comes after the stop.
   */
  async stop(options: Partial<StopOptions> = {}): Promise<Capture> {
    if (this.#state === 'stopped') return this.#stopped(options) ?? this.#stopping ?? this.#lost()
    const output = this.#file.outputAt(options.profilePath)
    const meta = this.#close(options)
    this.#stopping = this.#finish(output, meta)
    return this.#stopping
  }

  /**
   * As {@link stop}, blocking: for exit handlers.
   * @throws OpscopeError as stop() does; ERR_OPSCOPE_STOP_BUSY while a stop() is not done
   */
  stopSync(options: Partial<StopOptions> = {}): Capture {
    if (this.#state === 'stopped') return this.#stopped(options) ?? this.#lost()
    const output = this.#file.outputAt(options.profilePath)
    const meta = this.#close(options)
    const recording: RecordingHandle = this.#native.stopSessionSync(this.#id, meta)
    const capture = Capture.fromHandleSync(recording)
    this.#capture = capture
    this.#file.writeSync(capture, output, warning => Capture.addWarning(capture, warning))
    this.#onStopped(capture)
    return capture
  }

  /** Stops the session at the end of a `using` block, unless it has stopped. */
  [Symbol.dispose](): void {
    if (this.#state !== 'stopped') this.stopSync()
  }
  /** Stops the session at the end of an `await using` block, and waits for the capture. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** What it does, for how long, and what it could not record. */
  toString(): string {
    const { durationNs, dropped, recorded } = this.stats
    const facts = [
      `${this.#state}${this.#state === 'waiting' ? '' : ` ${durationText(durationNs)}`}`,
      ...(recorded === undefined ? [] : [plural(recorded, 'span')]),
      ...(dropped === 0 ? [] : [`${plural(dropped, 'span')} dropped`]),
    ]
    return `Session (${facts.join(', ')})`
  }

  /** The delay is over. */
  #open(): void {
    if (!this.#isPaused) this.#native.resumeSession(this.#id)
    // The session starts here, without the pause that the delay was.
    this.#native.resetSession(this.#id)
    this.#countsMoment = countsNow()
    this.#state = this.#isPaused ? 'paused' : 'recording'
    this.#beginWindow()
    if (this.#state === 'recording') notifyOpen()
    this.#limit()
  }
  #beginWindow(): void {
    this.#droppedBefore = this.#native.recorderCounts().dropped
    this.#openedNs = this.#native.nowNs()
  }
  #limit(): void {
    const { durationMs } = this.#options
    if (durationMs !== undefined) this.#timer = setTimeout(() => this.#expire(), durationMs).unref()
  }
  #expire(): void {
    // Nobody awaits this stop. What onStopped throws is the program's, as from any callback.
    this.stop().catch(error => {
      if (!(error instanceof OpscopeError)) throw error
      process.emitWarning(error)
    })
  }
  #toggle(): void {
    if (this.#isPaused) this.resume()
    else this.pause()
  }

  async #finish(output: Output | undefined, meta: string): Promise<Capture> {
    const recording = await this.#native.stopSession(this.#id, meta)
    const capture = await Capture.fromHandle(recording)
    this.#capture = capture
    await this.#file.write(capture, output, warning => Capture.addWarning(capture, warning))
    this.#onStopped(capture)
    return capture
  }

  /** The capture of a session that has stopped. */
  #stopped(options: Partial<StopOptions>): Capture | undefined {
    if (options.profilePath === undefined) return this.#capture
    throw new OpscopeError(
      'ERR_OPSCOPE_SESSION_STOPPED',
      'A path was given to a session that has stopped already.',
      'Write its capture: session.capture.export(path).',
    )
  }
  #lost(): never {
    if (this.#stopping === undefined)
      throw new OpscopeError(
        'ERR_OPSCOPE_SESSION_STOPPED',
        'The session has stopped, and its capture could not be made.',
      )
    throw new OpscopeError(
      'ERR_OPSCOPE_STOP_BUSY',
      'stopSync() was called, but an earlier stop() is not done.',
      'Await the first call.',
    )
  }

  /** Everything that must happen while the window is still open, and what only this side knows, as text. */
  #close(options: Partial<StopOptions>): string {
    clearTimeout(this.#timer)
    this.#release()
    this.#stopCounters()
    if (this.#state === 'recording') notifyClose()
    this.#state = 'stopped'
    running.splice(running.indexOf(this), 1)
    const { notBrokenDown, warnings } = notifyStopped(this.#countsMoment)
    if (!this.#isBufferSized)
      warnings.push({ code: 'buffer-size-kept', detail: 'bufferMB had no effect: memory was in use already', count: 1 })
    if (this.#file.isShared)
      warnings.push({
        code: 'file-shared',
        detail: 'another recording went to this file: flushMs had no effect',
        count: 1,
      })
    const sortedKey = options.sortedKey ?? this.#options.sortedKey
    return JSON.stringify({ ...this.#meta(this.#options), sortedKey, notBrokenDown, warnings })
  }

  #meta({
    state,
    tracerOption,
    sortedKey,
    attributes,
    bufferMB,
    attribution,
    traceparent,
  }: ResolvedOptions): Record<string, unknown> {
    return {
      opscope: VERSION,
      node: process.versions.node,
      host: hostname(),
      platform: `${process.platform}-${process.arch}`,
      program: basename(process.argv[1] ?? ''),
      clockId: monotonicClockId(),
      cpus: availableParallelism(),
      state,
      tracerOption,
      sortedKey,
      attributes,
      bufferMB,
      attribution,
      traceparent,
      spanCostNs: this.#spanCostNs,
      clock: this.#clock,
      gpu: this.#gpu,
    }
  }
}

/** @throws OpscopeError ERR_OPSCOPE_GPU_UNAVAILABLE when a GPU is required and none can be recorded. */
function startGpu(binding: NativeBinding, options: ResolvedOptions): GpuState {
  const { gpu, state, categories, gpuStartMs, memory, graphTrace } = options
  const isWanted = state !== 'CPU' && hasDeviceCategory(categories)
  if (gpu === 'off' || (!isWanted && gpu !== 'required')) return { available: false, reason: 'off' }
  const { available, reason, detail } = binding.startGpu(gpuStartMs, memory, graphTrace === 'node')
  if (available) return { available, detail }
  if (gpu !== 'required') return { available, reason, detail }
  throw new OpscopeError(
    'ERR_OPSCOPE_GPU_UNAVAILABLE',
    `A GPU is required, and none can be recorded: ${reason}. ${detail}`,
    "Use gpu: 'auto' to record the CPU alone.",
  )
}
