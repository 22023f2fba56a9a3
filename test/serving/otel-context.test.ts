// What runs inside a traced request, and what is around it.
import { createServer } from 'node:http'
import { setImmediate as nextLoop } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { context, createContextKey, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base'
import express from 'express'
import fastify from 'fastify'
import { inject, profile, recordSync } from 'opscope'
import { describe, expect, it } from 'vitest'

import { get, inferChain, isOver, otelTracer, pathsOf, registerSdk, spanNamed } from './otel-sdk.js'
import { echoServer, httpServer, listen, unary } from './servers.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` }

/** A span of the program's own, across an await. */
async function work<T>(name: string, body: () => T | Promise<T>): Promise<T> {
  return trace.getTracer('program').startActiveSpan(name, async span => {
    try {
      await nextLoop()
      return await body()
    } finally {
      span.end()
    }
  })
}
const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
const INSIDE = ['InferRequest', 'InferRequest > load', 'InferRequest > m', 'InferRequest > m > compute']

describe('spans of the program are inside the request', () => {
  it('behind node:http', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await httpServer(tracer, async (request, response) => {
      for await (const _ of request);
      await nextLoop()
      response.end(await work('load', () => inferChain(tracer, ['m'])))
    })
    await (await post(url, [])).text()
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(INSIDE)
  })

  it('behind express, whose server is looked at too', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const app = express()
    app.use(
      (_, __, next) =>
        void trace.getTracer('program').startActiveSpan('middleware', span => {
          next()
          span.end()
        }),
    )
    app.use(tracer.express())
    app.use(express.json())
    app.post('/', async (request, response) => {
      response.json(await work('load', () => inferChain(tracer, request.body)))
    })
    const server = createServer(app)
    tracer.http(server)
    await (await post(await listen(server), ['m'])).text()
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual([
      'InferRequest',
      'InferRequest > m',
      'InferRequest > m > compute',
      'InferRequest > middleware',
      'InferRequest > middleware > load',
    ])
  })

  it('behind fastify, which has read the body', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const app = fastify()
    await app.register(tracer.fastify())
    app.post('/', async ({ body }) => work('load', () => inferChain(tracer, body as string[])))
    await app.ready()
    await (await post(await app.listen({ port: 0 }), ['m'])).text()
    await isOver(tracer)
    await app.close()
    expect(pathsOf(spans())).toEqual(INSIDE)
  })

  it('behind gRPC, of which the caller is known by its metadata', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ rate: 1000 })
    const client = await echoServer(
      { interceptors: [tracer.grpc()] },
      {
        Unary: async (_: unknown, done: grpc.sendUnaryData<string>) =>
          done(null, await work('load', () => inferChain(tracer, ['m']))),
        Bidi(call: grpc.ServerDuplexStream<string, string>) {
          call.on('data', async name => {
            call.write(await work(name, () => inferChain(tracer, ['m'])))
            call.end()
          })
        },
      },
    )
    const metadata = new grpc.Metadata()
    metadata.set('traceparent', SAMPLED.traceparent)
    await unary(client, 'x', metadata)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(INSIDE)
    expect(spanNamed(spans(), 'InferRequest')).toMatchObject({ parentSpanContext: { traceId: TRACE, spanId: CALLER } })
    expect(spanNamed(spans(), 'InferRequest').events.map(({ name }) => name)).toEqual([
      'GRPC_WAITREAD_START',
      'GRPC_WAITREAD_END',
      'INFER_RESPONSE_COMPLETE',
      'GRPC_SEND_START',
      'GRPC_SEND_END',
    ])
    tracer.settings.update({ trace_rate: '1' })
    const call = client.Bidi()
    call.write('load')
    expect(await call.toArray()).toEqual(['m'])
    await isOver(tracer)
    expect(pathsOf(spans().slice(4))).toEqual(INSIDE)
  })

  it('where it has no front end', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    await tracer.infer({ model: 'm' }, () => work('load', () => 1))
    expect(pathsOf(spans())).toEqual(INSIDE)
  })

  it('where settings of its model decided late', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ rate: 1000, models: { m: { rate: 1 } } })
    const url = await httpServer(tracer, async (request, response) => {
      await nextLoop()
      await tracer.infer({ model: request.url!.slice(1) }, () => work('load', () => 1))
      response.end()
    })
    for (const model of ['m', 'other']) await get(`${url}/${model}`)
    await isOver(tracer)
    // That of the request which is not traced is on its own.
    expect(pathsOf(spans())).toEqual([...INSIDE, 'load'])
    const { startTime, events } = spanNamed(spans(), 'InferRequest')
    expect(startTime).toEqual(events[0]!.time)
  })

  it('and what the program keeps in the context stays there', async () => {
    registerSdk()
    const tracer = otelTracer()
    const key = createContextKey('tenant')
    const tenant = await context.with(context.active().setValue(key, 'blue'), () =>
      tracer.infer({ model: 'm' }, async () => {
        await nextLoop()
        return context.active().getValue(key)
      }),
    )
    expect(tenant).toBe('blue')
  })
})

