// "The profiled program must never die, hang, leak or change its result because of us": programs that misuse the tracer.
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'

import * as grpc from '@grpc/grpc-js'
import fastify from 'fastify'
import { describe, expect, it, vi } from 'vitest'

import type { InferenceOptions, servingTracer } from '../../src/serving/index.js'
import { until } from '../until.js'
import { echoServer, httpServer, listen, readTraces, tracerWithFile, unary } from './servers.js'

const unreadable = () => {
  throw new Error('not to be read')
}

describe('a hook of the program', () => {
  const odd = {
    get message() {
      return unreadable()
    },
  }
  it.each([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['an object without a prototype', Object.create(null), 'object'],
    [
      'an error that cannot be read',
      Object.defineProperties(new Error(), Object.getOwnPropertyDescriptors(odd)),
      'object',
    ],
  ])('may throw %s, and the request goes on', async (_, thrown, reason) => {
    const onWarning = vi.fn()
    const { tracer } = tracerWithFile({ onWarning })
    const server = createServer((_, response) => response.end('x'))
    tracer.http(server, {
      filter() {
        throw thrown
      },
    })
    expect(await (await fetch(await listen(server))).text()).toBe('x')
    expect(onWarning.mock.calls).toEqual([['serving-trace-failed', `a request could not be traced: ${reason}`, 1]])
  })

  it('may name a model by what is no name', async () => {
    const { tracer, traces } = tracerWithFile()
    const server = createServer((_, response) => response.end('x'))
    tracer.http(server, { model: (async () => 'm') as never })
    await (await fetch(await listen(server))).text()
    expect(await traces()).toMatchObject([{ model_name: 'GET /' }])
  })
})

describe('an inference', () => {
  it.each([
    ['no options', undefined, 'unnamed', -1],
    ['null', null, 'unnamed', -1],
    [
      'options that cannot be read',
      {
        get model() {
          return unreadable()
        },
      },
      'unnamed',
      -1,
    ],
    ['names that are numbers', { model: 7, version: '3', requestId: 8n }, '7', 3],
    ['what cannot be written', { model: Symbol('m'), version: 1e300, requestId: {} }, 'unnamed', -1],
    ['a version beyond numbers', { model: 'm', version: Symbol('v') }, 'unnamed', -1],
  ])('with %s gives its result all the same, and is traced', async (_, options, modelName, version) => {
    const { tracer, traces } = tracerWithFile()
    expect(tracer.infer(options as InferenceOptions, () => 42)).toBe(42)
    expect(await traces()).toMatchObject([{ model_name: modelName, model_version: version }])
    expect(tracer.counts).toMatchObject({ open: 0, file: { dropped: 0 } })
  })

  it('ends as a failure by what is no outcome, and leaves out stamps without a name', async () => {
    const { tracer, traces } = tracerWithFile()
    const inference = tracer.startInference({ model: 'm' })!
    for (const name of [undefined, 5, Symbol('s'), {}]) inference.stamp(name as never)
    inference.end(Object.create(null))
    const [trace] = await traces()
    expect(trace!.names).toEqual(['REQUEST_START', 'QUEUE_START', 'OPSCOPE_FAILED', 'REQUEST_END'])
  })

  it('keeps of a tensor what can be read', async () => {
    const { tracer, traces } = tracerWithFile({ level: 'TENSORS' })
    tracer.infer({ model: 'm' }, inference => {
      for (const tensor of [
        undefined,
        { data: [1, 2], dims: 5, type: ['x'] },
        {
          get data() {
            return unreadable()
          },
          dims: [1, 2],
        },
      ]) {
        inference!.tensor('TENSOR_BACKEND_INPUT', 'x', tensor as never)
      }
    })
    const [trace] = await traces()
    expect(trace!.tensors.map(({ tensor }) => [tensor.data, tensor.shape, tensor.dtype])).toEqual([
      ['', '', ''],
      ['1,2', '', 'X'],
      ['', '1,2', ''],
    ])
  })

  it('is computed in a batch with what is none', async () => {
    const { tracer, traces } = tracerWithFile()
    const inference = tracer.startInference({ model: 'm' })!
    expect(await tracer.batch([5, {}, 'x', inference] as never, { infer: () => 'y' })).toBe('y')
    inference.end()
    expect(await traces()).toHaveLength(1)
  })
})

