/** A number of a metric, as prom-client has it. */
export interface MetricValue {
  labels: Record<string, string | number>
  value: number
  /** Of a histogram: `…_bucket`, `…_sum`, `…_count`. */
  metricName?: string
}
interface MetricText {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  /** How prom-client puts those of the workers of a cluster together. */
  aggregator: 'sum' | 'min'
}

/** A metric as a registry of prom-client (14 and 15) sees it, whose values are read when they are asked for. */
export class ScrapedMetric implements MetricText {
  /** The registry changes it for OpenMetrics. */
  name: string
  readonly help: string
  readonly type: MetricText['type']
  readonly aggregator: MetricText['aggregator']
  readonly #read: () => MetricValue[]
  readonly #clear: (() => void) | undefined

  /** @param clear what `registry.resetMetrics()` does to it; none: it tells of what is elsewhere */
  constructor({ name, help, type, aggregator }: MetricText, read: () => MetricValue[], clear?: () => void) {
    this.name = name
    this.help = help
    this.type = type
    this.aggregator = aggregator
    this.#read = read
    this.#clear = clear
  }
  async get(): Promise<MetricText & { values: MetricValue[] }> {
    const { name, help, type, aggregator } = this
    return { name, help, type, aggregator, values: this.#read() }
  }
  reset(): void {
    this.#clear?.()
  }
}
