import * as ort from 'onnxruntime-node'
import { profile } from 'opscope'
import { expect, it } from 'vitest'

import { demoImages, demoModel } from '../../examples/demo/demo-network.mjs'
import { instrument } from '../../src/integrations/onnxruntime.js'

const RUNS = 3
// Those of the network that ONNX Runtime does not fuse into others.
const OPERATORS = { Conv: 3, MaxPool: 3, Softmax: 1 }

it('fills all five tables with the runs of a model on the CPU', async () => {
  const restore = instrument(ort)
  const { data, dims } = demoImages(2, 1)
  const capture = await profile({ state: 'CPU' }, async () => {
    // A load is in the report, and is no inference.
    const session = await ort.InferenceSession.create(demoModel())
    for (let run = 0; run < RUNS; run++) await session.run({ image: new ort.Tensor('float32', data, dims) })
    await session.release()
  })
  restore()
  expect(capture.ops().map(({ name }) => name)).toContain('session.load')

  expect(capture.summary()).toMatchObject({ count: RUNS, unfinished: 0 })
  const inferences = capture.inferences()
  expect(inferences.column('name')).toEqual(Array(RUNS).fill(expect.stringMatching(/^session\.run/)))

  const executions = capture.executions()
  expect(executions.column('device')).toEqual(Array(RUNS).fill('cpu'))
  expect(executions.column('execution_index')).toEqual([0, 1, 2])
  expect(executions.column('Total')).toEqual(inferences.column('dur'))
  for (const { Total, Busy, Idle } of executions) {
    expect(Busy).toBeGreaterThan(0)
    expect(Number(Busy) + Number(Idle)).toBe(Total)
  }
  const counts = Object.fromEntries(
    capture
      .operators()
      .toArray()
      .map(({ name, count }) => [name, count]),
  )
  for (const [name, count] of Object.entries(OPERATORS)) expect([name, counts[name]]).toEqual([name, RUNS * count])
  const total = (column: (string | number | bigint | null)[]) => column.reduce<number>((sum, ns) => sum + Number(ns), 0)
  expect(total(capture.cpuOperators().column('dur'))).toBe(total(capture.operators().column('total_ns')))
  expect(new Set(capture.cpuOperators().column('inference_span_id'))).toEqual(new Set(inferences.column('span_id')))
})
