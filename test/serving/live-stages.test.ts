import { createServer } from 'node:http'
import type * as grpc from '@grpc/grpc-js'
import fastify from 'fastify'
import { expect, it, onTestFinished, vi } from 'vitest'

import { Histogram } from '../../src/serving/histogram.js'
import {
  type LiveStagesOptions,
  liveStages,
  type ModelStages,
  type RequestSummary,
  type ServingTracer,
  type ServingTracerOptions,
  servingTracer,
} from '../../src/serving/index.js'
import { until } from '../until.js'
import { echoServer, httpServer, listen, unary } from './servers.js'

const MS = 1_000_000n

/** A tracer that traces next to nothing, and what is measured of it. */
function measured(options: ServingTracerOptions = {}, live: LiveStagesOptions = {}) {
  const tracer = servingTracer({ rate: 1_000_000, ...options })
  onTestFinished(() => tracer.close())
  const stages = liveStages(tracer, live)
  const of = (model: string) => stages.snapshot().models.filter(each => each.model === model)
  return { tracer, stages, of }
}
/** The same on a clock of its own: inferences take as long as they are told to. */
function onClock(live: LiveStagesOptions = {}) {
  let now = 1_000_000n * MS
  const { tracer, stages, of } = measured({ clock: () => now }, live)
  const pass = (ms: number) => {
    now += BigInt(Math.round(ms * 1e6))
  }
  const infer = (model: string, ms = 1) => tracer.infer({ model }, () => pass(ms))
  return { tracer, stages, of, pass, infer }
}
const outcomesOf = ([only]: ModelStages[]) => only?.outcomes

it('tells count, mean and max exactly, and percentiles to within 1.6 %', () => {
  const { of, infer } = onClock()
  for (let ms = 1; ms <= 100; ms++) infer('m', ms)
  const [{ requests, stages }] = of('m') as [ModelStages]
  expect([requests, stages.compute!.count, stages.compute!.meanNs, stages.compute!.maxNs]).toEqual([
    100, 100, 5.05e7, 1e8,
  ])
  for (const [told, ms] of [
    [stages.compute!.p50Ns, 50],
    [stages.compute!.p90Ns, 90],
    [stages.compute!.p99Ns, 99],
  ] as const) {
    expect(Math.abs(told / (ms * 1e6) - 1)).toBeLessThan(1 / 64)
  }
  expect(stages.queue).toEqual({ count: 100, meanNs: 0, p50Ns: 0, p90Ns: 0, p99Ns: 0, maxNs: 0 })
})

it.each([5, 10])('has no percentile of %i bits further away than half a step, however the values lie', bits => {
  const values = Array.from({ length: 20_000 }, (_, index) => Math.exp(((index * 7919) % 20_000) / 600))
  const histograms = [0, 1, 2].map(() => new Histogram(bits))
  for (const [index, value] of values.entries()) histograms[index % 2]!.add(value)
  histograms[2]!.merge(histograms[0]!)
  histograms[2]!.merge(histograms[1]!)
  values.sort((a, b) => a - b)
  for (let share = 0; share <= 1; share += 1 / 64) {
    const exact = values[Math.floor((values.length - 1) * share)]!
    // Half a step, and the rounding to a whole number.
    expect(Math.abs(histograms[2]!.percentile(share) - exact)).toBeLessThanOrEqual(exact / 2 ** (bits + 1) + 0.5)
  }
})

it('counts values that no clock gives, and stays small', () => {
  const histogram = new Histogram(5)
  for (const value of [-1, Number.NaN, 0, Number.POSITIVE_INFINITY, Number.MAX_VALUE]) histogram.add(value)
  expect([histogram.count, histogram.min, histogram.max]).toEqual([5, 0, Number.MAX_SAFE_INTEGER])
  expect(histogram.percentile(0.5)).toBe(0)
  expect(histogram.percentile(1)).toBe(Number.MAX_SAFE_INTEGER)
})

it('forgets what ended longer ago than the window', () => {
  const { stages, of, pass, infer } = onClock({ windowMs: 60_000 })
  infer('early')
  pass(50_000)
  infer('late')
  expect([outcomesOf(of('early'))?.ok, outcomesOf(of('late'))?.ok]).toEqual([1, 1])
  pass(15_000)
  expect([outcomesOf(of('early')), outcomesOf(of('late'))?.ok]).toEqual([undefined, 1])
  pass(60_000)
  expect(stages.snapshot().models).toEqual([])
})

