import { describe, expect, it } from 'vitest'

import { IMPORT, Project, pathsOf, REQUIRE } from './project.js'

/** Synchronous from the first line to the last: nothing waits for anybody to look at the package. */
const PROGRAM = `
  const model = tf.sequential({ name: 'small' })
  model.add(tf.layers.dense({ units: 2, inputShape: [3], kernelInitializer: 'ones', name: 'head' }))
  const x = tf.tensor2d([[1, 2, 3]])
  for (let i = 0; i < 3; i++) console.log(String(model.predict(x).dataSync()))
`
const project = new Project(
  {
    'service.mjs': `import * as tf from '@tensorflow/tfjs'\n${PROGRAM}`,
    'service.cjs': `const tf = require('@tensorflow/tfjs')\n${PROGRAM}`,
    'parts.cjs': `
      const core = require('@tensorflow/tfjs-core')
      require('@tensorflow/tfjs-backend-cpu')
      const tf = { ...core, ...require('@tensorflow/tfjs-layers') }\n${PROGRAM}`,
    'lazy.mjs': `const tf = await import('@tensorflow/tfjs')\n${PROGRAM}`,
    'worker.cjs': `new (require('node:worker_threads').Worker)('./service.mjs')`,
    'engine.mjs': `
      import * as tf from '@tensorflow/tfjs'
      console.log(globalThis._tfengine === tf.engine(), Object.getOwnPropertyNames(tf.engine()).includes('runKernel'))`,
  },
  ['@tensorflow'],
)
const LAYER = 'predict small/head'
const PATHS = ['', '/Reshape', '/Reshape/compute', '/_FusedMatMul', '/_FusedMatMul/compute'].map(path => LAYER + path)

describe('a program that uses TensorFlow.js and knows nothing of opscope', () => {
  const ways = [
    ['service.mjs', REQUIRE],
    ['service.mjs', IMPORT],
    ['service.cjs', REQUIRE],
    ['service.cjs', IMPORT],
    ['parts.cjs', IMPORT],
    ['lazy.mjs', IMPORT],
    ['worker.cjs', REQUIRE],
  ] as const
  it.concurrent.each(ways)('%s shows models, layers and kernels under %j', async (program, flags) => {
    const file = `${program}${flags[0]}.pftrace`
    const { code, stdout } = await project.run([...flags, program], { OPSCOPE_PROFILE_PATH: file })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '6,6\n'.repeat(3) })
    const capture = await project.capture(file)
    expect(pathsOf(capture)).toEqual(expect.arrayContaining(['predict small', ...PATHS, 'dataSync']))
    expect(capture.ops().find(row => row.path.at(-1) === '_FusedMatMul')).toMatchObject({ calls: 3 })
    expect(capture.warnings).toEqual([])
  })

  it('is left alone where the package is taken out', async () => {
    const env = { OPSCOPE_PROFILE_PATH: 'without.pftrace', OPSCOPE_INTEGRATIONS: '-tfjs' }
    const { stdout } = await project.run([...REQUIRE, 'service.mjs'], env)
    expect(stdout).toBe('6,6\n'.repeat(3))
    expect(pathsOf(await project.capture('without.pftrace'))).toEqual([])
  })

  it('finds the engine in the global object as ever', async () => {
    const { stdout } = await project.run([...REQUIRE, 'engine.mjs'], { OPSCOPE_PROFILE_PATH: 'engine.pftrace' })
    expect(stdout).toBe('true false\n')
  })
})
