// Values of trace settings: what may be given at the start, and what may be asked of a running process.
import { OpscopeError } from '../errors.js'
import { nameHint } from '../nearest-name.js'
import { checkKeys } from '../option-checks.js'
import type { FixedSettings, SettingValues, TraceMode } from './sampler.js'
import { isTracing, parseTraceLevel } from './trace-level.js'

/** Settings of one model: what is absent is as for all models. */
export interface ModelSettingsStart {
  level?: string | readonly string[]
  rate?: number
  count?: number
  logFrequency?: number
}

/** The settings that a process starts with. */
export interface TraceSettingsStart {
  /** `OFF`, `TIMESTAMPS`, `TENSORS`, or several; `MIN` and `MAX` of old mean `TIMESTAMPS`. @default 'OFF' */
  level?: string | readonly string[]
  /** Every how many requests one is traced; 0: only those whose trace context is sampled. @default 1000 */
  rate?: number
  /** How many traces are taken in all; -1: no limit. @default -1 */
  count?: number
  /** How many traces go in one file; 0: all. @default 0 */
  logFrequency?: number
  /** Where traces go in mode `triton`. */
  file?: string
  /** Traces go to a file, to OpenTelemetry, or to both; `spans`: to the running sessions alone. @default 'triton' */
  mode?: TraceMode | readonly TraceMode[]
  /** Settings of single models; `{}` makes a model known before its first request. */
  models?: Readonly<Record<string, ModelSettingsStart>>
}

/** A setting of a running process that cannot be had. `status` is that of the HTTP reply. */
export class TraceSettingError extends OpscopeError {
  readonly status: number
  constructor(status: number, message: string, options?: ErrorOptions) {
    super('ERR_OPSCOPE_OPTION_VALUE', message, undefined, options)
    this.status = status
  }
}

/** What a scope, all models or one, has of its own. */
export type Overrides = Partial<SettingValues>
/** What a request changes; undefined: the scope gives up its own. */
export type SettingChange = ReadonlyMap<keyof SettingValues, SettingValues[keyof SettingValues] | undefined>

const MODES: readonly TraceMode[] = ['triton', 'opentelemetry', 'spans']
// The widths that the settings have in Triton: uint32 and int32.
const MAX_UINT32 = 2 ** 32 - 1
const MAX_INT32 = 2 ** 31 - 1

interface SettingRule<T> {
  /** Its name on the network. */
  wire: string
  fallback: T
  read(value: unknown, name: string): T
}
const RULES: { readonly [K in keyof SettingValues]: SettingRule<SettingValues[K]> } = {
  level: { wire: 'trace_level', fallback: { timestamps: false, tensors: false }, read: parseTraceLevel },
  rate: { wire: 'trace_rate', fallback: 1000, read: whole(0, MAX_UINT32) },
  count: { wire: 'trace_count', fallback: -1, read: whole(-1, MAX_INT32) },
  logFrequency: { wire: 'log_frequency', fallback: 0, read: whole(0, MAX_UINT32) },
}
const KEYS = Object.keys(RULES) as (keyof SettingValues)[]
const KEY_OF_WIRE = new Map(KEYS.map(key => [RULES[key].wire, key]))

// Whatever else Triton shows: paths, addresses and what goes with them.
const START_ONLY = new Set([
  'trace_file',
  'trace_mode',
  'url',
  'resource',
  'bsp_max_queue_size',
  'bsp_schedule_delay',
  'bsp_max_export_batch_size',
])

export const FALLBACKS: SettingValues = Object.freeze({
  level: RULES.level.fallback,
  rate: RULES.rate.fallback,
  count: RULES.count.fallback,
  logFrequency: RULES.logFrequency.fallback,
})

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function readFixed(start: TraceSettingsStart): FixedSettings {
  checkKeys(start, [...KEYS, 'file', 'mode', 'models'])
  const { file, mode = 'triton' } = start
  if (file !== undefined && (typeof file !== 'string' || file === '')) throw unfit('file', 'a path', file)
  const modes: readonly TraceMode[] = [...new Set(typeof mode === 'object' && mode !== null ? mode : [mode])]
  const isKnown = modes.every(each => MODES.includes(each))
  if (modes.length === 0 || !isKnown) throw unfit('mode', `made of ${MODES.join(' and ')}`, mode)
  return { file: file ?? '', modes }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function readStart(start: ModelSettingsStart): Overrides {
  const given = KEYS.filter(key => start[key] !== undefined)
  return Object.fromEntries(given.map(key => [key, RULES[key].read(start[key], key)]))
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function readModels(models: unknown = {}): [name: string, own: Overrides][] {
  if (typeof models !== 'object' || models === null) throw unfit('models', 'an object of settings by model', models)
  return Object.entries(models).map(([name, own]) => {
    checkKeys(own, KEYS)
    return [name, readStart(own)]
  })
}

/**
 * Reads what was sent: `null` clears, numbers may be text.
 * @throws TraceSettingError 400; 501 for what is set at the start only, whatever the value
 */
export function readChange(body: unknown): SettingChange {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new TraceSettingError(400, `Expected an object of settings, got ${show(body)}.`)
  }
  const entries = Object.entries(body)
  const startOnly = entries.find(([name]) => START_ONLY.has(name))?.[0]
  if (startOnly !== undefined) {
    throw new TraceSettingError(501, `"${startOnly}" is set when the process starts, and never from the network.`)
  }
  return new Map(
    entries.map(([name, value]) => {
      const key = KEY_OF_WIRE.get(name)
      if (key !== undefined) return [key, value === null ? undefined : readSent(key, name, value)]
      const shown = name.slice(0, 40)
      const hint = nameHint(shown, [...KEY_OF_WIRE.keys()])
      throw new TraceSettingError(400, `Unknown setting ${JSON.stringify(shown)}. ${hint}`)
    }),
  )
}

/** Why the values, which turn tracing on, would trace nothing; undefined when they are sound. */
export function emptyReason(values: SettingValues, asked: Iterable<string>, fixed: FixedSettings): string | undefined {
  if (!isTracing(values.level)) return undefined
  if (fixed.modes.includes('triton') && fixed.file === '') return 'there is no trace file: one is named at the start'
  if (!values.level.timestamps && !fixed.modes.includes('triton')) {
    return 'OpenTelemetry gets no tensors: the level must have TIMESTAMPS'
  }
  // A used-up count is no reason to refuse a request about something else.
  const isAboutTracing = [...asked].some(key => key === 'level' || key === 'count')
  return isAboutTracing && values.count === 0 ? 'the count is 0: set it, or -1 for no limit' : undefined
}

/** Whether nothing is left that the scope would take from all models. */
export function isComplete(own: Overrides): boolean {
  return KEYS.every(key => own[key] !== undefined)
}

export function unfit(name: string, expected: string, value: unknown): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected "${name}" to be ${expected}, got ${show(value)}.`)
}

function readSent(key: keyof SettingValues, name: string, value: unknown): SettingValues[keyof SettingValues] {
  try {
    // A rate of 0 is for the start: it would leave the network no way to tell "off" from "only sampled contexts".
    if (key === 'rate') return whole(1, MAX_UINT32)(numberOf(value), name)
    return RULES[key].read(key === 'level' ? value : numberOf(value), name)
  } catch (error) {
    const { message } = error as Error
    throw new TraceSettingError(400, message.replaceAll(/\n\s*/g, ' '), { cause: error })
  }
}

/** The number that a text is; every other value as it is. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
}

function whole(least: number, most: number): (value: unknown, name: string) => number {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    throw unfit(name, `a whole number from ${least} to ${most}`, value)
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
