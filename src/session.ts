import { availableParallelism } from 'node:os'

import { CATEGORIES, type NativeBinding, native, type RecordingHandle } from './binding.js'
import { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import {
  type Output,
  openOutput,
  openStream,
  removeStream,
  type Stream,
  writeCapture,
  writeCaptureSync,
} from './export/index.js'
import { notifyClose, notifyOpen, notifyStart, notifyStopped, takeCounts } from './hooks.js'
import type { ResolvedOptions } from './options.js'
import { startRuntimeCounters } from './runtime-counters.js'
import { VERSION } from './version.js'

/** What a stop may change: everything else was fixed at the start. */
export type StopOptions = Pick<ResolvedOptions, 'sortedKey' | 'print'> & { profilePath: string | undefined }

/** Whether GPU activity is recorded, and if not, why. */
interface GpuState {
  available: boolean
  reason?: string
  detail?: string
}

type SessionState = 'recording' | 'paused' | 'stopped'

/** A recording in progress: a window on what the process records. */
export class Session {
  readonly #options: ResolvedOptions
  readonly #id: number
  readonly #native: NativeBinding
  readonly #output: Output | undefined
  readonly #stream: Stream | undefined
  readonly #stopCounters: () => void
  readonly #isBufferSized: boolean
  readonly #gpu: GpuState
  #state: SessionState
  #capture: Capture | undefined

  /** Use profile() or startProfiler(). @internal */
  constructor(options: ResolvedOptions) {
    this.#native = native()
    // A bad path fails here, before anything is recorded.
    this.#output = options.profilePath === undefined ? undefined : openOutput(options.profilePath)
    this.#options = options
    const mask = options.categories.reduce((bits, category) => bits | (1 << CATEGORIES.indexOf(category)), 0)
    this.#gpu = startGpu(this.#native, options)
    // Another session holds the memory already: its size stays, and the capture says so.
    this.#isBufferSized = this.#native.setPoolBytes(options.bufferMB * 2 ** 20)
    this.#stream = this.#output === undefined || options.flushMs === 0 ? undefined : openStream(this.#output)
    this.#id = this.#native.startSession({
      categoryMask: mask,
      startPaused: options.startPaused,
      isDetailed: options.tracerOption === 'AllOpDetail',
      isExact: options.attribution === 'exact',
      hasGpu: this.#gpu.available,
      path: this.#output?.path ?? '',
      format: this.#output?.format ?? '',
      metaJson: JSON.stringify(this.#meta(options)),
      streamFd: this.#stream?.fd ?? -1,
      flushMs: options.flushMs,
    })
    this.#state = options.startPaused ? 'paused' : 'recording'
    this.#stopCounters = startRuntimeCounters()
    notifyStart(options.tracerOption)
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

  /** Records nothing until resume(); a span that is open goes on. Idempotent. */
  pause(): void {
    if (this.#state !== 'recording') return
    notifyClose()
    this.#native.pauseSession(this.#id)
    this.#state = 'paused'
  }
  resume(): void {
    if (this.#state !== 'paused') return
    this.#native.resumeSession(this.#id)
    this.#state = 'recording'
    notifyOpen()
  }
  /** Forgets what was recorded so far, and goes on. */
  reset(): void {
    if (this.#state === 'stopped') return
    if (this.#state === 'recording') notifyClose()
    this.#native.resetSession(this.#id)
    takeCounts()
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

  /**
   * Ends the recording, merges it on a thread of its own and writes the file.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE for a path that cannot be opened; the session then goes on.
   */
  async stop(options: Partial<StopOptions> = {}): Promise<Capture> {
    const output = this.#openAtStop(options)
    const meta = this.#close(options)
    const recording = await this.#native.stopSession(this.#id, meta)
    const capture = await Capture.fromHandle(recording)
    this.#capture = capture
    if (output !== undefined) await this.#write(capture, output, () => writeCapture(recording, output))
    return capture
  }

  /** As {@link stop}, blocking: for exit handlers. */
  stopSync(options: Partial<StopOptions> = {}): Capture {
    const output = this.#openAtStop(options)
    const meta = this.#close(options)
    const recording: RecordingHandle = this.#native.stopSessionSync(this.#id, meta)
    const capture = Capture.fromHandleSync(recording)
    this.#capture = capture
    if (output !== undefined) this.#writeSync(capture, output, () => writeCaptureSync(recording, output))
    return capture
  }

  #openAtStop(options: Partial<StopOptions>): Output | undefined {
    if (this.#state === 'stopped')
      throw new OpscopeError('ERR_OPSCOPE_SESSION_STOPPED', 'The session has stopped already.')
    return options.profilePath === undefined ? this.#output : openOutput(options.profilePath)
  }

  /** Everything that must happen while the window is still open, and what only this side knows, as text. */
  #close(options: Partial<StopOptions>): string {
    this.#stopCounters()
    if (this.#state === 'recording') notifyClose()
    this.#state = 'stopped'
    notifyStopped()
    const { notBrokenDown, warnings } = takeCounts()
    if (!this.#isBufferSized)
      warnings.push({ code: 'buffer-size-kept', detail: 'bufferMB had no effect: memory was in use already', count: 1 })
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
  }: ResolvedOptions): Record<string, unknown> {
    const { spanCostNs, clock } = this.#native.recorderStats()
    return {
      opscope: VERSION,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      cpus: availableParallelism(),
      state,
      tracerOption,
      sortedKey,
      attributes,
      bufferMB,
      attribution,
      spanCostNs,
      clock,
      gpu: this.#gpu,
    }
  }

  /** The recording is safe in memory: trouble with the file is a warning, and the capture can be exported again. */
  async #write(capture: Capture, output: Output, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
      if (this.#stream !== undefined) removeStream(this.#stream, output)
    } catch (error) {
      Capture.addWarning(capture, writeWarning(error))
    }
  }
  #writeSync(capture: Capture, output: Output, write: () => unknown): void {
    try {
      write()
      if (this.#stream !== undefined) removeStream(this.#stream, output)
    } catch (error) {
      Capture.addWarning(capture, writeWarning(error))
    }
  }
}

function writeWarning(error: unknown): { code: string; detail: string; count: number } {
  return { code: 'file-not-written', detail: (error as Error).message.replaceAll('\n', ' '), count: 1 }
}

/** @throws OpscopeError ERR_OPSCOPE_GPU_UNAVAILABLE when a GPU is required and none can be recorded. */
function startGpu(binding: NativeBinding, options: ResolvedOptions): GpuState {
  const { gpu, state, gpuStartMs, memory, graphTrace } = options
  if (gpu === 'off' || (state === 'CPU' && gpu !== 'required')) return { available: false, reason: 'off' }
  const { available, reason, detail } = binding.startGpu(gpuStartMs, memory, graphTrace === 'node')
  if (available) return { available, detail }
  if (gpu !== 'required') return { available, reason, detail }
  throw new OpscopeError(
    'ERR_OPSCOPE_GPU_UNAVAILABLE',
    `A GPU is required, and none can be recorded: ${reason}. ${detail}`,
    "Use gpu: 'auto' to record the CPU alone.",
  )
}
