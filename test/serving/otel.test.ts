import { trace } from '@opentelemetry/api'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import * as ort from 'onnxruntime-node'
import { describe, expect, it, onTestFinished } from 'vitest'

import { demoImages, demoModel } from '../../examples/demo/demo-network.mjs'
import { instrument } from '../../src/integrations/onnxruntime.js'
import { until } from '../until.js'
import {
  chainServer,
  eventsOf,
  get,
  inferChain,
  isOver,
  nsOf,
  otelTracer,
  pathsOf,
  registerSdk,
  SERVER,
  spanNamed,
} from './otel-sdk.js'
import { httpServer, tracerWithFile } from './servers.js'

describe('a traced request', () => {
  it('is three spans with the names, kinds, events and attributes of Triton', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await chainServer(tracer)
    expect(await get(`${url}/resnet50`, { 'x-request-id': 'a1' })).toBe('resnet50')
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(['InferRequest', 'InferRequest > resnet50', 'InferRequest > resnet50 > compute'])
    for (const span of spans()) {
      expect(span).toMatchObject({ kind: SERVER, instrumentationScope: { name: 'triton-server' }, status: { code: 0 } })
    }
    const [request, model, compute] = ['InferRequest', 'resnet50', 'compute'].map(name => spanNamed(spans(), name))
    expect(request!.parentSpanContext).toBeUndefined()
    expect(eventsOf(request!)).toEqual([
      'HTTP_RECV_START',
      'HTTP_RECV_END',
      'INFER_RESPONSE_COMPLETE',
      'HTTP_SEND_START',
      'HTTP_SEND_END',
    ])
    expect(eventsOf(model!)).toEqual(['REQUEST_START', 'QUEUE_START', 'REQUEST_END'])
    expect(eventsOf(compute!)).toEqual(['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'])
    expect(request!.attributes).toEqual({ 'opscope.outcome': 'ok' })
    expect(model!.attributes).toEqual({
      'triton.model_name': 'resnet50',
      'triton.model_version': 3,
      'triton.trace_id': 1,
      'triton.trace_parent_id': 0,
      'triton.request_id': 'a1',
    })
    expect(compute!.attributes).toEqual({})
  })

  it.each([
    ['an ensemble of one', 'ensemble/m', ['', ' > ensemble', ' > ensemble > m', ' > ensemble > m > compute']],
    ['steps of steps', 'a/b/c', ['', ' > a', ' > a > b', ' > a > b > c', ' > a > b > c > compute']],
  ])('of %s nests its steps in the span of the model', async (_, models, paths) => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    await get(`${await chainServer(tracer)}/${models}`)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(paths.map(path => `InferRequest${path}`))
  })

  it('whose model calls an ensemble while it computes has that beside its own computation', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await httpServer(tracer, async (_, response) => {
      response.end(await tracer.infer({ model: 'bls' }, { infer: () => inferChain(tracer, ['ensemble', 'm']) }))
    })
    await get(url)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual([
      'InferRequest',
      'InferRequest > bls',
      'InferRequest > bls > compute',
      'InferRequest > bls > ensemble',
      'InferRequest > bls > ensemble > m',
      'InferRequest > bls > ensemble > m > compute',
    ])
    const idsOf = (name: string) => {
      const { attributes } = spanNamed(spans(), name)
      return [attributes['triton.trace_id'], attributes['triton.trace_parent_id']]
    }
    expect([idsOf('bls'), idsOf('ensemble'), idsOf('m')]).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ])
  })

  it('has the times of the file to the ns, and its ids', async () => {
    const { spans } = registerSdk()
    const { tracer, traces } = tracerWithFile({ mode: ['triton', 'opentelemetry'] })
    const url = await chainServer(tracer)
    for (const models of ['a/b', 'a/b']) await get(`${url}/${models}`)
    await isOver(tracer)
    const written = await traces()
    expect(written.map(({ id }) => id)).toEqual([1, 2, 3, 4])
    // One anchor of the wall clock for the process: whatever it is, it is the same for each stamp.
    const distances = new Set<bigint>()
    const noteDistance = (ns: bigint | undefined, span: ReadableSpan, name: string) => {
      const event = span.events.find(each => each.name === name)
      if (event !== undefined && ns !== undefined) distances.add(nsOf(event.time) - ns)
      return event !== undefined
    }
    for (const { id, at, model_name: model } of written) {
      const span = spans().find(each => each.attributes['triton.trace_id'] === id)!
      expect(span.name).toBe(model)
      for (const name of ['REQUEST_START', 'QUEUE_START', 'REQUEST_END']) {
        expect(noteDistance(at[name], span, name)).toBe(true)
      }
      const distance = nsOf(span.startTime) - at.REQUEST_START!
      expect(nsOf(span.endTime) - at.REQUEST_END!).toBe(distance)
      const inside = spans().filter(each => each.parentSpanContext?.spanId === span.spanContext().spanId)
      for (const compute of inside.filter(({ name }) => name === 'compute')) {
        for (const name of eventsOf(compute)) noteDistance(at[name], compute, name)
        expect(nsOf(compute.startTime) - at.COMPUTE_START!).toBe(distance)
        expect(nsOf(compute.endTime) - at.COMPUTE_END!).toBe(distance)
      }
      const request = spans().find(each => each.spanContext().spanId === span.parentSpanContext?.spanId)
      if (request?.name !== 'InferRequest') continue
      expect(request.attributes).toEqual({ 'opscope.outcome': 'ok', 'opscope.trace_file_id': id })
      for (const name of eventsOf(request)) noteDistance(at[name], request, name)
      expect(nsOf(request.startTime) - at.HTTP_RECV_START!).toBe(distance)
      expect(nsOf(request.endTime) - at.HTTP_SEND_END!).toBe(distance)
    }
    expect(distances.size).toBe(1)
    const [distance] = distances
    const nowNs = process.hrtime.bigint() + distance!
    expect(Math.abs(Number(nowNs / 1_000_000n) - Date.now())).toBeLessThan(1000)
  })

  it('makes a span of a pair of stamps of its own, inside the computation if it lies there', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    tracer.infer({ model: 'm' }, inference => {
      for (const name of ['LOAD_START', 'LOAD_END', 'COMPUTE_START', 'DECODE_START', 'HALFWAY', 'DECODE_END']) {
        inference?.stamp(name)
      }
      for (const name of ['COMPUTE_END', 'OPEN_START', '_START', '_END']) inference?.stamp(name)
    })
    expect(pathsOf(spans())).toEqual([
      'InferRequest',
      'InferRequest > m',
      'InferRequest > m > LOAD',
      'InferRequest > m > compute',
      'InferRequest > m > compute > DECODE',
    ])
    expect(eventsOf(spanNamed(spans(), 'm'))).toEqual([
      'REQUEST_START',
      'QUEUE_START',
      'HALFWAY',
      'OPEN_START',
      '_START',
      '_END',
      'REQUEST_END',
    ])
    expect(eventsOf(spanNamed(spans(), 'compute'))).toEqual(['COMPUTE_START', 'COMPUTE_END'])
  })

  it('has its wait as a span where that is asked for, and tells of its batch', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ queueSpan: true })
    const waiting = [1, 2].map(() => tracer.startInference({ model: 'm' }))
    await tracer.batch(waiting, { infer: () => 1 })
    for (const inference of waiting) inference?.end()
    expect(pathsOf(spans().slice(0, 4))).toEqual([
      'InferRequest',
      'InferRequest > m',
      'InferRequest > m > compute',
      'InferRequest > m > queue',
    ])
    const [queue, compute] = ['queue', 'compute'].map(name => spanNamed(spans().slice(0, 4), name))
    expect(queue!.endTime).toEqual(compute!.startTime)
    for (const { attributes } of spans().filter(({ name }) => name === 'm')) {
      expect(attributes).toMatchObject({ 'opscope.batch_id': 1, 'opscope.batch_size': 2 })
    }
  })

  it('that failed has an error, and what began in it ends with it', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await httpServer(tracer, async (_, response) => {
      const infer = () => Promise.reject(new Error('bad weights'))
      await tracer.infer({ model: 'm' }, { input: () => 1, infer }).catch(() => response.writeHead(500).end())
    })
    await get(url)
    await isOver(tracer)
    const [request, model, compute] = ['InferRequest', 'm', 'compute'].map(name => spanNamed(spans(), name))
    for (const span of [request, model, compute]) expect(span!.status).toEqual({ code: 2 })
    expect(request!.attributes['opscope.outcome']).toBe('failed')
    expect(eventsOf(request!)).toContain('OPSCOPE_FAILED')
    expect(eventsOf(model!)).toEqual(['REQUEST_START', 'QUEUE_START', 'OPSCOPE_FAILED', 'REQUEST_END'])
    expect(eventsOf(compute!)).toEqual(['COMPUTE_START', 'COMPUTE_INPUT_END'])
    expect(compute!.endTime).toEqual(model!.endTime)
  })

  it('that failed after its inference did has an event for each, at its own time', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const request = tracer.start('HTTP')?.received()
    const infer = () => Promise.reject(new Error('bad weights'))
    await tracer.run(request, () => tracer.infer({ model: 'm' }, { infer }).catch(() => request?.end('failed')))
    const [first, second] = ['m', 'InferRequest'].map(name => {
      return spanNamed(spans(), name).events.find(event => event.name === 'OPSCOPE_FAILED')
    })
    expect(nsOf(second!.time)).toBeGreaterThan(nsOf(first!.time))
  })

  it('that is turned away from the queue has waited, and not computed', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ queueSpan: true })
    const queue = () => Promise.reject(new Error('full'))
    await expect(tracer.infer({ model: 'm' }, { queue, infer: () => 1 })).rejects.toThrow('full')
    expect(pathsOf(spans())).toEqual(['InferRequest', 'InferRequest > m', 'InferRequest > m > queue'])
    expect(spanNamed(spans(), 'InferRequest').attributes).toEqual({ 'opscope.outcome': 'rejected' })
  })

  it('that never ends is told when the tracer is closed', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await httpServer(tracer, (_, response) => {
      void tracer.infer({ model: 'm' }, () => new Promise(() => {}))
      response.end()
    })
    await get(url)
    // Which the answer does not wait for.
    await until('the end of the answer', () => tracer.counts.open === 1)
    expect(spans()).toEqual([])
    await tracer.close()
    await until('the end', () => spans().length > 0)
    expect(spanNamed(spans(), 'm').attributes['opscope.unfinished']).toBe(true)
    expect(spanNamed(spans(), 'm').endTime).toEqual(spanNamed(spans(), 'InferRequest').endTime)
  })

  it('of a long stream keeps how it came in and how it ended', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const request = tracer.start('GRPC')!.received()
    for (let index = 0; index < 1000; index++) request.sending().sent()
    request.end()
    const { events, attributes } = spanNamed(spans(), 'InferRequest')
    expect(events).toHaveLength(128)
    expect([events[0]!.name, events[1]!.name]).toEqual(['GRPC_WAITREAD_START', 'GRPC_WAITREAD_END'])
    expect(events.at(-1)!.name).toBe('GRPC_SEND_END')
    expect(attributes['opscope.events_left_out']).toBe(2002 - 128)
  })

  it('without an inference has its name and its whole time as the computation', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    await get(`${await httpServer(tracer, (_, response) => response.end())}/items?secret=1`)
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual([
      'InferRequest',
      'InferRequest > GET /items',
      'InferRequest > GET /items > compute',
    ])
  })

  it('that is a run of a runtime begins when the program asked for the run', async () => {
    const { spans } = registerSdk()
    otelTracer()
    const uninstrument = instrument(ort)
    onTestFinished(uninstrument)
    const session = await ort.InferenceSession.create(demoModel())
    const { data, dims } = demoImages(1)
    await session.run({ image: new ort.Tensor('float32', data, dims) })
    const [request, model] = spans()
      .filter(({ name }) => name !== 'compute')
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(model!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId)
    expect(request!.startTime).toEqual(model!.startTime)
  })

  it('is told in batches too', async () => {
    const exporter = new InMemorySpanExporter()
    const { provider, spans } = registerSdk({ exporter, processors: [new BatchSpanProcessor(exporter)] })
    const tracer = otelTracer()
    for (let index = 0; index < 5; index++) await inferChain(tracer, ['m'])
    expect(spans()).toEqual([])
    await provider.forceFlush()
    expect(spans()).toHaveLength(15)
  })

  it('is not told at level OFF, nor at TENSORS, which OpenTelemetry has no place for', async () => {
    const { spans } = registerSdk()
    const off = otelTracer({ level: 'OFF' })
    const { tracer: tensors } = tracerWithFile({ mode: ['triton', 'opentelemetry'], level: 'TENSORS' })
    for (const tracer of [off, tensors]) {
      await get(`${await chainServer(tracer)}/m`, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` })
      await isOver(tracer)
    }
    expect(spans()).toEqual([])
  })
})

describe('the trace of a caller', () => {
  const TRACE = '0af7651916cd43dd8448eb211c80319c'
  const CALLER = 'b7ad6b7169203331'
  const traceparent = (flags: string) => `00-${TRACE}-${CALLER}-${flags}`

  it('goes on in ours, and its state with it', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const tracestate = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'
    await get(`${await chainServer(tracer)}/m`, { traceparent: traceparent('01'), tracestate })
    await isOver(tracer)
    const request = spanNamed(spans(), 'InferRequest')
    expect(request.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: CALLER, isRemote: true })
    for (const span of spans()) {
      expect(span.spanContext().traceId).toBe(TRACE)
      expect(span.spanContext().traceState?.serialize()).toBe(tracestate)
    }
  })

  it('is traced if it is sampled, whatever the rate says', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ rate: 1000 })
    const url = await chainServer(tracer)
    await get(`${url}/a`)
    await get(`${url}/b`, { traceparent: traceparent('01') })
    await isOver(tracer)
    expect(pathsOf(spans())).toEqual(['InferRequest', 'InferRequest > b', 'InferRequest > b > compute'])
  })

  it('is not exported if it is not sampled, and in the file by rate', async () => {
    // Not even through an SDK that takes everything.
    const { spans } = registerSdk({ sampler: new AlwaysOnSampler() })
    const { tracer, traces } = tracerWithFile({ mode: ['triton', 'opentelemetry'], rate: 2 })
    const url = await chainServer(tracer)
    for (let index = 0; index < 4; index++) await get(`${url}/m`, { traceparent: traceparent('00') })
    await isOver(tracer)
    expect(spans()).toEqual([])
    expect(await traces()).toHaveLength(2)
  })

  it.each([
    ['zeros', `00-${'0'.repeat(32)}-${CALLER}-01`],
    ['a forbidden version', `ff-${TRACE}-${CALLER}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${CALLER}-01`],
    ['something else', 'yes'],
  ])('is ignored when its header has %s', async (_, header) => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ rate: 2 })
    const url = await chainServer(tracer)
    for (let index = 0; index < 2; index++) await get(`${url}/m`, { traceparent: header })
    await isOver(tracer)
    const { parentSpanContext, spanContext } = spanNamed(spans(), 'InferRequest')
    expect(parentSpanContext).toBeUndefined()
    expect(spanContext.call(spanNamed(spans(), 'InferRequest')).traceId).not.toBe(TRACE)
  })

  it('is left alone with propagate: false', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer({ propagate: false })
    const url = await chainServer(tracer)
    for (const flags of ['00', '01']) await get(`${url}/m`, { traceparent: traceparent(flags) })
    await isOver(tracer)
    const roots = spans().filter(({ name }) => name === 'InferRequest')
    expect(roots).toHaveLength(2)
    for (const root of roots) expect(root.parentSpanContext).toBeUndefined()
  })

  it('does not begin in a span that was over before the request, and has only made the server', async () => {
    const { spans } = registerSdk()
    const tracer = otelTracer()
    const url = await trace.getTracer('test').startActiveSpan('start-up', async span => {
      const listening = await chainServer(tracer)
      span.end()
      return listening
    })
    await get(`${url}/a`)
    await get(`${url}/b`, { traceparent: traceparent('01') })
    await isOver(tracer)
    const parents = spans().filter(({ name }) => name === 'InferRequest')
    expect(parents.map(each => each.parentSpanContext?.spanId)).toEqual([undefined, CALLER])
  })
})
