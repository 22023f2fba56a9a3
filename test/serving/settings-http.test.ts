import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'

import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { isLoopback, type NetworkAccess, type Refusals } from '../../src/network-access.js'
import { type TraceSettingsHandler, traceSettingsHandler } from '../../src/serving/settings-http.js'
import { TraceSettings } from '../../src/serving/trace-settings.js'
import { until } from '../until.js'

const ALL = '/v2/trace/setting'
const START = { level: 'TIMESTAMPS', file: 't.json', rate: 7 }
const STATE = {
  trace_level: ['TIMESTAMPS'],
  trace_rate: '7',
  trace_count: '-1',
  log_frequency: '0',
  trace_file: 't.json',
  trace_mode: 'triton',
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  json: Record<string, unknown>
}
interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer
}
interface Served {
  refusals: Refusals
  settings: TraceSettings
  port: number
  send(sent: Sent): Promise<Answer>
  post(body: unknown, path?: string): Promise<Answer>
}

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.keepAliveTimeout = 0 // what closes a connection is the handler
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

function sendTo(where: { port: number; host?: string } | { socketPath: string }, sent: Sent): Promise<Answer> {
  const { method = 'GET', path = ALL, headers = {}, body } = sent
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ ...where, method, path, headers, agent: false }, async response => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        json: text.startsWith('{') ? JSON.parse(text) : { text },
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The handler on node:http, or on what `listenerFor` makes of it. */
async function serve(
  access: NetworkAccess<IncomingMessage> = {},
  listenerFor: (handler: TraceSettingsHandler) => RequestListener = handler => handler,
): Promise<Served> {
  const settings = new TraceSettings(START)
  const handler = traceSettingsHandler(settings, access)
  const port = await listen(createServer(listenerFor(handler)))
  const send = (sent: Sent) => sendTo({ port }, sent)
  const post = (body: unknown, path = ALL) =>
    send({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { settings, refusals: handler.refusals, port, send, post }
}

describe('the settings endpoint', () => {
  it('shows the settings of all models as Triton does', async () => {
    const { send } = await serve()
    const { status, headers, json } = await send({})
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.stringify(json)).toBe(JSON.stringify(STATE))
  })

  it('changes them, and answers with all', async () => {
    const { send, post } = await serve()
    const { status, json } = await post({ trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: '5', trace_count: 3 })
    const changed = { ...STATE, trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: '5', trace_count: '3' }
    expect([status, json]).toEqual([200, changed])
    expect((await send({})).json).toEqual(changed)
    expect((await post({ trace_rate: null })).json).toEqual({ ...changed, trace_rate: '7' })
  })

  it('takes an empty body, and an empty object, as a change of nothing', async () => {
    const { settings, send, post } = await serve()
    for (const change of [
      () => send({ method: 'POST' }),
      () => post({}),
      () => send({ method: 'POST', body: ' \n' }),
    ]) {
      for (let i = 0; i < 6; i++) settings.sample(undefined)
      expect(await change()).toMatchObject({ status: 200, json: STATE })
      expect(settings.sample(undefined)).toBeUndefined() // the counter began anew
    }
  })

  it('has settings per model, whose names are percent-encoded', async () => {
    const { settings, send, post } = await serve()
    settings.knowModel('ä/b c')
    const path = `/v2/models/${encodeURIComponent('ä/b c')}/trace/setting`
    expect((await post({ trace_rate: '2' }, path)).json).toEqual({ ...STATE, trace_rate: '2' })
    expect((await send({ path: `${path}?x=1` })).json).toEqual({ ...STATE, trace_rate: '2' })
    expect((await send({})).json).toEqual(STATE)
  })

  it.each([['GET'], ['POST']])('answers %s of an unknown model with 400', async method => {
    const { send } = await serve()
    const path = '/v2/models/ghost/trace/setting'
    expect(await send({ method, path })).toMatchObject({
      status: 400,
      json: { error: 'No request for model "ghost" has been seen.' },
    })
  })

  it('refuses to be told a file', async () => {
    const { settings, post } = await serve()
    expect(await post({ trace_rate: '1', trace_file: '/tmp/x' })).toMatchObject({
      status: 501,
      json: { error: '"trace_file" is set when the process starts, and never from the network.' },
    })
    expect(settings.describe()).toEqual(STATE)
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('answers %s with 405 and what is allowed', async method => {
    const { send } = await serve()
    expect(await send({ method })).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
  })

  it.each([
    '/',
    '/v2/trace/setting/',
    '/v2/trace/settings',
    '/v2/models//trace/setting',
    '/v2/models/a/b/trace/setting',
    '/v2/models/a/versions/1/trace/setting',
    '/x/v2/trace/setting',
  ])('answers %s with 404, or hands it on', async path => {
    const { send } = await serve()
    expect(await send({ path })).toMatchObject({ status: 404, json: { error: 'Not found.' } })
    const other = await serve({}, handler => (request, response) => {
      handler(request, response, () => response.end('{"next":true}'))
    })
    expect((await other.send({ path })).json).toEqual({ next: true })
    expect((await other.send({})).json).toEqual(STATE)
  })
})

describe('a bad request', () => {
  it.each([
    ['no JSON', '{"trace_rate":', 400, /^The body is not JSON: /],
    ['a list', '[]', 400, /^Expected an object of settings, got an array/],
    ['null', 'null', 400, /got null/],
    ['a bad value', '{"trace_rate":"0"}', 400, /"trace_rate" to be a whole number from 1/],
    ['a misspelled name', '{"trace_rat":"1"}', 400, /Did you mean "trace_rate"\?$/],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, /^The body is not JSON: /],
    ['a name twice', '{"trace_rate":"1","trace_rate":"2"}', 400, /^"trace_rate" is there twice/],
    ['a name twice, once escaped', '{"trace_rate":"1" , "\\u0074race_rate" :"2"}', 400, /^"trace_rate" is there twice/],
    ['a prototype', '{"__proto__":{"trace_rate":"1"}}', 400, /^Unknown setting "__proto__"/],
    ['a constructor', '{"constructor":{"prototype":{}}}', 400, /^Unknown setting "constructor"/],
    ['deep nesting', '['.repeat(30_000) + ']'.repeat(30_000), 400, /got an array/],
    ['a level and OFF', '{"trace_level":["OFF","MIN"]}', 400, /OFF to be alone/],
    ['too much', `{"trace_rate":"${' '.repeat(70_000)}"}`, 413, /at most 65536 bytes/],
  ])('with %s changes nothing', async (_, body, status, message) => {
    const { settings, send } = await serve()
    const answer = await send({ method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect(answer.status).toBe(status)
    expect(answer.json.error).toMatch(message)
    expect(settings.describe()).toEqual(STATE)
    expect(({} as { trace_rate?: string }).trace_rate).toBeUndefined()
  })

  it('is not one whose values look like names', async () => {
    const { send } = await serve()
    const body = '{"trace_level":["MIN","MIN"],"trace_rate":"4"}'
    expect(await send({ method: 'POST', body })).toMatchObject({ status: 200, json: { trace_rate: '4' } })
  })

  it('has its model badly encoded', async () => {
    const { send } = await serve()
    expect(await send({ path: '/v2/models/%zz/trace/setting' })).toMatchObject({ status: 400 })
  })

  it.each([
    ['content-type', 'text/plain', 415],
    ['content-type', 'multipart/form-data; boundary=x', 415],
    ['content-type', 'application/json; charset=latin1', 415],
    ['content-type', 'nonsense', 415],
    ['content-encoding', 'gzip', 415],
    ['content-type', 'application/json; charset=UTF-8', 200],
    ['content-type', 'application/vnd.triton+json', 200],
    ['content-type', 'application/x-www-form-urlencoded', 200],
    ['content-encoding', 'identity', 200],
  ])('with %s: %s is answered with %i', async (name, value, status) => {
    const { settings, send } = await serve()
    const answer = await send({ method: 'POST', headers: { [name]: value }, body: '{"trace_rate":"3"}' })
    expect(answer.status).toBe(status)
    expect(settings.describe().trace_rate).toBe(status === 200 ? '3' : '7')
  })

  it('larger than the limit is not kept while more of it comes', async () => {
    const { port, settings } = await serve()
    const socket = await open(port, 'content-length: 50000000')
    const chunk = Buffer.alloc(1 << 20, ' ')
    for (let i = 0; i < 40; i++) socket.write(chunk)
    await until('the reply', () => socket.received.includes('HTTP/1.1 413'))
    expect(settings.describe()).toEqual(STATE)
  })

  it('whose body does not come is given up after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { port, settings } = await serve()
    const socket = await open(port, 'content-length: 100')
    socket.write('{"trace_rate":')
    while (vi.getTimerCount() === 0) await new Promise(setImmediate)
    vi.advanceTimersByTime(9_999)
    expect(socket.received).toBe('')
    vi.advanceTimersByTime(1)
    while (!socket.destroyed) await new Promise(setImmediate)
    expect(socket.received).toMatch(/^HTTP\/1.1 408 (?:.|\s)*not there within 10 seconds/)
    expect(settings.describe()).toEqual(STATE)
  })

  it('that is aborted changes nothing', async () => {
    const gone: boolean[] = []
    const { port, settings, send } = await serve({}, handler => (request, response) => {
      request.on('close', () => gone.push(request.complete))
      handler(request, response)
    })
    const socket = await open(port, 'content-length: 100')
    socket.write('{"trace_rate":"1"}')
    await until('the server to read', () => socket.bytesWritten > 100)
    socket.destroy()
    await until('the server to see it', () => gone.length > 0)
    expect(gone).toEqual([false])
    expect(settings.describe()).toEqual(STATE)
    expect((await send({})).status).toBe(200)
  })
})

/** A connection that has begun a POST. */
async function open(port: number, header: string): Promise<Socket & { received: string }> {
  const socket = Object.assign(connect(port, '127.0.0.1'), { received: '' })
  onTestFinished(() => void socket.destroy())
  socket.setEncoding('utf8')
  socket.on('data', text => {
    socket.received += text
  })
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write(`POST ${ALL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${header}\r\n\r\n`)
  return socket
}

describe('who is let in', () => {
  const outside = Object.values(networkInterfaces())
    .flatMap(each => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::FFFF:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['::', false],
    ['0.0.0.0', false],
    ['fe80::1', false],
    ['128.127.0.0.1', false],
    ['127.0.0.1.evil.example', false],
    ['1127.0.0.1', false],
    ['', false],
    [undefined, false],
  ])('%s is this machine: %s', (address, is) => {
    expect(isLoopback(address)).toBe(is)
  })

  const hasIpv6 = Object.values(networkInterfaces()).some(each => each?.some(({ address }) => address === '::1'))
  const ipv6 = [
    ['::1', '::1'],
    ['127.0.0.1 on a socket of both families', '127.0.0.1', '::'],
  ]
  it.each([['127.0.0.1', '127.0.0.1'], ...(hasIpv6 ? ipv6 : [])] as [string, string, string?][])(
    'this machine, as %s',
    async (_, host, bound = host) => {
      const port = await listen(createServer(traceSettingsHandler(new TraceSettings(START))), bound)
      expect((await sendTo({ host, port }, {})).status).toBe(200)
    },
  )

  it.runIf(outside)('no other address, unless that is allowed', async () => {
    const settings = new TraceSettings(START)
    const handler = traceSettingsHandler(settings)
    const closed = await listen(createServer(handler), '0.0.0.0')
    const open = await listen(createServer(traceSettingsHandler(settings, { allowRemote: true })), '0.0.0.0')
    const where = (port: number) => ({ host: outside!, port, localAddress: outside! })
    expect(await sendTo(where(closed), { headers: { 'x-forwarded-for': '127.0.0.1' } })).toMatchObject({
      status: 403,
      json: { error: 'Trace settings are for requests of this machine.' },
    })
    expect(handler.refusals).toEqual({ count: 1, failedCount: 0 })
    expect((await sendTo(where(open), {})).status).toBe(200)
  })

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])(
    'nobody whom a proxy on this machine hands on, as %s tells',
    async name => {
      const { refusals, send } = await serve()
      expect((await send({ headers: { [name]: '127.0.0.1' } })).status).toBe(403)
      expect((await send({ method: 'POST', headers: { [name]: '127.0.0.1' }, body: '{}' })).status).toBe(403)
      expect(refusals.count).toBe(2)
      const other = await serve({ allowRemote: true })
      expect((await other.send({ headers: { [name]: '10.0.0.1' } })).status).toBe(200)
    },
  )

  it('nobody on a socket that is a file, which proxies use', async () => {
    const path = join(tmpdir(), `opscope-settings-${process.pid}.sock`)
    const server = createServer(traceSettingsHandler(new TraceSettings(START)))
    await new Promise<void>(resolve => server.listen(path, resolve))
    onTestFinished(() => void server.close())
    expect((await sendTo({ socketPath: path }, {})).status).toBe(403)
  })

  it.each([{}, { allowRemote: true }])('no page in a browser, with %j', async access => {
    const { settings, send } = await serve(access)
    const headers = { origin: 'http://evil.example', 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await send({ method: 'POST', headers, body: '{"trace_level":"OFF"}' })
    expect(answer).toMatchObject({ status: 403, json: { error: 'Trace settings are not for pages in a browser.' } })
    expect(settings.describe()).toEqual(STATE)
  })

  it.each([
    ['at once', (token: unknown) => token === 'secret'],
    ['later', async (token: unknown) => token === 'secret'],
  ])('who is authorized, %s, wherever they are', async (_, isRight) => {
    const { refusals, send } = await serve({ authorize: ({ headers }) => isRight(headers.authorization) })
    const headers = { 'x-forwarded-for': '10.0.0.1', origin: 'http://dashboard.example' }
    expect((await send({ headers: { ...headers, authorization: 'secret' } })).json).toEqual(STATE)
    expect(await send({ headers })).toMatchObject({ status: 403, json: { error: 'Not allowed.' } })
    const post = { method: 'POST', headers: { ...headers, authorization: 'secret' }, body: '{"trace_rate":"2"}' }
    expect((await send(post)).json).toEqual({ ...STATE, trace_rate: '2' })
    expect(refusals).toEqual({ count: 1, failedCount: 0 })
  })

  it('on this machine alone who is authorized, if that is asked for', async () => {
    const { send } = await serve({ authorize: () => true, allowRemote: false })
    expect((await send({})).status).toBe(200)
    expect((await send({ headers: { via: '1.1 proxy' } })).status).toBe(403)
  })

  it('nobody when authorize says something else than true, or fails, which is counted and told once', async () => {
    const yes = await serve({ authorize: (() => 'yes') as never })
    expect((await yes.send({})).status).toBe(403)
    const warnings: string[] = []
    const onWarning = (warning: Error) => warnings.push(warning.message)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    for (const authorize of [
      () => Promise.reject(new Error('later')),
      () => JSON.parse('now'),
      () => Promise.reject(null),
    ]) {
      const { refusals, send } = await serve({ authorize })
      const answers = [await send({}), await send({})]
      expect(answers.map(({ json }) => json)).toEqual([{ error: 'Not allowed.' }, { error: 'Not allowed.' }])
      expect(refusals).toEqual({ count: 2, failedCount: 2 })
    }
    expect(warnings).toEqual(['later', expect.stringMatching(/JSON/), 'null'])
  })

  it.each([
    [{ authorise: () => true }, /Did you mean "authorize"/],
    [{ authorize: 'token' }, /"authorize" to be a function, got "token"/],
    [{ allowRemote: 'yes' }, /"allowRemote" to be a boolean/],
  ])('is not said by %j', (access, message) => {
    expect(() => traceSettingsHandler(new TraceSettings(), access as never)).toThrow(message)
  })
})

describe('in a framework', () => {
  it.each([
    ['before its body parsers', [], []],
    ['after express.json()', [express.json()], []],
    ['after express.text()', [express.text({ type: '*/*' })], []],
    ['after express.raw()', [express.raw({ type: '*/*' })], []],
  ])('express serves it %s, and the rest of the app as before', async (_, before) => {
    const settings = new TraceSettings(START)
    const app = express()
    for (const each of before) app.use(each)
    app.use(traceSettingsHandler(settings))
    app.use('/admin', traceSettingsHandler(settings))
    app.get('/hello', (_request, response) => void response.json({ hello: true }))
    const port = await listen(createServer(app))
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"trace_rate":"2"}' }
    expect((await sendTo({ port }, {})).json).toEqual(STATE)
    expect((await sendTo({ port }, post)).json).toEqual({ ...STATE, trace_rate: '2' })
    expect((await sendTo({ port }, { ...post, path: `/admin${ALL}` })).json).toEqual({ ...STATE, trace_rate: '2' })
    expect((await sendTo({ port }, { ...post, body: '{"trace_rate":"x"}' })).status).toBe(400)
    expect((await sendTo({ port }, { path: '/hello' })).json).toEqual({ hello: true })
  })

  it('a request that was answered meanwhile, for it took too long say, is left as it is', async () => {
    let authorized = (_: boolean): void => {}
    const { refusals, send } = await serve(
      { authorize: () => new Promise<boolean>(resolve => (authorized = resolve)) },
      handler => (request, response) => {
        handler(request, response)
        response.writeHead(503).end('{"error":"timeout"}')
      },
    )
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    expect(await send({})).toMatchObject({ status: 503 })
    authorized(false)
    await until('the refusal', () => refusals.count === 1)
    await new Promise(setImmediate)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('a body that was read on the way and is gone is said to be', async () => {
    const { send } = await serve({}, handler => async (request, response) => {
      for await (const _ of request);
      handler(request, response)
    })
    expect(await send({ method: 'POST', body: '{"trace_rate":"2"}' })).toMatchObject({
      status: 500,
      json: { error: 'The body was read before it came here.' },
    })
  })

  it('fastify serves it in a hook, and the rest of the app as before', async () => {
    const app = fastify()
    const handler = traceSettingsHandler(new TraceSettings(START))
    app.addHook('onRequest', (request, reply, done) => handler(request.raw, reply.raw, done))
    app.post('/hello', async request => ({ hello: request.body }))
    onTestFinished(() => app.close())
    const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"trace_rate":"2"}' }
    expect((await sendTo({ port }, {})).json).toEqual(STATE)
    expect((await sendTo({ port }, post)).json).toEqual({ ...STATE, trace_rate: '2' })
    expect((await sendTo({ port }, { ...post, body: 'x' })).status).toBe(400)
    expect((await sendTo({ port }, { ...post, path: '/hello' })).json).toEqual({ hello: { trace_rate: '2' } })
    expect((await sendTo({ port }, { path: '/other' })).status).toBe(404)
  })
})
