import { describe, expect, it } from 'vitest'

import type { Capture } from '../src/capture.js'
import { buildCapture } from '../src/rows.js'

const MS = 1e6
const rows = {
  threads: ['main', { name: 'worker', osThreadId: 77, jsThreadId: 1 }],
  spans: [
    { thread: 'main', name: 'predict', startNs: 0, endNs: 10 * MS, category: 'inference' as const },
    { thread: 'main', name: 'matmul', startNs: 1 * MS, endNs: 5 * MS },
    { thread: 'main', name: 'compute', role: 'phase' as const, startNs: 2 * MS, endNs: 4 * MS },
    { thread: 'worker', name: 'matmul', startNs: 0, endNs: 3 * MS },
    { thread: 'main', name: 'request', startNs: 0, endNs: 12 * MS, isAsync: true },
    { thread: 'main', name: 'open', startNs: 11 * MS, endNs: null },
  ],
  launches: [
    { thread: 'main', name: 'cudaLaunchKernel', startNs: 2.5 * MS, endNs: 2.6 * MS, correlationId: 1 },
    { thread: 'main', name: 'cudaMemcpyAsync', startNs: 6 * MS, endNs: 7 * MS, correlationId: 2 },
  ],
  gpu: [
    { kind: 'kernel' as const, name: 'gemm', startNs: 3 * MS, endNs: 3.5 * MS, correlationId: 1 },
    {
      kind: 'copy' as const,
      name: 'DtoH',
      startNs: 7 * MS,
      endNs: 7.25 * MS,
      correlationId: 2,
      bytes: 4096,
      from: 'device' as const,
      to: 'pageable' as const,
    },
  ],
  marks: [{ thread: 'main', name: 'epoch', atNs: 2 * MS }],
  counters: [
    { thread: 'worker', name: 'queue', atNs: 1 * MS, value: 3 },
    { thread: 'worker', name: 'queue', atNs: 2 * MS, value: 1.5 },
  ],
  originEpochNs: 1_763_780_000_000_000_000n,
  processId: 100,
  attributes: { model: 'bert' },
}

describe('a capture', () => {
  it('tells what it holds', async () => {
    const capture = await buildCapture(rows)
    expect(capture).toMatchObject({
      state: 'All',
      tracerOption: 'Default',
      originEpochNs: rows.originEpochNs,
      processId: 100,
      gpu: { available: true },
      attributes: { model: 'bert' },
      warnings: [],
    })
    expect(capture.threads.map(({ name, spanCount, jsThreadId }) => [name, spanCount, jsThreadId])).toEqual([
      ['main', 6, -1],
      ['worker', 1, 1],
    ])
    const { spans } = capture
    const compute = Array.from(spans.name).findIndex(name => spans.names[name]!.text === 'compute')
    expect(capture.marks()).toEqual([{ thread: 0, name: 'epoch', category: 'user', atNs: 2 * MS, span: compute }])
    expect(capture.counters().map(({ name, value }) => [name, value])).toEqual([
      ['queue', 3],
      ['queue', 1.5],
    ])
  })

  it('gives rows with CPU, GPU and self time', async () => {
    const capture = await buildCapture(rows)
    const table = capture
      .ops({ sortedKey: 'total' })
      .map(({ path, calls, cpuNs, gpuNs, selfNs }) => [path.join(' > '), calls, cpuNs / MS, gpuNs / MS, selfNs / MS])
    expect(table).toEqual([
      ['predict', 1, 10, 0.75, 5],
      ['predict > matmul', 1, 4, 0.5, 2],
      ['predict > matmul > compute', 1, 2, 0.5, 2],
      ['predict > GpuMemcpyAsync:GPU->CPU', 1, 1, 0.25, 1],
      ['matmul', 1, 3, 0, 3],
      ['open', 0, 0, 0, 0],
    ])
    expect(capture.copies()).toMatchObject({
      calls: 1,
      totalNs: 1.25 * MS,
      rows: [{ bytes: 4096, direction: 'GPU->CPU' }],
    })
    expect(capture.overhead()).toMatchObject({ totalNs: 13.75 * MS, computationNs: 2.5 * MS })
    expect(capture.asyncOps().map(({ name, calls, totalNs }) => [name, calls, totalNs])).toEqual([
      ['request', 1, 12 * MS],
    ])
  })

  it('shows its spans as columns', async () => {
    const { spans } = await buildCapture(rows)
    const row = Array.from(spans.name).findIndex(name => spans.names[name]!.text === 'compute')
    expect(spans.length).toBe(7)
    expect([spans.startNs[row], spans.durationNs[row], spans.gpuNs[row]]).toEqual([
      BigInt(2 * MS),
      BigInt(2 * MS),
      BigInt(0.5 * MS),
    ])
    expect(spans.names[spans.name[spans.parent[row]!]!]!.text).toBe('matmul')
  })

  it('can be printed as JSON, without losing a digit of a bigint', async () => {
    const json = JSON.parse(JSON.stringify(await buildCapture(rows)))
    expect(json).toMatchObject({
      originEpochNs: '1763780000000000000',
      state: 'All',
      ops: expect.any(Array),
      findings: expect.any(Array),
    })
  })

  it('means by Total what its state says', async () => {
    const totals = await Promise.all(
      (['CPU', 'GPU', 'All'] as const).map(
        async state => (await buildCapture({ ...rows, state })).ops({ sortedKey: 'total' })[0]!.totalNs / MS,
      ),
    )
    expect(totals).toEqual([10, 0.75, 10.75])
  })

  it('says that there was no GPU, and why, only where there was none', async () => {
    expect((await buildCapture({ spans: rows.spans.slice(0, 3) })).gpu).toEqual({
      available: false,
      reason: 'not-recorded',
    })
  })

  it.each<[string, (capture: Capture) => unknown, string, RegExp]>([
    [
      'an unknown option',
      capture => capture.report({ sortKey: 'total' } as never),
      'ERR_OPSCOPE_OPTION_UNKNOWN',
      /Unknown option "sortKey".*\n.*"sortedKey"/,
    ],
    [
      'an unknown order',
      capture => capture.ops({ sortedKey: 'totl' as never }),
      'ERR_OPSCOPE_OPTION_VALUE',
      /"sortedKey" option to be one of .*\n.*"total"/,
    ],
    [
      'an unknown style',
      capture => capture.report({ style: 'paddel' as never }),
      'ERR_OPSCOPE_OPTION_VALUE',
      /"paddle"/,
    ],
    [
      'a width that is none',
      capture => capture.report({ columns: -1 }),
      'ERR_OPSCOPE_OPTION_VALUE',
      /positive integer/,
    ],
  ])('refuses %s', async (_, call, code, message) => {
    const capture = await buildCapture(rows)
    expect(() => call(capture)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
  })

  it('counts what contradicts itself instead of refusing it', async () => {
    const { warnings } = await buildCapture({
      spans: [
        { thread: 0, name: 'a', startNs: 0, endNs: 10 },
        { thread: 0, name: 'b', startNs: 5, endNs: 15 },
      ],
    })
    expect(warnings).toMatchObject([{ code: 'overlapping-spans', count: 1, message: expect.stringMatching(/\(1\)$/) }])
  })

  it('is empty without rows', async () => {
    const capture = await buildCapture({})
    expect([capture.ops(), capture.report().length > 0, capture.durationNs]).toEqual([[], true, 0])
  })
})
