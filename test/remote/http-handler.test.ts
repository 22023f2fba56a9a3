import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { type CaptureHandlerOptions, captureHandler } from '../../src/remote/index.js'
import { until } from '../until.js'
import { work } from './server.js'

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}
function get(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ port, host: '127.0.0.1', path, headers, method, agent: false }, async response => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) })
    })
    asked.on('error', reject)
    asked.end()
  })
}
async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  onTestFinished(() => void server.close().closeAllConnections())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
async function serve(options: CaptureHandlerOptions = {}) {
  const told: string[] = []
  const handler = captureHandler({ onWarning: code => told.push(code), ...options })
  const port = await listen(handler)
  return {
    port,
    told,
    handler,
    get: (query: string, headers?: Record<string, string>) => get(port, `/${query}`, headers),
  }
}
const errorOf = ({ status, body }: Reply) => `${status} ${JSON.parse(String(body)).error}`

describe('a capture over HTTP', () => {
  it('is a Perfetto trace of a second unless another is asked for', async () => {
    const { get } = await serve()
    work()
    const { status, headers, body } = await get('?seconds=0.05')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/octet-stream' })
    expect(headers['content-disposition']).toMatch(/^attachment; filename="[\w.-]+\.pftrace"$/)
    const file = join(mkdtempSync(join(tmpdir(), 'opscope-http-')), 'capture.pftrace')
    writeFileSync(file, body)
    const capture = await loadCapture(file)
    expect(capture.ops()[0]).toMatchObject({ name: 'served' })
    expect(capture.durationNs).toBeGreaterThan(50e6)
  })

  it('is JSON for the viewers of Chrome', async () => {
    const { get } = await serve()
    work()
    const { headers, body } = await get('?seconds=0.05&format=chrome')
    expect(headers['content-type']).toBe('application/json')
    const { traceEvents } = JSON.parse(String(body))
    expect(traceEvents.map(({ name }: { name: string }) => name)).toContain('served')
  })

  it('is the report for people', async () => {
    const { get } = await serve()
    work()
    const { headers, body } = await get('?seconds=0.05&format=report')
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(String(body)).toMatch(/served/)
  })

  it('is a page to look at', async () => {
    const { get } = await serve()
    work()
    const { headers, body } = await get('?seconds=0.05&format=html')
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-disposition']).toMatch(/^inline; .*\.html"$/)
    expect(headers['content-security-policy']).toBe("frame-ancestors 'none'")
    expect(String(body)).toMatch(/^<!doctype html>[\s\S]*"text":"served"[\s\S]*<\/html>\n$/)
  })

  it('is what TensorBoard reads', async () => {
    const { get } = await serve()
    work()
    const { headers, body } = await get('?seconds=0.05&format=xplane')
    expect(headers['content-disposition']).toMatch(/\.xplane\.pb"$/)
    expect(body.length).toBeGreaterThan(100)
  })

  it('comes from express and fastify as from node:http', async () => {
    const handler = captureHandler()
    work()
    const app = express()
    app.get('/debug/capture', handler)
    const port = await listen(app)
    expect((await get(port, '/debug/capture?seconds=0.02')).status).toBe(200)
    const server = fastify()
    server.get('/debug/capture', (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw)
    })
    await server.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => server.close())
    const reply = await get((server.server.address() as AddressInfo).port, '/debug/capture?seconds=0.02')
    expect(reply.status).toBe(200)
  })

  it('leaves no file behind', async () => {
    const { get } = await serve()
    work()
    const folders = () => readdirSync(tmpdir()).filter(name => name.startsWith('opscope-capture-'))
    const before = folders()
    await get('?seconds=0.02')
    await until('the folder to go', () => folders().every(name => before.includes(name)))
  })

  it('says how late it is', async () => {
    const { get } = await serve()
    work()
    const { headers } = await get('?seconds=0.02')
    expect(headers['x-opscope-late-ms']).toMatch(/^\d+$/)
  })
})

