import { checkWholeNumber } from '../option-checks.js'
import { CallFailure } from './call-failure.js'

/** What a server or handler lets others ask of its process. */
export interface CaptureLimits {
  /** Longer captures end there. @default 60000 */
  maxDurationMs?: number
  /** Captures at the same time; they share one recorder. @default 4 */
  maxConcurrent?: number
  /** Captures begun in a minute. @default 120 */
  maxPerMinute?: number
  /** Of a reply; the oldest events are left out beyond. @default 512 */
  maxReplyMB?: number
}

const DEFAULTS: Required<CaptureLimits> = {
  maxDurationMs: 60_000,
  maxConcurrent: 4,
  maxPerMinute: 120,
  maxReplyMB: 512,
}
export const LIMIT_KEYS = Object.keys(DEFAULTS) as (keyof CaptureLimits)[]
const MINUTE_MS = 60_000
const MOST: Required<CaptureLimits> = {
  maxDurationMs: 3_600_000,
  maxConcurrent: 64,
  maxPerMinute: 6000,
  // A message of protobuf has less than 2 GiB.
  maxReplyMB: 2000,
}

/** Counts captures against their limits. */
export class CaptureGate {
  readonly limits: Readonly<Required<CaptureLimits>>
  #running = 0
  /** When those of the last minute began, ms; in order. */
  #begins: number[] = []

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
  constructor(given: CaptureLimits) {
    const limits = { ...DEFAULTS }
    for (const key of LIMIT_KEYS) {
      limits[key] = given[key] ?? DEFAULTS[key]
      checkWholeNumber({ [key]: limits[key] }, 1, MOST[key])
    }
    this.limits = limits
  }

  get maxReplyBytes(): number {
    return this.limits.maxReplyMB * 2 ** 20
  }

  /**
   * Runs `capture` as one of those that are counted.
   * @param over until when it counts once it is done: its reply is in memory until that has left
   * @throws CallFailure RESOURCE_EXHAUSTED; and what `capture` throws
   */
  async pass<T>(capture: () => Promise<T>, over: Promise<void> = Promise.resolve()): Promise<T> {
    const { maxConcurrent, maxPerMinute } = this.limits
    const now = performance.now()
    this.#begins = this.#begins.filter(begin => begin > now - MINUTE_MS)
    if (this.#running >= maxConcurrent) {
      throw new CallFailure('RESOURCE_EXHAUSTED', `${this.#running} captures are running, which is the limit.`)
    }
    if (this.#begins.length >= maxPerMinute) {
      const message = `${maxPerMinute} captures began in the last minute, which is the limit.`
      throw new CallFailure('RESOURCE_EXHAUSTED', message)
    }
    this.#begins.push(now)
    this.#running += 1
    const release = () => {
      this.#running -= 1
    }
    try {
      const reply = await capture()
      over.then(release)
      return reply
    } catch (error) {
      release()
      throw error
    }
  }
}
