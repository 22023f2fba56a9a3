import { forEachSummary, ModelSeries, type SeriesLabels } from './model-series.js'
import { type InferenceSummary, type RequestSummary, STAGES, type Stage } from './request-stages.js'
import type { MetricValue } from './scraped-metric.js'
import type { Outcome } from './stamps.js'

/** How many values were no more than each bound, and not within the one before; the last: beyond all. */
export interface StageTotal {
  counts: number[]
  sumSeconds: number
}

/** All requests of one model by one protocol. */
export class ModelTotals {
  readonly outcomes: Partial<Record<Outcome, number>> = {}
  readonly stages: Partial<Record<Stage, StageTotal>> = {}

  add({ outcome, stageNs }: InferenceSummary, bounds: readonly number[]): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
    for (const stage of STAGES) {
      const ns = stageNs[stage]
      if (ns === undefined) continue
      this.stages[stage] ??= { counts: new Array(bounds.length + 1).fill(0), sumSeconds: 0 }
      const seconds = ns / 1e9
      let index = 0
      while (index < bounds.length && seconds > bounds[index]!) index++
      this.stages[stage].counts[index]! += 1
      this.stages[stage].sumSeconds += seconds
    }
  }
}

/**
 * Counts of requests since the start, and of their stages by length. A request costs a hundredth of what it would to
 * count each stage by a metric of prom-client, which makes a text of the labels every time (1.4 µs).
 */
export class RequestTotals {
  /** Seconds, ascending. */
  readonly bounds: readonly number[]
  readonly #maxModels: number
  #series: ModelSeries<ModelTotals>

  constructor(bounds: readonly number[], maxModels: number) {
    this.bounds = bounds
    this.#maxModels = maxModels
    this.#series = this.#fresh()
  }
  add(request: RequestSummary): void {
    forEachSummary(request, (summary, protocol, hasModel) => {
      this.#series.of(summary.model, summary.version, protocol, hasModel).add(summary, this.bounds)
    })
  }
  entries(): readonly (SeriesLabels & { value: ModelTotals })[] {
    return this.#series.entries()
  }
  clear(): void {
    this.#series = this.#fresh()
  }
  #fresh(): ModelSeries<ModelTotals> {
    return new ModelSeries(this.#maxModels, () => new ModelTotals())
  }
}

export function outcomeValues(totals: RequestTotals): MetricValue[] {
  return totals.entries().flatMap(({ model, version, protocol, value }) => {
    return Object.entries(value.outcomes).map(([outcome, count]) => {
      return { labels: { model, version, protocol, outcome }, value: count }
    })
  })
}

/** The lines of a histogram; its buckets count all values up to their bound. */
export function stageValues(totals: RequestTotals, name: string): MetricValue[] {
  return totals.entries().flatMap(({ model, version, protocol, value }) => {
    return Object.entries(value.stages).flatMap(([stage, { counts, sumSeconds }]) => {
      const labels = { model, version, protocol, stage }
      let count = 0
      const buckets = counts.map((own, index) => {
        count += own
        const le = totals.bounds[index] ?? '+Inf'
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sumSeconds },
        { metricName: `${name}_count`, labels, value: count },
      ]
    })
  })
}
