import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import type { Capture } from '../capture.js'
import { isLoopback, type Origin, PROXY_HEADERS, type Refusals } from '../network-access.js'
import { checkKeys } from '../option-checks.js'
import { admissionOf, CAPTURE_ACCESS_KEYS, type CaptureAccess } from './access.js'
import { CallFailure, type StatusName } from './call-failure.js'
import { CaptureGate, type CaptureLimits, LIMIT_KEYS } from './capture-limits.js'
import { warnProcess } from './profiler-service.js'
import { recordWindow } from './window.js'
import { xspaceOf } from './xspace.js'

export interface CaptureHandlerOptions extends CaptureLimits, CaptureAccess<IncomingMessage> {
  /** Told of captures that failed. @default a process warning */
  onWarning?: (code: string, text: string) => void
}
/** Takes a capture, and answers with it. Mount it at a path of its own. */
export interface CaptureHandler {
  (request: IncomingMessage, response: ServerResponse): void
  readonly refusals: Refusals
}

interface Asked {
  durationMs: number
  format: Format
}
type Format = 'pftrace' | 'chrome' | 'report' | 'html' | 'xplane'
const FORMATS: Record<Format, { suffix: string; type: string }> = {
  pftrace: { suffix: 'pftrace', type: 'application/octet-stream' },
  chrome: { suffix: 'json', type: 'application/json' },
  report: { suffix: 'txt', type: 'text/plain; charset=utf-8' },
  html: { suffix: 'html', type: 'text/html; charset=utf-8' },
  xplane: { suffix: 'xplane.pb', type: 'application/octet-stream' },
}
const DEFAULT_SECONDS = '1'
const HTTP_STATUS: Partial<Record<StatusName, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
}
// When those who were refused may ask again.
const RETRY_SECONDS = 10
// A client that takes nothing of its reply for so long does not hold others up.
const STALLED_MS = 30_000

/**
 * Captures this process over HTTP: `GET …?seconds=2&format=pftrace`, where the format is `pftrace`, `chrome`, `report`,
 * `html` or `xplane`. Requests of this machine alone are served, unless the options say otherwise.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const capture = captureHandler()
 * app.get('/debug/capture', capture) // express
 * fastify.get('/debug/capture', (request, reply) => { reply.hijack(); capture(request.raw, reply.raw) })
 */
export function captureHandler(options: CaptureHandlerOptions = {}): CaptureHandler {
  checkKeys(options, [...LIMIT_KEYS, ...CAPTURE_ACCESS_KEYS, 'onWarning'])
  const { authorize, allowRemote, token, onWarning = warnProcess, ...limits } = options
  const access = Object.fromEntries(
    Object.entries({ authorize, allowRemote, token }).filter(([, value]) => value !== undefined),
  )
  const { admit, refusals } = admissionOf<IncomingMessage>(access, ({ headers }) => headers.authorization)
  const gate = new CaptureGate(limits)
  const isOpen = Object.keys(access).length > 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await admit(request, originOf(request, isOpen))
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET')
      return sendError(response, 405, 'A capture is asked for with GET.')
    }
    const asked = readQuery(request.url ?? '', gate.limits.maxDurationMs)
    await gate.pass(async () => {
      const gone = new AbortController()
      const giveUp = () => gone.abort()
      response.once('close', giveUp)
      const ended = new AbortController().signal
      const window = await recordWindow({ durationMs: asked.durationMs, startMs: 0, ended, gone: gone.signal })
      if (window === undefined) return
      response.setHeader('x-opscope-late-ms', Math.round(window.lateMs))
      response.setTimeout(STALLED_MS, () => response.destroy())
      await send(response, window.capture, asked.format, gate.maxReplyBytes)
    })
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    // Nothing of a body is used, and an unread one would keep the connection from its next request.
    request.resume()
    answer(request, response).catch((error: unknown) => {
      const status = error instanceof CallFailure ? HTTP_STATUS[error.status] : undefined
      const { message } = error as Error
      if (status === undefined && !response.destroyed) onWarning('capture-failed', `A capture failed: ${message}`)
      if (response.headersSent || response.destroyed) response.destroy()
      else sendError(response, status ?? 500, message)
    })
  }
  return Object.assign(handle, { refusals })
}

