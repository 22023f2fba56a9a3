// Real servers on loopback whose requests a tracer sees, and what it wrote about them.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextLoop } from 'node:timers/promises'

import * as grpc from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'

import { type ServingTracer, type ServingTracerOptions, servingTracer } from '../../src/serving/index.js'

/** One trace of a file, its fragments joined. */
export interface Trace {
  id: number
  model_name: string
  model_version: number
  request_id: string
  parent_id?: number
  names: string[]
  at: Record<string, bigint>
  tensors: { activity: string; tensor: Record<string, string> }[]
}
interface Fragment {
  id: number
  timestamps?: { name: string; ns: string }[]
  activity?: string
  tensor?: Record<string, string>
}

export function temporaryPath(name: string): string {
  return join(mkdtempSync(join(tmpdir(), 'opscope-serving-')), name)
}

/** A tracer with a file of its own; `traces()` is what is in it by then. */
export function tracerWithFile(options: ServingTracerOptions = {}): {
  tracer: ServingTracer
  file: string
  traces(): Promise<Trace[]>
} {
  const file = temporaryPath('trace.json')
  const tracer = servingTracer({ file, rate: 1, ...options })
  onTestFinished(() => tracer.close())
  return {
    tracer,
    file,
    async traces() {
      await tracer.flush()
      // Without a trace there is no file.
      return existsSync(file) ? readTraces(file) : []
    },
  }
}

/** Reads a file of the v2 form; times as bigint. */
export function readTraces(file: string): Trace[] {
  const text = readFileSync(file, 'utf8').replaceAll(/"ns":(\d+)/g, '"ns":"$1"')
  const traces = new Map<number, Trace>()
  for (const { id, timestamps = [], activity, tensor, ...facts } of JSON.parse(text) as Fragment[]) {
    const trace = traces.get(id) ?? ({ id, names: [], at: {}, tensors: [] } as unknown as Trace)
    traces.set(id, Object.assign(trace, facts))
    for (const { name, ns } of timestamps) {
      trace.names.push(name)
      trace.at[name] = BigInt(ns)
    }
    if (activity !== undefined && tensor !== undefined) trace.tensors.push({ activity, tensor })
  }
  return [...traces.values()]
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
export function httpServer(tracer: ServingTracer, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  tracer.http(server)
  return listen(server)
}

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
}
const ECHO = {
  Unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...text },
  Stream: { path: '/test.Echo/Stream', requestStream: false, responseStream: true, ...text },
  Bidi: { path: '/test.Echo/Bidi', requestStream: true, responseStream: true, ...text },
}
export interface EchoClient extends grpc.Client {
  Unary(value: string, metadata: grpc.Metadata, callback: grpc.requestCallback<string>): grpc.ClientUnaryCall
  Stream(value: string): grpc.ClientReadableStream<string>
  Bidi(): grpc.ClientDuplexStream<string, string>
}

/** A server of texts over gRPC, and a client of it. */
export async function echoServer(
  options: Partial<grpc.ServerOptions>,
  handlers: grpc.UntypedServiceImplementation,
): Promise<EchoClient> {
  const server = new grpc.Server(options)
  server.addService(ECHO, handlers)
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  const Client = grpc.makeGenericClientConstructor(ECHO, 'Echo')
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure()) as unknown as EchoClient
  onTestFinished(() => {
    client.close()
    server.forceShutdown()
  })
  return client
}
export function unary(client: EchoClient, value: string, metadata = new grpc.Metadata()): Promise<string> {
  return new Promise((resolve, reject) => {
    client.Unary(value, metadata, (error, answer) => (error === null ? resolve(answer as string) : reject(error)))
  })
}

/** Gives the value in a later turn of the event loop. */
export const later = async <T>(value: T): Promise<T> => {
  await nextLoop()
  return value
}
/** An inference of three stages, which gives '42'. */
export const inferTwice = (tracer: ServingTracer, model = 'doubler'): Promise<string> =>
  tracer.infer(
    { model, version: 2 },
    { input: () => 21, infer: value => later(value * 2), output: value => String(value) },
  )
