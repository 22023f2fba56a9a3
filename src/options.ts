import { CATEGORIES, type Category } from './binding.js'
import { CATEGORY_WORDS, type CategoryChoice, chooseCategories } from './categories.js'
import { OpscopeError } from './errors.js'
import { EXPORT_FORMATS, type ExportFormat } from './export/formats.js'
import { SORTED_KEYS, type SortedKey, type State, type TracerOption } from './model/ops.js'
import { nameHint } from './nearest-name.js'
import { checkKeys } from './option-checks.js'
import { FIT_SIGNALS, unfitReason } from './pause-signal.js'
import { parseTraceparent } from './trace-context.js'

export type { SortedKey, State, TracerOption }

/** Options of a recording: the same words in code, on the command line (`--profile-path`) and in the environment (`OPSCOPE_PROFILE_PATH`). */
export interface ProfilerOptions {
  /** What is recorded, and what Total means in the report: CPU time, GPU time, or both added up. @default 'All' */
  state?: State
  /** How much op detail is recorded and shown. @default 'Default' */
  tracerOption?: TracerOption
  /** A filter within the state: a group, or a list of categories and groups, `-gc` leaves one out. @default 'all' */
  categories?: readonly CategoryChoice[] | CategoryChoice
  /** Order of the report. @default 'default', by first end */
  sortedKey?: SortedKey
  /** Where the capture goes; the format by the suffix. @default none: nothing is written */
  profilePath?: string
  /** Format of the file. @default by the suffix of `profilePath` */
  format?: ExportFormat
  /** Packs the file, whose name then ends in `.gz`. @default 'none' */
  compress?: 'none' | 'gzip'
  /**
   * Size, in MiB, at which the file of a recording that goes on is completed as `name.1.suffix`, `.2`, … and a new
   * one begins; 0: never. The capture is what came since.
   * @default 1024; 200 for a Chrome trace, which viewers take no larger
   */
  maxFileMB?: number
  /**
   * Keeps the last so many ms only, in memory: a flight recorder, whose window is written by `dump()`, by
   * `dumpSignal`, when a span is slower than `slowMs`, and at the stop.
   * @default none: everything since the start
   */
  keepMs?: number
  /** A signal that writes the kept window, as `name.1.suffix`, `.2`, …; in the main thread only. @default false */
  dumpSignal?: NodeJS.Signals | false
  /** Writes the kept window when a section, inference or request takes longer than this. @default none */
  slowMs?: number
  /** When memory is full: new spans are dropped and counted, or old ones forgotten. @default 'drop-new' */
  onFull?: 'drop-new' | 'drop-old'
  /**
   * How often what was recorded is brought to the file, so that it outlives the process; 0: only at the stop. A process
   * that is killed loses what came since.
   * @default 250
   */
  flushMs?: number
  /** Print the report to stdout. @default true for stopProfiler and profileBatches, else false */
  print?: boolean
  /** `required` makes a missing GPU an error. @default 'auto' */
  gpu?: 'auto' | 'off' | 'required'
  /** How long a start may wait for the GPU before it goes on without one. @default 10000 */
  gpuStartMs?: number
  /** Record GPU allocations and releases too. @default false */
  memory?: boolean
  /** CUDA graphs: a row per node, or one per launch, which costs less. Fixed by the first running session. @default 'node' */
  graphTrace?: 'node' | 'graph'
  /**
   * Which span gets GPU work that is launched after an `await`, with no `op` or `recordSync` around it: `exact` follows
   * every switch of async context, `auto` counts such work as orphaned. @default 'auto'
   */
  attribution?: 'auto' | 'exact'
  /** Memory for spans that are not merged yet, in MiB; set by the first session of the process. @default 256 */
  bufferMB?: number
  /** Record nothing until `resume()`. @default false */
  startPaused?: boolean
  /** How long after the start the window opens. @default 0 */
  delayMs?: number
  /** How long the window is; the recording then stops by itself. @default none: until it is stopped */
  durationMs?: number
  /** A signal that pauses and resumes the recording, `SIGUSR2` say; in the main thread only. @default false */
  signal?: NodeJS.Signals | false
  /** The span of elsewhere that spans without a parent are children of: a `traceparent` of W3C Trace Context. */
  traceparent?: string
  /** Facts about the whole recording, kept with it. */
  attributes?: Readonly<Record<string, string | number | boolean>>
}