/** @throws CallFailure INVALID_ARGUMENT */
function readQuery(url: string, maxDurationMs: number): Asked {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length + 1))
  for (const key of new Set(query.keys())) {
    if (!['seconds', 'format'].includes(key) || query.getAll(key).length > 1) {
      throw new CallFailure('INVALID_ARGUMENT', 'A capture takes "seconds" and "format", each once.')
    }
  }
  const format = query.get('format') ?? 'pftrace'
  if (!Object.hasOwn(FORMATS, format)) {
    const formats = Object.keys(FORMATS).join(', ')
    throw new CallFailure('INVALID_ARGUMENT', `Expected "format" to be one of ${formats}; no other is written.`)
  }
  const text = query.get('seconds') ?? DEFAULT_SECONDS
  const durationMs = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1000) : 0
  if (durationMs < 1 || durationMs > maxDurationMs) {
    const most = maxDurationMs / 1000
    throw new CallFailure('INVALID_ARGUMENT', `Expected "seconds" to be a number from 0.001 to ${most}.`)
  }
  return { durationMs, format: format as Format }
}

/** @param isOpen whether the operator has said who may capture: then names are theirs to choose */
function originOf({ socket, headers }: IncomingMessage, isOpen: boolean): Origin {
  const site = headers['sec-fetch-site']
  // A page of elsewhere may have the name of its own machine lead here; then it is that name which is asked for.
  const isForeignName =
    !isOpen && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/i.test(headers.host ?? 'localhost')
  return {
    isLocal: isLoopback(socket.remoteAddress) && PROXY_HEADERS.every(name => headers[name] === undefined),
    isFromPage: headers.origin !== undefined || site === 'cross-site' || site === 'same-site' || isForeignName,
  }
}

async function send(response: ServerResponse, capture: Capture, format: Format, maxBytes: number): Promise<void> {
  const { suffix, type } = FORMATS[format]
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  if (format === 'report') {
    response.end(`${capture.report()}\n`)
    return
  }
  const moment = new Date().toISOString().slice(0, 19).replaceAll(/\D/g, '')
  const name = `${hostname().replaceAll(/[^\w.-]/g, '_')}-${process.pid}-${moment}.${suffix}`
  // A page is to be looked at. Its own policy lets nothing run but its own script.
  const disposition = format === 'html' ? 'inline' : 'attachment'
  response.setHeader('content-disposition', `${disposition}; filename="${name}"`)
  if (format === 'html') response.setHeader('content-security-policy', "frame-ancestors 'none'")
  if (format === 'xplane') {
    const { bytes } = await xspaceOf(capture, maxBytes, { warnings: [], errors: [] })
    response.setHeader('content-length', bytes.length)
    response.end(bytes)
    return
  }
  // By way of a file: what is sent is then never in memory as a whole.
  const folder = await mkdtemp(join(tmpdir(), 'opscope-capture-'))
  try {
    const path = join(folder, name)
    await capture.export(path)
    const { size } = await stat(path)
    if (size > maxBytes) {
      const message = `The capture has ${size} bytes, a reply at most ${maxBytes}: ask for fewer seconds.`
      throw new CallFailure('RESOURCE_EXHAUSTED', message)
    }
    response.setHeader('content-length', size)
    await pipeline(createReadStream(path), response)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function sendError(response: ServerResponse, status: number, error: string): void {
  const body = `${JSON.stringify({ error })}\n`
  for (const name of ['content-disposition', 'content-length', 'content-security-policy']) response.removeHeader(name)
  if (status === 401) response.setHeader('www-authenticate', 'Bearer')
  if (status === 429) response.setHeader('retry-after', RETRY_SECONDS)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
