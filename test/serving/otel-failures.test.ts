// Whatever OpenTelemetry does, or does not do: requests are answered as without it.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { profile } from 'opscope'
import { describe, expect, it } from 'vitest'

import type { ServingTracerOptions } from '../../src/serving/index.js'
import { until } from '../until.js'
import {
  chainServer,
  get,
  isOver,
  type OtlpSpan,
  otelTracer,
  otlpSink,
  pathsOf,
  registerSdk,
  SERVER,
} from './otel-sdk.js'
import { temporaryPath } from './servers.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'

/** The warnings of OpenTelemetry that were counted meanwhile. */
async function warningsOf(body: () => Promise<unknown>): Promise<Record<string, number>> {
  const { warnings } = await profile({ state: 'CPU' }, body)
  const ours = warnings.filter(({ code }) => code.startsWith('serving-'))
  return Object.fromEntries(ours.map(({ code, count }) => [code, count]))
}

describe('without an SDK', () => {
  it('requests are traced nowhere, with a warning once; with the SDK that comes later they are', async () => {
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    const counted = await warningsOf(async () => {
      for (let index = 0; index < 3; index++) expect(await get(`${url}/m`)).toBe('m')
      await isOver(tracer)
    })
    expect(counted).toEqual({ 'serving-otel-no-sdk': 1 })
    const { spans } = registerSdk()
    await get(`${url}/m`)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(['InferRequest', 'InferRequest > m', 'InferRequest > m > compute'])
  })
})

// The installed package of scripts/test-matrix.mjs finds them above it.
describe.skipIf(process.env.TEST_INSTALLED === '1')('where @opentelemetry/api is', () => {
  const tracerIn = async (folder: string, file: string, options: ServingTracerOptions) => {
    const code = `import { servingTracer } from '${join(folder, 'opscope/lib/serving/index.js')}'
      import { createRequire } from 'node:module'
      try {
        servingTracer(${JSON.stringify(options)})
        console.log(Object.keys(createRequire(import.meta.url).cache).some(each => each.includes('@opentelemetry')))
      } catch ({ code, message }) {
        console.log(code, message)
      }`
    const args = ['--input-type=module', '-e', code, '--', file]
    return (await promisify(execFile)(process.execPath, args, { cwd: dirname(file) })).stdout
  }
  /** opscope as if it were installed globally. */
  const bareFolder = () => {
    const folder = temporaryPath('')
    mkdirSync(join(folder, 'opscope/node_modules'), { recursive: true })
    for (const name of ['lib', 'package.json']) cpSync(name, join(folder, 'opscope', name), { recursive: true })
    for (const name of ['build', 'node_modules/node-gyp-build', 'node_modules/string-width']) {
      symlinkSync(join(process.cwd(), name), join(folder, 'opscope', name))
    }
    return folder
  }

  it('missing, a tracer that needs it says so', async () => {
    const folder = bareFolder()
    const file = join(folder, 'program.mjs')
    expect(await tracerIn(folder, file, { mode: 'opentelemetry' })).toMatch(
      /^ERR_OPSCOPE_PACKAGE_MISSING The package "@opentelemetry\/api" is needed .*\n.*npm install @opentelemetry\/api/,
    )
  })
  it('missing or not, a tracer of another mode does not load it', async () => {
    const folder = bareFolder()
    const file = join(folder, 'program.mjs')
    expect(await tracerIn(folder, file, { file: join(folder, 'trace.json') })).toBe('false\n')
    const here = join(folder, 'here')
    mkdirSync(here)
    symlinkSync(process.cwd(), join(here, 'opscope'))
    expect(await tracerIn(here, file, { file: join(folder, 'trace.json') })).toBe('false\n')
    expect(await tracerIn(here, file, { mode: 'opentelemetry' })).toBe('true\n')
  })
  it('among the packages of the program alone, it is found there', async () => {
    const folder = bareFolder()
    mkdirSync(join(folder, 'program/node_modules'), { recursive: true })
    symlinkSync(join(process.cwd(), 'node_modules/@opentelemetry'), join(folder, 'program/node_modules/@opentelemetry'))
    const file = join(folder, 'program/main.mjs')
    expect(await tracerIn(folder, file, { mode: 'opentelemetry' })).toBe('true\n')
  })
})

