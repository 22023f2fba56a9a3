import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createWebServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ServerCredentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'

import { currentSession, loadCapture, recordSync } from '../../src/index.js'
import { parseAddress } from '../../src/remote/address.js'
import { type CaptureRemoteOptions, captureRemote, type HostProgress } from '../../src/remote/capture-client.js'
import { startCaptureServer } from '../../src/remote/capture-server.js'
import { until } from '../until.js'
import { CERTIFICATE, KEY } from './certificate.js'
import { type Behaviour, fakeProfiler, keepsFile, refuses, sendsXspace, status, xspace } from './fake-profiler.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})
async function profiler(behave: Behaviour, options?: Parameters<typeof fakeProfiler>[1]) {
  const fake = await fakeProfiler(behave, options)
  closers.push(fake.close)
  return fake
}
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'opscope-capture-'))
  closers.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}
async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
async function captureOne(address: string, options: CaptureRemoteOptions = {}) {
  const { hosts } = await captureRemote([address], { durationMs: 10, ...options })
  return hosts[0]!
}
const failureOf = async (address: string, options?: CaptureRemoteOptions) =>
  (await captureOne(address, options)).failure

describe('an address', () => {
  it.each([
    ['gpu-1:9012', 'gpu-1', 9012, 'gpu-1_9012'],
    ['grpc://10.0.0.7:8500', '10.0.0.7', 8500, '10.0.0.7_8500'],
    ['[::1]:9012', '::1', 9012, '__1_9012'],
    ['tf.example.org:1', 'tf.example.org', 1, 'tf.example.org_1'],
  ])('%s is understood', (text, host, port, fileName) => {
    expect(parseAddress(text)).toMatchObject({ host, port, fileName })
  })
  it.each([
    ['gpu-1', 'it has no port'],
    ['gpu-1:', 'it has no port'],
    [':9012', 'it has no host'],
    ['http://gpu-1:9012', 'http:// is not spoken here'],
    ['::1:9012', 'Put brackets around the host'],
    ['[gpu-1]:9012', '"gpu-1" is no host'],
    ['gpu-1:0', '0 is no port'],
    ['gpu-1:90120', '90120 is no port'],
    ['gpu-1:9012/x', '9012/x is no port'],
    ['a b:1', '"a b" is no host'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => parseAddress(text)).toThrow(reason)
  })
  it('that comes twice is refused', async () => {
    await expect(captureRemote(['a:1', 'grpc://a:1'])).rejects.toThrow('a:1 was given twice')
  })
})

