import { expect, it } from 'vitest'

import { chromeRows, gpuOf, launchesOf, spansOf } from './rows-of.js'

const at = { ph: 'X', pid: 20679, tid: 20679 }
// The shape of a profile of onnxruntime 1.2x; figures made up.
const node = (name: string, op: string, ts: number, dur: number) => ({
  cat: 'Node',
  ...at,
  dur,
  ts,
  name: `${name}_kernel_time`,
  args: { op_name: op, provider: 'CPUExecutionProvider', node_index: '0' },
})
const session = (name: string, ts: number, dur: number) => ({ cat: 'Session', ...at, dur, ts, name, args: {} })

it('makes an op with instance and compute of each node, inside the runs', async () => {
  const rows = await chromeRows([
    node('/layer1/MatMul', 'MatMul', 12, 30),
    node('/layer1/Softmax', 'Softmax', 43, 9),
    session('SequentialExecutor::Execute', 11, 42),
    session('model_run', 10, 45),
  ])
  expect(spansOf(rows)).toEqual([
    'thread 20679: model_run inference 0-45000',
    'thread 20679: SequentialExecutor::Execute section 1000-43000',
    'thread 20679: MatMul cpu_op 2000-32000',
    'thread 20679: MatMul (instance /layer1/MatMul) cpu_op 2000-32000',
    'thread 20679: compute (phase) cpu_op 2000-32000',
    'thread 20679: Softmax cpu_op 33000-42000',
    'thread 20679: Softmax (instance /layer1/Softmax) cpu_op 33000-42000',
    'thread 20679: compute (phase) cpu_op 33000-42000',
  ])
})

// Starts and durations are cut to whole µs: 11.0 + 41.9 and 12.9 + 40.0 give an end of 52 to the outer, 53 to the inner.
it('does not lose a node that seems to end just behind its executor', async () => {
  const rows = await chromeRows([
    node('n', 'MatMul', 13, 40),
    session('SequentialExecutor::Execute', 11, 41),
    session('model_run', 10, 42),
  ])
  expect(spansOf(rows).slice(0, 3)).toEqual([
    'thread 20679: model_run inference 0-43000',
    'thread 20679: SequentialExecutor::Execute section 1000-43000',
    'thread 20679: MatMul cpu_op 3000-43000',
  ])
})

it('gives no compute to a node that runs others', async () => {
  const rows = await chromeRows([node('inner', 'Exp', 12, 5), node('choose', 'If', 10, 9), session('model_run', 10, 9)])
  expect(spansOf(rows).filter(span => span.includes('compute'))).toEqual([
    'thread 20679: compute (phase) cpu_op 2000-7000',
  ])
})

it('gives GPU kernels to the node that they stand behind', async () => {
  const rows = await chromeRows([
    node('n', 'MatMul', 10, 5),
    { cat: 'Kernel', ...at, tid: 0, dur: 50, ts: 14, name: 'sgemm', args: { stream: '7', block_x: '128' } },
  ])
  expect(launchesOf(rows)).toEqual(['thread 20679: launch 0-0 #1'])
  expect(gpuOf(rows)).toEqual(['kernel sgemm @0/0/7 4000-54000 #1'])
})
