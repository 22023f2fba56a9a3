// The example server and its client, as processes of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { describe, expect, it, onTestFinished } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { NODE } from '../nodes.js'
import { until } from '../until.js'
import { readTraces, type Trace, temporaryPath } from './servers.js'
import { GRPC_STAMPS, HTTP_STAMPS, INFERENCE_STAMPS } from './stamp-names.js'

const FOLDER = fileURLToPath(new URL('../../examples/inference-server/', import.meta.url))
const STAGES = { HTTP: HTTP_STAMPS, GRPC: GRPC_STAMPS }

interface Run {
  child: ChildProcess
  stdout: string
  stderr: string
}
function start(args: string[], env: Record<string, string>): Run {
  const child = spawn(NODE, args, { cwd: FOLDER, env: { ...process.env, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const run = { child, stdout: '', stderr: '' }
  child.stdout.on('data', data => (run.stdout += data))
  child.stderr.on('data', data => (run.stderr += data))
  return run
}

/** The example server on ports that are free, and what writes to it. */
async function startServer(env: Record<string, string> = {}, flags: string[] = []) {
  const file = temporaryPath('trace.json')
  const ports = { HTTP_PORT: '0', GRPC_PORT: '0' }
  const server = start([...flags, 'server.mjs'], { ...ports, TRACE_FILE: file, TRACE_RATE: '1', ...env })
  const ready = /^HTTP on port (\d+), gRPC on port (\d+)\n/
  await until('the server', () => ready.test(server.stdout) || server.child.exitCode !== null)
  const [, httpPort, grpcPort] = ready.exec(server.stdout) ?? expect.fail(server.stderr)
  const url = `http://127.0.0.1:${httpPort}`
  const address = `127.0.0.1:${grpcPort}`
  return {
    file,
    url,
    address,
    /** What the example client says after so many requests, some at a time. */
    async ask(count: number, concurrency = 8, env: Record<string, string> = {}): Promise<string> {
      const addresses = { HTTP_URL: url, GRPC_ADDRESS: address }
      const client = start(['client.mjs', String(count), String(concurrency)], { ...addresses, ...env })
      expect([await once(client.child, 'close'), client.stderr]).toEqual([[0, null], ''])
      return client.stdout
    },
    /** Ends it by SIGTERM; how it ended and what it said. */
    async stop() {
      server.child.kill('SIGTERM')
      const [code, signal] = await once(server.child, 'close')
      return { code, signal, stdout: server.stdout.replace(ready, ''), stderr: server.stderr }
    },
  }
}

function protocolOf({ names }: Trace): 'HTTP' | 'GRPC' {
  return names[0]!.startsWith('HTTP') ? 'HTTP' : 'GRPC'
}
function expectInOrder({ names, at }: Trace): void {
  const times = names.map(name => at[name]!)
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : Number(a > b))))
}
function answersIn(text: string): number[] {
  return Array.from(text.matchAll(/^\w+: (\d+) answers/gm), ([, count]) => Number(count))
}

