import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { memoryKinds } from '../../src/import/kineto.js'
import { loadCapture } from '../../src/load-capture.js'
import { chromeRows, gpuOf, launchesOf, spansOf } from './rows-of.js'

const host = { ph: 'X', pid: 100, tid: 100 }
const gpu = { ph: 'X', pid: 0, tid: 7 }
const BASE = 1735689600000000000

// The shape of a trace of torch.profiler; figures made up.
const TRACE = {
  schemaVersion: 1,
  deviceProperties: [{ id: 0, name: 'NVIDIA H100' }],
  displayTimeUnit: 'ms',
  baseTimeNanoseconds: BASE,
  traceEvents: [
    { ...host, cat: 'user_annotation', name: 'step', ts: 5000.5, dur: 100 },
    {
      ...host,
      cat: 'cpu_op',
      name: 'aten::linear',
      ts: 5001.5,
      dur: 40.25,
      args: { 'External id': 17, 'Input Dims': [[8, 64]] },
    },
    {
      ...host,
      cat: 'cuda_runtime',
      name: 'cudaLaunchKernel',
      ts: 5010.5,
      dur: 5,
      args: { 'External id': 17, cbid: 211, correlation: 301 },
    },
    { ...host, cat: 'cuda_runtime', name: 'cudaMemcpyAsync', ts: 5050.5, dur: 6, args: { correlation: 302 } },
    {
      ...gpu,
      cat: 'kernel',
      name: 'sgemm_nn',
      ts: 5020.5,
      dur: 12.125,
      args: { device: 0, context: 1, stream: 7, correlation: 301 },
    },
    {
      ...gpu,
      cat: 'gpu_memcpy',
      name: 'Memcpy HtoD (Pageable -> Device)',
      ts: 5060.5,
      dur: 3,
      args: { device: 0, context: 1, stream: 7, correlation: 302, bytes: 4096 },
    },
    {
      ...gpu,
      cat: 'gpu_memset',
      name: 'Memset (Device)',
      ts: 5070.5,
      dur: 1,
      args: { device: 0, context: 1, stream: 7, correlation: 303, bytes: 64 },
    },
    { ...gpu, cat: 'gpu_user_annotation', name: 'step', ts: 5020.5, dur: 50 },
    { ph: 's', id: 301, pid: 100, tid: 100, ts: 5010.5, cat: 'ac2g', name: 'ac2g' },
    { ph: 'f', id: 301, pid: 0, tid: 7, ts: 5020.5, cat: 'ac2g', name: 'ac2g', bp: 'e' },
    { ph: 'X', cat: 'Trace', ts: 4990, dur: 500, pid: 'Spans', tid: 'PyTorch Profiler', name: 'PyTorch Profiler (0)' },
    {
      name: 'Iteration Start: PyTorch Profiler',
      ph: 'i',
      s: 'g',
      pid: 'Traces',
      tid: 'Trace PyTorch Profiler',
      ts: 5000.5,
    },
  ],
}

describe('a PyTorch trace', () => {
  it('gives ops, launches and GPU rows that share correlation ids', async () => {
    const rows = await chromeRows(TRACE)
    expect(spansOf(rows)).toEqual(['thread 100: step section 0-100000', 'thread 100: aten::linear cpu_op 1000-41250'])
    expect(launchesOf(rows)).toEqual([
      'thread 100: cudaLaunchKernel 10000-15000 #301',
      'thread 100: cudaMemcpyAsync 50000-56000 #302',
    ])
    expect(gpuOf(rows)).toEqual([
      'kernel sgemm_nn @0/1/7 20000-32125 #301',
      'copy Memcpy HtoD (Pageable -> Device) pageable->device 4096 B @0/1/7 60000-63000 #302',
      'fill Memset (Device) @0/1/7 70000-71000 #303',
    ])
  })
  it('gives the GPU time to the op that launched it, and a row to the copy', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'opscope-test-')), 'kineto.json')
    writeFileSync(path, JSON.stringify(TRACE))
    const ops = (await loadCapture(path)).ops()
    expect(ops.map(row => [row.path.join(' > '), row.cpuNs, row.gpuNs])).toEqual([
      ['step', 100_000, 15_125],
      ['step > aten::linear', 40_250, 12_125],
      ['step > GpuMemcpyAsync:CPU->GPU', 6_000, 3_000],
    ])
  })
  it('knows the wall clock', async () => {
    expect((await chromeRows(TRACE)).originEpochNs).toBe(BigInt(BASE) + 5_000_500n)
  })
})

it.each([
  ['Memcpy HtoD (Pageable -> Device)', 'pageable', 'device'],
  ['Memcpy DtoH (Device -> Pinned)', 'device', 'pinned'],
  ['Memcpy DtoD (Device -> Device)', 'device', 'device'],
  ['Memcpy PtoP (Device -> Device)', 'device', 'peer'],
  ['Memcpy HtoD (Managed Static -> Device Static)', 'managed', 'device'],
  ['Memcpy DtoH', 'device', 'pageable'],
  ['Memcpy', 'unknown', 'unknown'],
])('%s is %s to %s', (name, from, to) => {
  expect(memoryKinds(name)).toEqual([from, to])
})
