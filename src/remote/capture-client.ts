import { OpscopeError } from '../errors.js'
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { type Address, parseAddresses } from './address.js'
import { type CaptureFile, SessionFolder, sessionIdOf } from './capture-files.js'
import { type CaptureOrder, HostCall } from './capture-host.js'
import { type ConnectionOptions, checkConnection, GrpcClient } from './grpc-client.js'
import type { HostFailure } from './host-failure.js'
import type { ToolData } from './messages.js'

export type { CaptureFile } from './capture-files.js'
export type { ConnectionOptions } from './grpc-client.js'
export type { HostFailure, HostFailureReason } from './host-failure.js'
export type { ToolData } from './messages.js'

/** How far the capture of one host is. */
export interface HostProgress {
  address: string
  phase: 'connecting' | 'waiting' | 'recording' | 'receiving' | 'done' | 'failed'
  /** When its recording begins or began, `Date.now()`; 0 before that is known. */
  startMs: number
}

export interface CaptureRemoteOptions extends ConnectionOptions {
  /** How long each host records. @default 1000 */
  durationMs?: number
  /** Where TensorBoard looks for profiles: each host's go to `plugins/profile/<session>/`. @default none: kept in memory */
  logdir?: string
  /** Between the request and the start, so that all hosts begin together. @default 0 for one host, 500 for several */
  startDelayMs?: number
  onProgress?: (progress: HostProgress) => void
  /** Ends the recordings early; what came is kept. */
  signal?: AbortSignal
}

/** What one host gave. */
export interface HostCapture {
  address: string
  /** With a `logdir`: what was written, `HOST_PORT.xplane.pb` first. */
  files: CaptureFile[]
  /** Without one. */
  tools: ToolData[]
  /** What the host says of its recording. */
  warnings: string[]
  /** Why there is nothing. */
  failure?: HostFailure
}
export interface RemoteCapture {
  sessionId: string
  /** Where the files lie; undefined without any. */
  folder: string | undefined
  hosts: HostCapture[]
}

const OPTION_KEYS = ['durationMs', 'logdir', 'startDelayMs', 'token', 'tls', 'onProgress', 'signal']
const LONGEST_MS = 3_600_000
// Covers a round trip to the other side of the world and an event loop that is busy.
const SEVERAL_DELAY_MS = 500
// A host that does not answer holds the others up so long.
const CONNECT_MS = 5000
// As TensorFlow's client: the time of the recording, and as much for what follows it.
const LEAST_DEADLINE_MS = 60_000

/**
 * Captures processes over the network, all at the same time: those that serve opscope's profiler, and any of TensorFlow
 * or JAX. What goes wrong with a host is its `failure`, and no error.
 *
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE; ERR_OPSCOPE_FILE_WRITE for a logdir that
 * cannot be written; ERR_OPSCOPE_PACKAGE_MISSING without @grpc/grpc-js
 * @example
 * const { hosts } = await captureRemote(['gpu-1:9012', 'gpu-2:9012'], { durationMs: 2000, logdir: './tb' })
 * for (const { address, failure } of hosts) if (failure) console.error(address, failure.message)
 * const all = await mergeCaptures(hosts.flatMap(({ files }) => files[0]?.path ?? []))
 */
export async function captureRemote(
  addresses: readonly string[],
  options: CaptureRemoteOptions = {},
): Promise<RemoteCapture> {
  checkOptions(options)
  const hosts = parseAddresses(addresses)
  const clients: GrpcClient[] = []
  for (const host of hosts) clients.push(await GrpcClient.open(host, options))
  const wantedId = sessionIdOf(new Date())
  const folder = options.logdir === undefined ? undefined : new SessionFolder(options.logdir, wantedId)
  const order = orderOf(hosts, folder, wantedId, options)
  const calls = hosts.map((host, index) => new HostCall(host, clients[index]!, order))
  try {
    // Connected first: the delay then covers the way of the requests alone.
    await Promise.all(calls.map(call => call.connect(CONNECT_MS)))
    const startMs = Date.now() + order.startDelayMs
    const captures = await Promise.all(calls.map(call => call.capture(startMs)))
    return {
      sessionId: order.sessionId,
      folder: folder?.removeIfEmpty() === false ? folder.path : undefined,
      hosts: captures,
    }
  } finally {
    for (const client of clients) client.close()
  }
}

function orderOf(
  hosts: readonly Address[],
  folder: SessionFolder | undefined,
  wantedId: string,
  options: CaptureRemoteOptions,
): CaptureOrder {
  const { durationMs = 1000, startDelayMs = hosts.length > 1 ? SEVERAL_DELAY_MS : 0 } = options
  return {
    durationMs,
    startDelayMs,
    sessionId: folder?.sessionId ?? wantedId,
    folder,
    deadlineMs: Date.now() + Math.max(LEAST_DEADLINE_MS, 2 * durationMs) + startDelayMs,
    isTls: options.tls !== undefined && options.tls !== false,
    onProgress: options.onProgress ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
  }
}

function checkOptions(options: CaptureRemoteOptions): void {
  checkKeys(options, OPTION_KEYS)
  checkConnection(options)
  const { durationMs, startDelayMs, logdir, onProgress, signal } = options
  if (durationMs !== undefined) checkWholeNumber({ durationMs }, 1, LONGEST_MS)
  if (startDelayMs !== undefined) checkWholeNumber({ startDelayMs }, 0, LONGEST_MS)
  if (logdir !== undefined && (typeof logdir !== 'string' || logdir === '' || /^[a-z]\w*:\/\//i.test(logdir))) {
    throw unfit('logdir', 'the path of a folder of this machine')
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') throw unfit('onProgress', 'a function')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw unfit('signal', 'an AbortSignal')
}
function unfit(key: string, what: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected the "${key}" option to be ${what}.`)
}
