import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { encodeModel, node, value } from '../../examples/demo/onnx-model.mjs'
import { NODE } from '../nodes.js'
import { readTraces, type Trace } from '../serving/servers.js'
import { CLI, Project, pathsOf, REQUIRE } from './project.js'

/** Servers as their authors wrote them, no word of opscope: each answers six requests of its own, and ends with 7. */
const SERVERS: Record<string, { imports: [names: string, from: string][]; program: string }> = {
  http: {
    imports: [['{ createServer }', 'node:http']],
    program: `
      const server = createServer(async (request, response) => {
        for await (const _ of request);
        response.end(await answer())
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      await askHttp(server.address().port)
      server.close().closeAllConnections()`,
  },
  express: {
    imports: [['express', 'express']],
    program: `
      const app = express().use(express.text())
      app.post('/predict', async (request, response) => response.send(await answer()))
      const server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      await askHttp(server.address().port)
      server.close().closeAllConnections()`,
  },
  fastify: {
    imports: [['{ fastify }', 'fastify']],
    program: `
      const app = fastify()
      app.post('/predict', answer)
      await app.listen({ port: 0, host: '127.0.0.1' })
      await askHttp(app.server.address().port)
      app.server.closeAllConnections()
      await app.close()`,
  },
  'grpc-js': {
    imports: [['grpc', '@grpc/grpc-js']],
    program: `
      const coding = { requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String }
      const service = { Predict: { path: '/test.Predictor/Predict', requestStream: false, responseStream: false, ...coding } }
      const server = new grpc.Server()
      server.addService(service, { Predict: async (call, done) => done(null, await answer()) })
      const port = await new Promise(resolve => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, port) => resolve(port)))
      const Client = grpc.makeGenericClientConstructor(service, 'Predictor')
      const client = new Client('127.0.0.1:' + port, grpc.credentials.createInsecure())
      for (let i = 0; i < 6; i++) console.log(await new Promise((resolve, reject) => client.Predict('image', (error, text) => error ? reject(error) : resolve(text))))
      client.close()
      server.forceShutdown()`,
  },
}
const COMMON = `
  const session = InferenceSession.create('root.onnx')
  async function answer() {
    const { y } = await (await session).run({ x: new Tensor('float32', Float32Array.of(1, -4, 9, 16), [4]) })
    return [...y.data].join()
  }
  async function askHttp(port) {
    const headers = { 'content-type': 'text/plain' }
    for (let i = 0; i < 6; i++) {
      console.log(await (await fetch('http://127.0.0.1:' + port + '/predict', { method: 'POST', body: 'image', headers })).text())
    }
  }`
const ANSWERS = '1,2,3,4\n'.repeat(6)

function programs(): Record<string, string> {
  const files: Record<string, string> = {}
  for (const [name, { imports, program }] of Object.entries(SERVERS)) {
    const all = [['{ once }', 'node:events'], ['{ InferenceSession, Tensor }', 'onnxruntime-node'], ...imports]
    const body = `${COMMON}\nasync function main() {${program}\nprocess.exitCode = 7 }\nmain()`
    files[`${name}.mjs`] = `${all.map(([names, from]) => `import ${names} from '${from}'`).join('\n')}\n${body}`
    files[`${name}.cjs`] = `${all.map(([names, from]) => `const ${names} = require('${from}')`).join('\n')}\n${body}`
  }
  return files
}

/** Answers as many requests as its first argument says, then does what the second says. */
const END = `
  const { createServer } = require('node:http')
  const server = createServer((request, response) => response.end('ok'))
  server.listen(0, '127.0.0.1', async () => {
    const url = 'http://127.0.0.1:' + server.address().port + '/predict'
    for (let i = 0; i < Number(process.argv[2]); i++) await (await fetch(url)).text()
    console.log('served')
    eval(process.argv[3] ?? 'process.exit()')
  })`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const STAGES = [
  'REQUEST_START',
  'QUEUE_START',
  'COMPUTE_START',
  'COMPUTE_INPUT_END',
  'COMPUTE_OUTPUT_START',
  'COMPUTE_END',
  'REQUEST_END',
]
function expectWhole({ names, at }: Trace, protocol: 'HTTP' | 'GRPC'): void {
  const recv = protocol === 'HTTP' ? 'HTTP_RECV' : 'GRPC_WAITREAD'
  expect(names).toEqual([`${recv}_START`, `${recv}_END`, ...STAGES, `${protocol}_SEND_START`, `${protocol}_SEND_END`])
  const times = names.map(name => at[name]!)
  expect(times).toEqual(times.toSorted((a, b) => Number(a - b)))
}

