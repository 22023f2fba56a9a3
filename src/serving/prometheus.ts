// Metrics of tracers for Prometheus, in a registry of prom-client. They are made of what was counted when somebody
// scrapes; until then a request costs no more than a few additions.
import { OpscopeError } from '../errors.js'
import { PROM_CLIENT, requirePackage } from '../export/optional-package.js'
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { outcomeValues, RequestTotals, stageValues } from './request-totals.js'
import { ScrapedMetric } from './scraped-metric.js'
import type { ServingTracer } from './tracer.js'

/** What is needed of a `Registry` of prom-client. */
export interface MetricRegistry {
  registerMetric(metric: object): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
  metrics(): Promise<string>
  readonly contentType: string
}
export interface PrometheusOptions {
  /** Where the metrics go. @default the `register` of prom-client, which is loaded for that */
  register?: MetricRegistry
  /** Upper bounds of the histogram's buckets, seconds. @default 1, 2.5 and 5 of each power of ten, 100 µs to 10 s */
  buckets?: readonly number[]
  /** What the names of all metrics begin with. @default 'opscope_' */
  prefix?: string
  /** Models, by name and version, that are told apart; those beyond are one, `(other)`. @default 100 */
  maxModels?: number
}
export interface PrometheusMetrics {
  /** What to answer a scrape with. */
  readonly register: MetricRegistry
  /** Takes the metrics out of the registry, unless another tracer has its own among them. */
  close(): void
}

// Copying an input takes some 100 µs, and who waits for an answer has gone after 10 s.
const BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const
// Each is a line of the scrape for every stage of every model.
const MOST_BUCKETS = 100

/**
 * Metrics of all requests of the tracer, traced or not. Several tracers in one registry are added up.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_PACKAGE_MISSING
 * @example
 * const { register } = prometheusMetrics(tracer)
 * app.get('/metrics', async (_, response) => response.type(register.contentType).send(await register.metrics()))
 */
export function prometheusMetrics(tracer: ServingTracer, options: PrometheusOptions = {}): PrometheusMetrics {
  checkKeys(options, ['register', 'buckets', 'prefix', 'maxModels'])
  const { buckets = BUCKETS, prefix = 'opscope_', maxModels = 100 } = options
  checkBuckets(buckets)
  checkWholeNumber({ maxModels }, 1, 1000)
  // https://prometheus.io/docs/concepts/data_model; colons are for recording rules.
  if (typeof prefix !== 'string' || !/^(?:[a-z_]\w*)?$/i.test(prefix)) {
    throw wrongValue(`Expected the "prefix" option to be letters, digits and _, got ${JSON.stringify(prefix)}.`)
  }
  const register = options.register ?? requirePackage<{ register: MetricRegistry }>(PROM_CLIENT).register
  const group = groupOf(register, prefix, [...buckets], maxModels)
  group.add(tracer)
  let isClosed = false
  return {
    register,
    close() {
      if (isClosed) return
      isClosed = true
      group.remove(tracer)
    },
  }
}

const groups = new WeakMap<MetricRegistry, Map<string, MetricGroup>>()

function groupOf(register: MetricRegistry, prefix: string, bounds: number[], maxModels: number): MetricGroup {
  const known = groups.get(register) ?? new Map<string, MetricGroup>()
  groups.set(register, known)
  const earlier = known.get(prefix)
  // `register.clear()` may have been called meanwhile.
  if (earlier?.isRegistered) {
    if (earlier.hasBounds(bounds)) return earlier
    throw wrongValue(`Metrics named ${prefix}… are in this registry with other "buckets".`)
  }
  const group = new MetricGroup(register, prefix, bounds, maxModels)
  known.set(prefix, group)
  return group
}

/** The counts of a tracer that only grow. */
interface GrowingCounts {
  traced: number
  written: number
  dropped: number
  writeErrors: number
}
const NOTHING: GrowingCounts = { traced: 0, written: 0, dropped: 0, writeErrors: 0 }

