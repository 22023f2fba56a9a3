import { request as httpRequest, type ServerResponse } from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import fastify from 'fastify'
import { expect, it, onTestFinished } from 'vitest'

import { type ServingTracer, type ServingTracerOptions, servingTracer } from '../../src/serving/index.js'
import { until } from '../until.js'
import { echoServer, httpServer, listen } from './servers.js'

/** A metric of w3.org/TR/server-timing. */
interface Metric {
  name: string
  dur?: number
  desc?: string
}
// RFC 9110, 5.6: token, quoted-string without obs-text, lists.
const TOKEN = "[!#$%&'*+\\-.^_`|~\\w]+"
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t \\x21-\\x7e])*"'
const METRIC = new RegExp(`(${TOKEN})((?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*)(?:[ \\t]*,[ \\t]*|$)`, 'y')
const PARAMETER = new RegExp(`(${TOKEN})=(${TOKEN}|${QUOTED})`, 'g')

/** Reads the header by its grammar; fails at what breaks it. */
function parseServerTiming(header: unknown): Metric[] {
  if (typeof header !== 'string' || header === '') throw new Error(`no Server-Timing: ${String(header)}`)
  const metrics: Metric[] = []
  METRIC.lastIndex = 0
  while (METRIC.lastIndex < header.length) {
    const at = METRIC.lastIndex
    const [, name, parameters] = METRIC.exec(header) ?? []
    if (name === undefined) throw new Error(`breaks the grammar at ${at}: ${header}`)
    const metric: Metric = { name }
    for (const [, key, value] of parameters!.matchAll(PARAMETER)) {
      if (key === 'dur') metric.dur = Number(value)
      if (key === 'desc') metric.desc = value!.startsWith('"') ? value!.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value!
    }
    metrics.push(metric)
  }
  return metrics
}
const namesOf = (header: unknown) => parseServerTiming(header).map(({ name }) => name)

/** No request of it is traced. */
function timingTracer(options: ServingTracerOptions = {}): ServingTracer {
  const tracer = servingTracer({ level: 'OFF', serverTiming: true, ...options })
  onTestFinished(() => tracer.close())
  return tracer
}
const infer = (tracer: ServingTracer, model = 'm') =>
  tracer.infer({ model }, { input: () => 1, infer: async x => x, output: x => String(x) })

const PARTS = ['recv', 'queue', 'compute-input', 'infer', 'compute-output', 'total']
const WHOLE = ['recv', 'queue', 'compute', 'total']

it('tells the stages of a request that is not traced, in ms', async () => {
  let now = 0n
  const tracer = timingTracer({ clock: () => (now += 1_500_000n) })
  const url = await httpServer(tracer, async (_, response) => response.end(await infer(tracer)))
  const header = (await fetch(url)).headers.get('server-timing')
  expect(namesOf(header)).toEqual(PARTS)
  expect(parseServerTiming(header).find(({ name }) => name === 'infer')?.dur).toBe(1.5)
  await until('the request', () => tracer.counts.open === 0)
  expect(tracer.counts.traced).toBe(0)
})

it('tells them of a traced one too, and where nobody inferred', async () => {
  const tracer = timingTracer({ level: 'TIMESTAMPS', rate: 1 })
  const url = await httpServer(tracer, (_, response) => response.end())
  expect(namesOf((await fetch(url)).headers.get('server-timing'))).toEqual(WHOLE)
})

it('is not there unless asked for', async () => {
  const tracer = timingTracer({ level: 'TIMESTAMPS', rate: 1, serverTiming: false })
  const url = await httpServer(tracer, (_, response) => response.end())
  expect((await fetch(url)).headers.get('server-timing')).toBeNull()
})

it('names the models of several inferences, whatever is in their names', async () => {
  const tracer = timingTracer()
  const names = ['bert', 'a "b" \\', 'x\r\nset-cookie: y', 'größe', 'l'.repeat(1000)]
  const url = await httpServer(tracer, async (_, response) => {
    for (const name of names) await infer(tracer, name)
    response.end()
  })
  const { headers } = await fetch(url)
  const told = parseServerTiming(headers.get('server-timing')).filter(({ name }) => name === 'infer')
  expect(told.map(({ desc }) => desc)).toEqual(['bert', 'a "b" \\', 'x??set-cookie: y', 'gr??e', 'l'.repeat(64)])
  expect(headers.get('set-cookie')).toBeNull()
})

