import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { profile } from '../../src/profiler.js'
import { extract } from '../../src/propagation.js'
import { record } from '../../src/record.js'
import { grpcClientProfiler } from '../../src/serving/grpc-client-profiler.js'
import { servingTracer } from '../../src/serving/index.js'
import { formatProfileTimes, parseProfileTimes } from '../../src/serving/profile-header.js'
import { profiledFetch } from '../../src/serving/profiled-fetch.js'
import { summarizeProfileLog } from '../../src/serving/show-profile.js'
import { StageTimer } from '../../src/serving/stage-timer.js'
import { until } from '../until.js'
import { LINE } from './paddle-tools.js'
import { httpServer } from './servers.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)
const LIB = fileURLToPath(new URL('../../lib/serving/', import.meta.url))
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function logOf(content: string): string {
  const path = at(`log${Math.random()}`)
  writeFileSync(path, content)
  return path
}
function timerWithLines() {
  const lines: string[] = []
  return { lines, timer: new StageTimer({ enabled: true, output: line => lines.push(line) }) }
}
/** `stage start end` of a line's stages. */
function stagesOf(line: string): [stage: string, startUs: number, endUs: number][] {
  expect(line).toMatch(LINE)
  const tokens = line.trimEnd().split('\t')[2]!.split(' ')
  const times = tokens.map(token => Number(token.split(':')[1]))
  const names = tokens.map(token => token.split(':')[0]!.slice(0, -2))
  return Array.from({ length: tokens.length / 2 }, (_, pair) => [
    names[2 * pair]!,
    times[2 * pair]!,
    times[2 * pair + 1]!,
  ])
}
const namesOf = (line: string) => stagesOf(line).map(([name]) => name)

describe('times of a server', () => {
  it('come through a header as they went in', () => {
    const pairs = [
      [1_700_000_000_000_500, 1_700_000_000_000_520],
      [1_700_000_000_000_480, 1_700_000_000_003_180],
    ] as const
    expect(parseProfileTimes(formatProfileTimes(pairs))).toEqual(pairs)
  })
})

it.each([
  ['profiledFetch', (options: object) => profiledFetch(fetch, options)],
  ['grpcClientProfiler', (options: object) => grpcClientProfiler(options)],
])('%s refuses an option that it does not have', (_, make) => {
  expect(() => make({ askserver: true })).toThrow(/Unknown option "askserver".*Did you mean "askServer"/s)
})

