import { describe, expect, it } from 'vitest'

import { importPaddle } from '../../src/import/paddle.js'
import { PROFILE } from './paddle-proto.js'
import { gpuOf, launchesOf, spansOf, warningsOf } from './rows-of.js'

const EPOCH = 1_763_780_000_000_000_000n
const long = (ns: number) => String(EPOCH + BigInt(ns))
const host = (name: string, start: number, end: number, thread = 0, block = 0) => ({
  name,
  start_ns: long(start),
  end_ns: long(end),
  device_id: block,
  sub_device_id: thread,
  type: 0,
})
const api = (path: string, call: string, start: number, end: number, thread = 0) => ({
  ...host(path, start, end, thread, -1),
  detail_info: call,
})
const gpu = (name: string, detail: string, start: number, end: number, bytes = 0) => ({
  ...host(name, start, end, 7),
  type: 1,
  detail_info: detail,
  ...(bytes > 0 ? { memcopy: { bytes } } : {}),
})

async function rowsOf(profile: { events?: object[]; mem_events?: object[] }, cutBytes = 0) {
  const bytes = Buffer.from(
    PROFILE.encode(PROFILE.fromObject({ ...profile, start_ns: long(0), end_ns: long(99) })).finish(),
  )
  async function* chunks() {
    yield bytes.subarray(0, bytes.length - cutBytes)
  }
  return (await importPaddle(chunks())).rows()
}

describe('a Paddle profile', () => {
  it('nests its paths, though times are whole microseconds and the newest event comes first', async () => {
    const rows = await rowsOf({
      events: [
        host('mul/compute', 1000, 9000),
        host('mul/infer_shape', 1000, 1000),
        host('mul', 1000, 9000),
        host('fetch', 0, 1000),
      ],
    })
    expect(spansOf(rows)).toEqual([
      'thread0: fetch cpu_op 0-1000',
      'thread0: mul cpu_op 1000-9000',
      'thread0: compute (phase) cpu_op 1000-9000',
      'thread0: infer_shape (phase) cpu_op 1000-1000',
    ])
    expect(rows.originEpochNs).toBe(EPOCH)
  })

  it('keeps instances, executors, slashes in names, and blocks apart', async () => {
    const rows = await rowsOf({
      events: [
        host('block_0', 0, 20_000),
        host('ParallelExecutor::Run', 0, 10_000),
        host('ParallelExecutor::Run/fc', 1000, 9000, 1),
        host('ParallelExecutor::Run/fc/fc%out%', 2000, 8000, 1),
        host('Device/wait', 11_000, 12_000),
        host('a\u2215b', 13_000, 14_000),
      ],
    })
    expect(spansOf(rows)).toEqual([
      'thread0: block_0 section 0-20000 flags 1',
      'thread0: ParallelExecutor::Run (special) section 0-10000',
      'thread0: Device/wait cpu_op 11000-12000',
      'thread0: a/b cpu_op 13000-14000',
      'thread1: fc cpu_op 1000-9000',
      'thread1: fc (instance out) cpu_op 2000-8000',
    ])
  })

  it('joins kernels to the calls of their path, in order', async () => {
    const rows = await rowsOf({
      events: [
        host('mul', 0, 50_000),
        api('mul', 'cudaLaunchKernel_v7000', 1000, 2000),
        api('mul', 'cudaLaunchKernel_v7000', 3000, 4000),
        gpu('mul', 'gemm_b', 6000, 7000),
        gpu('mul', 'gemm_a', 5000, 6000),
      ],
    })
    expect(launchesOf(rows)).toEqual([
      'thread0: cudaLaunchKernel_v7000 1000-2000 #1',
      'thread0: cudaLaunchKernel_v7000 3000-4000 #2',
    ])
    expect(gpuOf(rows)).toEqual(['kernel gemm_a @0/0/7 5000-6000 #1', 'kernel gemm_b @0/0/7 6000-7000 #2'])
  })

  it('makes one row of a copy, whose span is its launch', async () => {
    const rows = await rowsOf({
      events: [
        host('fetch', 0, 50_000),
        host('fetch/GpuMemcpySync:GPU->CPU', 1000, 9000),
        gpu('fetch/GpuMemcpySync:GPU->CPU', 'MEMCPY_DtoH', 3000, 4000, 512),
      ],
    })
    expect(spansOf(rows)).toEqual(['thread0: fetch cpu_op 0-50000'])
    expect(launchesOf(rows)).toEqual(['thread0: cudaMemcpy 1000-9000 #1'])
    expect(gpuOf(rows)).toEqual(['copy MEMCPY_DtoH device->pageable 512 B @0/0/7 3000-4000 #1'])
  })

  it('gives a kernel without a call to the last span of its path, and counts that', async () => {
    const rows = await rowsOf({
      events: [
        host('mul', 0, 2000),
        host('mul', 10_000, 12_000),
        gpu('mul', 'gemm', 13_000, 14_000),
        gpu('lone', '', 15_000, 16_000),
      ],
    })
    expect(launchesOf(rows)).toEqual(['thread0: launch 11999-11999 #1'])
    expect(gpuOf(rows)).toEqual(['kernel gemm @0/0/7 13000-14000 #1', 'kernel lone @0/0/7 15000-16000 #0'])
    expect(warningsOf(rows)).toEqual({ 'launches-guessed': 1 })
  })

  it('counts memory per place', async () => {
    const memory = (place: number, start: number, end: number, bytes: number) => ({
      start_ns: long(start),
      end_ns: long(end),
      bytes,
      place,
      device_id: 0,
    })
    const rows = await rowsOf({
      events: [host('a', 0, 100)],
      mem_events: [memory(0, 10, 30, 100), memory(0, 20, 40, 50), memory(1, 10, 20, 7)],
    })
    const values = Array.from(
      rows.counters.name,
      (name, row) => `${rows.names[name]!.text} ${rows.counters.atNs[row]} ${rows.counters.value[row]}`,
    )
    expect(values).toEqual([
      'memory CUDAPlace:0 10 100',
      'memory CUDAPlace:0 20 150',
      'memory CUDAPlace:0 30 50',
      'memory CUDAPlace:0 40 0',
      'memory CPUPlace:0 10 7',
      'memory CPUPlace:0 20 0',
    ])
  })

  it('gives what is whole of a cut file', async () => {
    const rows = await rowsOf({ events: [host('a', 0, 100), host('b', 200, 300)] }, 25)
    expect(spansOf(rows)).toEqual(['thread0: a cpu_op 0-100'])
    expect(warningsOf(rows)).toEqual({ 'file-cut': 1 })
  })
})