describe('a server that knows nothing of opscope', () => {
  const packages = ['express', 'fastify', '@grpc']
  const project = new Project(programs(), packages)
  const model = encodeModel({
    name: 'root',
    nodes: [node('Abs', 'first', ['x'], ['a']), node('Sqrt', 'second', ['a'], ['y'])],
    inputs: [value('x', [4])],
    outputs: [value('y', [4])],
  })
  writeFileSync(join(project.folder, 'root.onnx'), model)
  const tracesOf = (name: string) => readTraces(join(project.folder, name))

  const kinds = Object.keys(SERVERS).flatMap(name => [`${name}.mjs`, `${name}.cjs`])
  it.concurrent.each(kinds)('%s is traced by flags of opscope run', async program => {
    const file = `run-${program}.json`
    const flags = ['--trace-file', file, '--trace-rate', '2', '--trace-level', 'MAX']
    const outcome = await project.run([CLI, 'run', ...flags, program])
    expect(outcome).toEqual({ code: 7, signal: null, stdout: ANSWERS, stderr: '' })
    const traces = tracesOf(file)
    expect(traces.map(({ id, model_name }) => [id, model_name])).toEqual([1, 2, 3].map(id => [id, 'root.onnx']))
    for (const trace of traces) expectWhole(trace, program.startsWith('grpc') ? 'GRPC' : 'HTTP')
  })

  it.concurrent.each(kinds)('%s is traced by its environment alone', async program => {
    const file = `env-${program}.json`
    const env = { OPSCOPE_TRACE_FILE: file, OPSCOPE_TRACE_CONFIG: 'rate=3' }
    const outcome = await project.run([...REQUIRE, program], env)
    expect(outcome).toEqual({ code: 7, signal: null, stdout: ANSWERS, stderr: '' })
    expect(tracesOf(file).map(({ model_name }) => model_name)).toEqual(['root.onnx', 'root.onnx'])
  })

  it('is profiled beside, its requests spans of the profile', async () => {
    const flags = ['--trace-file', 'both.json', '--trace-rate', '1', '--profile-path', 'both.pftrace', '--quiet']
    const outcome = await project.run([CLI, 'run', ...flags, 'http.mjs'])
    expect(outcome).toEqual({ code: 7, signal: null, stdout: ANSWERS, stderr: '' })
    expect(tracesOf('both.json')).toHaveLength(6)
    const capture = await project.capture('both.pftrace')
    const names = capture
      .rows()
      .toArray()
      .map(row => row.name)
    for (const name of ['HTTP request', 'recv', 'send']) expect(names.filter(each => each === name)).toHaveLength(6)
    expect(pathsOf(capture)).toContainEqual(expect.stringMatching(/session\.run root\.onnx\/Abs$/))
  })

  it('has its tensors in the traces at level TENSORS', async () => {
    const env = {
      OPSCOPE_TRACE_FILE: 'tensors.json',
      OPSCOPE_TRACE_RATE: '6',
      OPSCOPE_TRACE_LEVEL: 'TIMESTAMPS,TENSORS',
    }
    await project.run([...REQUIRE, 'http.cjs'], env)
    expect(tracesOf('tensors.json').map(({ tensors }) => tensors)).toEqual([
      [
        { activity: 'TENSOR_BACKEND_INPUT', tensor: { name: 'x', data: '1,-4,9,16', shape: '4', dtype: 'FP32' } },
        { activity: 'TENSOR_BACKEND_OUTPUT', tensor: { name: 'y', data: '1,2,3,4', shape: '4', dtype: 'FP32' } },
      ],
    ])
  })
})

