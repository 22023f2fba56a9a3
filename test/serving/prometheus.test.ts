import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import fastify from 'fastify'
import { type register as defaultRegister, Registry } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'

import {
  type PrometheusOptions,
  prometheusMetrics,
  type ServingTracer,
  servingTracer,
} from '../../src/serving/index.js'
import { until } from '../until.js'
import { parseExposition, type Sample } from './exposition.js'
import { httpServer, listen, temporaryPath, tracerWithFile } from './servers.js'

const MS = 1_000_000n

function tracerOf(options = {}): ServingTracer {
  const tracer = servingTracer(options)
  onTestFinished(() => tracer.close())
  return tracer
}
/** A tracer on a clock of its own; `infer` takes so many ms. */
function onClock(options = {}) {
  let now = 0n
  const tracer = tracerOf({ clock: () => now, ...options })
  const infer = (model: string, ms: number, version = -1) =>
    tracer.infer({ model, version }, () => {
      now += BigInt(ms) * MS
    })
  return { tracer, infer }
}
async function scrape(register: Registry, name: string): Promise<Sample[]> {
  return parseExposition(await register.metrics()).get(name)?.samples ?? []
}
const numberOf = async (register: Registry, name: string) => (await scrape(register, name))[0]?.value

it('is scraped over HTTP, and read by a parser of the format', async () => {
  const tracer = tracerOf({ rate: 3 })
  const register = new Registry()
  const metrics = prometheusMetrics(tracer, { register })
  const app = fastify()
  await app.register(tracer.fastify())
  app.get('/predict', () => tracer.infer({ model: 'resnet "50"\n\\', version: 7 }, () => 'cat'))
  await app.ready()
  const url = await listen(app.server)
  for (let index = 0; index < 4; index++) await (await fetch(`${url}/predict`)).text()
  await until('all requests', () => tracer.counts.open === 0)

  const endpoint = await listen(
    createServer(async (_, response) => {
      response.setHeader('content-type', metrics.register.contentType)
      response.end(await metrics.register.metrics())
    }),
  )
  const answer = await fetch(endpoint)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const families = parseExposition(await answer.text())
  expect(Array.from(families, ([name, { type }]) => [name, type])).toEqual([
    ['opscope_request_stage_seconds', 'histogram'],
    ['opscope_requests_total', 'counter'],
    ['opscope_requests_traced_total', 'counter'],
    ['opscope_requests_open', 'gauge'],
    ['opscope_trace_rate', 'gauge'],
    ['opscope_trace_file_traces_written_total', 'counter'],
    ['opscope_trace_file_traces_dropped_total', 'counter'],
    ['opscope_trace_file_write_errors_total', 'counter'],
  ])
  const labels = { model: 'resnet "50"\n\\', version: '7', protocol: 'HTTP' }
  expect(families.get('opscope_requests_total')!.samples).toEqual([
    { name: 'opscope_requests_total', labels: { ...labels, outcome: 'ok' }, value: 4 },
  ])
  const counts = families.get('opscope_request_stage_seconds')!.samples.filter(({ name }) => name.endsWith('_count'))
  expect(counts.map(({ labels: { stage }, value }) => [stage, value])).toEqual(
    ['recv', 'queue', 'send', 'compute', 'handler', 'total'].map(stage => [stage, 4]),
  )
  const values = ['requests_traced_total', 'requests_open', 'trace_rate'].map(
    name => families.get(`opscope_${name}`)!.samples[0]!.value,
  )
  expect(values).toEqual([1, 0, 3])
  await app.close()
})

it('puts a time into the first bucket whose bound is not below it', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  prometheusMetrics(tracer, { register, buckets: [0.001, 0.002, 0.01] })
  for (const ms of [1, 2, 2, 5, 11]) infer('m', ms)
  const compute = (await scrape(register, 'opscope_request_stage_seconds')).filter(
    ({ labels: { stage } }) => stage === 'compute',
  )
  expect(compute.map(({ name, labels: { le = '' }, value }) => [name.slice(30), le, value])).toEqual([
    ['bucket', '0.001', 1],
    ['bucket', '0.002', 3],
    ['bucket', '0.01', 4],
    ['bucket', '+Inf', 5],
    ['sum', '', expect.closeTo(0.021, 12)],
    ['count', '', 5],
  ])
})

