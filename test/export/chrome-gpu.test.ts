// What a Chrome trace shows of GPU work, read as any viewer does.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture } from '../../src/rows.js'
import { TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'

interface Event {
  ph: string
  name: string
  cat?: string
  pid: number
  tid: number
  ts: number
  dur?: number
  id?: number
  args?: Record<string, unknown>
}
const US = 1000
const HOST = 77
const GPU = 5_000_000

let events: Event[]
beforeAll(async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'opscope-test-')), 'trace.json')
  await (await buildCapture(TWO_GPU_ROWS)).export(path)
  events = JSON.parse(readFileSync(path, 'utf8')).traceEvents
})
const sliceOf = (name: string) => events.find(event => event.ph === 'X' && event.name === name)
const namesOf = (what: string) =>
  new Map(events.filter(({ name }) => name === what).map(({ pid, tid, args }) => [`${pid} ${tid}`, args?.name]))

describe('a Chrome trace of two GPUs', () => {
  it('names processes by devices and threads by streams', () => {
    expect([...namesOf('process_name').values()]).toEqual(['node', 'GPU 0 · NVIDIA H100', 'GPU 1 · NVIDIA A2'])
    const streams = [...namesOf('thread_name')].filter(([track]) => Number.parseInt(track, 10) >= GPU)
    expect(streams.map(([, name]) => name)).toEqual([
      'stream 7',
      'stream 13 "encoder"',
      'stream 13 "encoder" +1',
      'stream 21 "decoder "fast""',
      'stream 22',
    ])
  })
  it('tells how a kernel was launched', () => {
    expect(sliceOf('gemm')).toMatchObject({ pid: GPU, cat: 'device', ts: 50, dur: 40 })
    expect(sliceOf('gemm')?.args).toEqual({
      kind: 'kernel',
      correlation: 3,
      device: 0,
      context: 1,
      stream: 13,
      grid: [132, 2, 1],
      block: [128, 1, 1],
      registers_per_thread: 168,
      static_shared_bytes: 1024,
      dynamic_shared_bytes: 65_536,
      executed_shared_bytes: 102_400,
      local_bytes_per_thread: 8,
    })
    expect(sliceOf('softmax')?.args).toMatchObject({ graph: 3, graph_node: 2 ** 33 + 2 })
    expect(sliceOf('unknown shape')?.args).not.toHaveProperty('grid')
  })
  it('tells the speed of a copy', () => {
    expect(sliceOf('Memcpy HtoD')?.args).toMatchObject({
      bytes: 1_000_000,
      gb_per_s: 100,
      from: 'pinned',
      to: 'device',
    })
  })
  it('has an arrow from the launch to each row it caused', () => {
    const at = ({ pid, tid, ts }: Event) =>
      events.find(event => event.ph === 'X' && event.pid === pid && event.tid === tid && event.ts === ts)?.name
    const ends = events.filter(({ ph }) => ph === 'f')
    expect(ends.map(end => [at(events.find(({ ph, id }) => ph === 's' && id === end.id)!), at(end)])).toEqual([
      ['cudaMemcpyAsync', 'Memcpy HtoD'],
      ['cudaLaunchKernel', 'gemm'],
      ['cudaLaunchKernelExC', 'bias'],
      ['cudaGraphLaunch', 'attention'],
      ['cudaGraphLaunch', 'softmax'],
      ['cudaGraphLaunch', 'Memset'],
    ])
  })
  it('counts the memory in use on the process of its device', () => {
    const counts = events.filter(({ ph }) => ph === 'C')
    expect(counts.map(({ pid, name, ts, args }) => [pid, name, ts, args])).toEqual([
      [GPU, 'GPU 0 memory', 13, { bytes: 4096 }],
      [GPU, 'GPU 0 memory', 15, { bytes: 5120 }],
      [GPU, 'GPU 0 pinned memory', 16, { bytes: 512 }],
      [GPU, 'GPU 0 memory', 600, { bytes: 1024 }],
      [GPU + 1, 'GPU 1 memory', 610, { bytes: 0 }],
    ])
  })
  it('shows what recording cost on tracks of its own, without overlaps', () => {
    const slices = events.filter(({ cat }) => cat === 'overhead')
    const tracks = namesOf('thread_name')
    expect(slices.map(({ pid, tid, name, ts, dur }) => [tracks.get(`${pid} ${tid}`), name, ts * US, dur])).toEqual([
      ['GPU recording overhead', 'buffer flush', 5 * US, 4],
      ['GPU recording overhead', 'resource', 700 * US, 20],
      ['GPU recording overhead +1', 'overhead 99', 710 * US, 5],
    ])
    expect(new Set(slices.map(({ pid }) => pid))).toEqual(new Set([HOST]))
  })
})
