import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'

import { recordSync } from '../../src/index.js'
import { addProfilerService, type ProfilerServiceOptions, startCaptureServer } from '../../src/remote/index.js'
import { until } from '../until.js'
import { serve, work } from './server.js'
import { call, failureOf, profileRequest, type Reply } from './stock-client.js'

const SHORT = profileRequest('h', { durationMs: 10 })
const once = (address: string, options = {}) => call<Reply>(address, 'Profile', SHORT, options)

describe('who captures over gRPC', () => {
  it('is nobody whom a proxy hands on', async () => {
    const { server, address } = await serve()
    expect(await failureOf(once(address, { metadata: { 'x-forwarded-for': '127.0.0.1' } }))).toBe(
      'PERMISSION_DENIED Captures are for requests of this machine.',
    )
    expect(server.refusals).toEqual({ count: 1, failedCount: 0 })
  })

  it('is no other machine, at the port of a service', async () => {
    const codeFor = (options: ProfilerServiceOptions, peer: string) =>
      new Promise(resolve => {
        const handlers: Record<string, (call: object, callback: (failure: unknown) => void) => void> = {}
        addProfilerService({ addService: (_, added) => void Object.assign(handlers, added) }, options)
        const asked = {
          getPeer: () => peer,
          getDeadline: () => Number.POSITIVE_INFINITY,
          metadata: new Metadata(),
          request: Buffer.alloc(0),
          once: () => {},
        }
        handlers.Terminate!(asked, resolve)
      })
    for (const peer of ['127.0.0.1:5', '::1:5']) expect(await codeFor({}, peer)).toBeNull()
    for (const peer of ['10.0.0.1:5', '::ffff:10.0.0.1:5', 'unknown', '127.0.0.1.evil:80']) {
      expect(await codeFor({}, peer)).toMatchObject({ code: status.PERMISSION_DENIED })
      expect(await codeFor({ allowRemote: true }, peer)).toBeNull()
      expect(await codeFor({ token: 'secret' }, peer)).toMatchObject({ code: status.UNAUTHENTICATED })
      expect(await codeFor({ token: 'secret', allowRemote: false }, peer)).toMatchObject({
        details: 'Captures are for requests of this machine.',
      })
    }
  })

  it('is who has the token, for every method', async () => {
    const { server, address } = await serve({ token: 'secret' })
    work()
    for (const token of ['wrong', 'secret ', '', 'secretsecret']) {
      expect(await failureOf(once(address, { token }))).toBe('UNAUTHENTICATED Not allowed.')
    }
    const methods = ['Terminate', 'Monitor', 'GetSnapshot', 'StartContinuousProfiling', 'NewSession'] as const
    for (const method of methods)
      expect(await failureOf(call(address, method, {}))).toBe('UNAUTHENTICATED Not allowed.')
    expect(server.refusals.count).toBe(9)
    expect((await once(address, { token: 'secret' })).empty_trace).toBe(false)
  })

  it('is whom the program authorizes, with the token', async () => {
    const { address } = await serve({
      token: 'secret',
      authorize: ({ metadata }) => metadata.get('user')[0] === 'ours',
    })
    const as = (user: string, token: string) => once(address, { token, metadata: { user } })
    expect(await failureOf(as('theirs', 'secret'))).toBe('PERMISSION_DENIED Not allowed.')
    expect(await failureOf(as('ours', 'wrong'))).toBe('UNAUTHENTICATED Not allowed.')
    expect(await as('ours', 'secret')).toMatchObject({ empty_trace: true })
  })
})