/** The metrics of one prefix in one registry, of all tracers that were added. */
class MetricGroup {
  readonly #register: MetricRegistry
  readonly #totals: RequestTotals
  /** By the names in the registry, which changes those of the metrics for OpenMetrics. */
  readonly #metrics: ReadonlyMap<string, ScrapedMetric>
  readonly #tracers = new Map<ServingTracer, { userCount: number; stop: () => void }>()
  /** Of the tracers that were removed: a counter never falls. */
  #past = NOTHING

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a name that is taken */
  constructor(register: MetricRegistry, prefix: string, bounds: readonly number[], maxModels: number) {
    this.#register = register
    this.#totals = new RequestTotals(bounds, maxModels)
    this.#metrics = new Map(this.#make(prefix).map(metric => [metric.name, metric]))
    for (const name of this.#metrics.keys()) {
      if (register.getSingleMetric(name) === undefined) continue
      throw wrongValue(`The registry has a metric ${name} that is none of this tracer's.`, 'Choose a "prefix".')
    }
    for (const metric of this.#metrics.values()) register.registerMetric(metric)
  }

  get isRegistered(): boolean {
    return [...this.#metrics].every(([name, metric]) => this.#register.getSingleMetric(name) === metric)
  }
  hasBounds(bounds: readonly number[]): boolean {
    return bounds.join() === this.#totals.bounds.join()
  }
  add(tracer: ServingTracer): void {
    const known = this.#tracers.get(tracer)
    if (known !== undefined) known.userCount++
    else this.#tracers.set(tracer, { userCount: 1, stop: tracer.onRequest(request => this.#totals.add(request)) })
  }
  remove(tracer: ServingTracer): void {
    const known = this.#tracers.get(tracer)
    if (known === undefined || --known.userCount > 0) return
    known.stop()
    this.#tracers.delete(tracer)
    this.#past = sumOf(this.#past, growingCounts(tracer))
    if (this.#tracers.size > 0) return
    for (const [name, metric] of this.#metrics) {
      if (this.#register.getSingleMetric(name) === metric) this.#register.removeSingleMetric(name)
    }
  }

  #make(prefix: string): ScrapedMetric[] {
    const totals = this.#totals
    const clear = () => totals.clear()
    const counter = (name: string, help: string, key: keyof GrowingCounts) => {
      const read = () => [{ labels: {}, value: this.#counts()[key] }]
      return new ScrapedMetric({ name: prefix + name, help, type: 'counter', aggregator: 'sum' }, read)
    }
    const stages = `${prefix}request_stage_seconds`
    return [
      new ScrapedMetric(
        { name: stages, help: 'How long the stages of requests took.', type: 'histogram', aggregator: 'sum' },
        () => stageValues(totals, stages),
        clear,
      ),
      new ScrapedMetric(
        { name: `${prefix}requests_total`, help: 'Requests that are over.', type: 'counter', aggregator: 'sum' },
        () => outcomeValues(totals),
        clear,
      ),
      counter('requests_traced_total', 'Requests that were traced.', 'traced'),
      new ScrapedMetric(
        { name: `${prefix}requests_open`, help: 'Requests that are not over.', type: 'gauge', aggregator: 'sum' },
        () => [{ labels: {}, value: this.#sum(tracer => tracer.counts.open) }],
      ),
      new ScrapedMetric(
        {
          name: `${prefix}trace_rate`,
          help: 'Every how many requests one is traced; 0: none is.',
          type: 'gauge',
          aggregator: 'min',
        },
        () => [{ labels: {}, value: Math.min(...Array.from(this.#tracers.keys(), rateOf)) }],
      ),
      counter('trace_file_traces_written_total', 'Traces that are in the trace file.', 'written'),
      counter('trace_file_traces_dropped_total', 'Traces that found no room, or could not be written.', 'dropped'),
      counter('trace_file_write_errors_total', 'Writes of the trace file that failed.', 'writeErrors'),
    ]
  }
  #counts(): GrowingCounts {
    return Array.from(this.#tracers.keys(), growingCounts).reduce(sumOf, this.#past)
  }
  #sum(count: (tracer: ServingTracer) => number): number {
    return Array.from(this.#tracers.keys(), count).reduce((sum, each) => sum + each, 0)
  }
}

function growingCounts(tracer: ServingTracer): GrowingCounts {
  const { traced, file } = tracer.counts
  return { traced, written: file.written, dropped: file.dropped, writeErrors: file.writeErrors }
}
function sumOf(a: GrowingCounts, b: GrowingCounts): GrowingCounts {
  return {
    traced: a.traced + b.traced,
    written: a.written + b.written,
    dropped: a.dropped + b.dropped,
    writeErrors: a.writeErrors + b.writeErrors,
  }
}
function rateOf({ settings }: ServingTracer): number {
  const { trace_level, trace_count, trace_rate } = settings.describe()
  return trace_level.includes('OFF') || trace_count === '0' ? 0 : Number(trace_rate)
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
function checkBuckets(buckets: unknown): asserts buckets is readonly number[] {
  const isGood =
    Array.isArray(buckets) &&
    buckets.length >= 1 &&
    buckets.length <= MOST_BUCKETS &&
    buckets.every((bound, index) => Number.isFinite(bound) && bound > (index === 0 ? 0 : buckets[index - 1]))
  if (isGood) return
  throw wrongValue(
    `Expected the "buckets" option to be up to ${MOST_BUCKETS} seconds above 0, each more than the last.`,
  )
}
function wrongValue(message: string, hint?: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, hint)
}
