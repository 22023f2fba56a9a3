import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { encodeModel, node, value } from '../../examples/demo/onnx-model.mjs'
import { IMPORT, Project, pathsOf, REQUIRE } from './project.js'

/** A service as its authors wrote it: node:http and onnxruntime-node, and no word of opscope. */
const SERVICE = `
  async function serve() {
    const session = await InferenceSession.create('root.onnx')
    const server = createServer(async (request, response) => {
      const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, -4, 9, 16), [4]) })
      response.end([...y.data].join())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    for (let i = 0; i < 3; i++) console.log(await (await fetch('http://127.0.0.1:' + server.address().port)).text())
    server.close()
    server.closeAllConnections()
  }
  serve()
`
const files = {
  'service.mjs': `
    import { once } from 'node:events'
    import { createServer } from 'node:http'
    import { InferenceSession, Tensor } from 'onnxruntime-node'
    ${SERVICE}`,
  'service.cjs': `
    const { once } = require('node:events')
    const { createServer } = require('node:http')
    const { InferenceSession, Tensor } = require('onnxruntime-node')
    ${SERVICE}`,
  'lazy.mjs': `
    import { once } from 'node:events'
    import { createServer } from 'node:http'
    const { default: { InferenceSession, Tensor } } = await import('onnxruntime-node')
    ${SERVICE}`,
  'worker.cjs': `
    const { Worker } = require('node:worker_threads')
    new Worker('./service.mjs')`,
  'plain.mjs': `
    import { createRequire } from 'node:module'
    process.on('exit', () => console.log(Object.keys(createRequire(import.meta.url).cache).filter(path => /onnx/.test(path))))`,
}
const ANSWERS = '1,2,3,4\n'.repeat(3)
const OPERATORS = ['Abs', 'Abs/compute', 'Sqrt', 'Sqrt/compute'].map(name => `session.run root.onnx/${name}`)
const ROWS = ['session.load root.onnx', 'session.run root.onnx', ...OPERATORS]

describe('a service that knows nothing of opscope', () => {
  const project = new Project(files)
  const model = encodeModel({
    name: 'root',
    nodes: [node('Abs', 'first', ['x'], ['a']), node('Sqrt', 'second', ['a'], ['y'])],
    inputs: [value('x', [4])],
    outputs: [value('y', [4])],
  })
  writeFileSync(join(project.folder, 'root.onnx'), model)

  const ways = [
    ['service.mjs', REQUIRE],
    ['service.mjs', IMPORT],
    ['service.cjs', REQUIRE],
    ['service.cjs', IMPORT],
    ['lazy.mjs', REQUIRE],
    ['worker.cjs', REQUIRE],
  ] as const
  it.concurrent.each(ways)('%s shows its operators under %j', async (program, flags) => {
    const file = `${program}${flags[0]}.pftrace`
    const { code, stdout } = await project.run([...flags, program], { OPSCOPE_PROFILE_PATH: file })
    expect({ code, stdout }).toEqual({ code: 0, stdout: ANSWERS })
    const capture = await project.capture(file)
    expect(pathsOf(capture).filter(path => path.startsWith('session'))).toEqual(ROWS)
    expect(capture.ops().find(row => row.path.at(-1) === 'Sqrt')).toMatchObject({ calls: 3 })
    expect(capture.warnings).toEqual([])
  })

  it('is left alone where its package is taken out', async () => {
    const env = { OPSCOPE_PROFILE_PATH: 'without.pftrace', OPSCOPE_INTEGRATIONS: '-onnxruntime' }
    const { stdout } = await project.run([...REQUIRE, 'service.mjs'], env)
    expect(stdout).toBe(ANSWERS)
    expect(pathsOf(await project.capture('without.pftrace'))).toEqual([])
  })

  it('gets no package loaded that it does not load', async () => {
    const { stdout } = await project.run([...REQUIRE, 'plain.mjs'], { OPSCOPE_PROFILE_PATH: 'plain.pftrace' })
    expect(stdout).toBe('[]\n')
  })
})
