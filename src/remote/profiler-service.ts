import type { Capture } from '../capture.js'
import { CallFailure } from './call-failure.js'
import { CaptureGate, type CaptureLimits, LIMIT_KEYS } from './capture-limits.js'
import { optionsOfLevels, planCapture } from './capture-plan.js'
import { ContinuousRecording } from './continuous.js'
import type { MonitorRequest, NewSessionRequest, ProfileRequest } from './messages.js'
import { type MonitorReply, monitor } from './monitor.js'
import { type ProfileReply, TOOL } from './profile-reply.js'
import { Repository } from './repository.js'
import { recordWindow } from './window.js'
import { isEmpty, type RoomyBytes, xspaceOf } from './xspace.js'

/** What a capture service offers, and told of what goes wrong. */
export interface CaptureServiceOptions extends CaptureLimits {
  /**
   * Folders below which callers may have files written: absolute paths. The reply carries the capture in any case.
   * @default none
   */
  writeRoots?: readonly string[]
  /**
   * Told what a caller may not see: clients of TensorFlow show every failure as "no trace event".
   * @default a process warning
   */
  onWarning?: (code: string, text: string) => void
}
export const SERVICE_KEYS: readonly (keyof CaptureServiceOptions)[] = [...LIMIT_KEYS, 'writeRoots', 'onWarning']

/** One call: how long its client waits, and whether it still does. */
export interface CallState {
  /** As `Date.now()` counts; Infinity: it waits for ever. */
  deadlineMs: number
  gone: AbortSignal
  /** Settles when the reply has left, or nobody waits for it: until then it is in memory. */
  over: Promise<void>
}

interface Made {
  xspace: RoomyBytes
  isEmpty: boolean
}

// Below, it is what timers do on a machine that is not idle.
const NOTABLE_LATE_MS = 50
// Of a monitored stretch, when none is named.
const MONITOR_MS = 1000
// For making the reply and sending it.
const MONITOR_RESERVE_MS = 250

/** What tensorflow.ProfilerService does, whatever carries its messages. Its methods throw {@link CallFailure}. */
export class ProfilerService {
  readonly #gate: CaptureGate
  readonly #repository: Repository
  readonly #continuous = new ContinuousRecording()
  readonly #warn: (code: string, text: string) => void
  /** Of the captures that run: what ends them early. */
  readonly #running = new Map<AbortController, string>()
  readonly #told = new Set<string>()

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
  constructor({ writeRoots, onWarning = warnProcess, ...limits }: CaptureServiceOptions) {
    this.#gate = new CaptureGate(limits)
    this.#repository = new Repository(writeRoots)
    this.#warn = onWarning
  }

  /** How many captures run now. */
  get running(): number {
    return this.#running.size
  }

