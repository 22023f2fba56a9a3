import { OpscopeError } from '../errors.js'
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { parseAddress } from './address.js'
import { type ConnectionOptions, checkConnection, GrpcClient } from './grpc-client.js'
import { failureOf, type GrpcStatus, noAnswer } from './host-failure.js'
import {
  decodeLiveFrame,
  encodeWatchRequest,
  type LiveFrame,
  MAX_EVERY_SECONDS,
  MAX_FRAME_BYTES,
  MAX_OPS,
} from './live-frame.js'

export type { LiveDevice, LiveFrame, LiveRow } from './live-frame.js'

export interface WatchOptions extends ConnectionOptions {
  /** A frame each so many seconds, of the last one of them. @default 1 */
  everySeconds?: number
  /** Ops in a frame. @default 20 */
  ops?: number
  /** Ends the watch. */
  signal?: AbortSignal
}

export const LIVE_WATCH = '/opscope.v1.Live/Watch'
const CANCELLED = 1
const CONNECT_MS = 5000

/**
 * What a running process does, second by second; it records only while somebody watches.
 * @throws OpscopeError ERR_OPSCOPE_REMOTE when there is no such process, it lets us not in, or it has gone;
 *   ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_PACKAGE_MISSING
 * @example
 * for await (const { ops, request } of watchLive('localhost:9012')) console.log(request.calls, ops[0]?.name)
 */
export async function* watchLive(address: string, options: WatchOptions = {}): AsyncGenerator<LiveFrame, void, void> {
  checkKeys(options, ['token', 'tls', 'everySeconds', 'ops', 'signal'])
  checkConnection(options)
  const { everySeconds = 1, ops = 0, signal, tls } = options
  checkWholeNumber({ everySeconds }, 1, MAX_EVERY_SECONDS)
  checkWholeNumber({ ops }, 0, MAX_OPS)
  const host = parseAddress(address)
  const client = await GrpcClient.open(host, options, MAX_FRAME_BYTES)
  const fail = async (status: GrpcStatus): Promise<never> => {
    const isTls = tls !== undefined && tls !== false
    const { message, hint } = await failureOf(status, host, { service: 'live view of opscope', isTls })
    throw new OpscopeError('ERR_OPSCOPE_REMOTE', message, hint)
  }
  try {
    if (!(await client.settle(CONNECT_MS))) await fail(noAnswer)
    if (signal?.aborted) return
    const stream = client.stream(LIVE_WATCH, encodeWatchRequest({ everySeconds, ops }))
    const cancel = () => stream.cancel()
    signal?.addEventListener('abort', cancel)
    let hasBegun = false
    try {
      for await (const bytes of stream) {
        hasBegun = true
        yield decodeLiveFrame(bytes as Buffer)
      }
    } catch (error) {
      const { code, details } = error as GrpcStatus
      if (signal?.aborted && code === CANCELLED) return
      if (details === undefined) throw error // of the frame, or of whoever reads
      if (hasBegun) throw gone(host.text, details)
      await fail({ code, details })
    } finally {
      signal?.removeEventListener('abort', cancel)
      stream.cancel()
    }
    if (!signal?.aborted) throw gone(host.text, 'it ended the view')
  } finally {
    client.close()
  }
}

function gone(address: string, details: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_REMOTE', `The process at ${address} is gone: ${details}.`)
}
