// One request of node:http, whichever framework serves it: when it is here, when the answer goes out, how it ends.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { withHeader } from './head-arguments.js'
import { type FrameworkFacts, HttpFacts, hasBody, rawHeader } from './http-facts.js'
import { PROFILE_HEADER, PROFILE_TIMES_HEADER, wantsProfile } from './profile-header.js'
import type { TracedRequest } from './request.js'
import { profileTimes, serverTiming } from './response-headers.js'
import type { Outcome } from './stamps.js'
import type { ServingTracer } from './tracer.js'
import { traceFailed } from './trouble.js'

export interface HttpHookOptions {
  /** Name of the model of a request, where its URL tells it: settings of that model then hold from the start. */
  model?: string | ((request: IncomingMessage) => string | undefined)
  /** Requests that are none of inference, health checks say, are not looked at. */
  filter?: (request: IncomingMessage) => boolean
}

/** What a request has of each tracer whose hooks saw it; null: it is not traced. */
type Seen = { traced: TracedRequest; facts: HttpFacts } | null
type SeenRequest = IncomingMessage & Record<symbol, Seen>

/** Runs `next`, and all that follows from it, as the work of this request. @throws what `next` throws */
export function traceHttp<T>(
  tracer: ServingTracer,
  options: HttpHookOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
  next: () => T,
  about: FrameworkFacts = NOTHING_MORE,
): T {
  const request = incoming as SeenRequest
  // That of the server and that of its framework may both see a request, which is counted once.
  const known = request[tracer.mark]
  if (known === null) return next()
  if (known !== undefined) {
    known.facts.about = about
    return tracer.run(known.traced, next)
  }
  return tracer.run(begin(tracer, options, request, response, about), next)
}

const NOTHING_MORE: FrameworkFacts = {}

function begin(
  tracer: ServingTracer,
  options: HttpHookOptions,
  request: SeenRequest,
  response: ServerResponse,
  about: FrameworkFacts,
): TracedRequest | undefined {
  tracer.hasFrontEnd = true
  const isProfiled = tracer.options.answerProfile !== false && wantsProfile(rawHeader(request, PROFILE_HEADER))
  if (!tracer.isWatching && !isProfiled) return undefined
  try {
    request[tracer.mark] = null
    if (options.filter?.(request) === false) return undefined
    const model = typeof options.model === 'function' ? options.model(request) : options.model
    const traceparent = rawHeader(request, 'traceparent')
    const admission = tracer.admit(model, traceparent, isProfiled)
    if (admission === undefined) return undefined
    const facts = new HttpFacts(request, about, { model, traceparent, isProfiled })
    const traced = tracer.open('HTTP', facts, admission)
    request[tracer.mark] = { traced, facts }
    watch(tracer, traced, request, response)
    return traced
  } catch (error) {
    traceFailed(error)
    return undefined
  }
}

function watch(tracer: ServingTracer, traced: TracedRequest, request: SeenRequest, response: ServerResponse): void {
  // Without a body there is no end to wait for: Node tells it only to who reads.
  if (!hasBody(request)) traced.received()
  else request.on('end', () => traced.received())
  const { writeHead } = response
  // Every answer passes here, one without explicit headers too.
  let isAnswered = false
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    // It stays in its place: what a middleware has put around it since must stay, too.
    if (isAnswered || response.headersSent) return Reflect.apply(writeHead, this, args)
    isAnswered = true
    return Reflect.apply(writeHead, this, answer(tracer, traced, response, args))
  } as typeof writeHead
  response.on('finish', () => {
    traced.sent()
    traced.end(outcomeOf(response.statusCode))
  })
  const onClose = () => {
    waiting?.delete(onClose)
    traced.end('cancelled')
    // A connection keeps its last request, and old garbage what it leads to: the body must not be among that.
    request[tracer.mark] = null
  }
  const waiting = response.socket === null ? waitingOn(request.socket) : undefined
  waiting?.add(onClose)
  // It comes after every response; without `finish` before it the client is gone.
  response.on('close', onClose)
  // It came before us, where something slow stands before the hook.
  if (response.destroyed) onClose()
}

/** By connection, what is to be done when it closes for the responses that wait for earlier ones: Node tells them nothing. */
const waitingBySocket = new WeakMap<Socket, Set<() => void>>()
function waitingOn(socket: Socket): Set<() => void> {
  const known = waitingBySocket.get(socket)
  if (known !== undefined) return known
  const waiting = new Set<() => void>()
  waitingBySocket.set(socket, waiting)
  socket.once('close', () => {
    for (const onClose of waiting) onClose()
  })
  return waiting
}

/** The arguments to write the head with. */
function answer(
  tracer: ServingTracer,
  traced: TracedRequest,
  response: ServerResponse,
  args: readonly unknown[],
): readonly unknown[] {
  try {
    traced.sending()
    const timed = tracer.options.serverTiming
      ? withHeader(response, args, 'Server-Timing', own => serverTiming(traced, own))
      : args
    if (!traced.facts.isProfiled) return timed
    return withHeader(response, timed, PROFILE_TIMES_HEADER, () => profileTimes(traced))
  } catch (error) {
    traceFailed(error)
    return args
  }
}

function outcomeOf(status: number): Outcome {
  // Too many requests, or unavailable: a server that is at its limits.
  if (status === 429 || status === 503) return 'rejected'
  return status >= 500 ? 'failed' : 'ok'
}
