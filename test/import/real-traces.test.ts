import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'

// Traces that PyTorch 2.11 and JAX 0.11 wrote on an H200 (make-torch.py and make-jax.py beside them), held against what
// the files hold and what those profilers say of them.
const FOLDER = fileURLToPath(new URL('../fixtures/gpu-h200/', import.meta.url))
const textOf = (file: string) => readFileSync(join(FOLDER, file), 'utf8')

interface Event {
  cat?: string
  name: string
  dur: number
  args: Record<string, unknown>
}
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

describe('a trace of torch.profiler on a GPU', () => {
  const { traceEvents } = JSON.parse(gunzipSync(readFileSync(join(FOLDER, 'torch.json.gz'))).toString()) as {
    traceEvents: Event[]
  }
  const events = (cat: string) => traceEvents.filter(event => event.cat === cat)
  let capture: Capture
  beforeAll(async () => {
    capture = await loadCapture(join(FOLDER, 'torch.json.gz'))
  })

  it('has its kernels, their times and shapes', () => {
    const told = new Map<string, Event[]>()
    for (const event of events('kernel')) told.set(event.name, [...(told.get(event.name) ?? []), event])
    expect(capture.kernels()).toHaveLength(told.size)
    for (const kernel of capture.kernels()) {
      const same = told.get(kernel.name) as Event[]
      expect([kernel.calls, kernel.totalNs]).toEqual([same.length, sum(same.map(({ dur }) => Math.round(dur * 1000)))])
      expect(same.map(({ args }) => args)).toContainEqual(
        expect.objectContaining({
          grid: kernel.grid,
          block: kernel.block,
          'registers per thread': kernel.registersPerThread,
          'shared memory': kernel.dynamicSharedBytes,
        }),
      )
      expect(kernel.occupancy?.ratio).toBeGreaterThan(0)
    }
  })
  it('has its copies, with bytes and kinds of memory', () => {
    const copies = events('gpu_memcpy')
    const { rows } = capture.copies()
    expect(sum(rows.map(({ calls }) => calls))).toBe(copies.length)
    expect(sum(rows.map(({ bytes }) => bytes))).toBe(sum(copies.map(({ args }) => args.bytes as number)))
    expect(rows.map(({ name }) => name).sort()).toEqual([
      'GpuMemcpyAsync:CPU->GPU',
      'GpuMemcpyAsync:CUDAPinned->GPU',
      'GpuMemcpyAsync:GPU->CPU',
      'GpuMemcpyAsync:GPU->CUDAPinned',
    ])
  })
  it("has the blocks of PyTorch's allocator, and the limits of the GPU", () => {
    const blocks = traceEvents.filter(({ name, args }) => name === '[memory]' && args['Device Type'] === 1)
    const bytes = blocks.map(({ args }) => args.Bytes as number)
    const [device] = capture.devices()
    expect(device).toMatchObject({ name: 'NVIDIA H200', computeCapability: '9.0', multiprocessors: 132 })
    expect(device?.memory).toMatchObject({
      allocations: bytes.filter(value => value > 0).length,
      allocatedBytes: sum(bytes.filter(value => value > 0)),
      releasedBytes: -sum(bytes.filter(value => value < 0)),
    })
  })
  it('gives each op the time on the GPU that PyTorch gives it', () => {
    const { ops } = JSON.parse(textOf('torch.averages.json')) as {
      ops: Record<string, { calls: number; cpuUs: number; gpuUs: number }>
    }
    // PyTorch counts the first copy of a recording twice.
    const copying = new Set(['aten::to', 'aten::_to_copy', 'aten::copy_'])
    const outermost = capture.ops().filter(({ path }) => path.at(-2) !== path.at(-1))
    const names = Object.keys(ops).filter(name => !copying.has(name))
    expect(names).toHaveLength(37)
    for (const name of names) {
      const rows = outermost.filter(({ path }) => path.at(-1) === name)
      const told = ops[name] as { calls: number; cpuUs: number; gpuUs: number }
      expect([name, sum(rows.map(({ calls }) => calls))]).toEqual([name, told.calls])
      expect(sum(rows.map(({ cpuNs }) => cpuNs)) / 1000).toBeCloseTo(told.cpuUs, 1)
      // It adds floating-point numbers of microseconds since the start.
      expect(Math.abs(sum(rows.map(({ gpuNs }) => gpuNs)) / 1000 - told.gpuUs)).toBeLessThan(0.02 * told.calls)
    }
  })
  it('says nothing that it cannot read', () => {
    expect(capture.warnings).toEqual([])
  })
})

describe('an XSpace of jax.profiler on a GPU', () => {
  const { streams } = JSON.parse(textOf('jax.told.json')) as {
    streams: { line: string; events: number; ns: number; names: Record<string, { events: number; ns: number }> }[]
  }
  let capture: Capture
  beforeAll(async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'opscope-test-')), 'jax.xplane.pb')
    writeFileSync(path, gunzipSync(readFileSync(join(FOLDER, 'jax.xplane.pb.gz'))))
    capture = await loadCapture(path)
  })

  it("has the kernels that JAX's own reader finds, and their times", () => {
    const told = streams.flatMap(({ names }) => Object.entries(names)).filter(([name]) => !name.startsWith('Memcpy'))
    const ours = capture.kernels().map(({ name, calls, totalNs }) => [name, calls, totalNs])
    const byName = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1)
    expect(ours.sort(byName)).toEqual(told.map(([name, { events, ns }]) => [name, events, ns]).sort(byName))
  })
  it('has the copies of all streams, asynchronous as XLA makes them', () => {
    const copies = streams.flatMap(({ names }) => Object.entries(names)).filter(([name]) => name.startsWith('Memcpy'))
    const { rows } = capture.copies()
    expect(sum(rows.map(({ calls }) => calls))).toBe(sum(copies.map(([, { events }]) => events)))
    expect(sum(rows.map(({ gpuNs }) => gpuNs))).toBe(sum(copies.map(([, { ns }]) => ns)))
    expect(rows.map(({ name, calls, bytes }) => [name, calls, bytes]).sort()).toEqual([
      ['GpuMemcpyAsync(same_gpu):GPU->GPU', 10, 5 * (4 + 256 * 256 * 4)],
      ['GpuMemcpyAsync:CUDAPinned->GPU', 5, 5 * 64 * 256 * 4],
      ['GpuMemcpyAsync:GPU->CUDAPinned', 10, 5 * (64 * 16 * 4 + 256 * 256 * 4)],
    ])
  })
  it('gives each kernel to the step around its launch', () => {
    const infer = capture.ops().find(({ path }) => path.join() === 'infer')
    const kernelNs = sum(capture.kernels().map(({ totalNs }) => totalNs))
    expect(infer?.calls).toBe(5)
    expect(infer?.gpuNs).toBeGreaterThanOrEqual(kernelNs)
  })
})
