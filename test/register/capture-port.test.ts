import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

import { describe, expect, it, onTestFinished } from 'vitest'

import { NODE } from '../nodes.js'
import { call, failureOf, profileRequest, type Reply } from '../remote/stock-client.js'
import { until } from '../until.js'
import { CLI, Project, REQUIRE } from './project.js'

// Works until its parent hangs up, and knows nothing of captures.
const SERVER = `
  const { op } = require('opscope')
  const served = op('served')
  const timer = setInterval(() => { served.begin(); served.end() }, 1)
  process.stdin.on('end', () => clearInterval(timer)).resume()
  console.log(Object.keys(require.cache).some(path => path.includes('grpc-js')) ? 'grpc' : 'no grpc')
`
// Has nothing left to do as soon as somebody captures it.
const SHORT = `
  const { currentSession, recordSync } = require('opscope')
  const timer = setInterval(() => recordSync('served', () => currentSession() && clearInterval(timer)), 1)
`

interface Running {
  child: ChildProcess
  ended: Promise<unknown[]>
  output: { stdout: string; stderr: string }
  address: string
}
/** A program that serves captures at a port that is free, as soon as it says which. */
async function start(args: readonly string[], env: Record<string, string> = {}, source = SERVER): Promise<Running> {
  const project = new Project({ 'server.cjs': source }, ['@grpc'])
  const child = spawn(NODE, args, { cwd: project.folder, env: { ...process.env, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', data => (output.stdout += data))
  child.stderr.on('data', data => (output.stderr += data))
  const ended = once(child, 'close')
  await until('the port', () => /captures are served at .*\n/.test(output.stderr))
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(output.stderr) ?? []
  return { child, ended, output, address: `localhost:${port}` }
}
const request = profileRequest('h', { durationMs: 50 })

describe('OPSCOPE_CAPTURE_PORT', () => {
  it('lets a program be captured that does not know of it, and end when it has nothing left to do', async () => {
    const { child, ended, output, address } = await start([...REQUIRE, 'server.cjs'], { OPSCOPE_CAPTURE_PORT: '0' })
    const reply = await call<Reply>(address, 'Profile', request)
    expect(reply.tool_data.map(({ name }) => name)).toEqual(['xplane.pb'])
    expect(String(reply.tool_data[0]!.data)).toContain('served')
    child.stdin!.end()
    expect(await ended).toEqual([0, null])
    expect(output.stdout).toBe('no grpc\n')
    expect(output.stderr).toMatch(/^opscope: captures are served at 127\.0\.0\.1:\d+( and \[::1\]:\d+)?\n$/)
  })

  it('answers what runs when the program has nothing left to do', async () => {
    const { ended, address } = await start([...REQUIRE, 'server.cjs'], { OPSCOPE_CAPTURE_PORT: '0' }, SHORT)
    const reply = await call<Reply>(address, 'Profile', profileRequest('h', { durationMs: 200 }))
    expect(reply.empty_trace).toBe(false)
    expect(await ended).toEqual([0, null])
  })

  it('goes with a token and an address', async () => {
    const env = { OPSCOPE_CAPTURE_PORT: '0', OPSCOPE_CAPTURE_HOST: '127.0.0.1', OPSCOPE_CAPTURE_TOKEN: 'secret' }
    const { output, address } = await start([...REQUIRE, 'server.cjs'], env)
    expect(output.stderr).toMatch(/at 127\.0\.0\.1:\d+\n$/)
    expect(await failureOf(call(address, 'Profile', request))).toBe('UNAUTHENTICATED Not allowed.')
    expect((await call<Reply>(address, 'Profile', request, { token: 'secret' })).empty_trace).toBe(false)
  })

  it('is --capture-port of opscope run, which records nothing else then', async () => {
    const { child, ended, output, address } = await start([CLI, 'run', '--capture-port', '0', 'server.cjs'])
    expect((await call<Reply>(address, 'Profile', request)).empty_trace).toBe(false)
    child.stdin!.end()
    expect(await ended).toEqual([0, null])
    expect(output.stderr).not.toMatch(/profile in/)
  })

  it.each(['x', '-1', '65536', '9012.5'])('is one line where it is %j, and the program runs', async port => {
    const project = new Project({ 'app.cjs': "console.log('ran')" })
    const { code, stdout, stderr } = await project.run([...REQUIRE, 'app.cjs'], { OPSCOPE_CAPTURE_PORT: port })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' })
    expect(stderr).toMatch(/^opscope: captures are not served: OPSCOPE_CAPTURE_PORT: expected a port, got .*\n$/)
  })

  it('is one line where it is taken, and the program runs', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const project = new Project({ 'app.cjs': "setImmediate(() => console.log('ran'))" })
    const { code, stdout, stderr } = await project.run([...REQUIRE, 'app.cjs'], { OPSCOPE_CAPTURE_PORT: String(port) })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' })
    expect(stderr).toMatch(/^opscope: Captures cannot be served at 127\.0\.0\.1, port \d+: the port is taken\.\n$/)
  })

  it('is wrong usage of the command where it is none', async () => {
    const project = new Project({ 'app.cjs': "console.log('ran')" })
    const { code, stdout, stderr } = await project.run([CLI, 'run', '--capture-port', 'x', 'app.cjs'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/expected a port/)
  })
})