it('is no longer than a client accepts, however many inferences there were', async () => {
  const tracer = timingTracer()
  const url = await httpServer(tracer, async (_, response) => {
    for (let index = 0; index < 500; index++) await infer(tracer, `"${'\\'.repeat(100)}`)
    response.end()
  })
  const { headers } = await fetch(url, { headers: { 'x-opscope-profile': '1' } })
  const header = headers.get('server-timing')!
  expect(header.length).toBeLessThan(8000)
  expect(namesOf(header)).toHaveLength(32)
  expect(namesOf(header).at(-1)).toBe('total')
  const times = headers.get('opscope-profile-time')!.split(',').map(Number)
  expect(times).toHaveLength(2 * 128)
  const [first, total] = [times[0], times.at(-2)]
  expect(total).toBe(first)
})

const OWN = 'db;dur=53;desc="a, b", cache'
it.each<[string, (response: ServerResponse) => unknown]>([
  ['set before', response => response.setHeader('Server-Timing', OWN).end()],
  ['set before as a list', response => response.setHeader('Server-Timing', OWN.split(/, (?=cache)/)).end()],
  ['given to writeHead', response => response.writeHead(200, { 'server-timing': OWN }).end()],
  ['given after a reason', response => response.writeHead(200, 'fine', { 'Server-Timing': OWN }).end()],
  ['given as a flat list', response => response.writeHead(200, ['Server-Timing', OWN, 'x-a', '1']).end()],
  [
    'given as a list of pairs',
    response => response.writeHead(200, [['Server-Timing', OWN] as never, ['x-a', '1'] as never]).end(),
  ],
  [
    'set before others are given',
    response => response.setHeader('Server-Timing', OWN).writeHead(200, { 'x-a': '1' }).end(),
  ],
  [
    'set before a list of others is given',
    response => response.setHeader('Server-Timing', OWN).writeHead(200, ['x-a', '1']).end(),
  ],
])('keeps what the program says itself: %s', async (_, answer) => {
  const tracer = timingTracer()
  const url = await httpServer(tracer, (_, response) => answer(response))
  const header = (await fetch(url)).headers.get('server-timing')
  expect(parseServerTiming(header).slice(0, 2)).toEqual([{ name: 'db', dur: 53, desc: 'a, b' }, { name: 'cache' }])
  expect(namesOf(header).slice(2)).toEqual(WHOLE)
})

it.each<[string, (response: ServerResponse) => unknown]>([
  ['flat', response => response.writeHead(201, ['set-cookie', 'a=1', 'Set-Cookie', 'b=2', 'x-b', '1']).end()],
  [
    'of pairs',
    response => response.writeHead(201, [['set-cookie', 'a=1'] as never, ['set-cookie', 'b=2'] as never]).end(),
  ],
])('leaves other headers of a list %s as they are', async (_, answer) => {
  const tracer = timingTracer()
  const url = await httpServer(tracer, (_, response) => answer(response))
  const { status, headers } = await fetch(url, { headers: { 'x-opscope-profile': '1' } })
  expect([status, headers.getSetCookie()]).toEqual([201, ['a=1', 'b=2']])
  expect(namesOf(headers.get('server-timing'))).toEqual(WHOLE)
  expect(headers.get('opscope-profile-time')).toMatch(/^\d+(,\d+)+$/)
})

it('lets Node refuse headers that are none', async () => {
  const tracer = timingTracer()
  const errors: unknown[] = []
  const url = await httpServer(tracer, (_, response) => {
    try {
      response.writeHead(200, ['x-a'])
    } catch (error) {
      errors.push((error as NodeJS.ErrnoException).code)
      response.destroy()
    }
  })
  await fetch(url).catch(() => {})
  expect(errors).toEqual(['ERR_INVALID_ARG_VALUE'])
})

it('goes out with the first part of a stream, and does not disturb it', async () => {
  const tracer = timingTracer()
  const parts: (() => void)[] = []
  const url = await httpServer(tracer, async (_, response) => {
    response.write(await infer(tracer))
    await new Promise<void>(resolve => parts.push(resolve))
    response.end('2')
  })
  const answer = await fetch(url)
  expect(namesOf(answer.headers.get('server-timing'))).toEqual(PARTS)
  await until('the first part', () => parts.length === 1)
  parts[0]!()
  expect(await answer.text()).toBe('12')
})

it.each(['flushHeaders', 'end'] as const)('is there for an answer that begins with %s()', async begin => {
  const tracer = timingTracer()
  const url = await httpServer(tracer, (_, response) => {
    response[begin]()
    response.end()
  })
  expect(namesOf((await fetch(url)).headers.get('server-timing'))).toEqual(WHOLE)
})

