// Stage lines, as Paddle Serving's clients print them under FLAGS_profile_client:
//   PROFILE <tab> pid:87322 <tab> bert_pre_0:1700000000000000 bert_pre_1:1700000000000250
import { types } from 'node:util'
import { threadId } from 'node:worker_threads'

import { OpscopeError } from '../errors.js'
import { checkKeys } from '../option-checks.js'
import { record } from '../record.js'
import { LineOutput, type ProfileOutput } from './profile-output.js'
import { isSwitchedOn } from './profile-switch.js'
import { epochUs } from './wall-clock.js'

/** A stage that is over, for a line; µs since the Unix epoch. */
export interface StageEvent {
  stage: string
  startUs: number
  endUs: number
}
export interface StageTimerOptions {
  /** Where the lines go. @default OPSCOPE_PROFILE_LINES, else 'stdout' */
  output?: ProfileOutput
  /** Whether lines are written. @default FLAGS_profile_client */
  enabled?: boolean
}

const REQUEST = { category: 'request' } as const
const OPTION_KEYS = ['output', 'enabled']

/** Times stages of requests and writes them as lines. */
export class StageTimer {
  /** Whether lines are written. */
  readonly isOn: boolean
  readonly #output: LineOutput

  /**
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE; ERR_OPSCOPE_FILE_WRITE when it is on and
   * the file of `output` cannot be opened
   */
  constructor(options: StageTimerOptions = {}) {
    checkKeys(options, OPTION_KEYS)
    const { enabled, output } = options
    if (enabled !== undefined && typeof enabled !== 'boolean') {
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the "enabled" option to be a boolean.')
    }
    this.isOn = enabled ?? isSwitchedOn('FLAGS_profile_client')
    this.#output = new LineOutput(output ?? (process.env.OPSCOPE_PROFILE_LINES || 'stdout'))
    if (!this.isOn) return
    if (output !== undefined) this.#output.open()
    // Takes up to a ms once: not inside the first stage.
    this.nowUs()
  }

  /**
   * Runs a body, synchronous or async, and writes a line with its begin and end, also when it fails. While a session
   * records, it is a span of category `request` too.
   * @param name Without spaces, tabs and colons, which become "_". `name#track` names a track of the process.
   * @returns what the body returns
   * @throws what the body throws, unchanged; OpscopeError ERR_OPSCOPE_OPTION_VALUE for a name that is none
   * @example
   * const feed = await timer.stage('bert_pre', () => tokenize(text))
   */
  stage<T>(name: string, body: () => T): T {
    checkStageName(name)
    if (!this.isOn) return record(name, REQUEST, () => body())
    const startUs = this.nowUs()
    const end = () => this.line([{ stage: name, startUs, endUs: this.nowUs() }])
    let result: T
    try {
      result = record(name, REQUEST, () => body())
    } catch (error) {
      end()
      throw error
    }
    if (!types.isPromise(result)) {
      end()
      return result
    }
    return result.then(
      value => {
        end()
        return value
      },
      error => {
        end()
        throw error
      },
    ) as T
  }

  /**
   * Writes stages that are over as one line; nothing while it is off.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
   */
  line(events: readonly StageEvent[]): void {
    for (const event of events) checkEvent(event)
    if (!this.isOn || events.length === 0) return
    const track = threadId === 0 ? '' : `#${threadId}`
    const texts = events.map(({ stage, startUs, endUs }) => {
      const name = stage.replaceAll(/[\s:\p{Cc}]/gu, '_') + track
      return `${name}_0:${Math.round(startUs)} ${name}_1:${Math.round(endUs)}`
    })
    this.#output.write(`PROFILE\tpid:${process.pid}\t${texts.join(' ')}\n`)
  }

  /** Now, as lines tell it: a monotonic clock, brought to the wall clock once for the process. */
  nowUs(): number {
    return epochUs(process.hrtime.bigint())
  }

  /** Lines that could not be written. */
  get lostLines(): number {
    return this.#output.lostCount
  }
}

let timer: StageTimer | undefined

/** The timer of {@link stage}, made at first use; the variables are read then. */
export function processTimer(): StageTimer {
  timer ??= new StageTimer()
  return timer
}

/**
 * `StageTimer.stage()` of a timer that all of the process share, as the variables say: FLAGS_profile_client turns it on,
 * OPSCOPE_PROFILE_LINES says where lines go. They are read at the first call.
 * @example
 * const feed = await stage('bert_pre', () => tokenize(text))
 */
export function stage<T>(name: string, body: () => T): T {
  return processTimer().stage(name, body)
}

function checkStageName(name: unknown): asserts name is string {
  if (typeof name === 'string' && name !== '') return
  throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the name of a stage, as a string that is not empty.')
}
function checkEvent({ stage, startUs, endUs }: StageEvent): void {
  checkStageName(stage)
  for (const us of [startUs, endUs]) {
    if (typeof us === 'number' && us >= 0 && us <= Number.MAX_SAFE_INTEGER) continue
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected the times of stage ${JSON.stringify(stage)} to be µs since the Unix epoch.`,
      'StageTimer.nowUs() gives them.',
    )
  }
}
