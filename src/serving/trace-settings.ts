import { OpscopeError } from '../errors.js'
import { type FixedSettings, type ParentDecision, Sampler, type SettingValues, type TraceSetting } from './sampler.js'
import {
  emptyReason,
  FALLBACKS,
  isComplete,
  type Overrides,
  readChange,
  readFixed,
  readModels,
  readStart,
  type SettingChange,
  TraceSettingError,
  type TraceSettingsStart,
} from './setting-values.js'
import { traceLevelWords } from './trace-level.js'

export type { ParentDecision, TraceMode, TraceSetting } from './sampler.js'
export type { ModelSettingsStart, TraceSettingsStart } from './setting-values.js'
export { TraceSettingError }

/** Settings as they are told: Triton's names, and numbers as text. */
export interface TraceSettingState {
  trace_level: string[]
  trace_rate: string
  /** What remains of it. */
  trace_count: string
  /** As `trace_file`, in mode `triton` alone. */
  log_frequency?: string
  trace_file?: string
  trace_mode: string
}

/** All models, or one that has settings of its own. */
interface Scope {
  readonly own: Overrides
  readonly sampler: Sampler
}

// Names of models may come from requests; more than a server serves are somebody's guesses.
const MAX_KNOWN_MODELS = 4096

/** Which requests are traced, and with what; all that may change while they run. */
export class TraceSettings {
  /** False: no request can be traced now. For the hot path to ask before anything else. */
  isOn = false
  /** Some model has settings of its own: which hold for a request is known when its model is. */
  hasModelSettings = false
  readonly #fixed: FixedSettings
  readonly #start: SettingValues
  #all: Scope
  #models: ReadonlyMap<string, Scope> = new Map()
  readonly #knownModels = new Set<string>()
  readonly #listeners = new Set<() => void>()

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
  constructor(start: TraceSettingsStart = {}) {
    this.#fixed = readFixed(start)
    this.#start = { ...FALLBACKS, ...readStart(start) }
    this.#checkStart(this.#start, '')
    this.#all = this.#scope({}, this.#start)
    const models = new Map<string, Scope>()
    for (const [name, own] of readModels(start.models)) {
      this.#checkStart({ ...this.#start, ...own }, ` for model "${name}"`)
      this.knowModel(name)
      if (Object.keys(own).length > 0) models.set(name, this.#scope(own, this.#start))
    }
    this.#use(this.#all, models)
  }

  /** Traces go to OpenTelemetry, maybe to a file too. */
  get exports(): boolean {
    return this.#fixed.modes.includes('opentelemetry')
  }

  /**
   * Counts a request, and says what it is traced with: undefined, not at all. Once per request that comes from outside:
   * what it calls in turn is traced with it and never asked about.
   * @param model whose settings hold, where it has some
   * @param parent what the trace context that came with the request says; undefined: there was none
   */
  sample(model: string | undefined, parent?: ParentDecision): TraceSetting | undefined {
    const scope = (this.hasModelSettings && model !== undefined && this.#models.get(model)) || this.#all
    const setting = scope.sampler.sample(parent)
    if (setting !== undefined && !scope.sampler.canSample) this.#updateSwitch() // that was the last of its count
    return setting
  }

  /** A model that is served: its settings can be asked for and changed. */
  knowModel(name: string): void {
    if (this.#knownModels.size < MAX_KNOWN_MODELS) this.#knownModels.add(name)
  }

  /** Of all settings there are now: how many traces go in a file. */
  logFrequencies(): ReadonlySet<number> {
    return new Set([this.#all, ...this.#models.values()].map(({ sampler }) => sampler.values.logFrequency))
  }

  /**
   * The settings of a model, or of all others.
   * @throws TraceSettingError 400 for a model that is not known
   */
  describe(model?: string): TraceSettingState {
    const { level, rate, count, logFrequency } = this.#scopeOf(model).sampler.values
    const { file, modes } = this.#fixed
    return {
      trace_level: traceLevelWords(level),
      trace_rate: String(rate),
      trace_count: String(count),
      ...(modes.includes('triton') && { log_frequency: String(logFrequency), trace_file: file }),
      trace_mode: modes.join(),
    }
  }

  /**
   * Changes what is named and restarts the counters; running requests keep what they were traced with. `null` gives up
   * a model's own value for that of all models, and theirs for that of the start.
   * @param body as it was sent: `{ trace_rate: '100' }`
   * @throws TraceSettingError 400 for what cannot be, 501 for what is set at the start only; then nothing has changed.
   */
  update(body: unknown, model?: string): TraceSettingState {
    const scope = this.#scopeOf(model)
    const change = readChange(body)
    if (model === undefined) this.#updateAll(scope, change)
    else this.#updateModel(model, change)
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        process.emitWarning(error as Error)
      }
    }
    return this.describe(model)
  }

  /** Calls the listener after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #updateAll(before: Scope, change: SettingChange): void {
    const own = changed(before, change)
    const values = { ...this.#start, ...own }
    this.#checkChange(values, change)
    const models = new Map(this.#models)
    for (const [name, model] of models) {
      if (!isComplete(model.own)) models.set(name, this.#scope(changed(model, new Map()), values))
    }
    this.#use(this.#scope(own, values), models)
  }

  #updateModel(name: string, change: SettingChange): void {
    const own = changed(this.#models.get(name), change)
    const all = this.#all.sampler.values
    this.#checkChange({ ...all, ...own }, change)
    const models = new Map(this.#models)
    if (Object.keys(own).length === 0) models.delete(name)
    else models.set(name, this.#scope(own, all))
    this.#use(this.#all, models)
  }

  #scope(own: Overrides, fallback: SettingValues): Scope {
    return { own, sampler: new Sampler({ ...fallback, ...own }, this.#fixed) }
  }

  #scopeOf(model: string | undefined): Scope {
    if (model === undefined) return this.#all
    if (this.#knownModels.has(model)) return this.#models.get(model) ?? this.#all
    throw new TraceSettingError(400, `No request for model ${JSON.stringify(model.slice(0, 100))} has been seen.`)
  }

  #use(all: Scope, models: ReadonlyMap<string, Scope>): void {
    this.#all = all
    this.#models = models
    this.hasModelSettings = models.size > 0
    this.#updateSwitch()
  }

  #updateSwitch(): void {
    this.isOn = [this.#all, ...this.#models.values()].some(({ sampler }) => sampler.canSample)
  }

  #checkStart(values: SettingValues, where: string): void {
    const reason = emptyReason(values, Object.keys(values), this.#fixed)
    if (reason === undefined) return
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Tracing is on${where}, but ${reason}.`)
  }

  #checkChange(values: SettingValues, change: SettingChange): void {
    const reason = emptyReason(values, change.keys(), this.#fixed)
    if (reason !== undefined) throw new TraceSettingError(400, `Nothing would be traced: ${reason}.`)
  }
}

/** What a scope has of its own after a change; of a count that it had before, what remains. */
function changed(before: Scope | undefined, change: SettingChange): Overrides {
  const own: Record<string, unknown> = { ...before?.own }
  if (own.count !== undefined) own.count = before?.sampler.values.count
  for (const [key, value] of change) {
    if (value === undefined) delete own[key]
    else own[key] = value
  }
  return own
}
