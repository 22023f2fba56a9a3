// How requests of node:http servers and of frameworks on top reach the tracer.
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

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

/** Traces the requests of a server of node:http, node:https or node:http2; returns what takes the hook away again. */
export function hookServer(tracer: ServingTracer, server: RequestEmitter, options: HttpHookOptions): () => void {
  const own = Object.getOwnPropertyDescriptor(server, 'emit')
  const { emit } = server
  let isOn = true
  const hooked = function (this: RequestEmitter, event: string | symbol, ...args: unknown[]): boolean {
    const emitEvent = () => Reflect.apply(emit, this, [event, ...args]) as boolean
    // A client that waits for "100 Continue" comes by an event of its own, where the server listens to that.
    if (!isOn || (event !== 'request' && event !== 'checkContinue')) return emitEvent()
    return traceHttp(tracer, options, args[0] as IncomingMessage, args[1] as ServerResponse, emitEvent)
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

export function expressMiddleware(tracer: ServingTracer, options: HttpHookOptions): Middleware {
  return (request, response, next) => {
    const route = () => (request as { route?: { path?: unknown } }).route?.path
    const about = { route: () => (typeof route() === 'string' ? (route() as string) : undefined) }
    traceHttp(tracer, options, request, response, next, about)
  }
}

export function fastifyPlugin(tracer: ServingTracer, options: HttpHookOptions): FastifyPlugin {
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