describe('a traced process', () => {
  const project = new Project({
    'end.cjs': END,
    'parent.cjs': `
      const { fork } = require('node:child_process')
      fork('./end.cjs', ['2']).on('exit', () => { process.argv[2] = '3'; require('./end.cjs') })`,
  })
  const tracesOf = (name: string) => readTraces(join(project.folder, name))

  it.concurrent.each([
    ['process.exit(3)', { code: 3, signal: null }],
    ['process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 60000)', { code: null, signal: 'SIGTERM' }],
    ['throw new Error("oh")', { code: 1, signal: null }],
    ['server.close().closeAllConnections()', { code: 0, signal: null }],
  ])('that ends by %s leaves its file complete', async (end, { code, signal }) => {
    const file = `end-${code}-${signal}.json`
    const flags = ['--trace-file', file, '--trace-rate', '1']
    const outcome = await project.run([CLI, 'run', ...flags, 'end.cjs', '50', end])
    expect(outcome).toMatchObject({ code, signal, stdout: 'served\n' })
    expect(tracesOf(file).map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  })

  it('that is sent SIGTERM from outside leaves it complete, too', async () => {
    const args = [CLI, 'run', '--trace-file', 'outside.json', '--trace-rate', '1', 'end.cjs', '5', '0']
    const child = spawn(NODE, args, { cwd: project.folder })
    child.stdout.once('data', () => child.kill('SIGTERM'))
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM'])
    expect(tracesOf('outside.json')).toHaveLength(5)
  })

  it('leaves the file to its parent, and has one of its own', async () => {
    const outcome = await project.run([CLI, 'run', '--trace-file', 'tree.json', '--trace-rate', '1', 'parent.cjs'])
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'served\nserved\n', stderr: '' })
    expect(tracesOf('tree.json')).toHaveLength(3)
    const [own, ...others] = project.filesLike(/^tree\.\d+\.json$/)
    expect(others).toEqual([])
    expect(tracesOf(own!)).toHaveLength(2)
  })

  it('without servers and requests leaves no file', async () => {
    const outcome = await project.run([CLI, 'run', '--trace-file', 'none.json', 'end.cjs', '0'])
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'served\n', stderr: '' })
    expect(project.filesLike(/^none/)).toEqual([])
  })

  it('is switched off by OPSCOPE_DISABLE', async () => {
    const env = { OPSCOPE_TRACE_FILE: 'off.json', OPSCOPE_TRACE_RATE: '1', OPSCOPE_DISABLE: '1' }
    expect(await project.run([...REQUIRE, 'end.cjs', '2'], env)).toMatchObject({ code: 0, stderr: '' })
    expect(project.filesLike(/^off/)).toEqual([])
  })

  it.each([
    [{ OPSCOPE_TRACE_RATE: 'often' }, `Expected the trace's rate to be a whole number, got "often"`],
    [{ OPSCOPE_TRACE_SETTINGS_PORT: '70000' }, 'OPSCOPE_TRACE_SETTINGS_PORT: expected a port, got "70000"'],
  ])('runs untraced where a variable makes no sense, and says why: %j', async (variable, message) => {
    const env = { OPSCOPE_TRACE_FILE: 'bad.json', OPSCOPE_TRACE_CONFIG: 'level=MAX', ...variable }
    const { code, stdout, stderr } = await project.run([...REQUIRE, 'end.cjs', '1000'], env)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'served\n' })
    expect(stderr).toContain(`tracing is off: ${message}`)
    expect(project.filesLike(/^bad/)).toEqual([])
  })

  it('changes its settings while it runs, and does not stay for that', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/v2/trace/setting`
    const headers = { 'content-type': 'application/json' }
    const change = `fetch('${url}', ${JSON.stringify({ method: 'POST', body: '{"trace_rate":"2"}', headers })})
      .then(() => { process.argv[3] = 'server.close().closeAllConnections()'; require('./end.cjs') })`
    writeFileSync(join(project.folder, 'change.cjs'), `process.argv[2] = '6'; ${change}`)
    const env = { OPSCOPE_TRACE_FILE: 'changed.json', OPSCOPE_TRACE_SETTINGS_PORT: String(port) }
    const outcome = await project.run([...REQUIRE, 'change.cjs'], env)
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'served\n', stderr: '' })
    expect(tracesOf('changed.json')).toHaveLength(3)
  })

  it.concurrent.each([
    [['--trace-file', 'f.json', '--trace-rate', 'often'], 2, `trace's rate to be a whole number, got "often"`],
    [['--trace-file', 'f.json', '--trace-rate', '-1'], 2, '"rate" to be a whole number from 0'],
    [['--trace-file', 'f.json', '--trace-level', 'TIMESTAMP'], 2, 'Did you mean "TIMESTAMPS"?'],
    [['--trace-file', 'f.json', '--trace-config', 'rates=3'], 2, 'Unknown trace config "rates"'],
    [['--trace-file', 'f.json', '--trace-rate', '2', '--trace-config', 'rate=3'], 2, 'is given as 2 and as 3'],
    [['--trace-rate', '10'], 2, 'nowhere to go'],
    [['--trace-level', 'MAX'], 2, 'nowhere to go'],
    [['--trace-files', 'f.json'], 2, 'Did you mean --trace-file?'],
    [['--trace-file', 'no/f.json'], 1, 'its directory does not exist'],
  ])('does not start for %j', async (flags, code, message) => {
    const outcome = await project.run([CLI, 'run', ...flags, 'end.cjs', '0'])
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(message)
  })
})