describe('the example server', () => {
  it('traces every request of both protocols in all its stages', async () => {
    const server = await startServer()
    expect(answersIn(await server.ask(60))).toEqual([30, 30])
    expect(await server.stop()).toEqual({ code: 0, signal: null, stdout: '60 requests traced\n', stderr: '' })
    const traces = readTraces(server.file)
    expect(traces.map(({ request_id }) => Number(request_id)).sort((a, b) => a - b)).toEqual([...Array(60).keys()])
    for (const trace of traces) {
      expect(trace).toMatchObject({ model_name: 'demo', model_version: 1, names: STAGES[protocolOf(trace)] })
      // The client sends those with even ids over HTTP.
      expect(protocolOf(trace)).toBe(Number(trace.request_id) % 2 === 0 ? 'HTTP' : 'GRPC')
      expectInOrder(trace)
    }
  })

  it('traces every seventh, counted over both', async () => {
    const server = await startServer({ TRACE_RATE: '7' })
    expect(answersIn(await server.ask(60))).toEqual([30, 30])
    await server.stop()
    expect(readTraces(server.file)).toHaveLength(Math.floor(60 / 7))
  })

  it('is asked for another rate while it runs, over either protocol, and its file is whole all the time', async () => {
    const server = await startServer({ TRACE_RATE: '1000' })
    let readCount = 0
    let isOver = false
    const read = until('the end of the load', () => {
      if (existsSync(server.file)) {
        JSON.parse(readFileSync(server.file, 'utf8'))
        readCount++
      }
      return isOver
    })
    await server.ask(20)
    expect(await setRateByHttp(server.url, 1)).toMatchObject({ trace_rate: '1' })
    await server.ask(20)
    await setRateByGrpc(server.address, 4)
    await server.ask(20)
    isOver = true
    await read
    await server.stop()
    expect(readTraces(server.file)).toHaveLength(0 + 20 + 20 / 4)
    expect(readCount).toBeGreaterThan(0)
  })

  it('tells a client that asks what its stages took, and counts all requests', async () => {
    const server = await startServer({ TRACE_RATE: '1000', METRICS: '1' })
    const text = await server.ask(20, 4, { FLAGS_profile_client: '1', FLAGS_profile_server: '1' })
    const lines = text.split('\n').filter(line => line.startsWith('PROFILE\t'))
    expect(lines.filter(line => line.includes('image_pre_1:'))).toHaveLength(16)
    const requests = lines.filter(line => line.includes('client_infer_1:'))
    expect(requests).toHaveLength(20)
    // recv, queue, the three of a batch, and the server as a whole.
    for (const line of requests) expect(line.match(/\bop\d_0:/g)).toHaveLength(6)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    for (const protocol of ['HTTP', 'GRPC']) {
      const labels = `model="demo",version="1",protocol="${protocol}",stage="infer"`
      expect(metrics).toContain(`opscope_request_stage_seconds_count{${labels}} 10\n`)
    }
    expect(await server.stop()).toMatchObject({ code: 0, stdout: '0 requests traced\n', stderr: '' })
  })

  it('computes requests together, and a profile shows which', async () => {
    const path = temporaryPath('server.pftrace')
    const env = { OPSCOPE_PROFILE_PATH: path, OPSCOPE_QUIET: '1', MAX_DELAY_MS: '50' }
    const server = await startServer(env, ['--require', 'opscope/register'])
    await server.ask(64, 16)
    expect(await server.stop()).toEqual({ code: 0, signal: null, stdout: '64 requests traced\n', stderr: '' })
    const capture = await loadCapture(path)
    const rows = capture.rows().toArray()
    const idsOf = (name: string) => rows.filter(row => row.name === name).map(row => row.span_id)
    const batches = rows.flatMap((row, index) =>
      row.name === 'batch demo' ? [{ row, links: capture.linksOf(index) }] : [],
    )
    const sizes = batches.map(({ row }) => JSON.parse(String(row.attrs))['opscope.batch_size'] as number)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(64)
    expect(Math.max(...sizes)).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8)
    expect(batches.map(({ links }) => links.length)).toEqual(sizes)
    const linked = batches.flatMap(({ links }) => links.map(({ spanId }) => spanId))
    expect(linked.toSorted()).toEqual(idsOf('infer demo').toSorted())
    // Each batch is one run of the model, down to its operators.
    expect(idsOf('session.run demo')).toHaveLength(batches.length)
    expect(idsOf('Softmax')).toHaveLength(batches.length)
    expect([idsOf('HTTP request').length, idsOf('gRPC request').length]).toEqual([32, 32])
  })

  it('turns away what finds no room in its queue, and traces that', async () => {
    const server = await startServer({ MAX_QUEUE: '1', MAX_BATCH: '1' })
    const text = await server.ask(64, 32)
    await server.stop()
    const [, turnedAway] = /^(\d+) times: Too many requests are waiting\.$/m.exec(text) ?? expect.fail(text)
    const rejected = readTraces(server.file).filter(({ names }) => names.includes('OPSCOPE_REJECTED'))
    expect(rejected).toHaveLength(Number(turnedAway))
    for (const { names } of rejected) expect(names).not.toContain('COMPUTE_START')
  })

  it('refuses what is no image or no model of it, and goes on', async () => {
    const server = await startServer()
    const post = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
      return [answer.status, ((await answer.json()) as { error: string }).error]
    }
    const input = { name: 'image', datatype: 'UINT8', shape: [1], data: [1] }
    expect(await post('/v2/models/demo/infer', {})).toEqual([400, 'Expected one input "image" of datatype UINT8.'])
    expect(await post('/v2/models/demo/infer', { inputs: [input] })).toEqual([400, 'An image has 12288 bytes.'])
    expect(await post('/v2/models/other/infer', { inputs: [input] })).toEqual([404, 'There is no model "other".'])
    expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(200)
    expect(answersIn(await server.ask(2))).toEqual([1, 1])
    // The health check is none of inference.
    expect(await server.stop()).toMatchObject({ code: 0, stdout: '5 requests traced\n', stderr: '' })
  })

  it('answers a stream of images in one call, each a step of its trace', async () => {
    const server = await startServer()
    const image = Buffer.alloc(12288, 128)
    const client = grpcClient(server.address)
    const call = client.ModelStreamInfer!()
    for (const id of ['a', 'b', 'c']) call.write({ model_name: 'demo', id, raw_input_contents: [image] })
    call.write({ model_name: 'demo', id: 'd', raw_input_contents: [Buffer.alloc(3)] })
    call.end()
    const answers = (await call.toArray()) as { error_message: string; infer_response: { id: string } | null }[]
    client.close()
    expect(answers.map(each => each.infer_response?.id ?? each.error_message).toSorted()).toEqual([
      'An image has 12288 bytes.',
      'a',
      'b',
      'c',
    ])
    await server.stop()
    const [whole, ...steps] = readTraces(server.file)
    expect(whole).toMatchObject({ model_name: '/inference.GRPCInferenceService/ModelStreamInfer' })
    expect(whole!.names.filter(name => name === 'GRPC_SEND_END')).toHaveLength(4)
    expect(steps.map(({ request_id, parent_id }) => [request_id, parent_id])).toEqual(
      ['a', 'b', 'c'].map(id => [id, whole!.id]),
    )
    for (const { names } of steps) expect(names).toEqual(INFERENCE_STAMPS)
  })
})

