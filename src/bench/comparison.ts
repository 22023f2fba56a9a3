import { showAsText } from '../model/show-as-text.js'
import { formatComparison } from './comparison-report.js'
import type { CaseResult, Interval } from './results.js'
import type { Verdict } from './verdict.js'

export interface CompareOptions {
  /** The smallest change that is to be found. @default 0.03 */
  threshold?: number
  /** How sure a comparison is that equal code is not told to differ: of all cases together. @default 0.99 */
  confidence?: number
  /** Compare although the machines were unlike. @default false */
  allowUnlike?: boolean
}

/** Two times of the same thing. Ratios are the later over the earlier: 1.03 is 3 % slower. */
export interface Comparison {
  verdict: Verdict
  beforeNs: number
  afterNs: number
  ratio: number
  /** Of the ratio; null when there are too few values for one. */
  interval: Interval | null
}
export interface OpComparison extends Comparison {
  path: readonly string[]
}
export interface CaseComparison extends Comparison {
  name: string
  /** Values on each side that the interval stands on. */
  units: number
  /** Ops of both sides. */
  ops: readonly OpComparison[]
}

export interface ComparisonData {
  format: 'opscope-bench-comparison'
  version: 1
  before: string
  after: string
  /** Both sides took turns in one run, or each has a run of its own. */
  method: 'interleaved' | 'separate'
  threshold: number
  confidence: number
  cases: readonly CaseComparison[]
  /** Why cases of one side were not compared. */
  leftOut: readonly string[]
  warnings: readonly string[]
}

/** Why the times of two cases cannot be compared: a wait for a CPU is in one only, and may be most of it. */
export function unlikeTimes(before: CaseResult, after: CaseResult): string | undefined {
  if (before.isWaitLeftOut === after.isWaitLeftOut) return undefined
  return `waits for a CPU are in its times ${before.isWaitLeftOut ? 'after' : 'before'} only, as it has threads of its own there`
}

/** What compare(), compareCases() and the gate found. */
export class BenchComparison implements ComparisonData {
  readonly format = 'opscope-bench-comparison'
  readonly version = 1
  readonly before: string
  readonly after: string
  readonly method: 'interleaved' | 'separate'
  readonly threshold: number
  readonly confidence: number
  readonly cases: readonly CaseComparison[]
  readonly leftOut: readonly string[]
  readonly warnings: readonly string[]

  static {
    showAsText(BenchComparison)
  }

  /** @internal */
  constructor(data: Omit<ComparisonData, 'format' | 'version'>) {
    this.before = data.before
    this.after = data.after
    this.method = data.method
    this.threshold = data.threshold
    this.confidence = data.confidence
    this.cases = data.cases
    this.leftOut = data.leftOut
    this.warnings = data.warnings
  }

  /** Some case is slower. */
  get isRegression(): boolean {
    return this.cases.some(({ verdict }) => verdict === 'slower')
  }
  /** Some case got a verdict. */
  get isDecided(): boolean {
    return this.cases.some(({ verdict }) => verdict !== 'undecided')
  }
  /** The comparison as text. */
  report(options: { columns?: number } = {}): string {
    return formatComparison(this, options)
  }
  toJSON(): ComparisonData {
    return { ...this }
  }
  toString(): string {
    return this.report()
  }
}