describe('an SDK that throws', () => {
  const fail = () => {
    throw new Error('of the SDK')
  }
  const idle = { forceFlush: async () => {}, shutdown: async () => {} }

  it.each<[string, SpanProcessor]>([
    ['begins', { ...idle, onStart: fail, onEnd: () => {} }],
    ['ends', { ...idle, onStart: () => {}, onEnd: fail }],
  ])('when a span %s does no harm to the request', async (_, processor) => {
    registerSdk({ processors: [processor] })
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    const counted = await warningsOf(async () => {
      for (let index = 0; index < 2; index++) expect(await get(`${url}/a/b`)).toBe('a b')
      await isOver(tracer)
    })
    expect(counted['serving-otel-failed']).toBeGreaterThanOrEqual(2)
  })

  it.each<[string, Partial<ContextManager>]>([
    ['active', { active: fail }],
    ['with', { with: fail }],
    [
      'with, afterwards,',
      {
        with(_, body, thisArg, ...args) {
          body.call(thisArg as never, ...args)
          return fail()
        },
      },
    ],
  ])('when %s of its contexts is called does no harm to the request', async (_, broken) => {
    registerSdk()
    context.disable()
    const manager: ContextManager = {
      active: (): Context => ROOT_CONTEXT,
      with: (_, body, thisArg, ...args) => body.call(thisArg as never, ...args),
      bind: (_, target) => target,
      enable: () => manager,
      disable: () => manager,
      ...broken,
    }
    context.setGlobalContextManager(manager)
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    expect(await warningsOf(async () => expect(await get(`${url}/a/b`)).toBe('a b'))).toHaveProperty(
      'serving-otel-failed',
    )
    await isOver(tracer)
  })

  it('is told apart from a program that throws', async () => {
    registerSdk()
    const tracer = otelTracer()
    const error = new Error('of the program')
    const infer = () => {
      throw error
    }
    expect(() => tracer.infer({ model: 'm' }, infer)).toThrow(error)
    await expect(tracer.infer({ model: 'm' }, { infer })).rejects.toBe(error)
    expect(() => tracer.run(tracer.start('HTTP'), infer)).toThrow(error)
  })
})

describe('a collector', () => {
  const throughOtlp = (url: string, queue = 2048) => {
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: 500 })
    const options = { maxQueueSize: queue, maxExportBatchSize: Math.min(queue, 512), scheduledDelayMillis: 1 }
    registerSdk({ processors: [new BatchSpanProcessor(exporter, options)] })
  }

  it('gets over OTLP what Triton would send it', async () => {
    const sink = await otlpSink()
    throughOtlp(sink.url)
    const tracer = otelTracer({ rate: 1000 })
    await get(`${await chainServer(tracer)}/ensemble/m`, { traceparent: `00-${TRACE}-${CALLER}-01` })
    await isOver(tracer)
    await until('four spans', () => sink.spans('triton-server').length >= 4)
    const spans = sink.spans('triton-server')
    const named = (name: string) => spans.find(span => span.name === name)!
    const [request, ensemble, model, compute] = ['InferRequest', 'ensemble', 'm', 'compute'].map(named) as OtlpSpan[]
    expect(spans).toHaveLength(4)
    expect(new Set(spans.map(({ traceId, kind }) => `${traceId} ${kind}`))).toEqual(new Set([`${TRACE} ${SERVER + 1}`]))
    const parents = [request, ensemble, model, compute].map(span => span!.parentSpanId)
    expect(parents).toEqual([CALLER, request!.spanId, ensemble!.spanId, model!.spanId])
    expect(model!.attributes).toEqual([
      { key: 'triton.model_name', value: { stringValue: 'm' } },
      { key: 'triton.model_version', value: { intValue: 3 } },
      { key: 'triton.trace_id', value: { intValue: 2 } },
      { key: 'triton.trace_parent_id', value: { intValue: 1 } },
    ])
    expect(compute!.events.map(({ name }) => name)).toEqual([
      'COMPUTE_START',
      'COMPUTE_INPUT_END',
      'COMPUTE_OUTPUT_START',
      'COMPUTE_END',
    ])
    // Whole numbers as text, so that no ns is lost on the way.
    const times = compute!.events.map(({ timeUnixNano }) => timeUnixNano)
    for (const time of times) expect(time).toMatch(/^\d{19}$/)
    expect([compute!.startTimeUnixNano, compute!.endTimeUnixNano]).toEqual([times[0], times[3]])
  })

  it.each(['refuse', 'hang', 'garble'] as const)('that would %s costs requests nothing', async answer => {
    const sink = await otlpSink(answer)
    throughOtlp(sink.url, 8)
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    const counted = await warningsOf(async () => {
      for (let index = 0; index < 30; index++) expect(await get(`${url}/m`)).toBe('m')
      await isOver(tracer)
      await until('the collector to be asked', () => sink.requestCount() > 0)
    })
    expect(counted).toEqual({})
  })

  it('that is down costs requests nothing', async () => {
    throughOtlp('http://127.0.0.1:9/v1/traces', 8)
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    for (let index = 0; index < 30; index++) expect(await get(`${url}/m`)).toBe('m')
    await isOver(tracer)
    expect(tracer.counts).toMatchObject({ open: 0, traced: 30 })
  })
})
