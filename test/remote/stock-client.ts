// Asks for captures as tf.profiler and TensorBoard 2.21 do, step by step: grpc-js carries messages that protobufjs makes
// from our own definition of them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import protobuf from 'protobufjs'

const DEFINITION = fileURLToPath(new URL('profiler.proto', import.meta.url))
const { root } = protobuf.parse(readFileSync(DEFINITION, 'utf8'), { keepCase: true })

const TOOLS = [
  ...['trace_viewer', 'op_profile', 'input_pipeline', 'kernel_stats', 'memory_viewer', 'memory_profile'],
  ...['overview_page', 'pod_viewer', 'tensorflow_stats', 'xplane.pb'],
]
const METHODS = {
  Profile: ['ProfilerService', 'ProfileRequest', 'ProfileResponse'],
  Terminate: ['ProfilerService', 'TerminateRequest', 'TerminateResponse'],
  Monitor: ['ProfilerService', 'MonitorRequest', 'MonitorResponse'],
  StartContinuousProfiling: ['ProfilerService', 'ProfileRequest', 'ContinuousProfilingResponse'],
  StopContinuousProfiling: ['ProfilerService', 'StopContinuousProfilingRequest', 'StopContinuousProfilingResponse'],
  GetSnapshot: ['ProfilerService', 'GetSnapshotRequest', 'ProfileResponse'],
  NewSession: ['ProfileAnalysis', 'NewProfileSessionRequest', 'NewProfileSessionResponse'],
} as const
export type Method = keyof typeof METHODS

export interface CallOptions {
  deadlineMs?: number
  token?: string
  metadata?: Record<string, string>
  tls?: ChannelCredentials
  signal?: AbortSignal
}
export interface Reply {
  tool_data: { name: string; data: Buffer }[]
  empty_trace: boolean
  xspace?: Buffer
}

/** One call; fails with the ServiceError that it ended with. */
export async function call<T = Record<string, unknown>>(
  address: string,
  method: Method,
  message: object | Buffer,
  { deadlineMs = 60_000, token, metadata = {}, tls = credentials.createInsecure(), signal }: CallOptions = {},
): Promise<T> {
  const [service, requestName, replyName] = METHODS[method]
  const request = root.lookupType(`tensorflow.${requestName}`)
  const reply = root.lookupType(`tensorflow.${replyName}`)
  const bytes = Buffer.isBuffer(message) ? message : Buffer.from(request.encode(request.fromObject(message)).finish())
  const headers = new Metadata()
  for (const [key, value] of Object.entries(metadata)) headers.set(key, value)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const client = new Client(address, tls, { 'grpc.max_receive_message_length': 2 ** 31 - 1 })
  try {
    return await new Promise<T>((resolve, reject) => {
      const running = client.makeUnaryRequest(
        `/tensorflow.${service}/${method}`,
        (each: Buffer) => each,
        (each: Buffer) => reply.toObject(reply.decode(each), { defaults: true, bytes: Buffer }) as T,
        bytes,
        headers,
        { deadline: Date.now() + deadlineMs },
        (error, value) => (error === null ? resolve(value!) : reject(error)),
      )
      signal?.addEventListener('abort', () => running.cancel())
    })
  } finally {
    client.close()
  }
}

/** `NAME details` of the status that the call ends with. */
export async function failureOf(running: Promise<unknown>): Promise<string> {
  try {
    await running
  } catch (error) {
    const { code, details } = error as ServiceError
    return `${status[code]} ${details}`
  }
  return 'did not fail'
}

export interface TraceOptions {
  attempts?: number
  sessionId?: string
  startDelayMs?: number
}
/** What `tf.profiler.experimental.client.trace` does: the files that are in the logdir by then. Fails as it does. */
export async function trace(
  service: string,
  logdir: string,
  durationMs: number,
  { attempts = 1, sessionId = localTime(), startDelayMs = 0 }: TraceOptions = {},
): Promise<string[]> {
  const repositoryRoot = join(logdir, 'plugins/profile')
  const hosts = service.split(',').map(each => each.replace(/^grpc:\/\//, ''))
  for (const host of hosts) {
    if (!/^[^:]+:\d+$/.test(host)) throw new Error(`INVALID_ARGUMENT: ${host} is no host:port`)
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const startNs = BigInt(Date.now() + startDelayMs) * 1_000_000n
    const replies = await Promise.allSettled(
      hosts.map(host =>
        call<Reply>(host, 'Profile', profileRequest(host, { durationMs, startNs, repositoryRoot, sessionId, logdir }), {
          deadlineMs: Math.max(60_000, 2 * durationMs) + startDelayMs,
        }),
      ),
    )
    const files: string[] = []
    let hasTrace = false
    for (const [index, reply] of replies.entries()) {
      if (reply.status === 'rejected' || reply.value.empty_trace) continue
      hasTrace = true
      for (const { name, data } of reply.value.tool_data) {
        const folder = join(repositoryRoot, sessionId)
        mkdirSync(folder, { recursive: true })
        const path = join(folder, `${hosts[index]!.replaceAll(':', '_')}.${name}`)
        writeFileSync(path, data)
        files.push(path)
      }
    }
    if (hasTrace) return files
  }
  throw new Error('UNAVAILABLE: no trace event was collected')
}

interface Asked {
  durationMs: number
  startNs?: bigint
  repositoryRoot?: string
  sessionId?: string
  logdir?: string
}
export function profileRequest(
  host: string,
  { durationMs, startNs = 0n, repositoryRoot = '', sessionId = '', logdir = '' }: Asked,
): object {
  return {
    duration_ms: durationMs,
    max_events: 1_000_000,
    tools: TOOLS,
    opts: {
      include_dataset_ops: true,
      host_tracer_level: 2,
      device_tracer_level: 1,
      version: 1,
      enable_hlo_proto: true,
      start_timestamp_ns: String(startNs),
      duration_ms: durationMs,
      repository_path: logdir,
    },
    repository_root: repositoryRoot,
    session_id: sessionId,
    host_name: host,
  }
}

/** `2026_11_22_04_09_02` */
function localTime(): string {
  const now = new Date()
  const parts = [
    now.getFullYear(),
    now.getMonth() + 1,
    now.getDate(),
    now.getHours(),
    now.getMinutes(),
    now.getSeconds(),
  ]
  return parts.map((part, index) => String(part).padStart(index === 0 ? 4 : 2, '0')).join('_')
}