describe('a capture', () => {
  it('asks for the reply to have the trace, and puts it where TensorBoard looks', async () => {
    const fake = await profiler(sendsXspace)
    const logdir = folder()
    const { sessionId, folder: session, hosts } = await captureRemote([fake.address], { durationMs: 20, logdir })
    const name = `${fake.address.replace(':', '_')}.xplane.pb`
    expect(session).toBe(join(logdir, 'plugins/profile', sessionId))
    expect(hosts[0]).toMatchObject({ address: fake.address, files: [{ path: join(session!, name) }] })
    expect(readdirSync(session!)).toEqual([name])
    expect(readFileSync(join(session!, name))).toEqual(xspace())
    expect(sessionId).toMatch(/^\d{4}(_\d{2}){5}$/)
    expect(fake.requests[0]).toMatchObject({
      durationMs: 20,
      options: { durationMs: 20, version: 1, hostTracerLevel: 2 },
      hostName: fake.address,
      sessionId,
      repositoryRoot: join(logdir, 'plugins/profile'),
      emitXspace: true,
    })
  })

  it('without a logdir is in memory', async () => {
    const fake = await profiler(sendsXspace)
    const { files, tools } = await captureOne(fake.address)
    expect(files).toEqual([])
    expect(tools).toEqual([{ name: 'xplane.pb', data: xspace() }])
  })

  it('of many hosts has one session and one start, each host its own name', async () => {
    const fakes = await Promise.all([profiler(sendsXspace), profiler(sendsXspace), profiler(sendsXspace)])
    const before = Date.now()
    const { hosts } = await captureRemote(
      fakes.map(({ address }) => address),
      { durationMs: 10, logdir: folder(), startDelayMs: 50 },
    )
    const requests = fakes.flatMap(fake => fake.requests)
    expect(new Set(requests.map(({ sessionId }) => sessionId)).size).toBe(1)
    expect(new Set(requests.map(({ options }) => options.startTimestampNs)).size).toBe(1)
    expect(Number(requests[0]!.options.startTimestampNs / 1_000_000n)).toBeGreaterThanOrEqual(before + 50)
    expect(requests.map(({ hostName }) => hostName)).toEqual(fakes.map(({ address }) => address))
    expect(hosts.map(({ files }) => files.length)).toEqual([1, 1, 1])
  })

  it('keeps what else the server sends, under names that lead nowhere', async () => {
    const toolData = [
      { name: 'trace.json.gz', data: Buffer.from('trace') },
      { name: '../../../evil', data: Buffer.from('evil') },
      { name: 'x.tf_stats_helper_result', data: Buffer.from('none') },
      { name: 'xplane.pb', data: xspace() },
    ]
    const fake = await profiler(() => ({ toolData }))
    const logdir = folder()
    const { files } = await captureOne(fake.address, { logdir })
    const prefix = fake.address.replace(':', '_')
    const names = ['xplane.pb', 'trace.json.gz', '.._.._.._evil'].map(name => `${prefix}.${name}`)
    expect(files.map(({ path }) => path.split('/').at(-1))).toEqual(names)
    expect(files.map(({ path }) => path.startsWith(logdir))).toEqual([true, true, true])
  })

  it('finds what a server that shares the disk has written itself', async () => {
    const fake = await profiler(keepsFile)
    const { files, failure } = await captureOne(fake.address, { logdir: folder() })
    expect(failure).toBeUndefined()
    expect(readFileSync(files[0]!.path)).toEqual(xspace())
  })

  it('of the same second has a session of its own', async () => {
    const fake = await profiler(sendsXspace)
    const logdir = folder()
    const captures = await Promise.all([1, 2, 3].map(() => captureRemote([fake.address], { durationMs: 5, logdir })))
    expect(new Set(captures.map(({ sessionId }) => sessionId)).size).toBe(3)
  })

  it('hands on what the server says of its recording', async () => {
    const fake = await profiler(() => ({ xspace: xspace({ errors: ['no GPU'], warnings: ['12 spans dropped'] }) }))
    expect((await captureOne(fake.address)).warnings).toEqual(['no GPU', '12 spans dropped'])
  })

  it('that one host of two gives is a capture, and the other is told', async () => {
    const [good, bad] = await Promise.all([
      profiler(sendsXspace),
      profiler(refuses(status.INTERNAL, 'Another profiling session active.')),
    ])
    const { hosts, folder: session } = await captureRemote([good.address, bad.address], {
      durationMs: 5,
      logdir: folder(),
    })
    expect(hosts[0]).toMatchObject({ files: [{}] })
    expect(hosts[1]!.failure).toEqual({
      reason: 'refused',
      message: 'The server refused: INTERNAL: Another profiling session active.',
    })
    expect(readdirSync(session!)).toHaveLength(1)
  })

  it('tells its phases in their order', async () => {
    const fake = await profiler(sendsXspace)
    const phases: HostProgress['phase'][] = []
    await captureOne(fake.address, { durationMs: 40, startDelayMs: 20, onProgress: ({ phase }) => phases.push(phase) })
    expect(phases.filter(phase => phase !== 'receiving')).toEqual(['connecting', 'waiting', 'recording', 'done'])
  })

  it('sends the token', async () => {
    const fake = await profiler(sendsXspace)
    await captureOne(fake.address, { token: 'secret' })
    expect(fake.tokens).toEqual(['Bearer secret'])
  })

  it('goes to a server of IPv6', async () => {
    const fake = await profiler(sendsXspace, { host: '[::1]' })
    expect(await captureOne(fake.address)).toMatchObject({ address: fake.address, tools: [{ name: 'xplane.pb' }] })
  })

  it('of more bytes than a file may have in one field is read', async () => {
    const large = Buffer.concat([xspace(), new WireTail(300 << 20).bytes])
    const fake = await profiler(() => ({ xspace: large }))
    expect((await captureOne(fake.address)).tools[0]!.data.length).toBe(large.length)
  }, 60_000)

  it('that is interrupted ends at the servers, and keeps what came', async () => {
    const fake = await profiler(sendsXspace)
    const interruption = new AbortController()
    const capture = captureOne(fake.address, { durationMs: 600_000, signal: interruption.signal })
    await until('the request', () => fake.requests.length === 1)
    interruption.abort()
    expect((await capture).tools).toHaveLength(1)
    expect(fake.terminated).toEqual([fake.requests[0]!.sessionId])
  })
})

