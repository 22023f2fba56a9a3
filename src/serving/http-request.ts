// One request of node:http, whichever framework serves it: when it is here, when the answer goes out, how it ends.
import type { IncomingMessage, ServerResponse } from 'node:http'

import { addWarning } from '../hooks.js'
import { PROFILE_HEADER, PROFILE_TIMES_HEADER, wantsProfile } from './profile-header.js'
import type { TracedRequest } from './request.js'
import { profileTimes, serverTiming } from './response-headers.js'
import type { Outcome } from './stamps.js'
import type { ServingTracer } from './tracer.js'

export interface HttpHookOptions {
  /** Name of the model of a request, where its URL tells it: settings of that model then hold from the start. */
  model?: string | ((request: IncomingMessage) => string | undefined)
  /** Requests that are none of inference, health checks say, are not looked at. */
  filter?: (request: IncomingMessage) => boolean
}

/** What a framework knows better than the server below it. */
export interface FrameworkFacts {
  requestId?: string
  /** The pattern of the URL, known once the request was routed. */
  route?: () => string | undefined
}

// Two hooks may see a request: that of the server and that of its framework. A request is counted once.
const seen = new WeakMap<IncomingMessage, TracedRequest | null>()

/** Runs `next`, and all that follows from it, as the work of this request. @throws what `next` throws */
export function traceHttp<T>(
  tracer: ServingTracer,
  options: HttpHookOptions,
  request: IncomingMessage,
  response: ServerResponse,
  next: () => T,
  about: FrameworkFacts = {},
): T {
  const known = seen.get(request)
  if (known === null) return next()
  const traced = known ?? begin(tracer, options, request, response, about)
  if (traced !== undefined && known !== undefined) traced.facts.name = nameOf(request, about)
  return tracer.run(traced, next)
}

function begin(
  tracer: ServingTracer,
  options: HttpHookOptions,
  request: IncomingMessage,
  response: ServerResponse,
  about: FrameworkFacts,
): TracedRequest | undefined {
  tracer.hasFrontEnd = true
  const isProfiled =
    tracer.options.answerProfile !== false && wantsProfile(rawHeader(request.rawHeaders, PROFILE_HEADER))
  if (!tracer.isWatching && !isProfiled) return undefined
  try {
    if (options.filter?.(request) === false) return skip(request)
    const model = typeof options.model === 'function' ? options.model(request) : options.model
    const traceparent = rawHeader(request.rawHeaders, 'traceparent')
    const admission = tracer.admit(model, traceparent, isProfiled)
    if (admission === undefined) return skip(request)
    const requestId = rawHeader(request.rawHeaders, 'x-request-id') ?? about.requestId
    const traced = tracer.open(
      'HTTP',
      {
        model,
        requestId,
        name: nameOf(request, about),
        traceparent,
        tracestate: rawHeader(request.rawHeaders, 'tracestate'),
        isProfiled,
        attributes: { 'http.request.method': request.method ?? '', 'url.path': pathOf(request) },
      },
      admission,
    )
    seen.set(request, traced)
    watch(tracer, traced, request, response)
    return traced
  } catch (error) {
    addWarning('serving-trace-failed', `a request could not be traced: ${(error as Error).message}`)
    return undefined
  }
}

function nameOf(request: IncomingMessage, { route }: FrameworkFacts): () => string {
  return () => `${request.method} ${route?.() ?? pathOf(request)}`
}
function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

function skip(request: IncomingMessage): undefined {
  seen.set(request, null)
}

function watch(tracer: ServingTracer, traced: TracedRequest, request: IncomingMessage, response: ServerResponse): void {
  // Without a body there is no end to wait for: Node tells it only to who reads.
  if (!hasBody(request)) traced.received()
  else request.once('end', () => traced.received())
  const { writeHead } = response
  // Every answer passes here, one without explicit headers too.
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    response.writeHead = writeHead
    if (!response.headersSent) answer(tracer, traced, response)
    return Reflect.apply(writeHead, this, args)
  } as typeof writeHead
  response.once('finish', () => {
    traced.sent()
    traced.end(outcomeOf(response.statusCode))
  })
  // It comes after every response; without `finish` before it the client is gone.
  response.once('close', () => traced.end('cancelled'))
}

function answer(tracer: ServingTracer, traced: TracedRequest, response: ServerResponse): void {
  try {
    traced.sending()
    if (tracer.options.serverTiming)
      response.setHeader('Server-Timing', serverTiming(traced, response.getHeader('Server-Timing')))
    if (traced.facts.isProfiled) response.setHeader(PROFILE_TIMES_HEADER, profileTimes(traced))
  } catch (error) {
    addWarning('serving-trace-failed', `a request could not be traced: ${(error as Error).message}`)
  }
}

function outcomeOf(status: number): Outcome {
  // Too many requests, or unavailable: a server that is at its limits.
  if (status === 429 || status === 503) return 'rejected'
  return status >= 500 ? 'failed' : 'ok'
}

function hasBody(request: IncomingMessage): boolean {
  const { rawHeaders } = request
  const length = rawHeader(rawHeaders, 'content-length')
  return (length !== undefined && length !== '0') || rawHeader(rawHeaders, 'transfer-encoding') !== undefined
}

/** `request.headers` is made when it is first read, which a server that needs none of them is spared. */
function rawHeader(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const key = headers[index]!
    if (key.length === name.length && key.toLowerCase() === name) return headers[index + 1]
  }
  return undefined
}
