import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import * as tf from '@tensorflow/tfjs'
import { type Capture, profile, record } from 'opscope'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { instrument } from '../../src/integrations/tfjs.js'

const require = createRequire(import.meta.url)
const core = require('@tensorflow/tfjs-core') as typeof tf
const engine = tf.engine() as unknown as Record<string, unknown>
const enginePrototype = Object.getPrototypeOf(engine) as Record<string, unknown>

/** A convolution, and a dense layer: 8x8 pixels to 3 numbers. */
function smallModel(): tf.Sequential {
  const kernel = (scale: number) => tf.initializers.constant({ value: scale })
  const model = tf.sequential({ name: 'small' })
  model.add(
    tf.layers.conv2d({
      inputShape: [8, 8, 1],
      filters: 2,
      kernelSize: 3,
      activation: 'relu',
      kernelInitializer: kernel(0.1),
      name: 'conv',
    }),
  )
  model.add(tf.layers.flatten({ name: 'flat' }))
  model.add(tf.layers.dense({ units: 3, kernelInitializer: kernel(0.01), name: 'head' }))
  return model
}
/** y = -x, as a graph of TensorFlow. */
function graphModel(): Promise<tf.GraphModel> {
  const type = { type: 'DT_FLOAT' }
  const node = [
    { name: 'x', op: 'Placeholder', attr: { dtype: type, shape: { shape: { dim: [{ size: '3' }] } } } },
    { name: 'y', op: 'Neg', input: ['x'], attr: { T: type } },
  ]
  const modelTopology = { node, versions: { producer: 1 } }
  return tf.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs: [], weightData: new ArrayBuffer(0) }))
}
const image = () =>
  tf.tensor4d(
    Float32Array.from({ length: 64 }, (_, i) => i / 64),
    [1, 8, 8, 1],
  )

function calls(capture: Capture): Record<string, number> {
  return Object.fromEntries(capture.ops().map(row => [row.path.join(' > '), row.calls]))
}
function attributesOf(capture: Capture, name: string): unknown[] {
  return [...capture.rows()].filter(row => row.name === name).map(row => JSON.parse(String(row.attrs)) as unknown)
}
const during = (body: () => unknown, options: Parameters<typeof profile>[0] = {}) =>
  profile({ tracerOption: 'OpDetail', ...options }, async () => {
    await body()
  })

