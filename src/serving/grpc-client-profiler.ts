import { ClientStages } from './client-stages.js'
import { PROFILE_HEADER, PROFILE_TIMES_HEADER } from './profile-header.js'
import { type ClientProfilerOptions, resolveClientOptions } from './profiled-fetch.js'

// What is used of @grpc/grpc-js, in our own words: the package is the user's.
interface Metadata {
  get(name: string): (string | Buffer)[]
  set(name: string, value: string): void
  clone(): Metadata
}
interface Status {
  code: number
  metadata?: Metadata
}
interface Listener {
  onReceiveMetadata(metadata: Metadata): void
  onReceiveMessage(message: unknown): void
  onReceiveStatus(status: Status): void
}
interface Call {
  start(metadata: Metadata, listener?: Partial<Listener>): void
}
interface Method {
  readonly responseStream: boolean
  requestSerialize(message: unknown): Buffer
  responseDeserialize(bytes: Buffer): unknown
}

/** An interceptor of `@grpc/grpc-js`, to be given to a client as `{ interceptors: [it] }`. */
// biome-ignore lint/suspicious/noExplicitAny: InterceptingCall has private members, so that no type of ours fits it
export type GrpcClientInterceptor = (options: any, nextCall: (options: any) => any) => any

/**
 * Writes a line with the stages of each call: `prepro` until the first message is serialized, `client_infer` until the
 * last one of the response has come, `postpro` from there, deserializing included, until the caller has the status. The
 * call carries the `traceparent` of the span around, unless its metadata has one.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN
 * @example
 * const client = new Model(address, credentials, { interceptors: [grpcClientProfiler()] })
 */
export function grpcClientProfiler(options: ClientProfilerOptions = {}): GrpcClientInterceptor {
  const { timer, askServer } = resolveClientOptions(options)
  return (callOptions: { method_definition: Method }, nextCall: (options: unknown) => Call): Call => {
    const stages = new ClientStages(timer)
    const call = nextCall(callOptions)
    // Of this call alone, both: the client makes them anew for each.
    watchMethod(callOptions.method_definition, stages)
    const start = call.start
    call.start = (metadata, listener) => {
      // A caller may use one object for many calls.
      const own = metadata.clone()
      const carrier = Object.entries(stages.beginInfer() ?? {}) as [string, string][]
      const hasTrace = own.get('traceparent').length > 0
      for (const [name, value] of hasTrace ? [] : carrier) own.set(name, value)
      if (askServer && timer.isOn) own.set(PROFILE_HEADER, '1')
      start.call(call, own, watchedListener(listener, stages, callOptions.method_definition))
    }
    return call
  }
}

/** The only place where the bytes of a message are seen: interceptors get objects. */
function watchMethod(method: Method, stages: ClientStages): void {
  const { requestSerialize, responseDeserialize, responseStream } = method
  method.requestSerialize = message => {
    const bytes = requestSerialize(message)
    stages.sent()
    return bytes
  }
  method.responseDeserialize = bytes => {
    if (responseStream) stages.messageCame()
    else {
      stages.received()
      stages.beginDecode()
    }
    return responseDeserialize(bytes)
  }
}

function watchedListener(
  listener: Partial<Listener> | undefined,
  stages: ClientStages,
  { responseStream }: Method,
): Listener {
  return {
    onReceiveMetadata: metadata => {
      stages.answered(metadata.get(PROFILE_TIMES_HEADER)[0])
      listener?.onReceiveMetadata?.(metadata)
    },
    onReceiveMessage: message => {
      listener?.onReceiveMessage?.(message)
      if (responseStream) stages.messageDecoded()
    },
    onReceiveStatus: status => {
      stages.answered(status.metadata?.get(PROFILE_TIMES_HEADER)[0])
      const error = status.code === 0 ? undefined : status
      if (!stages.isDecoding) stages.received(error)
      else if (!responseStream) stages.endDecode(error)
      stages.finish(error)
      listener?.onReceiveStatus?.(status)
    },
  }
}
