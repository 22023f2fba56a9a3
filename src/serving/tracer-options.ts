import { OpscopeError } from '../errors.js'
import { checkKeys } from '../option-checks.js'
import type { TraceMode, TraceSettingsStart } from './trace-settings.js'
import type { TroubleListener } from './trouble.js'

export interface ServingTracerOptions {
  /**
   * Where traces go, in one of Triton's forms. Without it, and without OpenTelemetry, traced requests are only spans of
   * the running sessions.
   * @default none
   */
  file?: string
  /** `v2` as Triton writes it since 2.0, or `v1` as TRTIS 1.9 did. @default 'v2' */
  form?: 'v1' | 'v2'
  /** Every so many-th request is traced. @default 1000 */
  rate?: number
  /** How many are traced before it ends; -1: no limit. @default -1 */
  count?: number
  /** `OFF`, `TIMESTAMPS`, `TENSORS`, or of old `MIN`, `MAX`; several add up. @default 'TIMESTAMPS' */
  level?: string | readonly string[]
  /** How many traces make a complete file `<file>.0`, `.1`, …; 0: all in one file. @default 0 */
  logFrequency?: number
  /** Size at which a file is completed as `<file>.<n>` and the next one begun, in MiB. @default none: one file */
  maxFileMB?: number
  /** @default 'triton' */
  mode?: TraceMode | readonly TraceMode[]
  /** Settings of single models. */
  models?: TraceSettingsStart['models']
  /**
   * An incoming `traceparent` that is sampled makes the request traced, whatever rate and count say.
   * @default true with OpenTelemetry
   */
  propagate?: boolean
  /** With OpenTelemetry, the wait before a computation is a span too. @default false */
  queueSpan?: boolean
  /** Answers get a `Server-Timing` header, of gRPC a trailer, with the stages so far. @default false */
  serverTiming?: boolean
  /** Clients that ask by `x-opscope-profile: 1` get the times of the stages. @default true */
  answerProfile?: boolean
  /**
   * Told of trouble, which reaches no request: a code, a sentence, a count. It is in the warnings of recordings too.
   * @default a process warning, the first time of each code
   */
  onWarning?: TroubleListener
  /** CLOCK_MONOTONIC ns. @internal */
  clock?: () => bigint
}

const KEYS: Record<keyof ServingTracerOptions, true> = {
  file: true,
  form: true,
  rate: true,
  count: true,
  level: true,
  logFrequency: true,
  maxFileMB: true,
  mode: true,
  models: true,
  propagate: true,
  queueSpan: true,
  serverTiming: true,
  answerProfile: true,
  onWarning: true,
  clock: true,
}
/** Those that users give. */
export const TRACER_OPTION_KEYS: readonly string[] = Object.keys(KEYS).filter(key => key !== 'clock')
const BOOLEANS = ['propagate', 'queueSpan', 'serverTiming', 'answerProfile'] as const

/** What the settings do not check. @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function checkTracerOptions(options: ServingTracerOptions): void {
  checkKeys(options, Object.keys(KEYS))
  if (options.onWarning !== undefined && typeof options.onWarning !== 'function') {
    const message = `Expected the "onWarning" option to be a function, got ${typeof options.onWarning}.`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
  }
  for (const key of BOOLEANS) {
    const value: unknown = options[key]
    if (value !== undefined && typeof value !== 'boolean') {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected the "${key}" option to be a boolean, got ${typeof value}.`,
      )
    }
  }
}

/** The settings among the options. A tracer is made to trace: unlike Triton's, its level is not OFF by default. */
export function startSettings({
  level = 'TIMESTAMPS',
  rate,
  count,
  logFrequency,
  file,
  models,
  mode = file === undefined ? 'spans' : 'triton',
}: ServingTracerOptions): TraceSettingsStart {
  const given = Object.entries({ level, rate, count, logFrequency, file, models, mode })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}
