import { describe, expect, it } from 'vitest'

import { buildCapture } from '../src/index.js'
import type { CaptureRows } from '../src/row-types.js'

/** A path a row, with its GPU time. */
async function gpuOf(rows: CaptureRows) {
  return (await buildCapture(rows)).ops().map(({ path, gpuNs }) => [path.join('/'), gpuNs])
}

/** Two runs of which a thread of the runtime's launches the work, at 20 and 60. */
function runs(second: { startNs: number; endNs: number }): CaptureRows {
  return {
    threads: [{ name: 'main', jsThreadId: 0 }, 'pool'],
    spans: [
      { thread: 'main', name: 'predict', startNs: 0, endNs: 100, ids: { spanId: '1'.repeat(16) } },
      { thread: 'main', name: 'run', startNs: 10, endNs: 50, isBracket: true },
      {
        thread: 'main',
        name: 'other run',
        isAsync: true,
        isBracket: true,
        ids: { spanId: '2'.repeat(16), parentId: '1'.repeat(16) },
        ...second,
      },
    ],
    launches: [
      { thread: 'pool', name: 'cudaMemcpyAsync', startNs: 20, endNs: 24, correlationId: 1 },
      { thread: 'pool', name: 'cudaLaunchKernel', startNs: 30, endNs: 34, correlationId: 2 },
      { thread: 'pool', name: 'cudaLaunchKernel', startNs: 60, endNs: 64, correlationId: 3 },
    ],
    gpu: [
      { kind: 'copy', name: 'copy', startNs: 120, endNs: 125, correlationId: 1, from: 'pageable', to: 'device' },
      { kind: 'kernel', name: 'gemm', startNs: 125, endNs: 145, correlationId: 2 },
      { kind: 'kernel', name: 'relu', startNs: 145, endNs: 147, correlationId: 3 },
    ],
  }
}

describe('work that a native call launches from threads of its own', () => {
  it('goes to the call and all around it, copies as rows below it', async () => {
    expect(await gpuOf(runs({ startNs: 55, endNs: 90 }))).toEqual([
      ['predict', 27],
      ['predict/run', 25],
      ['predict/run/GpuMemcpyAsync:CPU->GPU', 5],
    ])
  })

  it('goes to none of two calls in flight', async () => {
    expect(await gpuOf(runs({ startNs: 25, endNs: 90 }))).toEqual([
      ['predict', 7],
      ['predict/run', 5],
      ['predict/run/GpuMemcpyAsync:CPU->GPU', 5],
    ])
  })
})