it('is there for an error, and for an answer without a body', async () => {
  const tracer = timingTracer()
  const url = await httpServer(tracer, (request, response) => {
    response.statusCode = Number(request.url!.slice(1))
    response.end()
  })
  for (const status of [204, 304, 500, 503]) {
    const header = await new Promise((resolve, reject) => {
      httpRequest(`${url}/${status}`, answer => resolve(answer.resume().headers['server-timing']))
        .on('error', reject)
        .end()
    })
    expect(namesOf(header)).toEqual(WHOLE)
  }
})

it('is there behind fastify, which gives its headers to writeHead, also for an error', async () => {
  const tracer = timingTracer()
  const app = fastify()
  await app.register(tracer.fastify())
  app.get('/ok', async (_, reply) => {
    reply.header('Server-Timing', OWN)
    return infer(tracer)
  })
  app.get('/bad', async () => {
    throw new Error('no')
  })
  await app.ready()
  const url = await listen(app.server)
  expect(namesOf((await fetch(`${url}/ok`)).headers.get('server-timing'))).toEqual(['db', 'cache', ...PARTS])
  const bad = await fetch(`${url}/bad`)
  expect([bad.status, namesOf(bad.headers.get('server-timing'))]).toEqual([500, WHOLE])
  await app.close()
})

const headed = (response: http2.Http2ServerResponse) => {
  response.setHeader('server-timing', OWN)
  return response
}
const begun = (response: http2.Http2ServerResponse) => {
  response.write('x')
  return response
}
it.each<[string, (response: http2.Http2ServerResponse) => unknown, string[]]>([
  ['of its own', response => response.end('x'), []],
  ['set before', response => headed(response).end('x'), ['db', 'cache']],
  ['given', response => response.writeHead(200, { 'Server-Timing': OWN }).end('x'), ['db', 'cache']],
  ['in a stream', response => begun(response).end(), []],
])('is there over HTTP/2, with a header %s', async (_, answer, own) => {
  const tracer = timingTracer()
  const server = http2.createServer((_, response) => void answer(response))
  tracer.http(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
    client.request({ ':path': '/' }).on('response', resolve).on('error', reject).resume().end()
  })
  expect(namesOf(headers['server-timing'])).toEqual([...own, ...WHOLE])
})

/** What comes with the end of a call. */
function statusOf(call: grpc.ClientUnaryCall | grpc.ClientReadableStream<string>): Promise<grpc.StatusObject> {
  return new Promise(resolve => call.on('status', resolve))
}
const timingOf = ({ metadata }: grpc.StatusObject) => metadata.get('server-timing').join(', ')

it('is a trailer of gRPC, of calls that succeed, fail and stream', async () => {
  const tracer = timingTracer()
  const client = await echoServer(
    { interceptors: [tracer.grpc()] },
    {
      Unary: async ({ request }: { request: string }, done: grpc.sendUnaryData<string>) => {
        if (request === 'bad') done({ code: grpc.status.INTERNAL, details: 'no' })
        else done(null, await infer(tracer))
      },
      async Stream(call: grpc.ServerWritableStream<string, string>) {
        call.write(await infer(tracer))
        call.end()
      },
    },
  )
  const unary = (value: string) => statusOf(client.Unary(value, new grpc.Metadata(), () => {}))
  expect(namesOf(timingOf(await unary('good')))).toEqual(PARTS)
  const failed = await unary('bad')
  expect([failed.code, failed.details, namesOf(timingOf(failed))]).toEqual([grpc.status.INTERNAL, 'no', WHOLE])
  const stream = client.Stream('x')
  stream.resume()
  expect(namesOf(timingOf(await statusOf(stream)))).toEqual(PARTS)
})

it('keeps the trailers of the program, and does not change its metadata', async () => {
  const tracer = timingTracer()
  const trailers = new grpc.Metadata()
  trailers.set('server-timing', OWN)
  trailers.set('x-a', '1')
  const client = await echoServer(
    { interceptors: [tracer.grpc()] },
    { Unary: (_: unknown, done: grpc.sendUnaryData<string>) => done(null, 'x', trailers) },
  )
  for (let index = 0; index < 2; index++) {
    const status = await statusOf(client.Unary('x', new grpc.Metadata(), () => {}))
    expect(status.metadata.get('x-a')).toEqual(['1'])
    expect(namesOf(timingOf(status))).toEqual(['db', 'cache', ...WHOLE])
  }
  expect(trailers.getMap()).toEqual({ 'server-timing': OWN, 'x-a': '1' })
})
