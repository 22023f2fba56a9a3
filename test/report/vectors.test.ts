// Published profiles of PaddlePaddle programs, and an algorithm's known cases, from rows to the printed text.
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { buildCapture } from '../../src/rows.js'
import { figures, instance, op, paddleReport, phase, rowsOf, tablesOf } from './op-plan.js'
import { conditionalBlockFigures, conditionalBlockPlan, conditionalBlockRows, short } from './published.js'

describe('TV1, one thread with copies and hidden compute', () => {
  let text: string
  beforeAll(async () => {
    text = await paddleReport(rowsOf({ main: conditionalBlockPlan }))
  })

  it('prints every row of the published table', () => {
    expect(tablesOf(text)).toHaveLength(1)
    expect(tablesOf(text)[0]!.map(short)).toEqual(conditionalBlockRows)
  })
  it('tells CPU from GPU time, the GPU time of a parent being that of its children', () => {
    const [block, copy] = tablesOf(text)[0]!
    expect([block!.cpu, block!.gpu, copy!.cpu, copy!.gpu]).toEqual(['43.963987', '1.354010', '11.040198', '0.790586'])
    expect([block!.cpuRatio, block!.gpuRatio]).toEqual(['0.970122', '0.029878'])
  })
  it('prints the published summaries, counting the copy inside compute once', () => {
    expect(conditionalBlockFigures.map(figure => figures(text, figure.split(' ', 1)[0]!))).toEqual(
      conditionalBlockFigures,
    )
  })
})

describe('TV2, two threads', () => {
  const threads = {
    thread0: [
      op('FastThreadedSSAGraphExecutorPrepare', 1, 6.089512),
      op('GpuMemcpyAsync:CPU->GPU', 1, 0.700009, 0.003),
      op('InitLocalVars', 1, 0.006395),
      op('ScopeBufferedMonitor::post_local_exec_scopes_process', 1, 0.005985),
      op('ScopeBufferedMonitor::pre_local_exec_scopes_process', 1, 0.003467),
    ],
    thread1: [
      op('mul', 1, 0.219497, 0, [phase('compute', 1, 0.12)]),
      op('elementwise_add', 1, 0.108017, 0, [phase('compute', 1, 0.06)]),
      op('Fetch', 1, 0.101637, 0.001, [op('GpuMemcpyAsync:GPU->CPU', 1, 0.043581, 0.001)]),
      op('mean', 1, 0.064722, 0, [phase('compute', 1, 0.045158)]),
      op('eager_deletion', 2, 0.006166),
    ],
  }
  let text: string
  beforeAll(async () => {
    text = await paddleReport(rowsOf(threads))
  })

  it('prints the merged table and its summaries', () => {
    const [merged] = tablesOf(text)
    expect(figures(text, 'Total time:')).toBe('Total time: 7.30941')
    expect(figures(text, 'Computation')).toBe('Computation time Total: 0.225158 Ratio: 3.08039%')
    expect(figures(text, 'Framework')).toBe('Framework overhead Total: 7.08425 Ratio: 96.9196%')
    expect(figures(text, 'GpuMemcpy ')).toBe('GpuMemcpy Calls: 2 Total: 0.74759 Ratio: 10.2278%')
    expect(figures(text, 'GpuMemcpySync')).toBeUndefined()
    // One, and once more the share of the copy that is also part of Fetch.
    expect(merged!.reduce((sum, row) => sum + Number(row.ratio), 0)).toBeCloseTo(1.006099, 5)
  })
  it('prints each thread against its own total, the newest first', () => {
    expect(tablesOf(text)[1]!.map(short)).toEqual([
      'thread1::mul 1 0.219497 0.438084',
      'thread1::elementwise_add 1 0.108017 0.215586',
      'thread1::Fetch 1 0.102637 0.204848',
      '· GpuMemcpyAsync:GPU->CPU 1 0.044581 0.0889771',
      'thread1::mean 1 0.064722 0.129176',
      'thread1::eager_deletion 2 0.006166 0.0123064',
      'thread0::FastThreadedSSAGraphExecutorPrepare 1 6.08951 0.894416',
      'thread0::GpuMemcpyAsync:CPU->GPU 1 0.703009 0.103257',
      'thread0::InitLocalVars 1 0.006395 0.000939285',
      'thread0::ScopeBufferedMonitor::post_local_exec_scopes_process 1 0.005985 0.000879065',
      'thread0::ScopeBufferedMonitor::pre_local_exec_scopes_process 1 0.003467 0.000509226',
    ])
  })
  it('has summaries over the merged table alone', () => {
    expect(text.match(/Overhead Summary/g)).toHaveLength(1)
    expect(text.match(/GpuMemCpy Summary/g)).toHaveLength(1)
  })
})

