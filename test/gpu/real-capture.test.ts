import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'

// examples/demo-gpu.mjs on an H200: twenty batches, every second one as a graph. All counts are those of its loops.
const FILE = fileURLToPath(new URL('../fixtures/gpu-h200/demo.pftrace', import.meta.url))
const BATCHES = 20
const LAYERS = 4
const BATCH_BYTES = 64 * 512 * 4

describe('the demo as an H200 ran it', () => {
  let capture: Capture
  beforeAll(async () => {
    capture = await loadCapture(FILE)
  })

  it('has two kernels a layer and batch, half of them nodes of a graph', () => {
    const kernels = capture.kernels().map(({ name, calls, graphCalls }) => [name, calls, graphCalls])
    const calls = BATCHES * LAYERS
    expect(kernels).toEqual([
      ['Matmul(float const*, float const*, float*, int, int)', calls, calls / 2],
      ['BiasRelu(float*, float const*, int, int)', calls, calls / 2],
    ])
  })
  it('gives all of them to the op that launched them', () => {
    const total = capture.kernels().reduce((sum, { totalNs }) => sum + totalNs, 0)
    const ops = capture.ops().filter(({ path }) => path.at(-1) === 'dense' || path.at(-1) === 'dense as a graph')
    expect(ops.map(({ path, calls }) => [path.join('/'), calls])).toEqual([
      ['predict/dense', (BATCHES / 2) * LAYERS],
      ['predict/dense as a graph', BATCHES / 2],
    ])
    expect(ops.reduce((sum, { gpuNs }) => sum + gpuNs, 0)).toBe(total)
  })
  it('has a copy to the GPU and one back for each batch', () => {
    const rows = capture.copies().rows.map(({ name, calls, bytes }) => [name, calls, bytes])
    const half = BATCHES / 2
    expect(rows.sort()).toEqual([
      ['GpuMemcpyAsync:CUDAPinned->GPU', half, half * BATCH_BYTES],
      ['GpuMemcpySync:CPU->GPU', half, half * BATCH_BYTES],
      ['GpuMemcpySync:GPU->CPU', BATCHES, BATCHES * BATCH_BYTES],
    ])
  })
  it('begins no kernel before the call that launched it', () => {
    const [device] = capture.devices()
    expect(device).toMatchObject({ name: 'NVIDIA H200', computeCapability: '9.0', multiprocessors: 132 })
    // From the end of the call to the start of the kernel: a call lasts 5 µs.
    expect(device?.launchLatency?.minNs).toBeGreaterThan(-10_000)
    expect(capture.warnings).toEqual([])
  })
})
