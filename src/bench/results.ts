import { showAsText } from '../model/show-as-text.js'
import type { Failure } from './case-failure.js'
import type { BenchEnvironment } from './environment.js'
import { formatResults } from './results-report.js'

/** An interval that holds the true value with its confidence. */
export interface Interval {
  low: number
  high: number
  /** 0..1 */
  confidence: number
}

/** Times are ns per iteration. */
export interface Figures {
  medianNs: number
  /** Median distance from the median. */
  madNs: number
  p99Ns: number
  /** Of the median; null when there are too few values for one. */
  interval: Interval | null
}

/** A share of something, 0.03 for 3 %, and its interval. */
export interface Share {
  value: number
  interval: Interval | null
}

/** An op of a case, from its profiled samples. */
export interface OpResult extends Figures {
  /** Names from the outermost op to this one. */
  path: readonly string[]
  /** Calls per iteration. */
  calls: number
  gpuNs: number
  /** ns per iteration of each profiled sample, which a later comparison reads. */
  valuesNs: readonly number[]
}

/** A case of a benchmark. Its times are those of samples without the profiler. */
export interface CaseResult extends Figures {
  name: string
  /** Cases took turns with those of the same number: 0, or the position of their file among several. */
  run: number
  isAsync: boolean
  /** Items that one iteration works on. */
  items: number
  /** Per second, from the median; 0 when nothing was measured. */
  itemsPerSecond: number
  /** Iterations in a sample. */
  iterations: number
  samples: number
  /** What the p99 is of: single iterations with all that delayed them, or samples where those are too short to time. */
  p99Of: 'iteration' | 'sample'
  /** Share of its time that the case was ready and other programs had the CPU, in the middle sample; 0 where unknown. */
  waitShare: number
  /** The times are without that. It is kept in where the case has threads of its own, whom it may have waited for. */
  isWaitLeftOut: boolean
  /** Whether the interval is as narrow as was asked for. */
  isSettled: boolean
  /** ns per iteration of each unit: a round, or a launch of the process. */
  unitsNs: readonly number[]
  /** Of each unit the rounds that it is the median of. */
  roundsNs: readonly (readonly number[])[]
  /** How fast the machine itself was in each unit: ns of a fixed piece of work. */
  paceNs: readonly number[]
  ops: readonly OpResult[]
  /** Profiled time over time without, less 1, measured side by side; null where nothing was recorded. */
  profilerCost: Share | null
  failure?: Failure
}

/** Results as JSON: what toJSON() gives and loadResults() takes. */
export interface BenchData {
  format: 'opscope-bench'
  version: 1
  title: string
  unit: 'round' | 'launch'
  /** Half the width, as a share of the median, that intervals should have. */
  targetInterval: number
  /** How often the figures had been looked at when they were enough; each look makes intervals wider. */
  look: number
  durationMs: number
  environment: BenchEnvironment
  warnings: readonly string[]
  cases: readonly CaseResult[]
}

export interface ResultsReportOptions {
  /** Width of the text. @default 80, or that of the terminal */
  columns?: number
  /** Leave out the tables of ops. @default false */
  isShort?: boolean
}

/** What benchmark() measured. Made by it and by loadResults(). */
export class BenchResults implements BenchData {
  readonly format = 'opscope-bench'
  readonly version = 1
  readonly title: string
  readonly unit: 'round' | 'launch'
  readonly targetInterval: number
  readonly look: number
  readonly durationMs: number
  readonly environment: BenchEnvironment
  readonly warnings: readonly string[]
  readonly cases: readonly CaseResult[]

  static {
    showAsText(BenchResults)
  }

  /** @internal */
  constructor(data: Omit<BenchData, 'format' | 'version'>) {
    this.title = data.title
    this.unit = data.unit
    this.targetInterval = data.targetInterval
    this.look = data.look
    this.durationMs = data.durationMs
    this.environment = data.environment
    this.warnings = data.warnings
    this.cases = data.cases
  }

  /** Some case failed. */
  get hasFailures(): boolean {
    return this.cases.some(({ failure }) => failure !== undefined)
  }
  /** The results as text: cases, profiler cost, ops of each case, what to doubt. */
  report(options: ResultsReportOptions = {}): string {
    return formatResults(this, options)
  }
  toJSON(): BenchData {
    return { ...this }
  }
  toString(): string {
    return this.report({ isShort: true })
  }
}