it('says how much time it tells of', () => {
  const { stages, pass } = onClock({ windowMs: 12_000 })
  pass(2_500)
  expect(stages.snapshot().coveredMs).toBe(2_500)
  pass(100_000)
  // Eleven slices of a second, and what has passed of the twelfth.
  expect(stages.snapshot().coveredMs).toBe(11_500)
})

it('keeps so many models apart, and names those beyond together until there is room', () => {
  const { stages, of, pass, infer } = onClock({ maxModels: 3 })
  for (let index = 0; index < 50; index++) infer(`m${index}`)
  infer('m0')
  expect(stages.snapshot().models.map(({ model, requests }) => [model, requests])).toEqual([
    ['(other)', 47],
    ['m0', 2],
    ['m1', 1],
    ['m2', 1],
  ])
  pass(60_000)
  infer('m49')
  expect(outcomesOf(of('m49'))?.ok).toBe(1)
  expect(outcomesOf(of('(other)'))).toBeUndefined()
})

it('does not keep a name of any length', () => {
  const { of, infer } = onClock()
  infer('x'.repeat(100_000))
  expect(outcomesOf(of('(other)'))?.ok).toBe(1)
})

it('tells models from paths, of which a scanner makes as many as it likes', async () => {
  const { tracer, stages, of } = measured({}, { maxModels: 2 })
  const url = await httpServer(tracer, (request, response) => {
    if (request.url === '/infer') tracer.infer({ model: 'real', version: 3 }, () => {})
    response.end()
  })
  for (let index = 0; index < 30; index++) await (await fetch(`${url}/${index}`)).text()
  await (await fetch(`${url}/infer`)).text()
  await until('all requests', () => tracer.counts.open === 0)
  expect(of('real')).toMatchObject([{ version: 3, protocol: 'HTTP', requests: 1 }])
  expect(outcomesOf(of('(other)'))?.ok).toBe(10)
  expect(stages.snapshot().models).toHaveLength(22)
})

it('measures requests of node:http by how they end, traced or not', async () => {
  const { tracer, of } = measured()
  const url = await httpServer(tracer, (request, response) => {
    const status = Number(request.url!.slice(1))
    if (status === 0) return
    response.writeHead(status).end()
  })
  const { port } = new URL(url)
  tracer.http(createServer()) // another one, which no request comes to
  const statuses = [200, 404, 500, 503]
  for (const status of statuses) await fetch(`http://127.0.0.1:${port}/${status}`)
  const abort = new AbortController()
  const gone = fetch(`${url}/0`, { signal: abort.signal }).catch(() => {})
  await until('the last request', () => tracer.counts.open === 1)
  abort.abort()
  await gone
  await until('all requests', () => tracer.counts.open === 0)
  expect([200, 404, 500, 503, 0].map(status => outcomesOf(of(`GET /${status}`)))).toMatchObject([
    { ok: 1 },
    { ok: 1 },
    { failed: 1 },
    { rejected: 1 },
    { cancelled: 1 },
  ])
  expect(tracer.counts.traced).toBe(0)
})

