import { createServer } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextLoop } from 'node:timers/promises'
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as grpc from '@grpc/grpc-js'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, vi } from 'vitest'

import type { ServingTracer } from '../../src/serving/index.js'
import { until } from '../until.js'
import { echoServer, httpServer, inferTwice, listen, readTraces, type Trace, tracerWithFile, unary } from './servers.js'
import { GRPC_STAMPS, HTTP_STAMPS, INFERENCE_STAMPS } from './stamp-names.js'

/** Overhead of the front end and of the handler, and all stages, add up to the whole, to the ns. */
function expectSums({ at }: Trace): void {
  const between = (from: string, to: string) => at[to]! - at[from]!
  const handler = between('REQUEST_START', 'REQUEST_END')
  const parts =
    between('HTTP_RECV_START', 'HTTP_RECV_END') +
    between('HTTP_RECV_END', 'REQUEST_START') +
    handler +
    between('REQUEST_END', 'HTTP_SEND_START') +
    between('HTTP_SEND_START', 'HTTP_SEND_END')
  expect(parts).toBe(between('HTTP_RECV_START', 'HTTP_SEND_END'))
}

describe('a request over HTTP', () => {
  it('has every stage in its order, behind node:http', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, async (request, response) => {
      for await (const _ of request);
      response.end(await inferTwice(tracer))
    })
    const answer = await fetch(`${url}/predict`, {
      method: 'POST',
      body: 'x'.repeat(1e5),
      headers: { 'x-request-id': 'r17' },
    })
    expect(await answer.text()).toBe('42')
    const [trace, ...others] = await traces()
    expect(others).toEqual([])
    expect(trace).toMatchObject({
      id: 1,
      model_name: 'doubler',
      model_version: 2,
      request_id: 'r17',
      names: HTTP_STAMPS,
    })
    expectSums(trace!)
  })

  it('has them behind express, whose body parser comes after', async () => {
    const { tracer, traces } = tracerWithFile()
    const app = express()
    app.use(tracer.express())
    app.use(express.json())
    app.post('/models/:name', async (request, response) => {
      response.json([request.body, await inferTwice(tracer, request.params.name)])
    })
    const url = await listen(createServer(app))
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/models/bert`, { method: 'POST', body: '{"a":1}', headers })
    expect(await answer.json()).toEqual([{ a: 1 }, '42'])
    expect(await traces()).toMatchObject([{ model_name: 'bert', names: HTTP_STAMPS }])
  })

  it('has them behind fastify, with the id that it gives', async () => {
    const { tracer, traces } = tracerWithFile()
    const app = fastify({ genReqId: () => 'f1' })
    await app.register(tracer.fastify())
    app.post('/predict', async () => inferTwice(tracer))
    await app.ready()
    const url = await app.listen({ port: 0 })
    expect(await (await fetch(`${url}/predict`, { method: 'POST', body: '' })).text()).toBe('42')
    await app.close()
    expect(await traces()).toMatchObject([{ model_name: 'doubler', request_id: 'f1', names: HTTP_STAMPS }])
  })

  it('has them behind node:http2, whose requests are like those of node:http', async () => {
    const { tracer, traces } = tracerWithFile()
    const server = createHttp2Server(async (request, response) => {
      for await (const _ of request);
      response.end(await inferTwice(tracer))
    })
    tracer.http(server)
    await new Promise<void>(resolve => server.listen(0, resolve))
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = client.request({ ':method': 'POST', ':path': '/predict', 'x-request-id': 'h2' })
    stream.end('body')
    expect(String(await stream.setEncoding('utf8').toArray())).toBe('42')
    client.close()
    server.close()
    expect(await traces()).toMatchObject([{ model_name: 'doubler', request_id: 'h2', names: HTTP_STAMPS }])
  })

  it('is counted once where server and framework both look', async () => {
    const { tracer, traces } = tracerWithFile({ rate: 2 })
    const app = express()
    app.use(tracer.express())
    app.get('/models/:name', async (_, response) => response.json(await inferTwice(tracer)))
    const server = createServer(app)
    tracer.http(server)
    const url = await listen(server)
    for (let index = 0; index < 5; index++) await (await fetch(`${url}/models/${index}`)).text()
    expect(await traces()).toHaveLength(2)
  })

  it('without an inference is named by its route, and computes from end to end', async () => {
    const { tracer, traces } = tracerWithFile()
    const app = express()
    app.use(tracer.express())
    app.get('/items/:id', (_, response) => {
      response.json('item')
    })
    const url = await listen(createServer(app))
    await (await fetch(`${url}/items/17?secret=1`)).text()
    const [trace] = await traces()
    expect(trace).toMatchObject({ model_name: 'GET /items/:id', model_version: -1 })
    expect(trace!.at.COMPUTE_END! - trace!.at.COMPUTE_START!).toBe(trace!.at.REQUEST_END! - trace!.at.REQUEST_START!)
  })

  it('of a model with settings of its own is decided once the model is known', async () => {
    const { tracer, traces } = tracerWithFile({ rate: 1000, models: { often: { rate: 1 } } })
    const url = await httpServer(tracer, async (request, response) => {
      response.end(await inferTwice(tracer, request.url!.slice(1)))
    })
    for (const model of ['often', 'seldom', 'often']) await (await fetch(`${url}/${model}`)).text()
    expect((await traces()).map(({ model_name }) => model_name)).toEqual(['often', 'often'])
  })
})

describe('a request over gRPC', () => {
  it('has every stage in its order', async () => {
    const { tracer, traces } = tracerWithFile()
    const client = await echoServer(
      { interceptors: [tracer.grpc()] },
      { Unary: async (_: unknown, done: grpc.sendUnaryData<string>) => done(null, await inferTwice(tracer)) },
    )
    const metadata = new grpc.Metadata()
    metadata.set('x-request-id', 'g1')
    expect(await unary(client, 'x', metadata)).toBe('42')
    expect(await traces()).toMatchObject([{ model_name: 'doubler', request_id: 'g1', names: GRPC_STAMPS }])
  })

  it('that answers in a stream has a pair of stamps for each answer', async () => {
    const { tracer, traces } = tracerWithFile()
    const client = await echoServer(
      { interceptors: [tracer.grpc()] },
      {
        Bidi(call: grpc.ServerDuplexStream<string, string>) {
          call.on('data', async () => {
            for (const part of ['a', 'b', await inferTwice(tracer)]) call.write(part)
            call.end()
          })
        },
      },
    )
    const call = client.Bidi()
    call.write('x')
    expect(await call.toArray()).toEqual(['a', 'b', '42'])
    const [trace] = await traces()
    expect(trace!.names.filter(name => name === 'GRPC_SEND_START')).toHaveLength(3)
    expect(trace!.names.filter(name => name === 'GRPC_SEND_END')).toHaveLength(3)
    expect(trace!.names).toEqual(expect.arrayContaining(INFERENCE_STAMPS))
  })

  it.each([
    ['failed', grpc.status.INTERNAL, 'OPSCOPE_FAILED'],
    ['rejected', grpc.status.RESOURCE_EXHAUSTED, 'OPSCOPE_REJECTED'],
  ])('that is %s says so', async (_, code, stamp) => {
    const { tracer, traces } = tracerWithFile()
    const client = await echoServer(
      { interceptors: [tracer.grpc()] },
      { Unary: (_: unknown, done: grpc.sendUnaryData<string>) => done({ code, details: 'no' }) },
    )
    await expect(unary(client, 'x')).rejects.toMatchObject({ code })
    expect((await traces())[0]!.names).toContain(stamp)
  })

  it('that the client cancels says so', async () => {
    const { tracer, traces } = tracerWithFile()
    const client = await echoServer({ interceptors: [tracer.grpc()] }, { Stream: () => {} })
    const call = client.Stream('x')
    call.on('error', () => {})
    await until('the call', () => tracer.counts.open === 1)
    call.cancel()
    await until('its end', () => tracer.counts.open === 0)
    expect((await traces())[0]!.names).toContain('OPSCOPE_CANCELLED')
  })
})

describe('whatever a program does', () => {
  it.each([
    ['throws', 'failed', 500],
    ['is at its limits', 'rejected', 503],
  ])('a handler that %s answers as without opscope, and is %s', async (_, outcome, status) => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, (_, response) => response.writeHead(status).end('oh'))
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([status, 'oh'])
    expect((await traces())[0]!.names).toContain(`OPSCOPE_${outcome.toUpperCase()}`)
  })

  it('a client that goes away is cancelled, and what is still computed is waited for', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, (_, response) => {
      const gone = new Promise(resolve => response.on('close', resolve))
      void tracer.infer({ model: 'slow' }, () => gone)
    })
    const abort = new AbortController()
    const failed = fetch(url, { signal: abort.signal }).catch(() => 'aborted')
    await until('the request', () => tracer.counts.open === 1)
    abort.abort()
    expect(await failed).toBe('aborted')
    await until('its end', () => tracer.counts.open === 0)
    const [trace] = await traces()
    expect(trace!.names).toEqual(expect.arrayContaining(['OPSCOPE_CANCELLED', 'COMPUTE_END', 'REQUEST_END']))
    expect(trace!.names).not.toContain('HTTP_SEND_END')
  })

  it('a request that is turned away says so once', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, async (_, response) => {
      const queue = () => Promise.reject(new Error('full'))
      await tracer.infer({ model: 'busy' }, { queue, infer: () => 1 }).catch(() => response.writeHead(503))
      response.end()
    })
    expect((await fetch(url)).status).toBe(503)
    expect((await traces())[0]!.names.filter(name => name === 'OPSCOPE_REJECTED')).toHaveLength(1)
  })

  it('two tracers of a server trace what each is to, and inferences are of the inner one', async () => {
    const [outer, inner] = [tracerWithFile({ rate: 2 }), tracerWithFile()]
    const server = createServer((_, response) => response.end(inner.tracer.infer({ model: 'm' }, () => 'x')))
    inner.tracer.http(server)
    outer.tracer.http(server)
    const url = await listen(server)
    for (let index = 0; index < 4; index++) await (await fetch(url)).text()
    expect((await outer.traces()).map(({ model_name }) => model_name)).toEqual(['GET /', 'GET /'])
    expect((await inner.traces()).map(({ model_name }) => model_name)).toEqual(['m', 'm', 'm', 'm'])
  })

  it.each<[string, (tracer: ServingTracer, options: object) => unknown]>([
    ['http', (tracer, options) => tracer.http(createServer(), options)],
    ['express', (tracer, options) => tracer.express(options)],
    ['fastify', (tracer, options) => tracer.fastify(options)],
    ['grpc', (tracer, options) => tracer.grpc(options)],
  ])('the hook %s refuses an option that it does not have', (_, hook) => {
    const { tracer } = tracerWithFile()
    expect(() => hook(tracer, { filtre: () => false })).toThrow(/Unknown option "filtre".*Did you mean "filter"/s)
  })

  it('a hook that is taken away leaves the server as it was', async () => {
    const { tracer, traces } = tracerWithFile()
    const server = createServer((_, response) => response.end('x'))
    const unhook = tracer.http(server)
    unhook()
    expect(Object.hasOwn(server, 'emit')).toBe(false)
    await (await fetch(await listen(server))).text()
    expect(await traces()).toEqual([])
  })

  it('stamps without end are kept up to a bound, and the last of them counts', async () => {
    let now = 0n
    const { tracer, traces } = tracerWithFile({ clock: () => now++ })
    const request = tracer.start('GRPC')
    for (let index = 0; index < 10_000; index++) request?.sending().sent()
    request?.end()
    const [trace] = await traces()
    expect(trace!.names.length).toBeLessThan(4200)
    expect(trace!.at.GRPC_SEND_END).toBe(now - 1n)
  })

  it('at a level of tensors alone there are no stamps', async () => {
    const { tracer, traces } = tracerWithFile({ level: 'TENSORS' })
    tracer.infer({ model: 'm' }, inference => void inference?.tensor('TENSOR_QUEUE_INPUT', 'x', { data: [1] }))
    expect(await traces()).toMatchObject([{ names: [], tensors: [{ tensor: { data: '1' } }] }])
  })

  it('two ends are one', async () => {
    const { tracer, traces } = tracerWithFile()
    const request = tracer.start('HTTP')
    tracer.run(request, () =>
      tracer.infer({ model: 'm' }, inference => {
        inference?.end()
        inference?.end('failed')
      }),
    )
    request?.received().sending().sent().end()
    request?.received().sending().sent().end('cancelled')
    const [trace] = await traces()
    expect(trace!.names).not.toContain('OPSCOPE_CANCELLED')
    expect(trace!.names).not.toContain('OPSCOPE_FAILED')
  })

  it('trouble of its own hooks is told, and the request goes on', async () => {
    const onWarning = vi.fn()
    const { tracer, traces } = tracerWithFile({ onWarning })
    const server = createServer((_, response) => response.end('x'))
    tracer.http(server, {
      model() {
        throw new Error('no such header')
      },
    })
    expect(await (await fetch(await listen(server))).text()).toBe('x')
    expect(await traces()).toEqual([])
    expect(onWarning.mock.calls).toEqual([['serving-trace-failed', 'a request could not be traced: no such header', 1]])
  })

  it('times beyond 2^53 ns are exact', async () => {
    let now = 17125844332704508n
    const { tracer, traces } = tracerWithFile({ clock: () => now++ })
    tracer.infer({ model: 'm' }, () => {})
    expect(Object.values((await traces())[0]!.at)[0]).toBe(17125844332704508n)
  })

  it('a tracer that is closed traces nothing, and its file is whole', async () => {
    const { tracer, file } = tracerWithFile()
    tracer.infer({ model: 'm' }, () => {})
    await tracer.close()
    tracer.infer({ model: 'm' }, () => {})
    expect(readTraces(file)).toHaveLength(1)
  })
})

describe('a request that is over', () => {
  // What a connection or a timer remembers of its last request kept that one's body: collecting garbage took a quarter
  // of a server's time.
  v8.setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void

  it('keeps nothing of what it was told', async () => {
    const { tracer } = tracerWithFile()
    const tell = (): [unknown, WeakRef<object>] => {
      const facts = { model: 'm' }
      const request = tracer.start('HTTP', facts)
      request?.end()
      return [request, new WeakRef(facts)]
    }
    const [request, facts] = tell()
    await nextLoop()
    collectGarbage()
    expect([request === undefined, facts.deref()]).toEqual([false, undefined])
  })

  it('leaves nothing of it on the message that it came by', async () => {
    const { tracer, traces } = tracerWithFile()
    const app = fastify()
    await app.register(tracer.fastify())
    const messages: unknown[] = []
    const requests: WeakRef<object>[] = []
    app.post('/', async request => {
      messages.push(request.raw)
      requests.push(new WeakRef(request))
    })
    const url = await app.listen({ port: 0 })
    for (let index = 0; index < 3; index++) await (await fetch(url, { method: 'POST', body: 'x' })).text()
    await app.close()
    await until('garbage to be collected', () => {
      collectGarbage()
      return requests.every(request => request.deref() === undefined)
    })
    expect([messages.length, await traces()]).toMatchObject([3, { length: 3 }])
  })
})
