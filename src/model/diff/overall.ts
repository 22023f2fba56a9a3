import { eventLoop } from '../event-loop.js'
import type { ReportSource } from '../ops.js'
import { overhead } from '../overhead.js'
import { recordedNsOf } from '../quality.js'

/** A figure of the whole recording, without a verdict: it has no single calls to judge by. */
export interface OverallRow {
  name:
    | 'wall'
    | 'in ops'
    | 'computation'
    | 'framework overhead'
    | 'GPU busy'
    | 'garbage collection'
    | 'longest collection'
    | 'event loop delay p50'
    | 'event loop delay p99'
    | 'event loop delay max'
  /** null: not recorded. */
  beforeNs: number | null
  afterNs: number | null
}

type Figure = (source: ReportSource) => number | undefined

const delays = (source: ReportSource) => eventLoop(source).loops.flatMap(({ delay }) => delay ?? [])
const worst = (values: readonly number[]) => (values.length > 0 ? Math.max(...values) : undefined)
const add = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]) => add(values) / values.length

// Of several recordings on a side, times add up; percentiles cannot, so theirs is the mean; of extremes the worst.
const FIGURES: [OverallRow['name'], Figure, (values: readonly number[]) => number][] = [
  ['wall', ({ view }) => recordedNsOf(view), add],
  ['in ops', source => overhead(source).accumulatedNs, add],
  ['computation', source => overhead(source).computationNs, add],
  ['framework overhead', source => overhead(source).frameworkNs, add],
  ['GPU busy', ({ gpu }) => (gpu.rows > 0 ? gpu.busyNs : undefined), add],
  ['garbage collection', source => collections(source)?.totalNs, add],
  ['longest collection', source => collections(source)?.maxNs, values => Math.max(...values)],
  ['event loop delay p50', source => worst(delays(source).map(({ p50Ns }) => p50Ns)), mean],
  ['event loop delay p99', source => worst(delays(source).map(({ p99Ns }) => p99Ns)), mean],
  ['event loop delay max', source => worst(delays(source).map(({ maxNs }) => maxNs)), values => Math.max(...values)],
]

/** What neither side recorded is left out. */
export function overallRows(before: readonly ReportSource[], after: readonly ReportSource[]): OverallRow[] {
  return FIGURES.flatMap(([name, figure, unite]) => {
    const of = (sources: readonly ReportSource[]) => {
      const values = sources.flatMap(source => figure(source) ?? [])
      return values.length > 0 ? unite(values) : null
    }
    const row = { name, beforeNs: of(before), afterNs: of(after) }
    return row.beforeNs === null && row.afterNs === null ? [] : [row]
  })
}

function collections(source: ReportSource): { totalNs: number; maxNs: number } | undefined {
  const { gc } = eventLoop(source)
  return gc.count > 0 ? gc : undefined
}
