import { OpscopeError } from '../errors.js'
import { type GrpcCaller, isLocalGrpc, type Refusals } from '../network-access.js'
import { checkKeys } from '../option-checks.js'
import { admissionOf, CAPTURE_ACCESS_KEYS, type CaptureAccess } from './access.js'
import { CallFailure, STATUS } from './call-failure.js'
import {
  decodeMonitorRequest,
  decodeNewSessionRequest,
  decodeProfileRequest,
  decodeSessionId,
  encodeMonitorResponse,
  encodeNewSessionResponse,
} from './messages.js'
import { encodeProfileReply } from './profile-reply.js'
import { type CallState, type CaptureServiceOptions, ProfilerService, SERVICE_KEYS } from './profiler-service.js'

/** A server of `@grpc/grpc-js`. */
export interface CaptureGrpcServer {
  addService(service: object, implementation: object): void
}
export interface ProfilerServiceOptions extends CaptureServiceOptions, CaptureAccess<GrpcCaller> {}
export const PROFILER_SERVICE_KEYS: readonly string[] = [...SERVICE_KEYS, ...CAPTURE_ACCESS_KEYS]

/** The service on a server: what it refused and what runs. */
export interface MountedProfiler {
  readonly refusals: Refusals
  /** Captures that run now. */
  readonly running: number
  /** Ends what runs, which answers with what it has; the server itself stays. */
  close(): Promise<void>
}

interface Call extends GrpcCaller {
  readonly request: Buffer
  getDeadline(): Date | number
  once(event: 'cancelled', listener: () => void): void
}
type Callback = (failure: { code: number; details: string } | null, reply?: Buffer) => void
type Answer = (bytes: Buffer, call: CallState) => Promise<Buffer> | Buffer

// A request of a stock client has 250 bytes.
export const MAX_REQUEST_BYTES = 65_536
const NOTHING = Buffer.alloc(0)

/**
 * Adds `tensorflow.ProfilerService` to a gRPC server, beside whatever else it serves: TensorBoard and tf.profiler then
 * capture this process at its port. Requests of this machine alone are served, unless the options say otherwise.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, also when the server has such a service.
 * @example
 * addProfilerService(server, { allowRemote: true })
 */
export function addProfilerService(server: CaptureGrpcServer, options: ProfilerServiceOptions = {}): MountedProfiler {
  checkKeys(options, PROFILER_SERVICE_KEYS)
  const { authorize, allowRemote, token, ...rest } = options
  const access = { authorize, allowRemote, token }
  const given = Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined))
  const { admit, refusals } = admissionOf<GrpcCaller>(given, call => call.metadata.get('authorization')[0]?.toString())
  const profiler = new ProfilerService(rest)

  const handlerOf = (answer: Answer) => (call: Call, callback: Callback) => {
    const gone = new AbortController()
    // The event is the end of the stream: it comes after a reply too, when that has left.
    const over = new Promise<void>(resolve =>
      call.once('cancelled', () => {
        gone.abort()
        resolve()
      }),
    )
    const reply = async () => {
      await admit(call, { isLocal: isLocalGrpc(call), isFromPage: false })
      if (call.request.length > MAX_REQUEST_BYTES) {
        throw new CallFailure('RESOURCE_EXHAUSTED', `A request has at most ${MAX_REQUEST_BYTES} bytes.`)
      }
      return answer(call.request, { deadlineMs: Number(call.getDeadline()), gone: gone.signal, over })
    }
    reply().then(
      bytes => callback(null, bytes),
      (error: unknown) => callback(failureOf(error)),
    )
  }
  const services = Object.entries(answersOf(profiler)).map(([service, answers]) => {
    const entries = Object.entries(answers)
    return {
      definition: Object.fromEntries(
        entries.map(([method]) => [method, definitionOf(`/tensorflow.${service}/${method}`)]),
      ),
      handlers: Object.fromEntries(entries.map(([method, answer]) => [method, handlerOf(answer)])),
    }
  })
  try {
    for (const { definition, handlers } of services) server.addService(definition, handlers)
  } catch (error) {
    const message = `The profiler service cannot be added to the server: ${(error as Error).message}`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, 'A server has it once.', { cause: error })
  }
  return {
    refusals,
    get running() {
      return profiler.running
    },
    close: () => profiler.close(),
  }
}

function answersOf(profiler: ProfilerService): Record<string, Record<string, Answer>> {
  const profileRequest = (bytes: Buffer) => decoded(bytes, decodeProfileRequest)
  return {
    ProfilerService: {
      Profile: async (bytes, call) => encodeProfileReply(await profiler.profile(profileRequest(bytes), call)),
      Terminate: bytes => {
        profiler.terminate(decoded(bytes, decodeSessionId))
        return NOTHING
      },
      Monitor: async (bytes, call) => {
        const { text, result } = await profiler.monitor(decoded(bytes, decodeMonitorRequest), call)
        return encodeMonitorResponse(text, result)
      },
      StartContinuousProfiling: bytes => {
        profiler.startContinuous(profileRequest(bytes))
        return NOTHING
      },
      StopContinuousProfiling: async () => {
        await profiler.stopContinuous()
        return NOTHING
      },
      GetSnapshot: async (_, call) => encodeProfileReply(await profiler.snapshot(call)),
    },
    ProfileAnalysis: {
      NewSession: async (bytes, call) => {
        const { message, emptyTrace } = await profiler.newSession(decoded(bytes, decodeNewSessionRequest), call)
        return encodeNewSessionResponse(message, emptyTrace)
      },
    },
  }
}

function definitionOf(path: string): object {
  const whole = (bytes: Buffer) => bytes
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: whole,
    // Decoded by the handler: what fails here, grpc-js tells as INTERNAL.
    requestDeserialize: whole,
    responseSerialize: whole,
    responseDeserialize: whole,
  }
}

/** @throws CallFailure INVALID_ARGUMENT */
function decoded<T>(bytes: Buffer, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes)
  } catch (error) {
    throw new CallFailure('INVALID_ARGUMENT', `The message cannot be read: ${(error as Error).message}.`)
  }
}

function failureOf(error: unknown): { code: number; details: string } {
  if (error instanceof CallFailure) return { code: STATUS[error.status], details: error.message }
  if (!(error instanceof OpscopeError)) process.emitWarning(error as Error)
  return { code: STATUS.INTERNAL, details: (error as Error).message }
}
