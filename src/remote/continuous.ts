import type { Capture } from '../capture.js'
import type { Session } from '../session.js'
import { CallFailure } from './call-failure.js'
import { remoteSession } from './window.js'

// Without a wish: as long as most requests that somebody looks for.
const KEEP_MS = 10_000
/** A client that started it and went away must not leave a process that records for ever. */
const IDLE_MS = 3_600_000

/** The one flight recorder that callers start, take snapshots of, and stop. */
export class ContinuousRecording {
  #session: Session | undefined
  #idle: NodeJS.Timeout | undefined

  /** @throws CallFailure ALREADY_EXISTS */
  start(keepMs: number, maxKeepMs: number): void {
    if (this.#session !== undefined) {
      throw new CallFailure('ALREADY_EXISTS', 'A profiling session is already running.')
    }
    this.#session = remoteSession({}, Math.min(keepMs || KEEP_MS, maxKeepMs))
    this.#watch()
  }

  /** What is kept; the recording goes on. @throws CallFailure NOT_FOUND */
  async snapshot(): Promise<Capture> {
    const session = this.#running()
    this.#watch()
    return session.dump()
  }

  /** @throws CallFailure NOT_FOUND */
  async stop(): Promise<void> {
    const session = this.#running()
    this.#session = undefined
    clearTimeout(this.#idle)
    await session.stop()
  }

  async close(): Promise<void> {
    if (this.#session !== undefined) await this.stop()
  }

  #running(): Session {
    if (this.#session === undefined) throw new CallFailure('NOT_FOUND', 'No profiling session is running.')
    return this.#session
  }
  #watch(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.close().catch(error => process.emitWarning(error)), IDLE_MS).unref()
  }
}
