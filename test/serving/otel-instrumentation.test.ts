// In a file of its own: what @opentelemetry/instrumentation-http does to node:http is done to all of the process.
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { trace } from '@opentelemetry/api'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { get, inferChain, isOver, otelTracer, pathsOf, registerSdk } from './otel-sdk.js'
import { httpServer, listen } from './servers.js'

const instrumentation = new HttpInstrumentation({
  ignoreIncomingRequestHook: ({ url }) => url === '/health',
})
const SAMPLED = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
const NESTED = [
  'GET',
  'GET > InferRequest',
  'GET > InferRequest > load',
  'GET > InferRequest > m',
  'GET > InferRequest > m > compute',
]

describe('a request that instrumentation-http has a span for', () => {
  // It is required, as the instrumentation sees to that.
  beforeAll(() => void createRequire(import.meta.url)('node:http'))
  beforeEach(() => instrumentation.enable())
  afterAll(() => instrumentation.disable())

  const instrumented = () => {
    const sdk = registerSdk()
    // It keeps the first one that it sees.
    instrumentation.setTracerProvider(sdk.provider)
    return sdk
  }
  const infer = (tracer: ReturnType<typeof otelTracer>) =>
    trace.getTracer('program').startActiveSpan('load', async span => {
      const output = await inferChain(tracer, ['m'])
      span.end()
      return output
    })

  it.each([
    ['without a caller', {}, undefined],
    ['of a caller', SAMPLED, 'b7ad6b7169203331'],
  ])('is inside that, and the program inside the request, %s', async (_, headers, caller) => {
    const { spans } = instrumented()
    const tracer = otelTracer()
    const url = await httpServer(tracer, async (_, response) => void response.end(await infer(tracer)))
    expect(await get(url, headers)).toBe('m')
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(NESTED)
    expect(spans().find(({ name }) => name === 'GET')!.parentSpanContext?.spanId).toBe(caller)
  })

  it('is inside that behind express', async () => {
    const { spans } = instrumented()
    const tracer = otelTracer()
    const app = express()
    app.use(tracer.express())
    app.get('/', async (_, response) => void response.end(await infer(tracer)))
    await get(await listen(createServer(app)))
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(NESTED)
  })

  it.each(['before', 'after'])('is inside that where the hook of all servers came %s it', async order => {
    const { spans } = instrumented()
    const tracer = otelTracer()
    if (order === 'before') instrumentation.disable()
    onTestFinished(tracer.http(Server.prototype))
    if (order === 'before') instrumentation.enable()
    const url = await listen(createServer(async (_, response) => void response.end(await infer(tracer))))
    await get(url)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(NESTED)
  })

  it('is inside that where the instrumentation came after the server was hooked', async () => {
    const { spans } = instrumented()
    const tracer = otelTracer()
    instrumentation.disable()
    const url = await httpServer(tracer, async (_, response) => void response.end(await infer(tracer)))
    instrumentation.enable()
    await get(url)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(NESTED)
  })

  it('is not told where the instrumentation was told to leave it alone', async () => {
    const { spans } = instrumented()
    const tracer = otelTracer()
    const url = await httpServer(tracer, async (_, response) => void response.end(await infer(tracer)))
    expect(await get(`${url}/health`)).toBe('m')
    await isOver(tracer)
    expect(spans()).toEqual([])
  })

  it('answers as without opscope where the handler throws', async () => {
    instrumented()
    const tracer = otelTracer()
    const error = new Error('of the handler')
    const server = createServer(() => {
      throw error
    })
    tracer.http(server)
    const request = new IncomingMessage(new Socket())
    expect(() => server.emit('request', request, new ServerResponse(request))).toThrow(error)
    expect(server.listeners('request')).toHaveLength(1)
  })
})
