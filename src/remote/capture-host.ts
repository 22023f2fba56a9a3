import { OpscopeError } from '../errors.js'
import type { Address } from './address.js'
import type { HostCapture, HostProgress } from './capture-client.js'
import type { SessionFolder } from './capture-files.js'
import { readReply } from './capture-reply.js'
import type { Call, GrpcClient } from './grpc-client.js'
import { failureOf, type GrpcStatus, type HostFailure, noAnswer } from './host-failure.js'
import { encodeProfileRequest } from './messages.js'
import { WireWriter } from './wire-writer.js'

/** What all hosts are asked for. */
export interface CaptureOrder {
  durationMs: number
  startDelayMs: number
  sessionId: string
  folder: SessionFolder | undefined
  /** By when a reply must be there, `Date.now()`. */
  deadlineMs: number
  isTls: boolean
  onProgress: (progress: HostProgress) => void
  signal: AbortSignal
}

const PROFILE = '/tensorflow.ProfilerService/Profile'
const TERMINATE = '/tensorflow.ProfilerService/Terminate'
// What TensorFlow's client asks for.
const TOOLS = [
  ...['trace_viewer', 'op_profile', 'input_pipeline', 'kernel_stats', 'memory_viewer', 'memory_profile'],
  ...['overview_page', 'pod_viewer', 'tensorflow_stats', 'xplane.pb'],
]
const MAX_EVENTS = 1_000_000
// What was recorded up to an interrupt is worth so long a wait.
const TERMINATE_MS = 10_000

/** The capture of one host. */
export class HostCall {
  readonly #address: Address
  readonly #client: GrpcClient
  readonly #order: CaptureOrder
  #startMs = 0
  #hasAnswered = false

  constructor(address: Address, client: GrpcClient, order: CaptureOrder) {
    this.#address = address
    this.#client = client
    this.#order = order
  }

  /** Waits until there is a connection or none: which of both, the call will tell. */
  async connect(limitMs: number): Promise<void> {
    this.#tell('connecting')
    const { signal } = this.#order
    let interrupt = () => {}
    const interrupted = new Promise<boolean>(resolve => {
      interrupt = () => resolve(false)
    })
    signal.addEventListener('abort', interrupt)
    if (signal.aborted) interrupt()
    this.#hasAnswered = await Promise.race([this.#client.settle(limitMs), interrupted])
    signal.removeEventListener('abort', interrupt)
  }

  /** Never rejects. */
  async capture(startMs: number): Promise<HostCapture> {
    this.#startMs = startMs
    const capture: HostCapture = { address: this.#address.text, files: [], tools: [], warnings: [] }
    try {
      Object.assign(capture, await this.#result())
    } catch (error) {
      capture.failure = await this.#failureOf(error)
    }
    this.#tell(capture.failure === undefined ? 'done' : 'failed')
    return capture
  }

  async #result(): Promise<Partial<HostCapture>> {
    const { signal, folder } = this.#order
    if (signal.aborted) return { failure: INTERRUPTED }
    if (!this.#hasAnswered) throw noAnswer
    const { tools, warnings, failure } = readReply(await this.#profile())
    if (failure !== undefined) return { failure }
    if (tools.length === 0) {
      const file = folder?.found(this.#address)
      return file === undefined ? { failure: this.#keptByServer() } : { files: [file], warnings }
    }
    if (folder === undefined) return { tools, warnings }
    const files = await folder.write(this.#address, tools)
    return { files: files.sort((a, b) => Number(isXplane(b.path)) - Number(isXplane(a.path))), warnings }
  }

  async #profile(): Promise<Buffer> {
    const { signal, deadlineMs } = this.#order
    const call = this.#client.unary(PROFILE, this.#request(), deadlineMs)
    const stopTelling = this.#tellPhases()
    const terminate = () => this.#terminate(call)
    signal.addEventListener('abort', terminate)
    try {
      return await call.reply
    } finally {
      stopTelling()
      signal.removeEventListener('abort', terminate)
    }
  }

  #request(): Buffer {
    const { durationMs, sessionId, folder } = this.#order
    return encodeProfileRequest({
      durationMs,
      maxEvents: MAX_EVENTS,
      tools: TOOLS,
      options: {
        hostTracerLevel: 2,
        deviceTracerLevel: 1,
        pythonTracerLevel: 0,
        version: 1,
        includeDatasetOps: true,
        enableHloProto: true,
        startTimestampNs: BigInt(this.#startMs) * 1_000_000n,
        durationMs,
        repositoryPath: '',
        sessionId: '',
        overrideHostname: '',
      },
      // Servers that know no emit_xspace write there, on a disk that may be ours.
      repositoryRoot: folder?.root ?? '',
      sessionId,
      hostName: this.#address.text,
      emitXspace: true,
    })
  }

  /** Ends the recording early; the reply then comes as if it were over. */
  #terminate(call: Call): void {
    const deadlineMs = Date.now() + TERMINATE_MS
    const request = new WireWriter().string(1, this.#order.sessionId).finish()
    const giveUp = setTimeout(() => call.cancel(), TERMINATE_MS)
    const done = () => clearTimeout(giveUp)
    call.reply.then(done, done)
    // A server that knows no Terminate answers when its time is over, or is given up.
    this.#client.unary(TERMINATE, request, deadlineMs).reply.catch(() => {})
  }

  /** Nothing is heard of a recording before its reply: its phases are those of the clock. */
  #tellPhases(): () => void {
    const now = Date.now()
    const phases = [
      { phase: 'recording', atMs: this.#startMs },
      { phase: 'receiving', atMs: this.#startMs + this.#order.durationMs },
    ] as const
    if (this.#startMs > now) this.#tell('waiting')
    const timers = phases.map(({ phase, atMs }) => setTimeout(() => this.#tell(phase), Math.max(0, atMs - now)))
    return () => {
      for (const timer of timers) clearTimeout(timer)
    }
  }

  #tell(phase: HostProgress['phase']): void {
    this.#order.onProgress({ address: this.#address.text, phase, startMs: this.#startMs })
  }

  #keptByServer(): HostFailure {
    const { folder, sessionId } = this.#order
    const where = folder === undefined ? '' : `, under ${folder.root}/${sessionId} there`
    return {
      reason: 'kept-by-server',
      message: `The server recorded, and sent nothing back: it kept the capture on its own disk${where}.`,
      hint: 'Older releases of TensorFlow can do no more. Give a logdir that both machines share.',
    }
  }

  async #failureOf(error: unknown): Promise<HostFailure> {
    if (this.#order.signal.aborted) return INTERRUPTED
    if (error instanceof OpscopeError) return { reason: 'unwritable', message: error.message }
    const { code = 2, details = String((error as Error).message) } = error as Partial<GrpcStatus>
    return failureOf({ code, details }, this.#address, { service: 'profiler service', isTls: this.#order.isTls })
  }
}

const INTERRUPTED: HostFailure = { reason: 'interrupted', message: 'Interrupted before anything came.' }
const isXplane = (path: string) => path.endsWith('.xplane.pb')
