// What the integration of onnxruntime-node tells of its runs, while no session records.
import * as ort from 'onnxruntime-node'
import { describe, expect, it, onTestFinished } from 'vitest'

import { demoImages, demoModel } from '../../examples/demo/demo-network.mjs'
import { instrument } from '../../src/integrations/onnxruntime.js'
import { httpServer, tracerWithFile } from './servers.js'

const COMPUTE = ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END']

/** A session of the demo network, and a run of it. */
async function demoSession(): Promise<() => Promise<unknown>> {
  onTestFinished(instrument(ort))
  const session = await ort.InferenceSession.create(demoModel())
  onTestFinished(() => session.release())
  const { data, dims } = demoImages(1)
  return () => session.run({ image: new ort.Tensor('float32', data, dims) })
}

describe('a run of a model', () => {
  it('is the inference of its request, named by its model', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, async (_, response) => {
      await run()
      response.end()
    })
    await (await fetch(url)).text()
    const [trace, ...others] = await traces()
    expect(others).toEqual([])
    expect(trace).toMatchObject({ model_name: 'demo' })
    expect(trace!.names.filter(name => name.startsWith('COMPUTE'))).toEqual(COMPUTE)
    expect(trace!.at.COMPUTE_OUTPUT_START! > trace!.at.COMPUTE_INPUT_END!).toBe(true)
  })

  it('gives an inference its moments, and is that inference', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    await tracer.infer({ model: 'classifier', version: 3 }, run)
    expect(await traces()).toMatchObject([{ model_name: 'classifier', model_version: 3 }])
    expect((await traces())[0]!.names.filter(name => name.startsWith('COMPUTE'))).toEqual(COMPUTE)
  })

  it('is nothing more where the inference tells its stages itself', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    await tracer.infer({ model: 'classifier' }, { infer: run })
    expect((await traces()).map(({ model_name }) => model_name)).toEqual(['classifier'])
  })

  it('beside another one is a step of the inference', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    await tracer.infer({ model: 'twice' }, async () => [await run(), await run()])
    expect((await traces()).map(({ model_name, parent_id }) => [model_name, parent_id])).toEqual([
      ['twice', undefined],
      ['demo', 1],
      ['demo', 1],
    ])
  })

  it('in a batch is told of by the batch', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    const inferences = [1, 2].map(() => tracer.startInference({ model: 'batched' }))
    await tracer.batch(inferences, { infer: run })
    for (const inference of inferences) inference?.end()
    expect((await traces()).map(({ model_name }) => model_name)).toEqual(['batched', 'batched'])
  })

  it('that fails is a failed inference, and the error is the same', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile()
    const session = await ort.InferenceSession.create(demoModel())
    onTestFinished(() => session.release())
    const wrong = new ort.Tensor('float32', new Float32Array(3), [3])
    await expect(tracer.infer({ model: 'm' }, () => session.run({ image: wrong }))).rejects.toThrow(/rank|dim|shape/i)
    expect((await traces()).every(({ names }) => names.includes('OPSCOPE_FAILED'))).toBe(true)
    await run()
  })

  it('has its tensors in the trace at level TENSORS', async () => {
    const run = await demoSession()
    const { tracer, traces } = tracerWithFile({ level: 'TIMESTAMPS|TENSORS' })
    await tracer.infer({ model: 'classifier' }, run)
    const tensors = (await traces()).flatMap(trace => trace.tensors)
    expect(tensors.map(({ activity, tensor }) => [activity, tensor.name, tensor.dtype])).toEqual([
      ['TENSOR_BACKEND_INPUT', 'image', 'FP32'],
      ['TENSOR_BACKEND_OUTPUT', 'probabilities', 'FP32'],
    ])
    expect(tensors[1]!.tensor.data!.split(',')).toHaveLength(10)
  })
})
