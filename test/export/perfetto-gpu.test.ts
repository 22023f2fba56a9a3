// What Perfetto's own readers find of GPU work in a capture file.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture } from '../../src/rows.js'
import { TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { type Decoded, decodePerfetto } from './perfetto-decoded.js'

let trace: Decoded
beforeAll(async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'opscope-test-')), 'trace.pftrace')
  await (await buildCapture(TWO_GPU_ROWS)).export(path)
  trace = decodePerfetto(readFileSync(path))
})
const stageOf = (name: string) => trace.stages.find(stage => stage.name === name)

describe('a Perfetto trace of two GPUs', () => {
  it('names the GPUs by their devices', () => {
    expect(trace.gpus.map(({ name }) => name)).toEqual(['NVIDIA H100', 'NVIDIA A2'])
    expect(Buffer.from(trace.gpus[0]?.uuid ?? '', 'base64').toString('hex')).toBe('00112233445566778899aabbccddeeff')
    expect(trace.gpus[0]?.extraInfo).toContainEqual({ key: 'multiprocessors', value: '132' })
  })
  it('has each row on the queue of its stream, by the name of the stream', () => {
    expect(trace.stages.map(({ name, stage, gpu, queue }) => [name, stage, gpu, queue])).toEqual([
      ['Memcpy HtoD', 'copy', 0, 'stream 7'],
      ['gemm', 'kernel', 0, 'stream 13 "encoder"'],
      ['bias', 'kernel', 0, 'stream 13 "encoder" +1'],
      ['attention', 'kernel', 1, 'stream 21 "decoder "fast""'],
      ['softmax', 'kernel', 1, 'stream 21 "decoder "fast""'],
      ['Memset', 'fill', 1, 'stream 21 "decoder "fast""'],
      ['unknown shape', 'kernel', 1, 'stream 22'],
    ])
    expect(stageOf('gemm')).toMatchObject({ startNs: 50_000, durationNs: 40_000 })
  })
  it('tells how a kernel was launched, under the names of the GPU panels', () => {
    expect(stageOf('gemm')).toMatchObject({
      grid: { x: 132, y: 2, z: 1 },
      block: { x: 128, y: 1, z: 1 },
      args: {
        device: '0',
        stream: '13',
        launch__grid_size: '264',
        launch__block_size: '128',
        launch__thread_count: String(264 * 128),
        launch__registers_per_thread: '168',
        launch__shared_mem_per_block_static: '1024',
        launch__shared_mem_per_block_dynamic: '65536',
        launch__shared_mem_per_block_allocated: '102400',
        local_bytes_per_thread: '8',
      },
    })
    expect(stageOf('attention')?.args).toMatchObject({ graph: '3', graph_node: String(2n ** 33n + 1n) })
    expect(stageOf('unknown shape')?.grid).toBeUndefined()
    expect(stageOf('Memcpy HtoD')?.args).toEqual({
      device: '0',
      stream: '7',
      bytes: '1000000',
      from: 'pinned',
      to: 'device',
    })
  })
  it('leads from each launch to all it caused', () => {
    const caused = trace.events
      .filter(({ track, type }) => track === 'CUDA API' && type === 1)
      .map(({ name, submits }) => [
        name,
        trace.stages.filter(({ eventId }) => submits.includes(eventId)).map(({ name }) => name),
      ])
    expect(caused).toEqual([
      ['cudaMalloc', []],
      ['cudaMemcpyAsync', ['Memcpy HtoD']],
      ['cudaLaunchKernel', ['gemm']],
      ['cudaLaunchKernelExC', ['bias']],
      ['cudaGraphLaunch', ['attention', 'softmax', 'Memset']],
    ])
  })
  it('counts the memory in use, in bytes', () => {
    const counts = trace.events.filter(({ type }) => type === 4)
    expect(counts.map(({ track, unit, atNs, counter }) => [track, unit, atNs, counter])).toEqual([
      ['GPU 0 memory', 3, 13_000, '4096'],
      ['GPU 0 memory', 3, 15_000, '5120'],
      ['GPU 0 pinned memory', 3, 16_000, '512'],
      ['GPU 0 memory', 3, 600_000, '1024'],
      ['GPU 1 memory', 3, 610_000, '0'],
    ])
    expect(counts[3]?.notes).toMatchObject({ bytes: '4096', release: 'true', memory: 'device' })
  })
  it('shows what recording cost on tracks of its own', () => {
    const slices = trace.events.filter(({ track }) => track === 'GPU recording overhead')
    expect(slices.map(({ type, name, atNs }) => [type, name, atNs])).toEqual([
      [1, 'buffer flush', 5_000],
      [2, '', 9_000],
      [1, 'resource', 700_000],
      [2, '', 720_000],
      [1, 'overhead 99', 710_000],
      [2, '', 715_000],
    ])
  })
})
