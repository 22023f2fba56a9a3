import { describe, expect, it } from 'vitest'
import type { TimeRange } from '../../src/page/page-state.js'
import type { ViewedOp } from '../../src/page/panels/op-view.js'
import { rangeCopies, rangeKernels } from '../../src/page/panels/range/range-gpu.js'
import { rangeOps } from '../../src/page/panels/range/range-ops.js'
import { SpanPaths } from '../../src/page/panels/range/span-paths.js'
import { FLAG_ASYNC, FLAG_UNFINISHED, GPU_SYNC, type PageRecording } from '../../src/page/recording.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { randomRows } from '../export/random-rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { decode, packCapture } from './packed-capture.js'
import { modelIn } from './page-text.js'

const whole = ({ durationNs }: PageRecording): TimeRange => ({ startNs: 0, endNs: durationNs })
async function load(rows: CaptureRows) {
  const capture = await buildCapture(rows)
  const { model, bytes } = await packCapture(capture)
  const recording = decode(model, bytes)
  return { capture, recording, paths: new SpanPaths(recording) }
}

/** Everything that both tables tell, in one order. */
function told(ops: readonly ViewedOp[], hasExtremes: boolean) {
  const pathOf = (op: ViewedOp): string[] => {
    const own = [...op.above, op.name]
    return op.parent < 0 ? own : [...pathOf(ops[op.parent]!), ...own]
  }
  return ops
    .map(op => {
      const { role, category, calls, unfinished, totalNs, cpuNs, gpuNs, selfNs, minNs, maxNs } = op
      const extremes = hasExtremes ? { minNs, maxNs } : {}
      return { path: pathOf(op), role, category, calls, unfinished, totalNs, cpuNs, gpuNs, selfNs, ...extremes }
    })
    .map(row => JSON.stringify(row))
    .sort()
}

const frame = { thread: 'main (JavaScript)', role: 'sample' } as const
const PROFILED_ROWS: CaptureRows = {
  spans: [
    { thread: 'main', name: 'op', startNs: 0, endNs: 100, ids: { spanId: '0000000000000001' } },
    {
      ...frame,
      name: 'seen (a.mjs:1)',
      startNs: 10,
      endNs: 60,
      ids: { spanId: '0000000000000002', parentId: '0000000000000001' },
    },
    { ...frame, name: 'inside (a.mjs:2)', startNs: 20, endNs: 30 },
    { ...frame, name: 'elsewhere (a.mjs:3)', startNs: 110, endNs: 120 },
  ],
}

describe('the ops of a range', () => {
  const recordings: [string, CaptureRows][] = [
    ['an inference with instances', INFERENCE_ROWS],
    ['requests', REQUEST_ROWS],
    ['a GPU service', gpuServiceRows()],
    ['an op with a CPU profile under it', PROFILED_ROWS],
    ...[1, 2, 3, 4, 5, 6].map((seed): [string, CaptureRows] => [`chance ${seed}`, randomRows(400, seed)]),
  ]
  it.each(recordings)('are those of the report where the range is all of %s', async (_name, rows) => {
    const { capture, recording, paths } = await load(rows)
    const expected = modelIn(await capture.html()).ops
    expect(expected.length).toBeGreaterThan(0)
    const ops = rangeOps(recording, paths, whole(recording), capture.state)
    expect(told(ops, true)).toEqual(told(expected, true))
    // Parents first, so that the table can be built in one pass.
    for (const [row, { parent }] of ops.entries()) expect(parent).toBeLessThan(row)
  })

  it.each([1, 2, 3, 4])('are what a ruler would measure, nanosecond by nanosecond (chance %i)', async seed => {
    const { recording, paths } = await loadWithReturns(squeezed(randomRows(120, seed)))
    for (let at = 0; at < 12; at++) {
      const startNs = (at * recording.durationNs) / 12
      const range = { startNs: Math.floor(startNs), endNs: Math.floor(startNs) + 37 + at * 11 }
      const ops = rangeOps(recording, paths, range, 'All')
      const measured = measure(recording, paths, range)
      const rows = ops.map(({ path, calls, cpuNs, gpuNs, selfNs }) => [path, { calls, cpuNs, gpuNs, selfNs }])
      const expected = [...measured].filter(([path]) => ops.some(op => op.path === path))
      expect(new Map(rows as [number, object][])).toEqual(new Map(expected))
      // What is left out are async spans and what is no op.
      const leftOut = [...measured.keys()].filter(path => !ops.some(op => op.path === path))
      expect(leftOut.every(path => paths.isAsync[path] || recording.names[paths.name[path]!]!.category === 9)).toBe(
        true,
      )
    }
  })

  it('has the GPU time of a kernel that runs in the range though its op has returned before', async () => {
    const { recording, paths } = await load({
      spans: [{ thread: 'main', name: 'launch only', startNs: 0, endNs: 10 }],
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 5, endNs: 6, correlationId: 1 }],
      gpu: [
        { kind: 'kernel', name: 'late', device: 0, context: 1, stream: 7, startNs: 50, endNs: 90, correlationId: 1 },
      ],
      durationNs: 100,
    })
    const [op] = rangeOps(recording, paths, { startNs: 60, endNs: 100 }, 'All')
    expect(op).toMatchObject({ name: 'launch only', calls: 0, cpuNs: 0, gpuNs: 30, totalNs: 30, minNs: 0, maxNs: 0 })
  })

  it('holds a span without length that lies on its edge', async () => {
    const { recording, paths } = await load({
      spans: [{ thread: 'main', name: 'instant', startNs: 20, endNs: 20 }],
      durationNs: 100,
    })
    const callsIn = (startNs: number, endNs: number): number | undefined =>
      rangeOps(recording, paths, { startNs, endNs }, 'All')[0]?.calls
    expect([callsIn(20, 30), callsIn(10, 20), callsIn(21, 30)]).toEqual([1, 1, undefined])
  })
})

