// What one inference is told of: steps, batches, tensors, ends.
import { setImmediate as nextLoop } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'

import type { Inference } from '../../src/serving/index.js'
import { httpServer, inferTwice, later, tracerWithFile } from './servers.js'
import { INFERENCE_STAMPS } from './stamp-names.js'

describe('an inference', () => {
  it('inside another one is a step of it, across awaits', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, async (_, response) => {
      await tracer.infer({ model: 'ensemble' }, async () => {
        await nextLoop()
        await inferTwice(tracer, 'first')
        await tracer.infer({ model: 'second' }, () => inferTwice(tracer, 'inner'))
      })
      response.end()
    })
    await (await fetch(url)).text()
    const all = await traces()
    expect(all.map(({ id, model_name, parent_id }) => [id, model_name, parent_id])).toEqual([
      [1, 'ensemble', undefined],
      [2, 'first', 1],
      [3, 'second', 1],
      [4, 'inner', 3],
    ])
    expect(all[0]!.names).not.toContain('COMPUTE_START')
  })

  it('beside others of a request makes a whole of steps', async () => {
    const { tracer, traces } = tracerWithFile()
    const url = await httpServer(tracer, async (_, response) => {
      await Promise.all([inferTwice(tracer, 'a'), inferTwice(tracer, 'b')])
      response.end()
    })
    await (await fetch(`${url}/both`)).text()
    const [whole, a, b] = await traces()
    expect([whole!.model_name, a!.model_name, b!.model_name]).toEqual(['GET /both', 'a', 'b'])
    expect([a!.parent_id, b!.parent_id]).toEqual([whole!.id, whole!.id])
    expect(whole!.at.REQUEST_START).toBe(a!.at.REQUEST_START)
    expect([a!.at.REQUEST_END, b!.at.REQUEST_END]).toContain(whole!.at.REQUEST_END)
    expect(whole!.at.REQUEST_END! >= a!.at.REQUEST_END! && whole!.at.REQUEST_END! >= b!.at.REQUEST_END!).toBe(true)
  })

  it('that throws is told, and the error is the same', async () => {
    const { tracer, traces } = tracerWithFile()
    const error = new Error('bad weights')
    const infer = () => {
      throw error
    }
    await expect(tracer.infer({ model: 'bad' }, { infer })).rejects.toBe(error)
    expect(() => tracer.infer({ model: 'bad' }, infer)).toThrow(error)
    for (const { names } of await traces()) {
      expect(names).toContain('OPSCOPE_FAILED')
      expect(names).not.toContain('COMPUTE_END')
    }
  })

  it('that is turned away from the queue is rejected, without a computation', async () => {
    const { tracer, traces } = tracerWithFile()
    const queue = () => Promise.reject(new Error('full'))
    await expect(tracer.infer({ model: 'busy' }, { queue, infer: () => 1 })).rejects.toThrow('full')
    expect((await traces())[0]!.names).toEqual(['REQUEST_START', 'QUEUE_START', 'OPSCOPE_REJECTED', 'REQUEST_END'])
  })

  it('of no request is a trace without a front end', async () => {
    const { tracer, traces } = tracerWithFile()
    expect(await inferTwice(tracer)).toBe('42')
    expect(await traces()).toMatchObject([{ model_name: 'doubler', names: INFERENCE_STAMPS }])
  })

  it('in a batch has the moments of the batch, and ends by itself', async () => {
    const { tracer, traces } = tracerWithFile()
    const waiting: (Inference | undefined)[] = []
    const url = await httpServer(tracer, (_, response) => {
      waiting.push(tracer.startInference({ model: 'batched' }))
      response.end()
    })
    for (let index = 0; index < 3; index++) await (await fetch(url)).text()
    expect(await tracer.batch(waiting, { infer: () => later('done') })).toBe('done')
    expect(await traces()).toEqual([])
    for (const inference of waiting) inference?.end()
    const all = await traces()
    expect(all).toHaveLength(3)
    for (const trace of all) expect(trace).toMatchObject({ batch_id: 1, batch_size: 3 })
    for (const { names } of all) expect(names).toEqual(expect.arrayContaining(INFERENCE_STAMPS))
    for (const name of ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END']) {
      expect(new Set(all.map(({ at }) => at[name])).size).toBe(1)
    }
  })

  it('that is traced has no part in a batch that its request set off for others', async () => {
    const { tracer, traces } = tracerWithFile({ rate: 2 })
    const runs: unknown[] = []
    const url = await httpServer(tracer, async (request, response) => {
      const run = () => runs.push(tracer.startRun('runtime', process.hrtime.bigint()))
      if (request.url === '/traced') {
        await tracer.infer({ model: 'm' }, () => {})
        await tracer.batch([undefined, undefined], { infer: run })
      }
      response.end()
    })
    for (const path of ['/other', '/traced']) await (await fetch(url + path)).text()
    expect(runs).toEqual([undefined])
    expect(await traces()).toMatchObject([{ model_name: 'm' }])
  })

  it('waits from where it says it does', async () => {
    let now = 0n
    const { tracer, traces } = tracerWithFile({ clock: () => ++now })
    tracer.infer({ model: 'm' }, inference => {
      inference?.stamp('TOKENIZE_START').stamp('TOKENIZE_END').stamp('QUEUE_START').stamp('COMPUTE_START')
    })
    const [trace] = await traces()
    expect(trace!.names).toEqual([
      'REQUEST_START',
      'TOKENIZE_START',
      'TOKENIZE_END',
      'QUEUE_START',
      'COMPUTE_START',
      'REQUEST_END',
    ])
    expect(trace!.at.QUEUE_START! - trace!.at.REQUEST_START!).toBe(3n)
  })

  it('keeps its tensors at level TENSORS', async () => {
    const { tracer, traces } = tracerWithFile({ level: ['TIMESTAMPS', 'TENSORS'] })
    const data = new Float32Array([0.5, 2])
    tracer.infer({ model: 'm' }, inference => {
      inference?.tensor('TENSOR_QUEUE_INPUT', 'x', { data, dims: [1, 2], type: 'float32' })
    })
    expect((await traces())[0]!.tensors).toEqual([
      { activity: 'TENSOR_QUEUE_INPUT', tensor: { name: 'x', data: '0.5,2', shape: '1,2', dtype: 'FP32' } },
    ])
  })
})
