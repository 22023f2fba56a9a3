import { describe, expect, it } from 'vitest'

import { otlpSink } from '../serving/otel-sdk.js'
import { CLI, Project } from './project.js'

// The SDK comes after opscope, as in any program that is not loaded with it.
const PROGRAM = `
  import { createServer } from 'node:http'
  import { once } from 'node:events'
  import { trace } from '@opentelemetry/api'
  import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
  import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] })
  provider.register()
  const server = createServer(async (request, response) => {
    await null
    trace.getTracer('program').startSpan('work').end()
    response.end('served')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  for (const headers of [{}, { traceparent }]) {
    console.log(await (await fetch('http://127.0.0.1:' + server.address().port + '/predict', { headers })).text())
  }
  server.close().closeAllConnections()
  await once(server, 'close')
  await provider.shutdown()`

describe('opscope run, in the mode opentelemetry', () => {
  const project = new Project({ 'app.mjs': PROGRAM, 'alone.mjs': "console.log('served')" }, ['@opentelemetry'])
  const run = (...args: string[]) => {
    const flags = args.slice(0, -1).flatMap(each => ['--trace-config', each])
    return project.run([CLI, 'run', ...flags, args.at(-1)!])
  }

  it('tells requests through the SDK that the program registers', async () => {
    const sink = await otlpSink()
    const outcome = await run('mode=opentelemetry', 'rate=2', `opentelemetry,url=${sink.url}`, 'app.mjs')
    expect(outcome).toMatchObject({ code: 0, stdout: 'served\nserved\n', stderr: '' })
    const spans = sink.spans('triton-server')
    expect(spans.map(({ name }) => name).sort()).toEqual(['GET /predict', 'InferRequest', 'compute'])
    const request = spans.find(({ name }) => name === 'InferRequest')!
    expect(request).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' })
    const inside = sink.spans('program').map(({ parentSpanId }) => parentSpanId)
    expect(inside).toEqual([undefined, request.spanId])
  })

  it('runs a program that has no SDK', async () => {
    expect(await run('mode=opentelemetry', 'alone.mjs')).toMatchObject({ code: 0, stdout: 'served\n', stderr: '' })
  })
})
