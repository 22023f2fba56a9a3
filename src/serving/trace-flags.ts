// Triton's command line for request tracing, as flags of `opscope run` and as variables of the environment.
import { OpscopeError } from '../errors.js'
import { nameHint } from '../nearest-name.js'
import type { TraceMode } from './trace-settings.js'
import type { ServingTracerOptions } from './tracer-options.js'

/** The flags, and `--trace-config`, which can say all of them and may be given several times. */
export interface TraceFlags {
  file?: string | undefined
  rate?: string | undefined
  level?: string | undefined
  count?: string | undefined
  logFrequency?: string | undefined
  config?: readonly string[] | undefined
}
export interface ParsedTraceFlags {
  options: ServingTracerOptions
  /** What Triton sets of OpenTelemetry, as variables that the program's own SDK reads. */
  otel: Record<string, string>
}

const VARIABLES: Record<keyof TraceFlags, string> = {
  file: 'OPSCOPE_TRACE_FILE',
  rate: 'OPSCOPE_TRACE_RATE',
  level: 'OPSCOPE_TRACE_LEVEL',
  count: 'OPSCOPE_TRACE_COUNT',
  logFrequency: 'OPSCOPE_TRACE_LOG_FREQUENCY',
  config: 'OPSCOPE_TRACE_CONFIG',
}
export const TRACE_VARIABLES: readonly string[] = Object.values(VARIABLES)
/** Between entries of OPSCOPE_TRACE_CONFIG: a comma is part of them. */
const SEPARATOR = ';'

type Reader = (found: Found, value: string, name: string) => void
interface Found {
  options: ServingTracerOptions
  levels: string[]
  resources: string[]
  otel: Record<string, string>
}

const CONFIG: Record<string, Reader> = {
  rate: number('rate'),
  count: number('count'),
  level: (found, value) => found.levels.push(value),
  mode(found, value) {
    once(found.options, 'mode', value.split(',').map(each => each.trim()) as TraceMode[], 'mode')
  },
  'triton,file': (found, value) => once(found.options, 'file', value, 'file'),
  'triton,log-frequency': number('logFrequency'),
  'opentelemetry,url': variable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'),
  'opentelemetry,resource': (found, value) => found.resources.push(value),
  'opentelemetry,bsp_max_queue_size': variable('OTEL_BSP_MAX_QUEUE_SIZE'),
  'opentelemetry,bsp_schedule_delay': variable('OTEL_BSP_SCHEDULE_DELAY'),
  'opentelemetry,bsp_max_export_batch_size': variable('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
}
const CONFIG_NAMES = Object.keys(CONFIG)

/**
 * Undefined when no flag is given.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE; the values of settings are checked by who uses them
 */
export function parseTraceFlags({ config = [], ...flags }: TraceFlags): ParsedTraceFlags | undefined {
  const entries: [string, string | undefined][] = [
    ['triton,file', flags.file],
    ['rate', flags.rate],
    ['level', flags.level],
    ['count', flags.count],
    ['triton,log-frequency', flags.logFrequency],
    ...config.map(splitEntry),
  ]
  const given = entries.filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (given.length === 0) return undefined
  const found: Found = { options: {}, levels: [], resources: [], otel: {} }
  for (const [name, value] of given) CONFIG[name]!(found, value, name)
  if (found.levels.length > 0) found.options.level = found.levels.flatMap(level => level.split(','))
  if (found.resources.length > 0) found.otel.OTEL_RESOURCE_ATTRIBUTES = found.resources.join(',')
  return { options: found.options, otel: found.otel }
}

/** The flags as the environment has them; an empty variable is none. */
export function traceFlagsOf(env: NodeJS.ProcessEnv): TraceFlags {
  const text = (key: keyof TraceFlags) => env[VARIABLES[key]] || undefined
  const config = text('config')
    ?.split(SEPARATOR)
    .flatMap(entry => entry.trim() || [])
  const { file, rate, level, count, logFrequency } = {
    file: text('file'),
    rate: text('rate'),
    level: text('level'),
    count: text('count'),
    logFrequency: text('logFrequency'),
  }
  return { file, rate, level, count, logFrequency, config }
}

/** The environment in which {@link traceFlagsOf} finds them. */
export function environmentOfTraceFlags({ config, ...flags }: TraceFlags): Record<string, string> {
  const values = { ...flags, config: config === undefined || config.length === 0 ? undefined : config.join(SEPARATOR) }
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      return value === undefined ? [] : [[VARIABLES[key as keyof TraceFlags], value]]
    }),
  )
}

function splitEntry(entry: string): [string, string] {
  const at = entry.indexOf('=')
  const name = entry.slice(0, at)
  if (at > 0 && Object.hasOwn(CONFIG, name)) return [name, entry.slice(at + 1)]
  if (at <= 0) throw unfit(`Expected a trace config of the form name=value, got ${JSON.stringify(entry)}.`)
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_UNKNOWN',
    `Unknown trace config ${JSON.stringify(name)}.`,
    nameHint(name, CONFIG_NAMES),
  )
}

function number(key: 'rate' | 'count' | 'logFrequency'): Reader {
  return ({ options }, value, name) => {
    if (!/^-?\d+$/.test(value))
      throw unfit(`Expected the trace's ${name} to be a whole number, got ${JSON.stringify(value)}.`)
    once(options, key, Number(value), name)
  }
}
function variable(name: string): Reader {
  return ({ otel }, value) => {
    otel[name] = value
  }
}
/** Said in two ways it must be the same: nobody could tell which one holds. */
function once<K extends keyof ServingTracerOptions>(
  options: ServingTracerOptions,
  key: K,
  value: ServingTracerOptions[K],
  name: string,
): void {
  const before = options[key]
  if (before !== undefined && String(before) !== String(value)) {
    throw unfit(`The trace's ${name} is given as ${before} and as ${value}.`)
  }
  options[key] = value
}
function unfit(message: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
}
