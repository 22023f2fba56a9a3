import { isTracing, type TraceLevel } from './trace-level.js'

/** Where traces go: a file of Triton's form, OpenTelemetry, or nothing but the spans of running sessions. */
export type TraceMode = 'triton' | 'opentelemetry' | 'spans'

/** What the trace context of a request says of its trace: its `sampled` flag is set, or it is not. */
export type ParentDecision = 'sampled' | 'unsampled'

/** What a request is traced with. It never changes, so that a change of settings leaves running requests alone. */
export interface TraceSetting extends TraceLevel {
  /** Traces per file; 0: one file. */
  readonly logFrequency: number
  readonly file: string
  /** Where this trace goes. */
  readonly modes: readonly TraceMode[]
}

/** The settings that may differ by model, and that may change while requests run. */
export interface SettingValues {
  readonly level: TraceLevel
  /** Every how many requests one is traced; 0: none but those whose trace context asks for it. */
  readonly rate: number
  /** How many traces more; -1: no limit. */
  readonly count: number
  readonly logFrequency: number
}

/** The settings that hold for all models, from start to end: nothing from the network sets a path or an address. */
export interface FixedSettings {
  readonly file: string
  readonly modes: readonly TraceMode[]
}

/** One setting and the counter of the requests that it was asked about. A change of settings makes a new one. */
export class Sampler {
  readonly #values: SettingValues
  readonly #setting: TraceSetting
  /** For requests whose trace context says "not sampled": no span, a trace in the file as any other. */
  readonly #withoutSpans: TraceSetting | undefined
  readonly #isForcible: boolean
  #requestCount = 0
  #remainingCount: number

  constructor(values: SettingValues, { file, modes }: FixedSettings) {
    this.#values = values
    this.#remainingCount = values.count
    const { level, logFrequency } = values
    const settingFor = (chosen: readonly TraceMode[]): TraceSetting =>
      Object.freeze({ ...level, logFrequency, file, modes: Object.freeze(chosen) })
    const others = modes.filter(mode => mode !== 'opentelemetry')
    this.#isForcible = others.length < modes.length
    this.#setting = settingFor([...modes])
    this.#withoutSpans = !this.#isForcible ? this.#setting : others.length > 0 ? settingFor(others) : undefined
  }

  /** The settings as they are now: of the count, what remains. */
  get values(): SettingValues {
    return { ...this.#values, count: this.#remainingCount }
  }

  /** Whether any request could be traced. */
  get canSample(): boolean {
    const isByRate = this.#values.rate > 0 && this.#remainingCount !== 0
    return isTracing(this.#values.level) && (isByRate || this.#isForcible)
  }

  /**
   * Counts this request; undefined when it is not traced. A trace context that is sampled traces it whatever rate and
   * count say: whoever began that trace decided for all of it.
   */
  sample(parent: ParentDecision | undefined): TraceSetting | undefined {
    if (!this.canSample) return undefined
    const { rate } = this.#values
    this.#requestCount++
    const setting = parent === 'unsampled' ? this.#withoutSpans : this.#setting
    if (setting === undefined) return undefined
    if (rate > 0 && this.#requestCount % rate === 0 && this.#remainingCount !== 0) {
      if (this.#remainingCount > 0) this.#remainingCount--
      return setting
    }
    return parent === 'sampled' && this.#isForcible ? setting : undefined
  }
}