describe('a host that gives nothing says why', () => {
  it('refused connection', async () => {
    const address = await listening(createServer())
    closers.pop()!()
    expect(await failureOf(address)).toMatchObject({
      reason: 'unreachable',
      message: `Nothing listens at ${address}: the connection was refused.`,
    })
  })
  it('unknown name', async () => {
    expect(await failureOf('no-such-host.invalid:1')).toMatchObject({ reason: 'unreachable' })
  })
  it('web server of HTTP/1', async () => {
    const address = await listening(createWebServer((_request, response) => response.end('hello')))
    expect(await failureOf(address)).toMatchObject({
      reason: 'not-grpc',
      message: `A web server answers at ${address}, no gRPC server.`,
    })
  })
  it('web server of HTTP/2', async () => {
    const web = createHttp2Server((_request, response) => response.writeHead(404).end())
    expect(await failureOf(await listening(web))).toEqual({
      reason: 'not-grpc',
      message: 'A web server answers there, no gRPC server (HTTP status 404).',
    })
  })
  it('something that takes connections and is silent', async () => {
    const address = await listening(createServer(() => {}))
    const { reason, message } = (await failureOf(address))!
    expect(reason).toBe('not-grpc')
    expect(message).toContain('does not answer as a gRPC server')
  }, 20_000)
  it('something that speaks, but no HTTP', async () => {
    const address = await listening(createServer(socket => socket.write('220 mail.example.org ESMTP\r\n')))
    expect(await failureOf(address)).toMatchObject({ reason: 'not-grpc' })
  })
  it('server without the service', async () => {
    const fake = await profiler(refuses(status.UNIMPLEMENTED, 'unimplemented.'))
    expect(await failureOf(fake.address)).toEqual({
      reason: 'unimplemented',
      message: 'This gRPC server has no profiler service (UNIMPLEMENTED: unimplemented).',
    })
  })
  it('server that lets nobody in', async () => {
    const fake = await profiler(refuses(status.PERMISSION_DENIED, 'Captures are for requests of this machine.'))
    expect(await failureOf(fake.address)).toEqual({
      reason: 'denied',
      message: 'The server did not let us in: PERMISSION_DENIED: Captures are for requests of this machine.',
    })
  })
  it('server that is too late', async () => {
    const fake = await profiler(refuses(status.DEADLINE_EXCEEDED, 'Deadline exceeded after 60s'))
    expect(await failureOf(fake.address)).toMatchObject({ reason: 'too-late' })
  })
  it('server that is gone in the middle', async () => {
    const fake = await profiler(() => {
      fake.close()
      return {}
    })
    const { message } = (await failureOf(fake.address))!
    expect(message).toMatch(/^The call was cancelled|^No connection/)
  })
  it('empty trace, with the reason of the server', async () => {
    const fake = await profiler(() => ({ emptyTrace: true, xspace: xspace({ errors: ['No span began.'], planes: 0 }) }))
    expect(await failureOf(fake.address)).toEqual({ reason: 'empty', message: 'Nothing was recorded: No span began.' })
  })
  it('empty trace without a reason', async () => {
    const fake = await profiler(() => ({ emptyTrace: true }))
    expect(await failureOf(fake.address)).toMatchObject({ reason: 'empty', hint: expect.stringContaining('work') })
  })
  it('server that kept the capture', async () => {
    const fake = await profiler(() => ({}))
    const logdir = folder()
    const { hosts, folder: session } = await captureRemote([fake.address], {
      durationMs: 5,
      logdir: join(logdir, 'tb'),
    })
    expect(hosts[0]!.failure).toMatchObject({ reason: 'kept-by-server' })
    expect(session).toBeUndefined()
    expect(readdirSync(logdir)).toEqual([])
  })
  it('reply that is none', async () => {
    const fake = await profiler(() => Buffer.from('no protobuf at all'))
    expect(await failureOf(fake.address)).toMatchObject({ reason: 'damaged' })
  })
  it('server of TLS without --tls', async () => {
    const credentials = ServerCredentials.createSsl(null, [{ private_key: KEY, cert_chain: CERTIFICATE }])
    const fake = await profiler(sendsXspace, { host: 'localhost', credentials })
    expect(await failureOf(fake.address)).toMatchObject({
      reason: 'tls',
      message: `The server at ${fake.address} speaks TLS.`,
    })
    expect(await failureOf(fake.address, { tls: true })).toMatchObject({
      reason: 'tls',
      message: expect.stringContaining('was not accepted'),
    })
    expect(await captureOne(fake.address, { tls: { ca: CERTIFICATE } })).toMatchObject({ tools: [{}] })
  })
  it('server without TLS that was called with it', async () => {
    const fake = await profiler(sendsXspace)
    expect(await failureOf(fake.address, { tls: true })).toMatchObject({
      reason: 'tls',
      message: expect.stringContaining('speaks no TLS'),
    })
  })
  it('disk that cannot be written, before anything is recorded', async () => {
    const fake = await profiler(sendsXspace)
    const logdir = join(folder(), 'file')
    writeFileSync(logdir, '')
    await expect(captureRemote([fake.address], { logdir })).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_WRITE' })
    expect(fake.requests).toEqual([])
  })
  it('interrupt before anything came', async () => {
    const fake = await profiler(sendsXspace)
    expect(await failureOf(fake.address, { signal: AbortSignal.abort() })).toMatchObject({ reason: 'interrupted' })
  })
})

