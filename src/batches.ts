import type { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { nameHint } from './nearest-name.js'
import { OPTION_KEYS, type ProfilerOptions } from './options.js'
import { isProfilerEnabled, resetProfiler, startProfiler, stopProfiler } from './profiler.js'

export interface BatchOptions extends ProfilerOptions {
  /** Batches that are profiled, counted from 0: `[first, end)`. @default [10, 20] */
  batchRange?: readonly [first: number, end: number]
  /** End the process once the profile is printed and written. @default false; true in the text form */
  exitOnFinished?: boolean
}

/** Profiles a window of a loop's batches; made by {@link profileBatches}. */
export class BatchProfiler {
  readonly #first: number
  readonly #end: number
  readonly #exitOnFinished: boolean
  readonly #options: ProfilerOptions
  #batch = 0
  #isRunning = false
  #capture: Capture | undefined

  /** @internal */
  constructor(options: BatchOptions) {
    const { batchRange = [10, 20], exitOnFinished = false, ...rest } = options
    checkRange(batchRange)
    if (typeof exitOnFinished !== 'boolean') {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected the "exitOnFinished" option to be a boolean, got ${String(exitOnFinished)}.`,
      )
    }
    ;[this.#first, this.#end] = batchRange
    this.#exitOnFinished = exitOnFinished
    this.#options = { print: true, ...rest }
    if (this.#first === 0) this.#start()
  }

  /** The finished recording; undefined before the window has ended. */
  get capture(): Capture | undefined {
    return this.#capture
  }

  /**
   * Call it after each batch. It starts the profiler before the first batch of the range and stops it after
   * the last; await it there, else the next batch runs while the profile is being merged.
   */
  async step(): Promise<void> {
    this.#batch += 1
    if (this.#batch === this.#first) this.#start()
    if (this.#batch === this.#end) await this.finish()
  }

  /** Ends the window early, when the loop had fewer batches than the range. No effect outside the window. */
  async finish(): Promise<Capture | undefined> {
    if (!this.#isRunning) return this.#capture
    this.#isRunning = false
    this.#capture = await stopProfiler()
    if (this.#exitOnFinished) process.exit(0)
    return this.#capture
  }

  /** As the original does: a profiler that runs already starts over. */
  #start(): void {
    if (isProfilerEnabled()) resetProfiler()
    else startProfiler(this.#options)
    this.#isRunning = true
  }
}

/**
 * Profiles some batches of a benchmark loop, after its warm-up.
 * @param options an object, or the text that Paddle's model zoos use:
 *   `batch_range=[10,20];state=All;sorted_key=total;tracer_option=Default;profile_path=/tmp/profile;exit_on_finished=True`
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const batches = profileBatches({ batchRange: [10, 20], sortedKey: 'total' })
 * for (const batch of data) {
 *   await train(batch)
 *   await batches.step()
 * }
 */
export function profileBatches(options: BatchOptions | string): BatchProfiler {
  return new BatchProfiler(typeof options === 'string' ? parseBatchOptions(options) : options)
}

function checkRange(range: unknown): asserts range is readonly [number, number] {
  const isRange =
    Array.isArray(range) &&
    range.length === 2 &&
    range.every(value => Number.isInteger(value) && value >= 0) &&
    range[0] < range[1]
  if (!isRange) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      'Expected the "batchRange" option to be two whole numbers, the first below the second.',
      'For example [10, 20]: ten batches after ten of warm-up.',
    )
  }
}

const FLAG_WORDS: Record<string, boolean> = {
  true: true,
  True: true,
  '1': true,
  false: false,
  False: false,
  '0': false,
}
const BATCH_KEYS = ['batchRange', 'exitOnFinished', ...OPTION_KEYS]

function parseBatchOptions(text: string): BatchOptions {
  const options: Record<string, unknown> = { exitOnFinished: true }
  for (const pair of text.split(';')) {
    if (pair.trim() === '') continue
    const equals = pair.indexOf('=')
    const written = (equals < 0 ? pair : pair.slice(0, equals)).trim()
    const key = written.replace(/_(mb|[a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (!BATCH_KEYS.includes(key)) {
      throw new OpscopeError('ERR_OPSCOPE_OPTION_UNKNOWN', `Unknown option "${written}".`, nameHint(key, BATCH_KEYS))
    }
    if (equals < 0)
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected "${written}=value" in ${JSON.stringify(text)}.`)
    options[key] = parseValue(key, pair.slice(equals + 1).trim())
  }
  return options as BatchOptions
}

function parseValue(key: string, text: string): unknown {
  if (key === 'batchRange')
    return /^\[?\s*\d+\s*,\s*\d+\s*\]?$/.test(text) ? (text.match(/\d+/g) ?? []).map(Number) : text
  if (['exitOnFinished', 'print', 'startPaused', 'memory'].includes(key)) return FLAG_WORDS[text] ?? text
  if (['bufferMB', 'gpuStartMs', 'delayMs', 'durationMs'].includes(key)) return Number(text)
  if (key === 'sortedKey' && text === 'None') return 'default'
  return text
}