async function setRateByHttp(url: string, rate: number): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ trace_rate: String(rate) })
  return (await fetch(`${url}/v2/trace/setting`, { method: 'POST', headers, body })).json()
}
type Client = grpc.Client & Record<string, () => grpc.ClientDuplexStream<unknown, unknown>>
function grpcClient(address: string): Client {
  const proto = grpc.loadPackageDefinition(loadSync(`${FOLDER}inference.proto`, { keepCase: true }))
  const { GRPCInferenceService } = proto.inference as Record<string, grpc.ServiceClientConstructor>
  return new GRPCInferenceService!(address, grpc.credentials.createInsecure()) as unknown as Client
}
/** Triton's request, by hand: `settings` = 1, a map of text to `{ repeated string value = 1 }`. */
function setRateByGrpc(address: string, rate: number): Promise<void> {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes])
  const value = field(Buffer.from(String(rate)))
  const entry = Buffer.concat([field(Buffer.from('trace_rate')), Buffer.from([0x12, value.length]), value])
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  return new Promise((resolve, reject) => {
    const path = '/inference.GRPCInferenceService/TraceSetting'
    const same = (bytes: Buffer) => bytes
    client.makeUnaryRequest(path, same, same, field(entry), error => {
      client.close()
      if (error === null) resolve()
      else reject(error)
    })
  })
}
