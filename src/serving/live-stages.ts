// How requests fare now: percentiles of their stages over a moving window, in bounded memory whatever the traffic.
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { Histogram } from './histogram.js'
import { forEachSummary, ModelSeries, type SeriesLabels } from './model-series.js'
import { type InferenceSummary, STAGES, type Stage } from './request-stages.js'
import type { Outcome } from './stamps.js'
import type { ServingTracer } from './tracer.js'

export interface LiveStagesOptions {
  /** How far back it looks. @default 60_000 */
  windowMs?: number
  /** Models, by name and version, that are told apart; those beyond are one, `(other)`. @default 100 */
  maxModels?: number
}
/** Percentiles are told to within 1.6 %; count, mean and max are exact. */
export interface StageStatistics {
  count: number
  meanNs: number
  p50Ns: number
  p90Ns: number
  p99Ns: number
  maxNs: number
}
/** Of one model by one protocol; CHILD: as an inference inside others, which count by themselves. */
export interface ModelStages extends SeriesLabels {
  requests: number
  outcomes: Record<Outcome, number>
  /** Of requests of all outcomes; without a stage that none of them went through. */
  stages: Partial<Record<Stage, StageStatistics>>
}
/** A plain object, for JSON. */
export interface LiveSnapshot {
  /** The time that it tells of: up to now, and less than `windowMs` by up to a twelfth, or by what has not passed yet. */
  coveredMs: number
  /** The busiest first. */
  models: ModelStages[]
}
export interface LiveStages {
  snapshot(): LiveSnapshot
  /** Measures no more. What it has stays, and grows old. */
  close(): void
}

// Each falls out of the window as a whole: the window is as long as said to within one of them.
const SLICES = 12
// Steps of 3 %: 128 bytes for each power of two that the times of a stage reach into, so 0.7 MiB for a model at most.
const STEP_BITS = 5
const MOST_WINDOW_MS = 86_400_000

/** What ended within one slice of the time. */
class Slice {
  readonly number: number
  readonly outcomes: Record<Outcome, number> = { ok: 0, failed: 0, cancelled: 0, rejected: 0 }
  readonly stages: Partial<Record<Stage, Histogram>> = {}

  constructor(number: number) {
    this.number = number
  }
  add({ outcome, stageNs }: InferenceSummary): void {
    this.outcomes[outcome] += 1
    for (const stage of STAGES) {
      const ns = stageNs[stage]
      if (ns === undefined) continue
      this.stages[stage] ??= new Histogram(STEP_BITS)
      this.stages[stage].add(ns)
    }
  }
}

/** The latest slices of a model. */
class Slices {
  readonly #ring: (Slice | undefined)[] = new Array(SLICES).fill(undefined)

  at(number: number): Slice {
    const index = number % SLICES
    const slice = this.#ring[index]
    if (slice?.number === number) return slice
    const fresh = new Slice(number)
    this.#ring[index] = fresh
    return fresh
  }
  since(first: number): Slice[] {
    return this.#ring.filter(slice => slice !== undefined && slice.number >= first) as Slice[]
  }
}

/**
 * Measures all requests of the tracer, traced or not.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const live = liveStages(tracer)
 * app.get('/stages', (_, response) => response.json(live.snapshot()))
 */
export function liveStages(tracer: ServingTracer, options: LiveStagesOptions = {}): LiveStages {
  checkKeys(options, ['windowMs', 'maxModels'])
  const { windowMs = 60_000, maxModels = 100 } = options
  checkWholeNumber({ windowMs }, 1000, MOST_WINDOW_MS)
  checkWholeNumber({ maxModels }, 1, 1000)
  const sliceNs = (windowMs * 1e6) / SLICES
  const series = new ModelSeries(maxModels, () => new Slices())
  const nowNs = (): number => Number(tracer.now())
  const startNs = nowNs()
  let latest = 0

  const stop = tracer.onRequest(request => {
    const number = Math.floor(nowNs() / sliceNs)
    if (number > latest) {
      latest = number
      // Models of which nothing came for so long make room for others.
      series.keep(slices => slices.since(number - SLICES + 1).length > 0)
    }
    forEachSummary(request, (summary, protocol, hasModel) => {
      series.of(summary.model, summary.version, protocol, hasModel).at(number).add(summary)
    })
  })
  return {
    snapshot() {
      const now = nowNs()
      const first = Math.floor(now / sliceNs) - SLICES + 1
      const models = series.entries().map(({ model, version, protocol, value }) => {
        return { model, version, protocol, ...statisticsOf(value.since(first)) }
      })
      return {
        coveredMs: (now - Math.max(startNs, first * sliceNs)) / 1e6,
        models: models.filter(({ requests }) => requests > 0).sort((a, b) => b.requests - a.requests),
      }
    },
    close: stop,
  }
}

function statisticsOf(slices: readonly Slice[]): Omit<ModelStages, keyof SeriesLabels> {
  const outcomes: Record<Outcome, number> = { ok: 0, failed: 0, cancelled: 0, rejected: 0 }
  for (const slice of slices) {
    for (const outcome of Object.keys(outcomes) as Outcome[]) outcomes[outcome] += slice.outcomes[outcome]
  }
  const stages: ModelStages['stages'] = {}
  for (const stage of STAGES) {
    const all = new Histogram(STEP_BITS)
    for (const slice of slices) if (slice.stages[stage] !== undefined) all.merge(slice.stages[stage])
    if (all.count > 0) stages[stage] = stageStatistics(all)
  }
  return { requests: Object.values(outcomes).reduce((sum, count) => sum + count, 0), outcomes, stages }
}
function stageStatistics(all: Histogram): StageStatistics {
  return {
    count: all.count,
    meanNs: Math.round(all.mean),
    p50Ns: all.percentile(0.5),
    p90Ns: all.percentile(0.9),
    p99Ns: all.percentile(0.99),
    maxNs: all.max,
  }
}
