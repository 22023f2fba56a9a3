// The inference server of the examples, captured under load by the bytes that TensorFlow's client sends.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { expect, it, onTestFinished } from 'vitest'

import { readXSpace } from '../../src/import/xspace.js'
import { NODE } from '../nodes.js'
import { until } from '../until.js'
import { RECORDED_REQUEST } from './recorded-request.js'
import { call, type Reply } from './stock-client.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SERVER = ['--require', `${ROOT}lib/register.cjs`, `${ROOT}examples/inference-server/server.mjs`]

function start(args: string[], env: Record<string, string>) {
  const child = spawn(NODE, args, { env: { ...process.env, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const run = { stdout: '', stderr: '' }
  child.stdout.on('data', data => (run.stdout += data))
  child.stderr.on('data', data => (run.stderr += data))
  return run
}

it('answers the recorded request of TensorFlow with what the server did', async () => {
  const server = start(SERVER, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', OPSCOPE_CAPTURE_PORT: '0' },
    ...{ TRACE_RATE: '1' },
  })
  await until('the server', () => /HTTP on port/.test(server.stdout) && /127\.0\.0\.1:\d+/.test(server.stderr))
  const [, http, grpc] = /HTTP on port (\d+), gRPC on port (\d+)/.exec(server.stdout)!
  const [, capturePort] = /127\.0\.0\.1:(\d+)/.exec(server.stderr)!
  start([`${ROOT}examples/inference-server/client.mjs`, '100000', '4'], {
    HTTP_URL: `http://127.0.0.1:${http}`,
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
  })

  // The load may not have begun: then the server did nothing, and says so.
  let reply: Reply | undefined
  const names = () => {
    const [tool] = reply?.tool_data ?? []
    const planes = tool === undefined ? [] : readXSpace(tool.data).planes
    return planes.map(({ name, lines }) => {
      const events = lines.flatMap(line => [...line.events()])
      return [name, new Set(events.map(event => event?.metadata.name))] as const
    })
  }
  const host = () => new Map(names()).get('/host:CPU') ?? new Set<string | undefined>()
  for (let attempt = 0; attempt < 50 && !host().has('HTTP request'); attempt++) {
    reply = await call<Reply>(`localhost:${capturePort}`, 'Profile', RECORDED_REQUEST)
  }
  expect(reply).toMatchObject({ empty_trace: false, tool_data: [{ name: 'xplane.pb' }] })
  expect(names().map(([name]) => name)).toEqual(expect.arrayContaining(['/host:CPU', 'Task Environment']))
  expect([...host()]).toEqual(expect.arrayContaining(['HTTP request', 'gRPC request']))
})