it('counts failures, and inferences inside others as CHILD', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  prometheusMetrics(tracer, { register })
  tracer.infer({ model: 'ensemble', version: 1 }, () => infer('step', 1, 2))
  expect(() =>
    tracer.infer({ model: 'bad' }, () => {
      throw new Error('no')
    }),
  ).toThrow('no')
  expect((await scrape(register, 'opscope_requests_total')).map(({ labels, value }) => ({ ...labels, value }))).toEqual(
    [
      { model: 'ensemble', version: '1', protocol: 'LOCAL', outcome: 'ok', value: 1 },
      { model: 'step', version: '2', protocol: 'CHILD', outcome: 'ok', value: 1 },
      { model: 'bad', version: '-1', protocol: 'LOCAL', outcome: 'failed', value: 1 },
    ],
  )
})

it('tells of open requests', async () => {
  const tracer = tracerOf()
  const register = new Registry()
  prometheusMetrics(tracer, { register })
  const requests = [tracer.start('HTTP'), tracer.start('GRPC')]
  expect(await numberOf(register, 'opscope_requests_open')).toBe(2)
  for (const request of requests) request?.end()
  expect(await numberOf(register, 'opscope_requests_open')).toBe(0)
})

it('follows the settings', async () => {
  const tracer = tracerOf({ rate: 100 })
  const register = new Registry()
  prometheusMetrics(tracer, { register })
  const rates = [await numberOf(register, 'opscope_trace_rate')]
  for (const change of [{ trace_rate: '5' }, { trace_level: ['OFF'] }]) {
    tracer.settings.update(change)
    rates.push(await numberOf(register, 'opscope_trace_rate'))
  }
  expect(rates).toEqual([100, 5, 0])
})

it('tells what became of traces of all files that there were', async () => {
  const { tracer } = tracerWithFile({ logFrequency: 2 })
  const register = new Registry()
  prometheusMetrics(tracer, { register })
  for (let index = 0; index < 5; index++) tracer.infer({ model: 'm' }, () => {})
  tracer.settings.update({ log_frequency: '3' })
  tracer.infer({ model: 'm' }, () => {})
  await tracer.close()
  expect(await numberOf(register, 'opscope_trace_file_traces_written_total')).toBe(6)
  expect(await numberOf(register, 'opscope_requests_traced_total')).toBe(6)
  // What comes after the end of a tracer is none of its requests.
  expect(await numberOf(register, 'opscope_trace_file_traces_dropped_total')).toBe(0)
})

it('adds up several tracers of a registry, and a counter does not fall when one goes', async () => {
  const first = onClock({ rate: 1, file: temporaryPath('a.json') })
  const second = onClock({ rate: 1, file: temporaryPath('b.json') })
  const register = new Registry()
  const metrics = [first, second].map(({ tracer }) => prometheusMetrics(tracer, { register }))
  first.infer('m', 1)
  second.infer('m', 1)
  const counts = async () => [
    await numberOf(register, 'opscope_requests_total'),
    await numberOf(register, 'opscope_requests_traced_total'),
    await numberOf(register, 'opscope_trace_file_traces_written_total'),
  ]
  await Promise.all([first.tracer.flush(), second.tracer.flush()])
  expect(await counts()).toEqual([2, 2, 2])
  metrics[0]!.close()
  metrics[0]!.close()
  first.infer('m', 1)
  expect(await counts()).toEqual([2, 2, 2])
})

it('counts a tracer that is registered twice once, until both are closed', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  const metrics = [prometheusMetrics(tracer, { register }), prometheusMetrics(tracer, { register })]
  infer('m', 1)
  expect(await numberOf(register, 'opscope_requests_total')).toBe(1)
  metrics[0]!.close()
  infer('m', 1)
  expect(await numberOf(register, 'opscope_requests_total')).toBe(2)
  metrics[1]!.close()
  expect(await register.metrics()).toBe('\n')
  expect(tracer.counts.open).toBe(0)
})