export interface ResolvedOptions {
  readonly state: State
  readonly tracerOption: TracerOption
  readonly categories: readonly Category[]
  readonly sortedKey: SortedKey
  readonly profilePath: string | undefined
  readonly format: ExportFormat | undefined
  readonly compress: 'none' | 'gzip'
  readonly maxFileMB: number | undefined
  readonly keepMs: number | undefined
  readonly dumpSignal: NodeJS.Signals | false
  readonly slowMs: number | undefined
  readonly onFull: 'drop-new' | 'drop-old'
  readonly flushMs: number
  readonly print: boolean
  readonly gpu: 'auto' | 'off' | 'required'
  readonly gpuStartMs: number
  readonly memory: boolean
  readonly graphTrace: 'node' | 'graph'
  readonly attribution: 'auto' | 'exact'
  readonly bufferMB: number
  readonly startPaused: boolean
  readonly delayMs: number
  readonly durationMs: number | undefined
  readonly signal: NodeJS.Signals | false
  readonly traceparent: string | undefined
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

const MAX_BUFFER_MB = 64 * 1024
const MAX_FILE_MB = 1024 * 1024
const STATES = ['CPU', 'GPU', 'All'] as const
const TRACER_OPTIONS = ['Default', 'OpDetail', 'AllOpDetail'] as const
const GPU_CHOICES = ['auto', 'off', 'required'] as const
const ATTRIBUTIONS = ['auto', 'exact'] as const

/** One option: what it is without being set, how a value is checked, and how text becomes a value. */
interface OptionRule<T> {
  fallback: T
  check(value: unknown, key: string): T
  parse(text: string): unknown
}

const flagWords = new Map<string, boolean>([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
])

const RULES: { [K in keyof ResolvedOptions]: OptionRule<ResolvedOptions[K]> } = {
  state: choice(STATES, 'All'),
  tracerOption: choice(TRACER_OPTIONS, 'Default'),
  categories: {
    fallback: CATEGORIES,
    check: checkCategories,
    parse: text => text.split(',').map(part => part.trim()),
  },
  sortedKey: choice(SORTED_KEYS, 'default'),
  profilePath: { fallback: undefined, check: checkPath, parse: text => text },
  format: { ...choice(EXPORT_FORMATS, 'perfetto'), fallback: undefined },
  compress: choice(['none', 'gzip'], 'none'),
  maxFileMB: { fallback: undefined, check: checkFileSize, parse: Number },
  keepMs: { fallback: undefined, check: (value, key) => checkMs(value, key, 1), parse: Number },
  dumpSignal: { fallback: false, check: checkSignal, parse: text => flagWords.get(text.toLowerCase()) ?? text },
  slowMs: { fallback: undefined, check: (value, key) => checkMs(value, key, 1), parse: Number },
  onFull: choice(['drop-new', 'drop-old'], 'drop-new'),
  flushMs: milliseconds(250, 0),
  print: flag(false),
  gpu: choice(GPU_CHOICES, 'auto'),
  gpuStartMs: milliseconds(10_000, 1),
  memory: flag(false),
  graphTrace: choice(['node', 'graph'], 'node'),
  attribution: choice(ATTRIBUTIONS, 'auto'),
  bufferMB: { fallback: 256, check: checkBuffer, parse: Number },
  startPaused: flag(false),
  delayMs: { fallback: 0, check: (value, key) => checkMs(value, key, 0), parse: Number },
  durationMs: { fallback: undefined, check: (value, key) => checkMs(value, key, 1), parse: Number },
  signal: { fallback: false, check: checkSignal, parse: text => flagWords.get(text.toLowerCase()) ?? text },
  traceparent: { fallback: undefined, check: checkTraceparent, parse: text => text },
  attributes: { fallback: {}, check: checkAttributes, parse: parseAttributes },
}
export const OPTION_KEYS = Object.keys(RULES) as (keyof ResolvedOptions)[]

/** Where a recording goes, and when it is made. */
const WINDOW_KEYS: readonly string[] = [
  'profilePath',
  'format',
  'compress',
  'print',
  'startPaused',
  'delayMs',
  'durationMs',
  'signal',
  'keepMs',
  'dumpSignal',
  'slowMs',
  'onFull',
]
let isWindowTaken = false

/**
 * The variables that say where a recording goes and when it is made are those of the session that `opscope/register`
 * started: from now on no other session of this thread reads them, or two would write one file.
 */
export function takeWindowVariables(): void {
  isWindowTaken = true
}

/**
 * What the caller gave, else the environment, else the default; frozen.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE; and what `onBadVariable` throws
 */
export function resolveOptions(
  given: ProfilerOptions,
  defaults: Partial<ResolvedOptions> = {},
  onBadVariable: (name: string, error: Error) => void = warnAboutVariable,
): ResolvedOptions {
  checkKeys(given, OPTION_KEYS)
  const resolve = <K extends keyof ResolvedOptions>(key: K): ResolvedOptions[K] => {
    const rule: OptionRule<ResolvedOptions[K]> = RULES[key]
    const value = given[key]
    if (value !== undefined) return rule.check(value, key)
    const text = isWindowTaken && WINDOW_KEYS.includes(key) ? undefined : process.env[environmentName(key)]
    if (text !== undefined && text !== '') {
      try {
        return rule.check(rule.parse(text), key)
      } catch (error) {
        onBadVariable(environmentName(key), error as Error)
      }
    }
    return defaults[key] ?? rule.fallback
  }
  return Object.freeze(Object.fromEntries(OPTION_KEYS.map(key => [key, resolve(key)]))) as unknown as ResolvedOptions
}

/** `profilePath` → `OPSCOPE_PROFILE_PATH`, `bufferMB` → `OPSCOPE_BUFFER_MB`. */
export function environmentName(key: string): string {
  return `OPSCOPE_${key.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}`
}

/**
 * Checks the text of an option, as a variable or the command line gives it.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
 */
export function checkText(key: keyof ResolvedOptions, text: string): void {
  const rule: OptionRule<unknown> = RULES[key]
  rule.check(rule.parse(text), key)
}

/**
 * A variable that is a switch and no option of a recording; off when it is absent.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
 */
export function readSwitch(name: string): boolean {
  const text = process.env[name] ?? ''
  const { parse, check } = flag(false)
  return text !== '' && check(parse(text), name)
}

const warned = new Set<string>()
function warnAboutVariable(name: string, error: Error): void {
  if (warned.has(name)) return
  warned.add(name)
  process.stderr.write(`opscope: ${name} is ignored: ${error.message.split('\n')[0]}\n`)
}

function fail(key: string, expected: string, value: unknown, hint?: string): never {
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "${key}" option to be ${expected}, got ${show(value)}.`,
    hint,
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function choice<T extends string>(choices: readonly T[], fallback: T): OptionRule<T> {
  return {
    fallback,
    check(value, key) {
      if (choices.includes(value as T)) return value as T
      return fail(
        key,
        `one of ${choices.join(', ')}`,
        value,
        typeof value === 'string' ? nameHint(value, choices) : undefined,
      )
    },
    parse: text => text,
  }
}

function flag(fallback: boolean): OptionRule<boolean> {
  return {
    fallback,
    check: (value, key) => (typeof value === 'boolean' ? value : fail(key, 'a boolean', value)),
    parse: text => flagWords.get(text.toLowerCase()) ?? text,
  }
}

function checkCategories(value: unknown, key: string): readonly Category[] {
  const words: unknown = typeof value === 'string' ? [value] : value
  if (!Array.isArray(words) || words.length === 0) return fail(key, `'all' or a list of categories`, value)
  for (const word of words) {
    const name = String(word).replace(/^-/, '')
    if (!CATEGORY_WORDS.includes(name))
      fail(key, `made of ${CATEGORY_WORDS.join(', ')}`, word, nameHint(name, CATEGORY_WORDS))
  }
  const chosen = chooseCategories(words)
  return chosen.length > 0 ? chosen : fail(key, 'a choice that leaves a category', words.join())
}

function checkPath(value: unknown, key: string): string {
  return typeof value === 'string' && value !== '' ? value : fail(key, 'a path', value)
}

function checkFileSize(value: unknown, key: string): number {
  const isFit = typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MAX_FILE_MB
  return isFit ? value : fail(key, `a number of MiB from 0 to ${MAX_FILE_MB}`, value)
}

function checkBuffer(value: unknown, key: string): number {
  const isFit = typeof value === 'number' && Number.isFinite(value) && value >= 1 && value <= MAX_BUFFER_MB
  return isFit ? value : fail(key, `a number of MiB from 1 to ${MAX_BUFFER_MB}`, value)
}

// More than minutes is a mistake.
const MAX_MS = 600_000
function milliseconds(fallback: number, min: number): OptionRule<number> {
  return {
    fallback,
    check: (value, key) =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= MAX_MS
        ? (value as number)
        : fail(key, `a whole number of ms from ${min} to ${MAX_MS}`, value),
    parse: Number,
  }
}

// As long as a timer of Node.js can be: 24 days.
const MAX_WINDOW_MS = 2 ** 31 - 1
function checkMs(value: unknown, key: string, least: number): number {
  const isFit = typeof value === 'number' && value >= least && value <= MAX_WINDOW_MS
  return isFit ? value : fail(key, `a number of ms from ${least} to ${MAX_WINDOW_MS}`, value)
}

function checkSignal(value: unknown, key: string): NodeJS.Signals | false {
  if (value === false) return value
  if (typeof value !== 'string') return fail(key, 'the name of a signal, or false', value)
  const reason = unfitReason(value)
  if (reason === undefined) return value as NodeJS.Signals
  const hint = reason.startsWith('is no') ? nameHint(value, FIT_SIGNALS) : 'SIGUSR2 is free for programs.'
  return fail(key, 'a signal that can toggle a recording', value, `${value} ${reason}. ${hint}`)
}

function checkTraceparent(value: unknown, key: string): string {
  if (parseTraceparent(value) !== undefined) return value as string
  return fail(key, 'a traceparent', value, 'For headers of a request use extract(), which ignores what is none.')
}

function checkAttributes(value: unknown, key: string): Readonly<Record<string, string | number | boolean>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(key, 'an object', value)
  for (const entry of Object.values(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof entry))
      fail(key, 'made of strings, numbers and booleans', entry)
  }
  return { ...(value as Record<string, string | number | boolean>) }
}

function parseAttributes(text: string): Record<string, string> {
  const pairs = text.split(',').map(pair => pair.split('='))
  if (pairs.some(pair => pair.length !== 2 || pair[0]!.trim() === '')) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected "key=value,key=value", got ${show(text)}.`)
  }
  return Object.fromEntries(pairs.map(([key, value]) => [key!.trim(), value!.trim()]))
}