describe('a process of opscope', () => {
  async function served(options: Parameters<typeof startCaptureServer>[0] = {}) {
    const server = await startCaptureServer({ port: 0, onWarning: () => {}, ...options })
    closers.push(() => void server.close())
    return server
  }

  it('is captured, and what comes is a capture', async () => {
    const server = await served()
    const timer = setInterval(() => recordSync('work', () => {}), 1)
    closers.push(() => clearInterval(timer))
    const { files } = await captureOne(server.addresses[0]!, { durationMs: 50, logdir: folder() })
    const capture = await loadCapture(files[0]!.path)
    expect(capture.ops().map(({ name }) => name)).toEqual(['work'])
    expect(capture.processId).toBe(process.pid)
  })
  it('says why its capture is empty', async () => {
    const server = await served()
    const { failure } = await captureOne(server.addresses[0]!, { durationMs: 20 })
    expect(failure).toMatchObject({
      reason: 'empty',
      message: expect.stringMatching(/^Nothing was recorded: .*no span began/),
    })
  })
  it('lets in who has the token', async () => {
    const server = await served({ token: 'secret' })
    expect(await failureOf(server.addresses[0]!)).toMatchObject({ reason: 'denied' })
    expect(await failureOf(server.addresses[0]!, { token: 'secret' })).toMatchObject({ reason: 'empty' })
  })
  it('ends early when its client is interrupted', async () => {
    const server = await served()
    const interruption = new AbortController()
    const capture = captureOne(server.addresses[0]!, { durationMs: 60_000, signal: interruption.signal })
    await until('the capture', () => server.running === 1 && currentSession() !== undefined)
    recordSync('work', () => {})
    interruption.abort()
    expect((await capture).tools).toHaveLength(1)
  })
})

describe('options that are none', () => {
  it.each<[CaptureRemoteOptions, string]>([
    [{ durationMs: 0 }, '"durationMs"'],
    [{ durationMs: 1.5 }, '"durationMs"'],
    [{ startDelayMs: -1 }, '"startDelayMs"'],
    [{ logdir: '' }, '"logdir"'],
    [{ logdir: 'gs://bucket/tb' }, '"logdir"'],
    [{ token: 'a b' }, '"token"'],
    [{ tls: { cert: 'x' } }, '"key"'],
    [{ duration: 5 } as CaptureRemoteOptions, 'durationMs'],
  ])('%j', async (options, named) => {
    await expect(captureRemote(['a:1'], options)).rejects.toThrow(named)
  })
})

/** A field that no XSpace has, of so many bytes. */
class WireTail {
  readonly bytes: Buffer
  constructor(length: number) {
    this.bytes = Buffer.alloc(length)
    // Field 15, of that length; a varint of five bytes.
    this.bytes[0] = 0x7a
    const rest = length - 6
    for (let index = 0; index < 5; index++)
      this.bytes[1 + index] = ((rest >>> (7 * index)) & 0x7f) | (index < 4 ? 0x80 : 0)
  }
}