describe('with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-tls-'))
  const file = (name: string) => join(folder, name)
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...[
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        file('key'),
        '-out',
        file('cert'),
      ],
    ],
    { stdio: 'pipe' },
  )
  const [key, cert] = [readFileSync(file('key')), readFileSync(file('cert'))]

  it('a client that trusts the certificate captures', async () => {
    const { address } = await serve({ tls: { key: String(key), cert } })
    work()
    expect((await once(address, { tls: credentials.createSsl(cert) })).empty_trace).toBe(false)
  })

  it('a client without a certificate is refused where one is asked for', async () => {
    const { address } = await serve({ tls: { key, cert, clientCa: cert } })
    work()
    expect(await failureOf(once(address, { tls: credentials.createSsl(cert), deadlineMs: 2000 }))).toMatch(
      /^(UNAVAILABLE|DEADLINE_EXCEEDED)/,
    )
    expect((await once(address, { tls: credentials.createSsl(cert, key, cert) })).empty_trace).toBe(false)
  })

  it('a client that speaks without, or with it to a port that does not, fails and harms nobody', async () => {
    const secure = await serve({ tls: { key, cert } })
    const plain = await serve()
    work()
    expect(await failureOf(once(secure.address, { deadlineMs: 1000 }))).toMatch(/^(UNAVAILABLE|DEADLINE_EXCEEDED)/)
    const tls = credentials.createSsl(cert)
    expect(await failureOf(once(plain.address, { tls, deadlineMs: 1000 }))).toMatch(/^(UNAVAILABLE|DEADLINE_EXCEEDED)/)
    expect((await once(secure.address, { tls })).empty_trace).toBe(false)
    expect((await once(plain.address)).empty_trace).toBe(false)
  })

  it('a certificate that is none fails at the start', async () => {
    await expect(startCaptureServer({ port: 0, tls: { key, cert: '/etc/cert.pem' } })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_OPTION_VALUE',
      message: expect.stringMatching(/"tls" option/),
    })
  })
})

describe('the port', () => {
  it('that is taken is an error that says so, and nothing stays open', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await expect(startCaptureServer({ port })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_LISTEN',
      message: expect.stringMatching(/^Captures cannot be served at 127\.0\.0\.1, port \d+: the port is taken\./),
    })
    await expect(startCaptureServer({ port, host: ['::1', '127.0.0.1'] })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_LISTEN',
    })
    const free = await startCaptureServer({ port, host: '::1' })
    await free.close()
  })

  it.each([
    [{ host: '203.0.113.7' }, 'ERR_OPSCOPE_LISTEN'],
    [{ host: [] }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ port: 70_000 }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ port: '9012' as never }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ maxDurationMs: 0 }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ writeRoots: ['relative'] }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ token: 'two words' }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ tokens: 'x' } as never, 'ERR_OPSCOPE_OPTION_UNKNOWN'],
    [{ tls: { key: 'x' } as never }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ authorize: true as never }, 'ERR_OPSCOPE_OPTION_VALUE'],
  ])('is not opened with %j', async (options, code) => {
    await expect(startCaptureServer({ port: 0, ...options })).rejects.toMatchObject({ code })
  })

  it('that everyone reaches is told of, unless they are asked who they are', async () => {
    const open = await serve({ host: '0.0.0.0' })
    expect(open.told).toEqual([
      { code: 'capture-open', text: expect.stringMatching(/^Everyone who reaches 0\.0\.0\.0:/) },
    ])
    expect((await serve({ host: '0.0.0.0', token: 'secret' })).told).toEqual([])
    expect((await serve({ host: '127.0.0.1' })).told).toEqual([])
  })

  it.each([
    ['HTTP/1', 'GET /x HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['something else', Buffer.from('00'.repeat(2000), 'hex')],
  ])('closes a connection that speaks %s', async (_, bytes) => {
    const { server, address } = await serve()
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    let isClosed = false
    socket.on('close', () => {
      isClosed = true
    })
    socket.resume()
    socket.write(bytes)
    await until('the connection to close', () => isClosed)
    expect(await once(address)).toMatchObject({ empty_trace: true })
  })

  it('is free again after close(), which answers what runs', async () => {
    const { server, address } = await serve()
    work()
    const { port } = server
    const running = call<Reply>(address, 'Profile', profileRequest('h', { durationMs: 50_000 }))
    await until('the capture to run', () => server.running === 1)
    recordSync('something', () => {})
    await server.close()
    expect((await running).tool_data).toHaveLength(1)
    const next = await startCaptureServer({ port })
    await next.close()
  })
})

describe('a server of the program', () => {
  it('serves captures beside its own methods', async () => {
    const server = new Server()
    const mounted = addProfilerService(server)
    onTestFinished(() => server.forceShutdown())
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    work()
    const address = `127.0.0.1:${port}`
    expect((await once(address)).tool_data).toHaveLength(1)
    expect(await failureOf(call(address, 'Profile', Buffer.alloc(100_000)))).toBe(
      'RESOURCE_EXHAUSTED A request has at most 65536 bytes.',
    )
    const running = call<Reply>(address, 'Profile', profileRequest('h', { durationMs: 50_000 }))
    await until('the capture to run', () => mounted.running === 1)
    recordSync('something', () => {})
    await mounted.close()
    expect((await running).tool_data).toHaveLength(1)
    expect(() => addProfilerService(server)).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE' }))
  })
})
