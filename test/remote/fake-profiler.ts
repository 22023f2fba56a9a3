// A server of tensorflow.ProfilerService that behaves as the real ones do, well or badly.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'

import {
  decodeProfileRequest,
  decodeSessionId,
  encodeProfileResponse,
  type ProfileRequest,
  type ProfileResponse,
} from '../../src/remote/messages.js'
import { WireWriter } from '../../src/remote/wire-writer.js'

export type Answer = Partial<ProfileResponse> | { code: number; details: string } | Buffer
/** What the server does with a request; `ended` resolves at the end of the time, at Terminate or when nobody waits. */
export type Behaviour = (request: ProfileRequest, ended: Promise<void>) => Answer | Promise<Answer>

export interface FakeProfiler {
  address: string
  requests: ProfileRequest[]
  /** Of each request: the authorization that came with it. */
  tokens: (string | undefined)[]
  terminated: string[]
  close(): void
}

const whole = (bytes: Buffer) => bytes
const method = (name: string) => ({
  path: `/tensorflow.ProfilerService/${name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: whole,
  requestDeserialize: whole,
  responseSerialize: whole,
  responseDeserialize: whole,
})

export async function fakeProfiler(
  behave: Behaviour,
  { host = '127.0.0.1', credentials = ServerCredentials.createInsecure() } = {},
): Promise<FakeProfiler> {
  const server = new Server()
  const fake: FakeProfiler = {
    address: '',
    requests: [],
    tokens: [],
    terminated: [],
    close: () => server.forceShutdown(),
  }
  const ends = new Map<string, () => void>()
  server.addService(
    { Profile: method('Profile'), Terminate: method('Terminate') },
    {
      Profile: async (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        const request = decodeProfileRequest(call.request)
        fake.requests.push(request)
        fake.tokens.push(call.metadata.get('authorization')[0]?.toString())
        const ended = new Promise<void>(resolve => {
          ends.set(request.sessionId, resolve)
          const timer = setTimeout(
            resolve,
            Number(request.options.startTimestampNs / 1_000_000n) + request.durationMs - Date.now(),
          )
          call.on('cancelled', () => {
            clearTimeout(timer)
            resolve()
          })
        })
        const answer = await behave(request, ended)
        if (Buffer.isBuffer(answer)) reply(null, answer)
        else if ('code' in answer) reply(answer)
        else reply(null, encodeProfileResponse({ toolData: [], emptyTrace: false, ...answer }))
      },
      Terminate: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        const id = decodeSessionId(call.request)
        fake.terminated.push(id)
        ends.get(id)?.()
        reply(null, Buffer.alloc(0))
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:0`, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  fake.address = `${host}:${port}`
  return fake
}

/** A host plane with one event, and what the server says beside. */
export function xspace({ errors = [] as string[], warnings = [] as string[], planes = 1 } = {}): Buffer {
  const space = new WireWriter()
  for (let plane = 0; plane < planes; plane++) space.message(1, new WireWriter().string(2, '/host:CPU'))
  for (const error of errors) space.string(2, error)
  for (const warning of warnings) space.string(3, warning)
  return space.string(4, 'fake').finish()
}

/** As opscope and TensorFlow since 2.12 answer who wants the XSpace. */
export const sendsXspace: Behaviour = async (_request, ended) => {
  await ended
  return { xspace: xspace() }
}
/** As TensorFlow before: it writes to its own disk. */
export const keepsFile: Behaviour = async ({ repositoryRoot, sessionId, hostName }, ended) => {
  await ended
  const folder = join(repositoryRoot, sessionId)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${hostName.replaceAll(':', '_')}.xplane.pb`), xspace())
  return {}
}
export const refuses =
  (code: status, details: string): Behaviour =>
  () => ({ code, details })
export { status }