describe('profiledFetch', () => {
  const seen: IncomingMessage[] = []
  let respond: (request: IncomingMessage, response: ServerResponse) => void = () => {}
  const server = createServer((request, response) => {
    seen.push(request)
    respond(request, response)
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const answer = (body: string, headers: Record<string, string> = {}, status = 200) => {
    respond = (_, response) => response.writeHead(status, headers).end(body)
  }
  const lastSeen = () => seen.at(-1)!.headers

  it('writes one line for a request, the stages one after another, when its body is read', async () => {
    answer('{"a":1}')
    const { timer, lines } = timerWithLines()
    const response = await profiledFetch(fetch, { timer })(url, { method: 'POST', body: 'x' })
    expect([response.status, lines]).toEqual([200, []])
    expect(await response.json()).toEqual({ a: 1 })
    expect(lines.length).toBe(1)
    const stages = stagesOf(lines[0]!)
    expect(stages.map(([name]) => name)).toEqual(['prepro', 'client_infer', 'postpro'])
    const times = stages.flatMap(([, startUs, endUs]) => [startUs, endUs])
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(stages[0]![2]).toBe(stages[1]![1])
  })
  it.each(['json', 'text', 'arrayBuffer', 'blob'] as const)('gives what %s() gives', async reader => {
    answer('{"a":[1,"ü"]}', { 'content-type': 'application/json' })
    const { timer, lines } = timerWithLines()
    const [own, theirs] = [await profiledFetch(fetch, { timer })(url), await fetch(url)]
    expect(await own[reader]()).toEqual(await theirs[reader]())
    expect(own.bodyUsed).toBe(true)
    await expect(own[reader]()).rejects.toThrow(TypeError)
    expect(lines.length).toBe(1)
  })
  it('writes the line at once when there is no body, or its stream is taken', async () => {
    const { timer, lines } = timerWithLines()
    answer('', {}, 204)
    await profiledFetch(fetch, { timer })(url)
    expect(lines.map(namesOf)).toEqual([['prepro', 'client_infer']])
    answer('abc')
    const { body } = await profiledFetch(fetch, { timer })(url)
    expect(lines.length).toBe(2)
    let text = ''
    for await (const chunk of body!) text += Buffer.from(chunk)
    expect(text).toBe('abc')
  })
  it('writes the line of a body that does not decode, and of a request that fails', async () => {
    const { timer, lines } = timerWithLines()
    answer('no json')
    await expect((await profiledFetch(fetch, { timer })(url)).json()).rejects.toThrow(SyntaxError)
    const error = new TypeError('mine')
    await expect(profiledFetch(() => Promise.reject(error), { timer })(url)).rejects.toBe(error)
    await expect(profiledFetch(fetch, { timer })('http://127.0.0.1:1/')).rejects.toThrow(TypeError)
    expect(lines.map(namesOf)).toEqual([
      ['prepro', 'client_infer', 'postpro'],
      ['prepro', 'client_infer'],
      ['prepro', 'client_infer'],
    ])
  })
  it("puts the server's times between client_infer and postpro, when it asked for them", async () => {
    answer('{}', { 'opscope-profile-time': '1700000000000500,1700000000000520,1700000000000480,1700000000003180' })
    const { timer, lines } = timerWithLines()
    await (await profiledFetch(fetch, { timer, askServer: true })(url)).json()
    expect(lastSeen()['x-opscope-profile']).toBe('1')
    expect(namesOf(lines[0]!)).toEqual(['prepro', 'client_infer', 'op0', 'op1', 'postpro'])
    expect(lines[0]).toContain(
      ' op0_0:1700000000000500 op0_1:1700000000000520 op1_0:1700000000000480 op1_1:1700000000003180 ',
    )
    await (await profiledFetch(fetch, { timer })(url)).json()
    expect(lastSeen()['x-opscope-profile']).toBeUndefined()
  })
  it.each(['', '1', 'a,b', '5,4', '1,2,3', '1;2', '-1,2', '99999999999999999,2'])(
    'ignores times %j and counts them',
    async header => {
      answer('{}', { 'opscope-profile-time': header })
      const { timer, lines } = timerWithLines()
      const capture = await profile({ gpu: 'off', categories: ['section', 'request'] }, async () => {
        await (await profiledFetch(fetch, { timer })(url)).json()
      })
      expect(namesOf(lines[0]!)).toEqual(['prepro', 'client_infer', 'postpro'])
      expect(capture.warnings).toMatchObject([{ code: 'server-times-ignored', count: 1 }])
    },
  )
  it('sends the trace context of the span around, and its stages are spans of it', async () => {
    answer('{}')
    const { timer } = timerWithLines()
    let traceId = ''
    const capture = await profile({ gpu: 'off', categories: ['section', 'request'] }, async () => {
      await record('serve', async span => {
        traceId = span.traceId
        await (await profiledFetch(fetch, { timer })(url)).json()
      })
    })
    const rows = capture.rows().toArray()
    const infer = rows.find(({ name }) => name === 'client_infer')!
    expect(lastSeen().traceparent).toMatch(new RegExp(`^00-${traceId}-${infer.span_id}-0[0-3]$`))
    expect(rows.map(({ name }) => name).toSorted()).toEqual(['client_infer', 'postpro', 'prepro', 'serve'])
  })
  it('hands on a trace context while nothing records, and leaves the one of the caller', async () => {
    answer('{}')
    const off = profiledFetch(fetch, { timer: new StageTimer({ enabled: false }) })
    await extract({ traceparent: TRACEPARENT, tracestate: 'a=b' }, () => off(url))
    expect(lastSeen()).toMatchObject({ traceparent: TRACEPARENT, tracestate: 'a=b' })
    const theirs = TRACEPARENT.replace('4bf9', '1111')
    await extract({ traceparent: TRACEPARENT, tracestate: 'a=b' }, () =>
      off(new Request(url, { headers: { traceparent: theirs, 'x-own': '1' } })),
    )
    expect([lastSeen().traceparent, lastSeen().tracestate, lastSeen()['x-own']]).toEqual([theirs, undefined, '1'])
    await extract({ traceparent: TRACEPARENT }, () => off(url, { headers: [['X-Own', '2']] }))
    expect(lastSeen()).toMatchObject({ traceparent: TRACEPARENT, 'x-own': '2' })
  })
  it('leaves request and response as they are while it is off', async () => {
    answer('{}')
    const init = { headers: { a: 'b' } }
    let given: unknown
    const off = profiledFetch(
      (input, own) => {
        given = own
        return fetch(input, own)
      },
      { timer: new StageTimer({ enabled: false }), askServer: true },
    )
    const response = await off(url, init)
    expect(given).toBe(init)
    expect(Object.keys(Object.getOwnPropertyDescriptors(response))).toEqual([])
  })
  it('takes what other fetch functions give', async () => {
    const { timer, lines } = timerWithLines()
    for (const given of [undefined, null, Object.freeze({ ok: true }), { ok: true, json: async () => 5 }]) {
      expect(await profiledFetch((async () => given) as never, { timer })(url)).toBe(given)
    }
    expect(() => profiledFetch('fetch' as never)).toThrow(/Expected a fetch function/)
    expect(lines.length).toBe(3)
  })
})

describe('a body that nobody reads', () => {
  const server = createServer((_, response) => response.end('abc'))
  let url = ''
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  async function linesOf(name: string, program: string): Promise<string[]> {
    writeFileSync(
      at(name),
      `import { StageTimer } from ${JSON.stringify(`${LIB}stage-timer.js`)}
      import { profiledFetch } from ${JSON.stringify(`${LIB}profiled-fetch.js`)}
      const url = ${JSON.stringify(url)}
      ${program}`,
    )
    const child = spawn(process.execPath, ['--expose-gc', at(name)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    for await (const chunk of child.stdout!) stdout += chunk
    return stdout.split('\n').slice(0, -1)
  }

  it('costs no line: it comes at the exit', async () => {
    const lines = await linesOf(
      'exit.mjs',
      `const fetch = profiledFetch(undefined, { timer: new StageTimer({ enabled: true }) })
      const kept = await fetch(url)
      console.log('before')
      process.exit(kept.status - 200)`,
    )
    expect([lines.length, lines[0], namesOf(`${lines[1]}\n`)]).toEqual([2, 'before', ['prepro', 'client_infer']])
  })
  it('is not kept in memory for it: the line comes when the response is forgotten', async () => {
    const lines = await linesOf(
      'forgotten.mjs',
      `let count = 0
      const timer = new StageTimer({ enabled: true, output: () => { count += 1 } })
      const fetch = profiledFetch(undefined, { timer })
      for (let index = 0; index < 5; index++) await (await fetch(url)).body?.constructor && 0
      const other = profiledFetch(async () => new Response('x'), { timer })
      for (let index = 0; index < 50; index++) await other(url)
      const deadline = performance.now() + 10_000
      while (count < 54 && performance.now() < deadline) {
        gc()
        await new Promise(setImmediate)
      }
      console.log(count)`,
    )
    expect(Number(lines[0])).toBeGreaterThanOrEqual(54)
  })
})

describe('grpcClientProfiler', () => {
  const bytes = { serialize: (text: string) => Buffer.from(text), deserialize: (data: Buffer) => data.toString() }
  const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
    path,
    requestStream,
    responseStream,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  })
  const service = {
    one: method('/Model/One', false, false),
    many: method('/Model/Many', false, true),
    both: method('/Model/Both', true, true),
  }
  const TIMES = '1700000000000500,1700000000000520,1700000000000480,1700000000003180'
  const seen: grpc.Metadata[] = []
  const server = new grpc.Server()
  let port = 0
  beforeAll(async () => {
    const trailer = (place: string) => {
      const metadata = new grpc.Metadata()
      if (place === 'trailer') metadata.set('opscope-profile-time', TIMES)
      return metadata
    }
    server.addService(service, {
      one(call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) {
        seen.push(call.metadata)
        if (call.request === 'fail') return callback({ code: grpc.status.NOT_FOUND, details: 'no' })
        if (call.request === 'initial') {
          const metadata = new grpc.Metadata()
          metadata.set('opscope-profile-time', TIMES)
          call.sendMetadata(metadata)
        }
        callback(null, call.request.toUpperCase(), trailer(call.request))
      },
      many(call: grpc.ServerWritableStream<string, string>) {
        for (const word of ['a', 'b', 'c']) call.write(word)
        call.end(trailer(call.request))
      },
      both(call: grpc.ServerDuplexStream<string, string>) {
        call.on('data', word => call.write(word))
        call.on('end', () => call.end())
      },
    })
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
  })
  const Model = grpc.makeGenericClientConstructor(service, 'Model')
  type Callback = (error: grpc.ServiceError | null, value?: string) => void
  interface Client extends grpc.Client {
    one(request: string, metadata: grpc.Metadata, callback: Callback): grpc.ClientUnaryCall
    many(request: string): grpc.ClientReadableStream<string>
    both(): grpc.ClientDuplexStream<string, string>
  }
  const clients: Client[] = []
  afterAll(() => {
    for (const client of clients) client.close()
    server.forceShutdown()
  })
  function clientWith(options: Parameters<typeof grpcClientProfiler>[0]): Client {
    const client = new Model(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      interceptors: [grpcClientProfiler(options)],
    }) as unknown as Client
    clients.push(client)
    return client
  }
  const one = (client: Client, request: string, metadata = new grpc.Metadata()) =>
    new Promise<string | undefined>((resolve, reject) =>
      client.one(request, metadata, (error, value) => (error ? reject(error) : resolve(value))),
    )

  it('writes one line for a unary call, the stages one after another', async () => {
    const { timer, lines } = timerWithLines()
    expect(await one(clientWith({ timer }), 'hello')).toBe('HELLO')
    const stages = stagesOf(lines[0]!)
    expect(stages.map(([name]) => name)).toEqual(['prepro', 'client_infer', 'postpro'])
    const times = stages.flatMap(([, startUs, endUs]) => [startUs, endUs])
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect([lines.length, seen.at(-1)!.get('x-opscope-profile')]).toEqual([1, []])
  })
  it.each(['trailer', 'initial'])("puts the server's times in, told by %s metadata", async place => {
    const { timer, lines } = timerWithLines()
    await one(clientWith({ timer, askServer: true }), place)
    expect(seen.at(-1)!.get('x-opscope-profile')).toEqual(['1'])
    expect(namesOf(lines[0]!)).toEqual(['prepro', 'client_infer', 'op0', 'op1', 'postpro'])
  })
  it('hands on the error of a call that fails, and writes its line', async () => {
    const { timer, lines } = timerWithLines()
    await expect(one(clientWith({ timer }), 'fail')).rejects.toMatchObject({ code: grpc.status.NOT_FOUND })
    expect(lines.map(namesOf)).toEqual([['prepro', 'client_infer']])
    const [, sentUs, endUs] = stagesOf(lines[0]!)[1]!
    expect(endUs).toBeGreaterThan(sentUs)
  })
  it('times streams up to their last message', async () => {
    const { timer, lines } = timerWithLines()
    const client = clientWith({ timer })
    const words: string[] = []
    for await (const word of client.many('trailer')) words.push(word)
    expect(words).toEqual(['a', 'b', 'c'])
    await until('the line of the stream', () => lines.length === 1)
    expect(namesOf(lines[0]!)).toEqual(['prepro', 'client_infer', 'op0', 'op1', 'postpro'])
    const both = client.both()
    both.write('x')
    both.end('y')
    const echoed: string[] = []
    for await (const word of both) echoed.push(word)
    expect(echoed).toEqual(['x', 'y'])
    await until('the line of both streams', () => lines.length === 2)
    expect(namesOf(lines[1]!)).toEqual(['prepro', 'client_infer', 'postpro'])
  })
  it("sends the trace context of the span around, and never writes into the caller's metadata", async () => {
    const { timer } = timerWithLines()
    const client = clientWith({ timer, askServer: true })
    const metadata = new grpc.Metadata()
    metadata.set('x-own', '1')
    const capture = await profile({ gpu: 'off', categories: ['section', 'request'] }, () =>
      record('serve', () => one(client, 'a', metadata)),
    )
    const rows = capture.rows().toArray()
    const infer = rows.find(({ name }) => name === 'client_infer')!
    expect(seen.at(-1)!.get('traceparent')[0]).toContain(infer.span_id)
    expect(rows.map(({ name }) => name).toSorted()).toEqual(['client_infer', 'postpro', 'prepro', 'serve'])
    expect(metadata.getMap()).toEqual({ 'x-own': '1' })
    metadata.set('traceparent', TRACEPARENT)
    await extract({ traceparent: TRACEPARENT.replace('4bf9', '1111') }, () => one(client, 'a', metadata))
    expect(seen.at(-1)!.get('traceparent')).toEqual([TRACEPARENT])
  })
})

describe('a server that servingTracer watches', () => {
  const isInside = (line: string) => {
    const stages = stagesOf(line)
    const [, sentUs, receivedUs] = stages.find(([name]) => name === 'client_infer')!
    const ops = stages.filter(([name]) => name.startsWith('op'))
    const [, startUs, endUs] = ops.at(-1)!
    // Both sides are of this process, with one anchor; the client's times are taken around the server's.
    expect(ops.every(([, from, to]) => from >= startUs && to <= endUs)).toBe(true)
    return ops.length > 1 && startUs >= stages[0]![1] && endUs <= Math.max(receivedUs, sentUs)
  }

  it('answers profiledFetch with its stages', async () => {
    const tracer = servingTracer()
    const url = await httpServer(tracer, (_, response) => response.end('{}'))
    const { timer, lines } = timerWithLines()
    await (await profiledFetch(fetch, { timer, askServer: true })(url, { method: 'POST', body: 'x' })).json()
    expect(namesOf(lines[0]!).filter(name => /^op\d/.test(name)).length).toBeGreaterThan(1)
    expect(isInside(lines[0]!)).toBe(true)
    const { stages } = await summarizeProfileLog(logOf(lines[0]!))
    expect(stages.some(({ stage }) => stage === 'server_total')).toBe(true)
    await (await profiledFetch(fetch, { timer })(url)).json()
    expect(namesOf(lines[1]!)).toEqual(['prepro', 'client_infer', 'postpro'])
    await tracer.close()
  })
  it('answers grpcClientProfiler with its stages', async () => {
    const tracer = servingTracer()
    const echo = {
      path: '/Echo/Say',
      requestStream: false,
      responseStream: false,
      requestSerialize: (text: string) => Buffer.from(text),
      requestDeserialize: String,
      responseSerialize: (text: string) => Buffer.from(text),
      responseDeserialize: String,
    }
    const server = new grpc.Server({ interceptors: [tracer.grpc()] })
    server.addService(
      { say: echo },
      {
        say: (call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) => done(null, call.request),
      },
    )
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    const { timer, lines } = timerWithLines()
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      interceptors: [grpcClientProfiler({ timer, askServer: true })],
    })
    const answer = await new Promise((resolve, reject) =>
      client.makeUnaryRequest(echo.path, echo.requestSerialize, String, 'hello', (error, value) =>
        error ? reject(error) : resolve(value),
      ),
    )
    expect([answer, isInside(lines[0]!)]).toEqual(['hello', true])
    client.close()
    server.forceShutdown()
    await tracer.close()
  })
})
