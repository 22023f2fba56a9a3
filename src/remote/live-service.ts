import { OpscopeError } from '../errors.js'
import { type GrpcCaller, isLocalGrpc, type Refusals } from '../network-access.js'
import { checkKeys } from '../option-checks.js'
import { admissionOf, CAPTURE_ACCESS_KEYS, type CaptureAccess } from './access.js'
import { CallFailure, STATUS } from './call-failure.js'
import { CaptureGate, type CaptureLimits } from './capture-limits.js'
import {
  DEFAULT_OPS,
  decodeWatchRequest,
  encodeLiveFrame,
  type LiveFrame,
  MAX_EVERY_SECONDS,
  MAX_OPS,
} from './live-frame.js'
import { watchProcess } from './live-watch.js'

/** A server of `@grpc/grpc-js`. */
export interface LiveGrpcServer {
  addService(service: object, implementation: object): void
}
export interface LiveServiceOptions
  extends CaptureAccess<GrpcCaller>,
    Pick<CaptureLimits, 'maxConcurrent' | 'maxPerMinute'> {
  /** Told when a caller begins and ends to watch, by its address. */
  onWatch?: (peer: string, isWatching: boolean) => void
}
/** The service on a server. */
export interface MountedLive {
  readonly refusals: Refusals
  /** Who watches now. */
  readonly watching: number
  /** Ends all watches; the server itself stays. */
  close(): void
}

/** A server-streaming call of grpc-js. */
interface WatchCall extends GrpcCaller {
  readonly request: Buffer
  write(bytes: Buffer): boolean
  end(): void
  emit(event: 'error', failure: { code: number; details: string }): boolean
  once(event: 'cancelled' | 'drain', listener: () => void): void
}

const OWN_KEYS = ['maxConcurrent', 'maxPerMinute', 'onWatch']
// A watch request has ten bytes.
const MAX_REQUEST_BYTES = 1024
// Whoever takes no frame for a minute does not watch.
const PATIENCE_MS = 60_000

/**
 * Adds `opscope.v1.Live` to a gRPC server: what `opscope top` shows. While nobody watches, nothing is recorded. Requests
 * of this machine alone are served, unless the options say otherwise.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, also when the server has the service.
 */
export function addLiveService(server: LiveGrpcServer, options: LiveServiceOptions = {}): MountedLive {
  checkKeys(options, [...CAPTURE_ACCESS_KEYS, ...OWN_KEYS])
  const { maxConcurrent, maxPerMinute, onWatch = () => {}, ...access } = options
  const given = Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined))
  const { admit, refusals } = admissionOf<GrpcCaller>(given, call => call.metadata.get('authorization')[0]?.toString())
  const gate = new CaptureGate({
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(maxPerMinute === undefined ? {} : { maxPerMinute }),
  })
  const enders = new Set<() => void>()

  const watch = (call: WatchCall) => {
    const gone = new Promise<void>(resolve => call.once('cancelled', resolve))
    const serve = async () => {
      await admit(call, { isLocal: isLocalGrpc(call), isFromPage: false })
      const request = requestOf(call.request)
      onWatch(call.getPeer(), true)
      try {
        await gate.pass(() => sendFrames(call, request, gone, enders))
      } finally {
        onWatch(call.getPeer(), false)
      }
      call.end()
    }
    serve().catch((error: unknown) => call.emit('error', failureOf(error)))
  }
  try {
    server.addService({ Watch: DEFINITION }, { Watch: watch })
  } catch (error) {
    const message = `The live view cannot be added to the server: ${(error as Error).message}`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, 'A server has it once.', { cause: error })
  }
  return {
    refusals,
    get watching() {
      return enders.size
    },
    close() {
      for (const end of [...enders]) end()
    },
  }
}

/** Until the watcher is gone, takes nothing, or the service is closed. */
function sendFrames(
  call: WatchCall,
  { everySeconds, ops }: ReturnType<typeof requestOf>,
  gone: Promise<void>,
  enders: Set<() => void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let fullSinceMs: number | undefined
    let count = 0
    const onFrame = (frame: LiveFrame) => {
      if (fullSinceMs !== undefined) {
        // What a slow watcher has not taken it does not get: its memory would be ours.
        if (performance.now() - fullSinceMs > PATIENCE_MS) end()
        return
      }
      if (count++ % everySeconds !== 0) return
      if (call.write(encodeLiveFrame({ ...frame, ops: frame.ops.slice(0, ops) }))) return
      fullSinceMs = performance.now()
      call.once('drain', () => {
        fullSinceMs = undefined
      })
    }
    const stop = watchProcess({
      onFrame,
      onFailure: error => {
        finish()
        reject(error)
      },
    })
    const finish = () => {
      stop()
      enders.delete(end)
    }
    const end = () => {
      finish()
      resolve()
    }
    enders.add(end)
    void gone.then(end)
  })
}

const whole = (bytes: Buffer) => bytes
const DEFINITION = {
  path: '/opscope.v1.Live/Watch',
  requestStream: false,
  responseStream: true,
  requestSerialize: whole,
  // Decoded by the handler: what fails here, grpc-js tells as INTERNAL.
  requestDeserialize: whole,
  responseSerialize: whole,
  responseDeserialize: whole,
}

/** @throws CallFailure INVALID_ARGUMENT */
function requestOf(bytes: Buffer): { everySeconds: number; ops: number } {
  try {
    if (bytes.length > MAX_REQUEST_BYTES) throw new Error(`it has more than ${MAX_REQUEST_BYTES} bytes`)
    const { everySeconds, ops } = decodeWatchRequest(bytes)
    if (everySeconds < 0 || everySeconds > MAX_EVERY_SECONDS) throw new Error('seconds are from 0 to 3600')
    if (ops < 0 || ops > MAX_OPS) throw new Error(`ops are from 0 to ${MAX_OPS}`)
    return { everySeconds: everySeconds || 1, ops: ops || DEFAULT_OPS }
  } catch (error) {
    throw new CallFailure('INVALID_ARGUMENT', `The request cannot be read: ${(error as Error).message}.`)
  }
}

function failureOf(error: unknown): { code: number; details: string } {
  if (error instanceof CallFailure) return { code: STATUS[error.status], details: error.message }
  if (!(error instanceof OpscopeError)) process.emitWarning(error as Error)
  return { code: STATUS.INTERNAL, details: (error as Error).message }
}
