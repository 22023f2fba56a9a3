import type { Session } from '../session.js'
import type { LiveFrame } from './live-frame.js'
import { frameOf } from './live-rows.js'
import { remoteSession } from './window.js'

export interface Watcher {
  onFrame(frame: LiveFrame): void
  /** Nothing comes any more. */
  onFailure(error: Error): void
}

const SECOND_MS = 1000

const watchers = new Set<Watcher>()
let aggregation: Aggregation | undefined

/**
 * Tells the watcher each second what this process did in it, until the returned function is called. All watchers share
 * one recording; without any, nothing is recorded.
 * @throws OpscopeError ERR_OPSCOPE_NATIVE_MISSING
 */
export function watchProcess(watcher: Watcher): () => void {
  aggregation ??= new Aggregation()
  watchers.add(watcher)
  return () => {
    if (!watchers.delete(watcher) || watchers.size > 0) return
    aggregation?.end()
    aggregation = undefined
  }
}

/**
 * One recording that keeps its last second, and is looked at each second. A session for each second costs three times
 * the time of the event loop, and loses every span that goes from one into the next.
 */
class Aggregation {
  readonly #session: Session
  readonly #timer: NodeJS.Timeout
  #sequence = 0
  #lookedNs = process.hrtime.bigint()
  #isLooking = false
  #hasEnded = false

  constructor() {
    // Whatever the environment says of the program's own recordings.
    this.#session = remoteSession({ categories: 'all', tracerOption: 'Default' }, SECOND_MS, true)
    this.#timer = setInterval(() => this.#look(), SECOND_MS).unref()
  }

  end(): void {
    this.#hasEnded = true
    clearInterval(this.#timer)
    // Nobody waits for it; it fails where nothing else could be recorded either.
    this.#session.stop().catch(() => {})
  }

  /** A look that takes longer than a second is not overtaken by the next one. */
  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#frame()
      .then(
        frame => {
          if (!this.#hasEnded) for (const watcher of [...watchers]) watcher.onFrame(frame)
        },
        (error: Error) => {
          if (!this.#hasEnded) for (const watcher of [...watchers]) watcher.onFailure(error)
        },
      )
      .finally(() => {
        this.#isLooking = false
      })
  }

  async #frame(): Promise<LiveFrame> {
    await this.#session.flush() // what has ended up to now
    const nowNs = process.hrtime.bigint()
    const ended = this.#session.takeEndedSpans()
    const elapsedNs = Number(nowNs - this.#lookedNs)
    this.#lookedNs = nowNs
    const capture = await this.#session.dump()
    const { dropped } = this.#session.stats
    this.#sequence += 1
    return { ...frameOf({ capture, ended, elapsedNs }), sequence: this.#sequence, watchers: watchers.size, dropped }
  }
}