it('has every stage behind fastify and grpc-js', async () => {
  const { tracer, of } = measured()
  const infer = (model: string) =>
    tracer.infer({ model }, { input: async () => 1, infer: async x => x, output: x => String(x) })
  const app = fastify()
  await app.register(tracer.fastify())
  app.post('/predict', () => infer('http'))
  await app.ready()
  const url = await listen(app.server)
  await (
    await fetch(`${url}/predict`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  ).text()
  const client = await echoServer(
    { interceptors: [tracer.grpc()] },
    { Unary: async (_: unknown, done: grpc.sendUnaryData<string>) => done(null, await infer('grpc')) },
  )
  await unary(client, 'x')
  await until('all requests', () => tracer.counts.open === 0)
  const all = ['recv', 'queue', 'compute_input', 'infer', 'compute_output', 'send', 'compute', 'handler', 'total']
  for (const model of ['http', 'grpc']) {
    expect(of(model)).toMatchObject([{ protocol: model.toUpperCase(), requests: 1 }])
    expect(Object.keys(of(model)[0]!.stages)).toEqual(all)
  }
  await app.close()
})

it('tells the steps of an ensemble by their models', async () => {
  const { tracer, of } = measured()
  const url = await httpServer(tracer, (_, response) => {
    tracer.infer({ model: 'ensemble' }, () => {
      tracer.infer({ model: 'first' }, () => {})
      expect(() =>
        tracer.infer({ model: 'second' }, () => {
          throw new Error('no')
        }),
      ).toThrow('no')
    })
    response.end()
  })
  await (await fetch(url)).text()
  await until('the request', () => tracer.counts.open === 0)
  expect(of('ensemble')).toMatchObject([{ protocol: 'HTTP', outcomes: { ok: 1 } }])
  expect(of('first')).toMatchObject([{ protocol: 'CHILD', outcomes: { ok: 1 }, stages: { compute: { count: 1 } } }])
  expect(of('second')).toMatchObject([{ protocol: 'CHILD', outcomes: { failed: 1 } }])
})

it('tells of an untraced request what it tells of a traced one', async () => {
  const summaries = async (rate: number): Promise<RequestSummary[]> => {
    let now = 0n
    const tracer = servingTracer({ rate, clock: () => (now += MS) })
    onTestFinished(() => tracer.close())
    const all: RequestSummary[] = []
    tracer.onRequest(summary => all.push(summary))
    const stages = { input: () => 1, infer: (x: number) => x, output: (x: number) => x }
    const request = tracer.start('HTTP')
    request?.received()
    await tracer.run(request, () => tracer.infer({ model: 'one' }, stages))
    request?.sending().sent().sending().sent().end()
    const both = tracer.start('GRPC')
    await tracer.run(both, async () => {
      await tracer.infer({ model: 'a' }, () => tracer.infer({ model: 'in a' }, stages))
      await tracer.infer({ model: 'b' }, stages)
    })
    both?.sending().sent().end('failed')
    tracer.start('HTTP', { name: 'GET /' })?.received().sending().sent().end()
    tracer.start('HTTP')?.end('cancelled')
    return all
  }
  const [traced, untraced] = [await summaries(1), await summaries(1000)]
  expect(untraced.map(({ stageNs }) => Object.keys(stageNs).length)).toEqual([9, 4, 6, 0])
  // From the first answer that begins to the last that is out.
  expect(untraced[0]!.stageNs.send).toBe(3e6)
  expect(traced).toEqual(untraced.map(summary => ({ ...summary, isTraced: true })))
})

it('is a plain object', () => {
  const { stages, infer } = onClock()
  infer('m')
  expect(JSON.parse(JSON.stringify(stages.snapshot()))).toEqual(stages.snapshot())
})

it('measures no more once closed, and requests are then not looked at', () => {
  const { tracer, stages, of, infer } = onClock()
  tracer.settings.update({ trace_level: ['OFF'] })
  expect(tracer.isWatching).toBe(true)
  infer('before')
  stages.close()
  infer('after')
  expect([tracer.isWatching, outcomesOf(of('before'))?.ok, of('after')]).toEqual([false, 1, []])
})

it('leaves the request and other listeners alone when a listener fails', () => {
  const { tracer, of, infer } = onClock()
  const failing = vi.fn(() => {
    throw new Error('broken')
  })
  tracer.onRequest(failing)
  const stages = liveStages(tracer)
  infer('m')
  expect(failing).toHaveBeenCalledOnce()
  expect(outcomesOf(of('m'))?.ok).toBe(1)
  expect(stages.snapshot().models).toMatchObject([{ model: 'm' }])
})

it.each([
  [{ windowMs: 10 }, 'ERR_OPSCOPE_OPTION_VALUE'],
  [{ windowMs: Number.NaN }, 'ERR_OPSCOPE_OPTION_VALUE'],
  [{ maxModels: 0 }, 'ERR_OPSCOPE_OPTION_VALUE'],
  [{ window: 60 }, 'ERR_OPSCOPE_OPTION_UNKNOWN'],
])('refuses %j', (options, code) => {
  const tracer: ServingTracer = servingTracer()
  onTestFinished(() => tracer.close())
  expect(() => liveStages(tracer, options as LiveStagesOptions)).toThrow(expect.objectContaining({ code }))
})