describe('what is no request for a capture', () => {
  it.each([
    ['?seconds=0', '400 Expected "seconds" to be a number from 0.001 to 60.'],
    ['?seconds=-1', '400 Expected "seconds" to be a number from 0.001 to 60.'],
    ['?seconds=31536000', '400 Expected "seconds" to be a number from 0.001 to 60.'],
    ['?seconds=1e999', '400 Expected "seconds" to be a number from 0.001 to 60.'],
    ['?seconds=', '400 Expected "seconds" to be a number from 0.001 to 60.'],
    ['?format=svg', '400 Expected "format" to be one of pftrace, chrome, report, html, xplane; no other is written.'],
    [
      '?format=__proto__',
      '400 Expected "format" to be one of pftrace, chrome, report, html, xplane; no other is written.',
    ],
    ['?second=1', '400 A capture takes "seconds" and "format", each once.'],
    ['?seconds=1&seconds=2', '400 A capture takes "seconds" and "format", each once.'],
  ])('%s is told so', async (query, message) => {
    const { get } = await serve()
    expect(errorOf(await get(query))).toBe(message)
  })

  it('is anything but GET', async () => {
    const { port } = await serve()
    const reply = await get(port, '/', {}, 'POST')
    expect(errorOf(reply)).toBe('405 A capture is asked for with GET.')
    expect(reply.headers.allow).toBe('GET')
    expect((await get(port, '/', {}, 'HEAD')).status).toBe(405)
  })

  it('is one too many', async () => {
    const { get } = await serve({ maxPerMinute: 1 })
    await get('?seconds=0.001')
    const reply = await get('?seconds=0.001')
    expect(errorOf(reply)).toBe('429 1 captures began in the last minute, which is the limit.')
    expect(reply.headers['retry-after']).toBe('10')
  })

  it('is one whose reply would be too large', async () => {
    const { get } = await serve({ maxReplyMB: 1 })
    const { op } = await import('../../src/index.js')
    const many = op('many')
    const timer = setInterval(() => {
      for (let i = 0; i < 20_000; i++) {
        many.begin()
        many.end()
      }
    }, 1)
    onTestFinished(() => clearInterval(timer))
    expect(errorOf(await get('?seconds=1&format=chrome'))).toMatch(
      /^429 The capture has \d+ bytes, a reply at most 1048576/,
    )
  })
})

describe('who captures over HTTP', () => {
  it.each([
    [{ 'x-forwarded-for': '127.0.0.1' }, '403 Captures are for requests of this machine.'],
    [{ origin: 'http://localhost' }, '403 Captures are not for pages in a browser.'],
    [{ 'sec-fetch-site': 'cross-site' }, '403 Captures are not for pages in a browser.'],
    [{ host: 'rebound.example:80' }, '403 Captures are not for pages in a browser.'],
  ])('is nobody with %j', async (headers, message) => {
    const { get, handler } = await serve()
    expect(errorOf(await get('?seconds=0.001', headers as never))).toBe(message)
    expect(handler.refusals).toEqual({ count: 1, failedCount: 0 })
  })

  it('is who types the address', async () => {
    const { get } = await serve()
    expect((await get('?seconds=0.001', { host: 'localhost', 'sec-fetch-site': 'none' })).status).toBe(200)
  })

  it('is who has the token', async () => {
    const { get } = await serve({ token: 'secret' })
    const refused = await get('?seconds=0.001', { authorization: 'Bearer wrong' })
    expect(errorOf(refused)).toBe('401 Not allowed.')
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    expect(errorOf(await get('?seconds=0.001'))).toBe('401 Not allowed.')
    const allowed = { authorization: 'Bearer secret', 'x-forwarded-for': '10.0.0.1', host: 'a.example' }
    expect((await get('?seconds=0.001', allowed)).status).toBe(200)
  })
})

it('a client that goes away frees its place', async () => {
  const { port, get } = await serve({ maxConcurrent: 1, maxPerMinute: 6000 })
  const asked = httpRequest({ port, host: '127.0.0.1', path: '/?seconds=50' })
  const failed = new Promise(resolve => asked.on('error', resolve))
  asked.end()
  let status = 0
  while (status !== 429) status = (await get('?seconds=0.001')).status
  asked.destroy()
  await failed
  while (status === 429) status = (await get('?seconds=0.001')).status
  expect(status).toBe(200)
})