describe('a span that is active around a request', () => {
  it('is its parent, whatever the headers say', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const app = express()
    app.use(
      (_, response, next) =>
        void trace.getTracer('program').startActiveSpan('gateway', span => {
          response.on('close', () => span.end())
          next()
        }),
    )
    app.use(tracer.express())
    app.get('/', async (_, response) => void response.end(await inferChain(tracer, ['m'])))
    await get(await listen(createServer(app)), SAMPLED)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual([
      'gateway',
      'gateway > InferRequest',
      'gateway > InferRequest > m',
      'gateway > InferRequest > m > compute',
    ])
  })

  it('is its parent where another propagation has read it from elsewhere', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const remote = { traceId: TRACE, spanId: CALLER, traceFlags: 1, isRemote: true }
    const url = await context.with(trace.setSpanContext(context.active(), remote), () =>
      httpServer(tracer, async (_, response) => void response.end(await inferChain(tracer, ['m']))),
    )
    await get(url)
    await isOver(tracer)
    expect(spanNamed(spans(), 'InferRequest')).toMatchObject({ parentSpanContext: { spanId: CALLER } })
  })

  it('leaves no trace where tracing is suppressed there', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const active = await context.with(suppressTracing(context.active()), () =>
      tracer.infer({ model: 'm' }, () => trace.getActiveSpan()),
    )
    expect(active).toBeUndefined()
    expect(spans()).toEqual([])
    await inferChain(tracer, ['m'])
    expect(spans()).toHaveLength(3)
  })

  it('leaves no trace where the SDK samples none', async () => {
    const { spans } = registerSdk({ sampler: new AlwaysOffSampler() })
    const tracer = otelTracer()
    const seen = await tracer.infer({ model: 'm' }, async () => trace.getActiveSpan()?.spanContext().traceFlags)
    expect([seen, spans()]).toEqual([0, []])
  })
})

describe('spans of a session', () => {
  it.each([
    ['without a caller', {}],
    ['of a caller', SAMPLED],
  ])('are in the trace of the request, %s', async (_, headers) => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const sent: unknown[] = []
    const url = await httpServer(tracer, async (_, response) => {
      await tracer.infer({ model: 'm' }, { infer: () => recordSync('matmul', () => {}) })
      sent.push(inject()?.traceparent.slice(3, 35), trace.getActiveSpan()?.spanContext().traceId)
      response.end()
    })
    const capture = await profile({ state: 'CPU', categories: ['request', 'section'] }, async () => {
      await get(url, headers)
      await isOver(tracer)
    })
    const request = spanNamed(spans(), 'InferRequest').spanContext()
    const rows = capture.rows().toArray()
    expect(rows.find(({ name }) => name === 'HTTP request')).toMatchObject({ parent_span_id: request.spanId })
    expect(new Set(rows.map(row => row.trace_id))).toEqual(new Set([request.traceId]))
    expect(sent).toEqual([request.traceId, request.traceId])
  })
})
