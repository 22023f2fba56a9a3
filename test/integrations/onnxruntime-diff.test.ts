// Two recordings of a real network, one of them with a larger convolution.
import * as ort from 'onnxruntime-node'
import { type Capture, type CaptureDiff, profile, record, recordSync } from 'opscope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { demoImages, demoModel } from '../../examples/demo/demo-network.mjs'
import { instrument } from '../../src/integrations/onnxruntime.js'

const BATCHES = 60
const BATCH_SIZE = 4

let uninstrument: () => void
beforeAll(() => {
  uninstrument = instrument(ort)
})
afterAll(() => uninstrument())

/** The network with convolutions of these sizes, after a warm-up. */
async function recorded(kernels: Record<string, number>): Promise<Capture> {
  // One thread: those of the runtime wait for each other by spinning, which another program on the machine doubles.
  const session = await ort.InferenceSession.create(demoModel(kernels), { intraOpNumThreads: 1 })
  const run = async (batches: number) => {
    for (let batch = 0; batch < batches; batch++) {
      await record('classify', async () => {
        const { data, dims } = recordSync('load images', () => demoImages(BATCH_SIZE, batch))
        return session.run({ image: new ort.Tensor('float32', data, dims) })
      })
    }
  }
  await profile({}, () => run(BATCHES))
  const capture = await profile({ tracerOption: 'AllOpDetail' }, () => run(BATCHES))
  await session.release()
  return capture
}
function changed({ ops, stages }: CaptureDiff): string[] {
  return [...ops, ...stages].flatMap(({ path, verdict, callsVerdict }) => {
    const isChange = (verdict !== 'same' && verdict !== 'unsure') || callsVerdict !== 'same'
    return isChange ? `${path.join('/')} ${verdict}` : []
  })
}

// A machine that gives the one recording half of its time lets nothing be told: the diff says so, and names nothing.
describe('the demo network', { retry: 2 }, () => {
  it('before and after a change of one convolution differs in exactly that', async () => {
    const [one, other] = [await recorded({}), await recorded({ conv2: 7 })]
    expect(changed(one.diff(other))).toEqual(['classify/session.run demo/Conv/Conv1/compute slower'])
    expect(changed(one.diff(other, { tracerOption: 'Default' }))).toEqual(['classify/session.run demo/Conv slower'])
    expect(changed(other.diff(one))).toEqual(['classify/session.run demo/Conv/Conv1/compute faster'])
  })
  it('differs in nothing from itself', async () => {
    const [one, other] = [await recorded({}), await recorded({})]
    expect(changed(one.diff(other))).toEqual([])
  })
})