describe('TV3, OpDetail', () => {
  // Of the phases that are not published, only the sum is known.
  const plan = [
    op('fill_constant', 6, 9.577872, 0.017152, [
      phase('infer_shape', 6, 0.117523),
      phase('compute', 6, 9.279253, 0.017152),
    ]),
    op('slice', 6, 1.382675, 0.020192, [
      phase('prepare_data', 6, 1.130718, 0.008672, [op('GpuMemcpySync:CPU->GPU', 6, 0.914658, 0.008672)]),
      phase('infer_shape', 6, 0.039823),
      phase('compute', 6, 0.174248, 0.01152),
    ]),
    op('crop_tensor', 6, 0.563035, 0.023648, [
      phase('prepare_data', 6, 0.043285),
      phase('compute', 6, 0.47804, 0.023648, [op('GpuMemcpySync:CPU->GPU', 6, 0.20785, 0.023)]),
    ]),
    op('Fetch', 6, 0.318085, 0.01, [op('GpuMemcpyAsync:GPU->CPU', 6, 0.173378, 0.01)]),
    op('FastThreadedSSAGraphExecutorPrepare', 1, 0.165158),
    op('shape', 6, 0.160389, 0, [phase('infer_shape', 6, 0.032944), phase('compute', 6, 0.08775)]),
    op('post', 1, 0.109541),
    op('eager_deletion', 1, 0.056515),
    op('pre', 1, 0.016096),
  ]
  let capture: Capture
  beforeAll(async () => {
    capture = await buildCapture(rowsOf({ main: plan }, { tracerOption: 'OpDetail' }))
  })

  it('sorts phases like rows and prints them with their op', () => {
    const [table] = tablesOf(capture.report({ style: 'paddle', sortedKey: 'total' }))
    const slice = table!.findIndex(({ name }) => name === 'thread0::slice')
    expect(table!.slice(slice, slice + 5).map(({ depth, name, total }) => [depth, name, total])).toEqual([
      [0, 'thread0::slice', '1.40287'],
      [1, 'thread0::slice/prepare_data', '1.13939'],
      [2, 'GpuMemcpySync:CPU->GPU', '0.92333'],
      [1, 'thread0::slice/compute', '0.185768'],
      [1, 'thread0::slice/infer_shape', '0.039823'],
    ])
  })
  it('adds up the hidden header', () => {
    const text = capture.report({ style: 'paddle', sortedKey: 'total' })
    expect(figures(text, 'Total time:')).toBe('Total time: 12.4204')
    expect(figures(text, 'Computation')).toBe('Computation time Total: 10.0716 Ratio: 81.0895%')
    expect(figures(text, 'Framework')).toBe('Framework overhead Total: 2.34875 Ratio: 18.9105%')
    expect(figures(text, 'GpuMemcpy ')).toBe('GpuMemcpy Calls: 18 Total: 1.33756 Ratio: 10.7691%')
    expect(figures(text, 'GpuMemcpySync')).toBe('GpuMemcpySync Calls: 12 Total: 1.15418 Ratio: 9.29265%')
    expect(figures(text, 'GpuMemcpyAsync')).toBe('GpuMemcpyAsync Calls: 6 Total: 0.183378 Ratio: 1.47643%')
  })
  it.each([
    ['fill_constant', 0.181096],
    ['slice', 0.037886],
    ['crop_tensor', 0.04171],
    ['shape', 0.039695],
  ])('leaves %s its own time', (name, selfMs) => {
    const row = capture.ops().find(({ path }) => path.join('/') === name)
    expect(row!.selfNs).toBe(Math.round(selfMs * 1e6))
  })
})

describe('TV4, AllOpDetail', () => {
  const fill = (variable: string, cpu: number, gpu: number, compute: number) =>
    instance('fill_constant', variable, 6, cpu, gpu, [phase('compute', 6, compute, gpu)])
  const plan = [
    op('fill_constant', 12, 8.977549, 0.017439, [
      fill('a', 4.527403, 0.008927, 4.391073),
      fill('b', 4.355344, 0.008512, 4.191488),
    ]),
    op('slice', 6, 3.219434, 0, [instance('slice', 'c', 6, 3.195504, 0, [phase('compute', 6, 0.720326)])]),
  ]
  let text: string
  beforeAll(async () => {
    text = await paddleReport(rowsOf({ main: plan }, { tracerOption: 'AllOpDetail' }))
  })
  it('numbers the instances; calls and GPU time of the type are their sums, its total is more', () => {
    expect(tablesOf(text)[0]!.map(({ depth, name, calls, total, gpu }) => [depth, name, calls, total, gpu])).toEqual([
      [0, 'thread0::fill_constant', 12, '8.99499', '0.017439'],
      [1, 'fill_constant0', 6, '4.53633', '0.008927'],
      [2, 'fill_constant0/compute', 6, '4.4', '0.008927'],
      [1, 'fill_constant1', 6, '4.36386', '0.008512'],
      [2, 'fill_constant1/compute', 6, '4.2', '0.008512'],
      [0, 'thread0::slice', 6, '3.21943', '0.000000'],
      [1, 'slice0', 6, '3.1955', '0.000000'],
      [2, 'slice0/compute', 6, '0.720326', '0.000000'],
    ])
  })
  it('adds up the hidden header', () => {
    expect(figures(text, 'Computation')).toBe('Computation time Total: 9.32033 Ratio: 76.3059%')
    expect(figures(text, 'Framework')).toBe('Framework overhead Total: 2.8941 Ratio: 23.6941%')
  })
})