  async profile(request: ProfileRequest, call: CallState): Promise<ProfileReply> {
    return this.#counted(call, async () => {
      const made = await this.#capture(request, call)
      if (request.emitXspace) return { kind: 'xspace', ...made }
      if (made.isEmpty) return { kind: 'empty' }
      const { xspace } = made
      const { repositoryRoot: root, hostName } = request
      if (await this.#repository.allows(root)) {
        await this.#write({ root, sessionId: sessionIdOf(request), hostName }, xspace.bytes)
      }
      return { kind: 'tool', xspace }
    })
  }

  /** Ends the captures that were asked for with this id: they answer with what they have. An unknown id ends none. */
  terminate(sessionId: string): void {
    for (const [ended, id] of this.#running) if (id === sessionId) ended.abort()
  }

  /** What the process does, for people. */
  async monitor(request: MonitorRequest, call: CallState): Promise<MonitorReply> {
    const { durationMs: asked, monitoringLevel: level, timestamp: hasTimestamp } = request
    const longestMs = Math.min(
      this.#gate.limits.maxDurationMs,
      Math.max(1, call.deadlineMs - Date.now() - MONITOR_RESERVE_MS),
    )
    const durationMs = Math.min(asked || MONITOR_MS, longestMs)
    return this.#counted(call, () => monitor({ durationMs, level, hasTimestamp, gone: call.gone }))
  }

  startContinuous({ durationMs, options }: ProfileRequest): void {
    this.#continuous.start(options.durationMs || durationMs, this.#gate.limits.maxDurationMs)
  }
  async stopContinuous(): Promise<void> {
    await this.#continuous.stop()
  }
  async snapshot(call: CallState): Promise<ProfileReply> {
    return this.#counted(call, async () => {
      const capture = await this.#continuous.snapshot()
      return { kind: 'xspace', ...(await this.#encode(capture, [])) }
    })
  }

  /**
   * A capture that is written here, for clients that were given a list of workers.
   * @returns the error message for the client's user, and whether there is no trace
   */
  async newSession(asked: NewSessionRequest, call: CallState): Promise<{ message: string; emptyTrace: boolean }> {
    const { request, hosts } = asked
    const root = asked.repositoryRoot || request.repositoryRoot
    const [host = request.hostName] = hosts
    // No caller makes this process speak to other machines.
    if (hosts.length > 1 || hostOf(host) !== hostOf(request.hostName)) {
      const message = 'This process captures itself alone: leave the workers out, and give all addresses with commas.'
      return { message, emptyTrace: true }
    }
    if (!(await this.#repository.allows(root))) {
      const message = 'This process does not write there: leave the workers out, and your side writes the capture.'
      return { message, emptyTrace: true }
    }
    return this.#counted(call, async () => {
      const { xspace, isEmpty: emptyTrace } = await this.#capture(request, call)
      if (emptyTrace) return { message: 'Nothing was recorded.', emptyTrace }
      const sessionId = asked.sessionId || sessionIdOf(request)
      await this.#repository.write({ root, sessionId, hostName: hostOf(host) }, TOOL, xspace.bytes)
      return { message: '', emptyTrace }
    })
  }

  /** Ends what runs, which answers with what it has. */
  async close(): Promise<void> {
    for (const ended of this.#running.keys()) ended.abort()
    await this.#continuous.close()
  }

  async #capture(request: ProfileRequest, call: CallState): Promise<Made> {
    const options = optionsOfLevels(request.options)
    const { maxDurationMs } = this.#gate.limits
    const { notes, ...plan } = planCapture(request, { ...call, maxDurationMs, nowMs: Date.now() })
    const ended = new AbortController()
    this.#running.set(ended, sessionIdOf(request))
    const window = await recordWindow({ ...plan, options, ended: ended.signal, gone: call.gone }).finally(() =>
      this.#running.delete(ended),
    )
    if (window === undefined) throw new CallFailure('CANCELLED', 'The client did not wait for the capture.')
    const { capture, lateMs } = window
    if (lateMs >= NOTABLE_LATE_MS) {
      notes.push(`The event loop was busy: the capture ended ${Math.round(lateMs)} ms late, and has that time too.`)
    }
    return this.#encode(capture, notes)
  }

  async #encode(capture: Capture, notes: string[]): Promise<Made> {
    const empty = isEmpty(capture)
    const errors: string[] = []
    if (empty) {
      const seconds = (capture.durationNs / 1e9).toFixed(3)
      errors.push(`Nothing was recorded in ${seconds} s: no span began, and no GPU was used.`)
      this.#warn('capture-empty', `A capture is empty: ${errors[0]} Send requests while it is taken.`)
    }
    const xspace = await xspaceOf(capture, this.#gate.maxReplyBytes, { warnings: notes, errors })
    return { xspace, isEmpty: empty }
  }

  async #write(place: Parameters<Repository['write']>[0], xspace: Uint8Array): Promise<void> {
    try {
      await this.#repository.write(place, TOOL, xspace)
    } catch (error) {
      // The reply has it all the same.
      this.#warn('capture-not-written', `A capture was not written: ${(error as Error).message}`)
    }
  }

  /** As one of the captures that are counted; what goes wrong is told here too. */
  async #counted<T>({ over }: CallState, capture: () => Promise<T>): Promise<T> {
    try {
      return await this.#gate.pass(capture, over)
    } catch (error) {
      const status = error instanceof CallFailure ? error.status : 'INTERNAL'
      if (status === 'INTERNAL') this.#warn('capture-failed', `A capture failed: ${(error as Error).message}`)
      if (status === 'RESOURCE_EXHAUSTED' && !this.#told.has(status)) {
        this.#told.add(status)
        this.#warn('capture-refused', `A capture was refused: ${(error as Error).message}`)
      }
      throw error
    }
  }
}

function sessionIdOf({ sessionId, options }: ProfileRequest): string {
  return sessionId || options.sessionId
}
/** Without the port. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '')
}
export function warnProcess(code: string, text: string): void {
  process.emitWarning(text, { type: 'OpscopeWarning', code })
}
