// What the readers of the tests look at; every figure follows from here.
import type { CaptureRows } from '../../../src/rows.js'
import { gpuServiceRows } from '../../fixtures/gpu-rows.js'

const MS = 1e6
export const SERVICE: CaptureRows = { ...gpuServiceRows(), originEpochNs: 1_763_780_000_000_000_000n }

/** 100 requests: number i takes i + 1 ms, the first tenth in the queue, the rest in the model. */
export const REQUESTS: CaptureRows = {
  spans: Array.from({ length: 100 }, (_, i) => {
    const startNs = i * 200 * MS
    const lengthNs = (i + 1) * MS
    const ids = { spanId: (1000 + i).toString(16) }
    const inside = { thread: 'main', category: 'request', isAsync: true } as const
    const parent = (part: number) => ({ spanId: (part * 1000 + 1000 + i).toString(16), parentId: ids.spanId })
    return [
      { ...inside, name: 'HTTP request', startNs, endNs: startNs + lengthNs, ids, attributes: { request_id: `r${i}` } },
      { ...inside, name: 'queue', startNs, endNs: startNs + lengthNs / 10, ids: parent(1) },
      { ...inside, name: 'infer', startNs: startNs + lengthNs / 10, endNs: startNs + lengthNs, ids: parent(2) },
    ]
  }).flat(),
  durationNs: 20_100 * MS,
}

/** Nearly all of it in one inner op, which launches hardly anything. */
export const CPU_BOUND: CaptureRows = {
  spans: [
    { thread: 'main', name: 'serve', startNs: 0, endNs: 100 * MS },
    { thread: 'main', name: 'tokenize', startNs: MS, endNs: 99 * MS },
  ],
  launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 2 * MS, endNs: 3 * MS, correlationId: 1 }],
  gpu: [
    {
      kind: 'kernel',
      name: 'embed',
      device: 0,
      context: 1,
      stream: 7,
      startNs: 4 * MS,
      endNs: 5 * MS,
      correlationId: 1,
    },
  ],
}

/** What has ends and a depth that nobody reads. */
export function nested(depth: number): CaptureRows {
  return {
    spans: Array.from({ length: depth }, (_, i) => ({
      thread: 'main',
      name: `level ${i}`,
      startNs: i,
      endNs: 3 * depth - i,
    })),
  }
}

export const HOSTILE = '</script><img src=x onerror="window.hacked=1"><b>bold</b>'
