import { escapeHtml } from '../html-text.js'
import { percentile } from './percentiles.js'
import { showAsText } from './show-as-text.js'
import type { TraceRows } from './trace-rows.js'

const RULE = '='.repeat(48)

export interface SummaryOptions {
  /** Count inferences that were going on while the session was paused. @default false */
  includePaused?: boolean
}

/** Latency of the inferences of a capture, whole ns; null without any. Prints itself as Furiosa's profiler does. */
export class Summary {
  readonly count: number
  readonly minNs: number | null
  readonly maxNs: number | null
  readonly meanNs: number | null
  readonly medianNs: number | null
  readonly p90Ns: number | null
  readonly p95Ns: number | null
  readonly p97Ns: number | null
  readonly p99Ns: number | null
  readonly p999Ns: number | null
  /** Of the sample (n − 1); null for fewer than two. */
  readonly stddevNs: number | null
  readonly totalNs: number
  /** Inferences open at the stop: in no figure above. */
  readonly unfinished: number
  /** Likewise, those going on while the session was paused. */
  readonly excludedByPause: number

  static {
    showAsText(Summary, summary => `<pre>${escapeHtml(String(summary))}</pre>`)
  }

  /** @internal */
  constructor(durations: readonly number[], unfinished: number, excludedByPause: number) {
    const sorted = durations.toSorted((a, b) => a - b)
    const at = (share: number) => (sorted.length === 0 ? null : percentile(sorted, share))
    this.count = sorted.length
    this.totalNs = sorted.reduce((sum, ns) => sum + ns, 0)
    const mean = this.totalNs / this.count
    const squares = sorted.reduce((sum, ns) => sum + (ns - mean) ** 2, 0)
    this.minNs = sorted[0] ?? null
    this.maxNs = sorted.at(-1) ?? null
    this.meanNs = this.count === 0 ? null : Math.floor(mean + 0.5)
    this.medianNs = at(0.5)
    this.p90Ns = at(0.9)
    this.p95Ns = at(0.95)
    this.p97Ns = at(0.97)
    this.p99Ns = at(0.99)
    this.p999Ns = at(0.999)
    this.stddevNs = this.count < 2 ? null : Math.floor(Math.sqrt(squares / (this.count - 1)) + 0.5)
    this.unfinished = unfinished
    this.excludedByPause = excludedByPause
  }

  toString(): string {
    const line = (label: string, value: number | null) => `${label.padEnd(32)}: ${value ?? 'unknown'}`
    if (this.count === 0) {
      const why = `${this.unfinished} unfinished, ${this.excludedByPause} excluded by pause`
      return `No inferences: no span of category inference was finished (${why}).`
    }
    return [
      RULE,
      '  Inference Results Summary',
      RULE,
      line('Inference counts', this.count),
      line('Min latency (ns)', this.minNs),
      line('Max latency (ns)', this.maxNs),
      line('Mean latency (ns)', this.meanNs),
      line('Median latency (ns)', this.medianNs),
      line('90.0 percentile latency (ns)', this.p90Ns),
      line('95.0 percentile latency (ns)', this.p95Ns),
      line('97.0 percentile latency (ns)', this.p97Ns),
      line('99.0 percentile latency (ns)', this.p99Ns),
      line('99.9 percentile latency (ns)', this.p999Ns),
      line('Standard deviation (ns)', this.stddevNs),
      line('Total (ns)', this.totalNs),
      line('Unfinished', this.unfinished),
      line('Excluded by pause', this.excludedByPause),
    ].join('\n')
  }
}

export function summaryOf(rows: TraceRows, { includePaused = false }: SummaryOptions): Summary {
  const inferences = rows.inOrder.filter(row => rows.isInference(row))
  const finished = inferences.filter(row => rows.isFinished(row))
  const counted = finished.filter(row => includePaused || rows.pausedNs(row) === 0)
  const durations = counted.map(row => rows.durationNs(row))
  return new Summary(durations, inferences.length - finished.length, finished.length - counted.length)
}