/** Async spans return at half their time: they overlap on their thread. */
async function loadWithReturns(rows: CaptureRows) {
  const { recording } = await load(rows)
  const { startNs, durationNs, flags } = recording.spans
  const row = Uint32Array.from(flags.keys()).filter(span => (flags[span]! & FLAG_ASYNC) !== 0)
  const atNs = Float64Array.from(row, span => startNs[span]! + Math.floor(durationNs[span]! / 2))
  const withReturns = { ...recording, returns: { row, atNs } }
  return { recording: withReturns, paths: new SpanPaths(withReturns) }
}

/** Times a tenth as long, so that each can be measured. */
function squeezed(rows: CaptureRows): CaptureRows {
  const tenth = <T extends { startNs: number; endNs: number | null }>(row: T): T => ({
    ...row,
    startNs: Math.floor(row.startNs / 10),
    endNs: row.endNs === null ? null : Math.floor(row.endNs / 10),
  })
  return {
    ...rows,
    spans: rows.spans!.map(tenth),
    launches: rows.launches!.map(tenth),
    gpu: rows.gpu!.map(tenth),
    pauses: [],
    durationNs: Math.floor(rows.durationNs! / 10),
  }
}

interface Measured {
  calls: number
  cpuNs: number
  gpuNs: number
  selfNs: number
}
/** By path, from nothing but the definitions, at the cost of a look at every span for every nanosecond. */
function measure({ spans, threads, returns, gpu }: PageRecording, paths: SpanPaths, range: TimeRange) {
  const sums = new Map<number, Measured>()
  const of = (span: number): Measured => {
    const path = paths.ofSpan[span]!
    const sum = sums.get(path) ?? { calls: 0, cpuNs: 0, gpuNs: 0, selfNs: 0 }
    sums.set(path, sum)
    return sum
  }
  const threadOf = (span: number) =>
    threads.findIndex(({ firstRow, rowCount }) => span >= firstRow && span < firstRow + rowCount)
  const isOpen = (span: number) => (spans.flags[span]! & FLAG_UNFINISHED) !== 0
  const endOf = (span: number) => spans.startNs[span]! + spans.durationNs[span]!
  const hostEndOf = (span: number): number => {
    if ((spans.flags[span]! & FLAG_ASYNC) === 0) return endOf(span)
    const returned = returns.atNs[returns.row.indexOf(span)] ?? 0
    return Math.min(Math.max(returned, spans.startNs[span]!), endOf(span))
  }
  const all = [...spans.name.keys()]
  for (const span of all) {
    const start = spans.startNs[span]!
    const isEmpty = start === endOf(span)
    const isIn = isEmpty
      ? start >= range.startNs && start <= range.endNs
      : start < range.endNs && endOf(span) > range.startNs
    if (!isIn) continue
    const sum = of(span)
    if (isOpen(span)) continue
    sum.calls++
    const children = all.filter(
      child =>
        spans.parent[child] === span &&
        threadOf(child) === threadOf(span) &&
        (spans.startNs[child]! > start || (spans.startNs[child] === start && child > span)),
    )
    for (let ns = Math.max(start, range.startNs); ns < Math.min(endOf(span), range.endNs); ns++) {
      sum.cpuNs++
      const isCovered = children.some(child => spans.startNs[child]! <= ns && hostEndOf(child) > ns)
      if (ns < hostEndOf(span) && !isCovered) sum.selfNs++
    }
  }
  for (let row = 0; row < gpu.kind.length; row++) {
    if (gpu.kind[row] === GPU_SYNC) continue
    const end = Math.min(gpu.startNs[row]! + gpu.durationNs[row]!, range.endNs)
    const ns = end - Math.max(gpu.startNs[row]!, range.startNs)
    if (ns <= 0) continue
    for (let span = gpu.span[row]!; span >= 0; span = spans.parent[span]!) if (!isOpen(span)) of(span).gpuNs += ns
  }
  return sums
}

describe('GPU work of a range', () => {
  it('has the kernels of the whole, and of a part those that lie in it, cut at its edges', async () => {
    const { recording, capture } = await load(gpuServiceRows())
    const kernels = rangeKernels(recording, whole(recording))
    expect(kernels.map(({ name, calls, totalNs }) => ({ name, calls, totalNs }))).toEqual(
      capture.kernels().map(({ name, calls, totalNs }) => ({ name, calls, totalNs })),
    )
    // The first request's large kernel runs from 70 to 570 µs, the small one from 90 to 94.
    const part = rangeKernels(recording, { startNs: 92_000, endNs: 100_000 })
    expect(part.map(({ calls, totalNs, ratio }) => [calls, totalNs, ratio])).toEqual([
      [1, 8000, 0.8],
      [1, 2000, 0.2],
    ])
  })

  it('has copies by direction, with the rate of whole copies', async () => {
    const { recording } = await load(gpuServiceRows())
    // 256 KiB in 26 µs; from 33 µs on, 13 µs of it are left.
    expect(rangeCopies(recording, { startNs: 33_000, endNs: 60_000 })).toEqual([
      {
        direction: 'pageable → device',
        device: 0,
        count: 1,
        bytes: 262_144,
        gpuNs: 13_000,
        bytesPerSecond: (262_144 * 1e9) / 26_000,
      },
    ])
  })
})
