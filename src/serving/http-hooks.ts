// How requests of node:http servers and of frameworks on top reach the tracer.
import { EventEmitter } from 'node:events'
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server as HttpsServer } from 'node:https'

import { checkKeys } from '../option-checks.js'
import { type HttpHookOptions, traceHttp } from './http-request.js'
import type { ServingTracer } from './tracer.js'

type Next = (error?: unknown) => void
/** A middleware of express, connect and the like. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void

/** What a plugin of fastify needs of it. */
interface FastifyInstance {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: { raw: ServerResponse }, done: () => void) => void,
  ): unknown
}
interface FastifyRequest {
  id: unknown
  raw: IncomingMessage
  routeOptions?: { url?: string | undefined }
}
export type FastifyPlugin = (instance: FastifyInstance, options: unknown, done: () => void) => void

/** A server, or the prototype of all: anything that emits requests. */
export type RequestEmitter = Pick<EventEmitter, 'emit'>

const HOOK_KEYS = ['model', 'filter'] as const

/** Traces the requests of a server of node:http, node:https or node:http2; returns what takes the hook away again. */
export function hookServer(tracer: ServingTracer, server: RequestEmitter, options: HttpHookOptions): () => void {
  checkKeys(options, HOOK_KEYS)
  const own = Object.getOwnPropertyDescriptor(server, 'emit')
  const ownEmit = own === undefined ? undefined : server.emit
  let isOn = true
  const hooked = function (this: RequestEmitter, event: string | symbol, ...args: unknown[]): boolean {
    // An instrumentation may have come since.
    const emit = ownEmit ?? (Object.getPrototypeOf(server) as RequestEmitter).emit
    // A client that waits for "100 Continue" comes by an event of its own, where the server listens to that.
    const isRequest = event === 'request' || event === 'checkContinue'
    if (!isRequest || !isOn) return Reflect.apply(emit, this, [event, ...args])
    const trace = (next: Emit) => {
      const emitRequest = () => Reflect.apply(next, this, [event, ...args])
      return traceHttp(tracer, options, args[0] as IncomingMessage, args[1] as ServerResponse, emitRequest)
    }
    if (!tracer.isWatching || !isInstrumented(emit, server)) return trace(emit)
    return emitInside(emit, this, [event, ...args], () => trace(EventEmitter.prototype.emit))
  }
  server.emit = hooked
  return () => {
    isOn = false
    // Another hook may lie on top; then ours stays, and looks at nothing.
    if (server.emit !== hooked) return
    if (own === undefined) delete (server as Partial<RequestEmitter>).emit
    else Object.defineProperty(server, 'emit', own)
  }
}

type Emit = RequestEmitter['emit']
const PROTOTYPES: readonly RequestEmitter[] = [HttpServer.prototype, HttpsServer.prototype]

/** Others are known to wrap Node's own servers as they are; what a program's own class does is not looked into. */
function isInstrumented(emit: Emit, server: RequestEmitter): boolean {
  if (emit === EventEmitter.prototype.emit) return false
  return PROTOTYPES.some(prototype => prototype === server || prototype.emit === emit)
}

/**
 * Runs `body` where the listeners of the server would be called: inside whatever an instrumentation puts around them, its
 * span above all. It gets to see an heir of the server, which has our listener and no other.
 */
function emitInside(emit: Emit, server: RequestEmitter, args: Parameters<Emit>, body: () => boolean): boolean {
  const heir = Object.create(server) as EventEmitter
  // As a constructor of old calls that of its parent: it gives the heir listeners of its own.
  Reflect.apply(EventEmitter as unknown as () => void, heir, [])
  let wasHeard = false
  heir.once(args[0], () => {
    wasHeard = body()
  })
  Reflect.apply(emit, heir, args)
  return wasHeard
}

export function expressMiddleware(tracer: ServingTracer, options: HttpHookOptions): Middleware {
  checkKeys(options, HOOK_KEYS)
  return (request, response, next) => {
    const route = () => (request as { route?: { path?: unknown } }).route?.path
    const about = { route: () => (typeof route() === 'string' ? (route() as string) : undefined) }
    traceHttp(tracer, options, request, response, next, about)
  }
}

export function fastifyPlugin(tracer: ServingTracer, options: HttpHookOptions): FastifyPlugin {
  checkKeys(options, HOOK_KEYS)
  const plugin: FastifyPlugin = (instance, _, done) => {
    instance.addHook('onRequest', (request, reply, next) => {
      const about = { requestId: String(request.id), route: () => request.routeOptions?.url }
      traceHttp(tracer, options, request.raw, reply.raw, next, about)
    })
    done()
  }
  // Else the hook would hold for what is registered inside the plugin alone: nothing.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}