describe('a request', () => {
  it('that is over after the tracer was closed leaves the complete file as it is', async () => {
    const { tracer, file } = tracerWithFile()
    tracer.infer({ model: 'early' }, () => 1)
    const late = tracer.startInference({ model: 'late' })!
    await tracer.close()
    late.end()
    await tracer.close()
    expect(readTraces(file)).toMatchObject([{ model_name: 'early' }])
    expect(tracer.counts).toMatchObject({ open: 0, file: { added: 2, written: 1, dropped: 1 } })
  })

  it('is in its file when the tracer is closed, also if its log frequency was given up', async () => {
    const { tracer, file } = tracerWithFile()
    for (let index = 0; index < 20_000; index++) tracer.infer({ model: 'm' }, () => index)
    tracer.settings.update({ log_frequency: '5' })
    await tracer.close()
    expect(tracer.counts.file).toMatchObject({ added: 20_000, written: 20_000, files: 1 })
    expect(readTraces(file)).toHaveLength(20_000)
  })

  it('that waits for an earlier one of its connection ends with the connection', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, (request, response) => {
      if (request.url !== '/first') response.end('never sent')
    })
    const socket = connect(Number(new URL(url).port))
    for (const path of ['/first', '/second', '/third']) socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await until('three requests', () => tracer.counts.open === 3)
    socket.destroy()
    await until('their ends', () => tracer.counts.open === 0)
    const all = await traces()
    expect(all.map(({ names }) => names.includes('OPSCOPE_CANCELLED'))).toEqual([true, true, true])
  })

  it('whose client had gone before the hook saw it is cancelled', async () => {
    const { tracer, traces } = tracerWithFile()
    const app = fastify()
    app.addHook('onRequest', (_, reply, done) => {
      reply.raw.on('close', () => done())
    })
    await app.register(tracer.fastify())
    app.get('/', async () => 'x')
    await app.ready()
    const socket = connect(Number(new URL(await listen(app.server)).port))
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', () => setImmediate(() => socket.destroy()))
    await until('the trace', () => tracer.counts.traced === 1)
    expect(tracer.counts.open).toBe(0)
    expect((await traces())[0]!.names).toContain('OPSCOPE_CANCELLED')
  })

  it('keeps what a middleware has put around writeHead, call after call', async () => {
    const { tracer } = tracerWithFile({ serverTiming: true })
    const url = await httpServer(tracer, (_, response) => {
      let count = 0
      const { writeHead } = response
      response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
        count++
        return Reflect.apply(writeHead, this, args)
      } as typeof writeHead
      expect(() => response.writeHead(200, { 'not a header': '1' })).toThrow()
      response.writeHead(500)
      response.end(String(count))
    })
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([500, '2'])
  })

  it('has each object of interceptors that make their own as it is', async () => {
    const { tracer } = tracerWithFile()
    const peers: unknown[] = []
    // The first call goes through an object without getPeer, and the second through one that has it.
    let isFirst = true
    const bare: grpc.ServerInterceptor = (_, call) => {
      const all = {
        start: call.start.bind(call),
        startRead: call.startRead.bind(call),
        sendMetadata: call.sendMetadata.bind(call),
        sendMessage: call.sendMessage.bind(call),
        sendStatus: call.sendStatus.bind(call),
        getDeadline: call.getDeadline.bind(call),
        getHost: call.getHost.bind(call),
      }
      const full = { ...all, getPeer: () => 'somebody' }
      const made = isFirst ? all : full
      isFirst = false
      return made as never
    }
    const look: grpc.ServerInterceptor = (_, call) => {
      peers.push(call.getPeer?.())
      return new grpc.ServerInterceptingCall(call)
    }
    const client = await echoServer(
      { interceptors: [bare, tracer.grpc(), look] },
      {
        Unary: ({ request }: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) =>
          callback(null, request),
      },
    )
    expect([await unary(client, 'a'), await unary(client, 'b')]).toEqual(['a', 'b'])
    expect(peers).toEqual([undefined, 'somebody'])
  })
})

it('a clock that stands still, as tests have it, hangs nothing', async () => {
  // One of the process, which may have been read before.
  const { setEnvironmentData } = await import('node:worker_threads')
  setEnvironmentData('opscope:wall-clock-anchor', undefined)
  vi.resetModules()
  vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000.5)
  try {
    const serving: { servingTracer: typeof servingTracer } = await import('../../src/serving/index.js')
    const tracer = serving.servingTracer({ level: 'OFF' })
    const url = await httpServer(tracer, (_, response) => response.end())
    const { headers } = await fetch(url, { headers: { 'x-opscope-profile': '1' } })
    expect(headers.get('opscope-profile-time')).toMatch(/^1[67]\d{14},/)
    await tracer.close()
  } finally {
    vi.restoreAllMocks()
    setEnvironmentData('opscope:wall-clock-anchor', undefined)
  }
})