it('begins anew in a registry that was cleared, and after it was closed', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  const cleared = prometheusMetrics(tracer, { register })
  infer('m', 1)
  register.clear()
  const metrics = prometheusMetrics(tracer, { register, buckets: [1] })
  infer('m', 1)
  expect(await numberOf(register, 'opscope_requests_total')).toBe(1)
  cleared.close()
  infer('m', 1)
  expect(await numberOf(register, 'opscope_requests_total')).toBe(2)
  metrics.close()
  prometheusMetrics(tracer, { register })
  expect(await scrape(register, 'opscope_requests_total')).toEqual([])
})

it('stays what it is for OpenMetrics, for JSON and after a reset', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  const metrics = prometheusMetrics(tracer, { register })
  infer('m', 1)
  register.setDefaultLabels({ host: 'a' })
  const json = await register.getMetricsAsJSON()
  expect(json[1]).toMatchObject({ name: 'opscope_requests_total', values: [{ labels: { host: 'a' }, value: 1 }] })
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  expect(await register.metrics()).toMatch(/^opscope_requests_total\{model="m",.*\} 1$/m)
  register.resetMetrics()
  expect(await register.metrics()).not.toMatch(/model="m"/)
  metrics.close()
  expect(await register.getMetricsAsJSON()).toEqual([])
})

it('bounds what names of models cost', async () => {
  const { tracer, infer } = onClock()
  const register = new Registry()
  prometheusMetrics(tracer, { register, maxModels: 10 })
  for (let index = 0; index < 500; index++) infer(`m${index}`, 1)
  const samples = await scrape(register, 'opscope_requests_total')
  expect(samples).toHaveLength(11)
  expect(samples.at(-1)).toMatchObject({ labels: { model: '(other)', version: '-1' }, value: 490 })
})

it('measures requests while tracing is off, and looks at none once closed', async () => {
  const tracer = tracerOf({ level: 'OFF' })
  const register = new Registry()
  const metrics = prometheusMetrics(tracer, { register })
  const url = await httpServer(tracer, (_, response) => response.end())
  await (await fetch(url)).text()
  await until('the request', () => tracer.counts.open === 0)
  expect(await numberOf(register, 'opscope_requests_total')).toBe(1)
  metrics.close()
  expect(tracer.isWatching).toBe(false)
})

it('goes to the default registry of prom-client where none is given', async () => {
  const metrics = prometheusMetrics(tracerOf(), { prefix: 'own_' })
  const { register } = createRequire(import.meta.url)('prom-client') as { register: typeof defaultRegister }
  expect(metrics.register).toBe(register)
  expect(register.getSingleMetric('own_requests_total')).toBeDefined()
  metrics.close()
  expect(register.getSingleMetric('own_requests_total')).toBeUndefined()
})

it('leaves a registry as it was where a name is taken', async () => {
  const register = new Registry()
  const taken = { name: 'opscope_trace_rate', get: async () => ({ name: 'opscope_trace_rate', values: [] }) }
  register.registerMetric(taken as never)
  expect(() => prometheusMetrics(tracerOf(), { register })).toThrow(
    expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE', hint: 'Choose a "prefix".' }),
  )
  expect(register.getMetricsAsArray()).toEqual([taken])
})

it.each([
  { buckets: [] },
  { buckets: [2, 1] },
  { buckets: [0, 1] },
  { buckets: [Number.NaN] },
  { buckets: 5 },
  { prefix: '1st' },
  { prefix: 'a-b_' },
  { prefix: 7 },
  { maxModels: 1e6 },
  { registry: 1 },
])('refuses %j', options => {
  expect(() => prometheusMetrics(tracerOf(), options as PrometheusOptions)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^ERR_OPSCOPE_OPTION_/) }),
  )
})

it('refuses other buckets for metrics that are there', () => {
  const register = new Registry()
  const tracer = tracerOf()
  prometheusMetrics(tracer, { register })
  expect(() => prometheusMetrics(tracer, { register, buckets: [1] })).toThrow(/other "buckets"/)
})
