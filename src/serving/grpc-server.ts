// One call of a @grpc/grpc-js server, by an interceptor. The package is not imported: what is needed of it comes along.

import { checkKeys } from '../option-checks.js'
import { PROFILE_HEADER, PROFILE_TIMES_HEADER, wantsProfile } from './profile-header.js'
import type { TracedRequest } from './request.js'
import { profileTimes, serverTiming } from './response-headers.js'
import type { Outcome } from './stamps.js'
import type { ServingTracer } from './tracer.js'
import { traceFailed } from './trouble.js'

/** `Metadata` of grpc-js. */
interface Metadata {
  get(key: string): (string | Buffer)[]
  set(key: string, value: string): void
  clone(): Metadata
}
interface Listener {
  onReceiveMetadata(metadata: Metadata): void
  onReceiveMessage(message: unknown): void
  onReceiveHalfClose(): void
  onCancel(): void
}
interface Status {
  code?: number | null
  details?: string | null
  metadata?: Metadata | null
}
/** `ServerInterceptingCallInterface` of grpc-js: these, and more that are only handed on. */
interface ServerCall {
  start(listener: Listener): void
  sendMessage(message: unknown, callback: () => void): void
  sendStatus(status: Status): void
}

/** What tells the model of a call. */
export interface GrpcCallFacts {
  /** `/inference.GRPCInferenceService/ModelInfer` */
  path: string
  metadata: { get(key: string): (string | Buffer)[] }
}
export interface GrpcHookOptions {
  /** Name of the model of a call, where path or metadata tell it: settings of that model then hold from the start. */
  model?: string | ((call: GrpcCallFacts) => string | undefined)
  /** Calls that are none of inference are not looked at. */
  filter?: (call: GrpcCallFacts) => boolean
}

/** A `ServerInterceptor` of grpc-js. */
// biome-ignore lint/suspicious/noExplicitAny: ServerInterceptingCall has private members, so that no type of ours fits it
export type GrpcInterceptor = (method: { path: string }, call: any) => any

export function grpcInterceptor(tracer: ServingTracer, options: GrpcHookOptions): GrpcInterceptor {
  checkKeys(options, ['model', 'filter'])
  return (method, call: ServerCall) => {
    tracer.hasFrontEnd = true
    const mayBeProfiled = tracer.options.answerProfile !== false
    if (!tracer.isWatching && !mayBeProfiled) return call
    return tracedCall(tracer, options, method.path, call)
  }
}

// https://grpc.io/docs/guides/status-codes
const CANCELLED = 1
const RESOURCE_EXHAUSTED = 8
const UNAVAILABLE = 14

function outcomeOf(code: number): Outcome {
  if (code === 0) return 'ok'
  if (code === CANCELLED) return 'cancelled'
  return code === RESOURCE_EXHAUSTED || code === UNAVAILABLE ? 'rejected' : 'failed'
}

function tracedCall(tracer: ServingTracer, options: GrpcHookOptions, path: string, call: ServerCall): ServerCall {
  let request: TracedRequest | undefined
  let emptyMetadata: (() => Metadata) | undefined
  const inside = <T>(body: () => T): T => tracer.run(request, body)
  const wrapped: ServerCall = handedOn(call)

  // Each of these begins in an async context of its own: all of them must be brought to the request's.
  wrapped.start = listener =>
    call.start({
      onReceiveMetadata(metadata) {
        request = begin(tracer, options, path, metadata)
        emptyMetadata = () => new (metadata.constructor as new () => Metadata)()
        inside(() => listener.onReceiveMetadata(metadata))
      },
      onReceiveMessage(message) {
        request?.received()
        inside(() => listener.onReceiveMessage(message))
      },
      onReceiveHalfClose() {
        request?.received()
        inside(() => listener.onReceiveHalfClose())
      },
      onCancel() {
        // It comes at the end of every call; where a status went out before, that has ended the request.
        request?.end('cancelled')
        inside(() => listener.onCancel())
      },
    })
  wrapped.sendMessage = (message, callback) => {
    request?.sending()
    call.sendMessage(message, () => {
      request?.sent()
      callback()
    })
  }
  wrapped.sendStatus = status => {
    const code = status.code ?? 0
    let told = status
    if (request !== undefined && !request.isEnded) {
      if (!request.isSending) request.sending()
      if (request.facts.isProfiled || tracer.options.serverTiming) {
        told = withTimes(status, request, emptyMetadata, tracer.options.serverTiming === true)
      }
    }
    call.sendStatus(told)
    if (request !== undefined && !request.isSent) request.sent()
    request?.end(outcomeOf(code))
  }
  return wrapped
}

function begin(
  tracer: ServingTracer,
  options: GrpcHookOptions,
  path: string,
  metadata: Metadata,
): TracedRequest | undefined {
  try {
    const isProfiled = tracer.options.answerProfile !== false && wantsProfile(textOf(metadata, PROFILE_HEADER))
    if (!tracer.isWatching && !isProfiled) return undefined
    const call = { path, metadata }
    if (options.filter?.(call) === false) return undefined
    const model = typeof options.model === 'function' ? options.model(call) : options.model
    return tracer.start('GRPC', {
      model,
      requestId: textOf(metadata, 'x-request-id'),
      name: path,
      traceparent: textOf(metadata, 'traceparent'),
      tracestate: textOf(metadata, 'tracestate'),
      isProfiled,
      attributes: { 'rpc.system': 'grpc', 'rpc.method': path },
    })
  } catch (error) {
    traceFailed(error)
    return undefined
  }
}

function withTimes(
  status: Status,
  request: TracedRequest,
  emptyMetadata: (() => Metadata) | undefined,
  hasServerTiming: boolean,
): Status {
  try {
    // A program may send the same metadata with every call.
    const metadata = status.metadata?.clone() ?? emptyMetadata?.()
    if (metadata === undefined) return status
    if (hasServerTiming) metadata.set('server-timing', serverTiming(request, metadata.get('server-timing')))
    if (request.facts.isProfiled) metadata.set(PROFILE_TIMES_HEADER, profileTimes(request))
    return { ...status, metadata }
  } catch {
    return status
  }
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key)
  return typeof value === 'string' ? value : undefined
}

const methodNames = new WeakMap<object, readonly string[]>()

/** An object that hands every call on: what a version of grpc-js has beyond the methods named here, too. */
function handedOn(call: ServerCall): ServerCall {
  const prototype = Object.getPrototypeOf(call) as object
  const names = methodNames.get(prototype) ?? namesOf(call)
  // Objects without a class, as other interceptors make them, need not be alike.
  if (prototype !== Object.prototype) methodNames.set(prototype, names)
  const wrapped: Record<string, unknown> = {}
  for (const name of names) {
    wrapped[name] = (...args: unknown[]) =>
      (call as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args)
  }
  return wrapped as unknown as ServerCall
}

function namesOf(call: object): readonly string[] {
  const names = new Set<string>()
  for (let each = call; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    for (const name of Object.getOwnPropertyNames(each)) {
      const { value } = Object.getOwnPropertyDescriptor(each, name)!
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names]
}
