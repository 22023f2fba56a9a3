import { OpscopeError } from '../errors.js'

/** What one process lets others ask of it. */
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

/** Why a capture is not begun. */
export class CaptureRefusal extends OpscopeError {
  constructor(message: string) {
    super('ERR_OPSCOPE_OPTION_VALUE', message)
  }
}

const DEFAULTS: Required<CaptureLimits> = {
  maxDurationMs: 60_000,
  maxConcurrent: 4,
  maxPerMinute: 120,
  maxReplyMB: 512,
}
export const LIMIT_KEYS = Object.keys(DEFAULTS) as (keyof CaptureLimits)[]
const MINUTE_MS = 60_000
// A message of protobuf has less than 2 GiB.
const MOST: Required<CaptureLimits> = {
  maxDurationMs: 3_600_000,
  maxConcurrent: 64,
  maxPerMinute: 6000,
  maxReplyMB: 2000,
}

/** Counts captures against their limits. */
export class CaptureGate {
  readonly limits: Required<CaptureLimits>
  #running = 0
  /** When those of the last minute began, ms; in order. */
  #begins: number[] = []

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
  constructor(given: CaptureLimits) {
    for (const key of LIMIT_KEYS) {
      const value: unknown = given[key]
      const isFit = value === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST[key])
      if (isFit) continue
      const message = `Expected the "${key}" option to be a whole number from 1 to ${MOST[key]}, got ${String(value)}.`
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
    }
    this.limits = {
      ...DEFAULTS,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    }
  }

  get running(): number {
    return this.#running
  }

  /** Runs `capture` as one of those that are counted. @throws CaptureRefusal */
  async pass<T>(capture: () => Promise<T>): Promise<T> {
    const { maxConcurrent, maxPerMinute } = this.limits
    const now = performance.now()
    this.#begins = this.#begins.filter(begin => begin > now - MINUTE_MS)
    if (this.#running >= maxConcurrent)
      throw new CaptureRefusal(`${this.#running} captures are running, which is the limit.`)
    if (this.#begins.length >= maxPerMinute)
      throw new CaptureRefusal(`${maxPerMinute} captures began in the last minute, which is the limit.`)
    this.#begins.push(now)
    this.#running += 1
    try {
      return await capture()
    } finally {
      this.#running -= 1
    }
  }
}