describe('instrument(tf)', () => {
  let uninstrument: () => void
  beforeEach(() => {
    uninstrument = instrument(tf)
  })
  afterEach(() => uninstrument())

  it('records each kernel as an op, with what its backend did as compute', async () => {
    const [a, b] = [tf.ones([2, 3]), tf.ones([3, 4])]
    const capture = await during(() => {
      for (let i = 0; i < 5; i++) tf.matMul(a, b).add(1).dispose()
    })
    expect(calls(capture)).toMatchObject({
      BatchMatMul: 5,
      'BatchMatMul > compute': 5,
      Add: 5,
      'Add > compute': 5,
      tensor: 5, // the 1
    })
    const { totalNs, computationNs } = capture.overhead()
    expect(computationNs).toBeGreaterThan(0)
    expect(computationNs).toBeLessThan(totalNs)
  })

  it('puts kernels below the layers and the run of their model, once however the run is passed on', async () => {
    const model = smallModel()
    const x = image()
    model.predict(x)
    const capture = await during(() => {
      for (let i = 0; i < 3; i++) model.predict(x)
    })
    const found = calls(capture)
    expect(found).toMatchObject({
      'predict small': 3,
      'predict small > conv': 3,
      'predict small > conv > FusedConv2D': 3,
      'predict small > conv > FusedConv2D > compute': 3,
      'predict small > flat > Reshape': 3,
      'predict small > head > _FusedMatMul > compute': 3,
    })
    expect(Object.keys(found).filter(path => !path.startsWith('predict small'))).toEqual([])
    expect(capture.ops().find(row => row.name === 'predict small')?.category).toBe('inference')
  })

  it('says shapes, types and bytes with OpDetail, and costs less without', async () => {
    const [a, b] = [tf.ones([2, 3]), tf.ones([3, 4])]
    const capture = await during(() => tf.matMul(a, b).dataSync())
    expect(attributesOf(capture, 'BatchMatMul')).toEqual([
      { inputs: 'a float32[2,3], b float32[3,4]', outputs: 'float32[2,4]', backend: 'cpu' },
    ])
    const rows = [...capture.rows()]
    expect(rows.find(({ name }) => name === 'BatchMatMul')?.bytes).toBe(2 * 4 * 4)
    expect(rows.find(({ name }) => name === 'dataSync')?.bytes).toBe(2 * 4 * 4)
    const plain = await during(() => tf.matMul(a, b).dataSync(), { tracerOption: 'Default' })
    expect(calls(plain)).toMatchObject({ BatchMatMul: 1, dataSync: 1 })
    expect([...plain.rows()].map(row => row.attrs)).not.toContainEqual(expect.stringContaining('float32'))
  })

  it('records gradients by the kernel that they are of', async () => {
    const gradient = tf.grad(x => tf.sum(tf.mul(x, x)))
    const x = tf.tensor1d([1, 2, 3])
    const capture = await during(() => {
      expect(Array.from(gradient(x).dataSync())).toEqual([2, 4, 6])
    })
    const found = calls(capture)
    // The function itself, and for Multiply one for each of its two inputs.
    expect(found).toMatchObject({
      gradients: 1,
      'gradients > Multiply': 1,
      'gradients > Sum': 1,
      'gradients > Sum gradient': 2,
      'gradients > Multiply gradient': 3,
      'gradients > Multiply gradient > Multiply': 2,
    })
  })

  it('records the wait for data() as async, below the record() around it', async () => {
    const x = tf.tensor1d([1, 2, 3])
    const capture = await during(() =>
      record('request', async () => {
        expect(Array.from(await x.data())).toEqual([1, 2, 3])
        tf.neg(x)
      }),
    )
    expect(capture.asyncOps().map(row => row.path)).toEqual([['request'], ['request', 'data']])
    expect(calls(capture)).toMatchObject({ 'request > Neg': 1 })
    expect([...capture.rows()].find(({ name }) => name === 'data')?.bytes).toBe(12)
  })

  it('records the runs of graph models, and training', async () => {
    const graph = await graphModel()
    const x = tf.ones([3])
    const model = smallModel()
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
    const capture = await during(async () => {
      graph.predict(x)
      graph.execute(x)
      await graph.executeAsync(x)
      await model.fit(image(), tf.ones([1, 3]), { epochs: 2, verbose: 0 })
    })
    const found = calls(capture)
    expect(found).toMatchObject({ 'predict > Neg': 1, 'execute > Neg': 1, 'executeAsync > Neg': 1 })
    expect(found).toMatchObject({ predict: 1, execute: 1, 'fit small > gradients': 2 })
    expect(found['fit small > gradients > Conv2D gradient > Conv2DBackpropFilter']).toBe(2)
    expect(capture.asyncOps().map(row => row.path.join('/'))).toEqual(
      expect.arrayContaining(['executeAsync', 'fit small']),
    )
  })

  it('gives the same results as without it, bit for bit', async () => {
    const run = async () => {
      const model = smallModel()
      model.compile({ optimizer: tf.train.adam(0.1), loss: 'meanSquaredError' })
      const before = (model.predict(image()) as tf.Tensor).dataSync()
      const { history } = await model.fit(image(), tf.ones([1, 3]), { epochs: 3, verbose: 0 })
      const concat = tf
        .grad(x =>
          tf
            .concat([x, tf.mul(x, 2)])
            .square()
            .sum(),
        )(tf.tensor1d([1, 2]))
        .dataSync()
      return [before, history.loss, (model.predict(image()) as tf.Tensor).dataSync(), concat]
    }
    let recorded: unknown
    await during(async () => {
      recorded = await run()
    })
    uninstrument()
    expect(recorded).toEqual(await run())
  })

  it('throws the same errors as without it, and keeps the nesting', async () => {
    const failures = async () => {
      const attempts = [
        () => tf.engine().runKernel('NoSuchKernel', {}),
        () => tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])),
        () => smallModel().predict(tf.ones([1, 4, 4, 1])),
        () => tf.ones([1]).dispose() as unknown as number,
        () => {
          const gone = tf.ones([1])
          gone.dispose()
          return gone.dataSync()
        },
      ]
      const found: string[] = []
      for (const attempt of attempts) {
        try {
          attempt()
        } catch (error) {
          found.push(`${(error as Error).constructor.name}: ${(error as Error).message}`)
        }
      }
      const gone = tf.ones([1])
      gone.dispose()
      await gone.data().catch(error => found.push((error as Error).message))
      return found
    }
    let recorded: string[] = []
    const capture = await during(async () => {
      recorded = await failures()
      tf.neg(1)
    })
    uninstrument()
    expect(recorded).toHaveLength(5)
    expect(recorded).toEqual(await failures())
    expect(calls(capture)).toMatchObject({ Neg: 1, 'Neg > compute': 1 })
    expect(capture.warnings).toEqual([])
  })

  it('calls it dispatch where a backend works on after the call, and says so', async () => {
    const { backend } = tf.engine()
    tf.registerBackend('opscope-queue', () => backend as tf.KernelBackend)
    tf.copyRegisteredKernels('cpu', 'opscope-queue')
    try {
      tf.setBackend('opscope-queue')
      const x = tf.ones([4])
      const capture = await during(() => {
        tf.neg(x)
        tf.abs(x)
      })
      const found = calls(capture)
      expect(found).toMatchObject({ Neg: 1, 'Neg > dispatch': 1, Abs: 1, 'Abs > dispatch': 1 })
      expect(found).not.toHaveProperty('Neg > compute')
      expect(capture.warnings).toMatchObject([
        { code: 'tfjs-dispatch-only', count: 2, detail: expect.stringContaining('opscope-queue') },
      ])
    } finally {
      tf.setBackend('cpu')
    }
  })

  it('records kernels that are registered later, and none that others call', async () => {
    const kernelFunc = () => tf.getKernel('Neg', 'cpu').kernelFunc({ inputs: { x }, backend: tf.backend() })
    const x = tf.ones([2])
    tf.neg(x) // so that the registry has the recording one, below
    const capture = await during(() => {
      tf.neg(x)
      tf.registerKernel({ kernelName: 'Twice', backendName: 'cpu', kernelFunc })
      tf.engine().runKernel('Twice', { x })
      kernelFunc()
    })
    tf.unregisterKernel('Twice', 'cpu')
    expect(calls(capture)).toMatchObject({ Neg: 1, 'Neg > compute': 1, Twice: 1, 'Twice > compute': 1 })
    expect(calls(capture)).not.toHaveProperty('compute')
  })

  it('shares the engine with other copies and packages, and puts everything back after the last', async () => {
    expect(instrument(require('@tensorflow/tfjs'))).toBe(uninstrument)
    const recording = enginePrototype.runKernel
    const ofCore = instrument(core)
    expect(ofCore).not.toBe(uninstrument)
    expect(instrument({ default: core })).toBe(ofCore)
    expect(enginePrototype.runKernel).toBe(recording)
    const x = tf.ones([2])
    await during(() => tf.grad(y => tf.neg(y).sum())(x))
    const watched = [tf.getKernel('Neg', 'cpu'), tf.getGradient('Neg')]
    uninstrument()
    expect(enginePrototype.runKernel).toBe(recording)
    const capture = await during(() => smallModel().predict(image()))
    expect(Object.keys(calls(capture))).toContain('FusedConv2D > compute') // no model, no layer around it
    ofCore()
    ofCore()
    expect(enginePrototype.runKernel).not.toBe(recording)
    expect([tf.getKernel('Neg', 'cpu'), tf.getGradient('Neg')]).not.toEqual(watched)
    expect(Object.getOwnPropertyNames(engine)).not.toContain('runKernel')
    expect(calls(await during(() => tf.neg(x).dataSync()))).toEqual({})
  })

  it('records in worker threads', async () => {
    const program = `
      const tf = require('@tensorflow/tfjs')
      const { parentPort } = require('node:worker_threads')
      require('opscope/integrations/tfjs').instrument(tf)
      parentPort.once('message', () => {
        for (let i = 0; i < 4; i++) tf.neg(tf.ones([2]))
        parentPort.postMessage('done')
      })
      parentPort.postMessage('ready')`
    const worker = new Worker(program, { eval: true })
    const heard = () => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await heard()
    const capture = await during(async () => {
      worker.postMessage('go')
      await heard()
    })
    await worker.terminate()
    expect(calls(capture)).toMatchObject({ Neg: 4, 'Neg > compute': 4 })
    expect(capture.threads.find(({ spanCount }) => spanCount > 0)?.name).toMatch(/^worker/)
  })

  it.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['a tensor', tf.scalar(1)],
    ['a package that looks like it', { engine: () => ({}), tensor: () => {} }],
  ])('refuses %s', (_, wrong) => {
    expect(() => instrument(wrong)).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_INTEGRATION' }))
  })
})
