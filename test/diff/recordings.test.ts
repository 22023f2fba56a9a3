import { describe, expect, it } from 'vitest'

import { buildCapture, type CaptureDiff, diffCaptures, profile } from '../../src/index.js'
import { batchCapture, batchRows, NETWORK, type OpSpec, slowed, withOp } from './batch-capture.js'

const empty = () => buildCapture({ spans: [] })
const plain = (seed = 1) => batchCapture({ ops: NETWORK, seed })

describe('captures that cannot be compared', () => {
  it.each([
    ['neither side has a finished op', empty, empty],
    ['before has no finished op', empty, plain],
    ['after has no finished op', plain, empty],
    [
      'no op, stage, kernel or copy is on both sides',
      plain,
      () => batchCapture({ ops: [{ name: 'other', ns: 1000 }], around: 'else' }),
    ],
    [
      'before was recorded with state GPU, no GPU time, after with state CPU',
      () => batchCapture({ ops: NETWORK, rows: { state: 'GPU' } }),
      () => batchCapture({ ops: NETWORK, rows: { state: 'CPU' } }),
    ],
  ])('say why: %s', async (reason, one, other) => {
    const diff = (await one()).diff(await other())
    expect(diff.comparable).toBe(false)
    expect(diff.reason).toMatch(reason)
    expect(diff.summary).toBe(`Not comparable: ${diff.reason}.`)
    expect(diff.report({ columns: 80 })).toMatch(/^Not comparable: /)
    expect(await diff.html()).toContain('Not comparable')
    expect(JSON.parse(JSON.stringify(diff))).toMatchObject({ comparable: false, reason: diff.reason })
  })
  it('still tell what each has', async () => {
    const diff = (await empty()).diff(await plain())
    expect(diff.ops.map(({ verdict }) => verdict)).toEqual(new Array(7).fill('added'))
  })
  it('may hold nothing but spans that never ended', async () => {
    const open = await buildCapture({
      spans: [{ thread: 'main', name: 'conv', startNs: 0, endNs: null }],
      durationNs: 10,
    })
    expect(open.diff(open).reason).toMatch(/^neither side/)
  })
  it('compare with themselves without a change', async () => {
    const capture = await plain()
    const diff = capture.diff(capture)
    expect(new Set(diff.ops.map(({ verdict }) => verdict))).toEqual(new Set(['same']))
    expect(diff.summary).toBe('Nothing changed: of 7 rows on both sides none has a change that counts.')
  })
})

describe('what a GPU did', () => {
  const withKernels = (gemmNs: number): OpSpec[] =>
    withOp('conv', op => ({
      ...op,
      kernels: { 'GpuMemcpyAsync:CPU->GPU': 30_000, im2col: 20_000, gemm: gemmNs, bias: 10_000 },
    }))

  it('is compared by kernel, beside the op that launched it', async () => {
    const [one, other] = await Promise.all([
      batchCapture({ ops: withKernels(200_000), seed: 1 }),
      batchCapture({ ops: withKernels(260_000), seed: 2 }),
    ])
    const diff = one.diff(other, { minChange: 0.05 })
    const verdicts = Object.fromEntries(diff.kernels.map(({ name, verdict }) => [name, verdict]))
    expect(verdicts).toEqual({ im2col: 'same', gemm: 'slower', bias: 'same' })
    expect(diff.kernels[0]).toMatchObject({ name: 'gemm', device: 0, calls: { before: 60, after: 60 } })
    expect(diff.kernels[0]!.change!.ratio).toBeCloseTo(0.3, 1)
    // 400 + 30 + 20 + 200 + 10 µs of host and GPU time, and 60 more.
    const conv = diff.ops.find(({ path }) => path.at(-1) === 'conv')!
    expect(conv.verdict).toBe('slower')
    expect(conv.change!.ratio).toBeCloseTo(60 / 668, 1)
    expect(diff.summary).toMatch(/^batch\/conv got .* On the GPU: gemm \(\+[23]\d\.\d%\)\. Nothing else changed/)
  })
  it('is compared by kinds of memory for copies, with the bytes', async () => {
    const [one, other] = await Promise.all([
      batchCapture({ ops: withKernels(200_000), seed: 1 }),
      batchCapture({ ops: withKernels(200_000), seed: 2, batches: 30 }),
    ])
    expect(one.diff(other).copies).toMatchObject([
      {
        from: 'pinned',
        to: 'device',
        verdict: 'same',
        bytes: { before: 60 << 20, after: 30 << 20 },
        callsVerdict: 'same',
      },
    ])
  })
  it('is told apart by device', async () => {
    const kernel = (device: number, from: number) =>
      Array.from({ length: 20 }, (_, at) => ({
        kind: 'kernel' as const,
        name: 'gemm',
        device,
        startNs: at * 1000 + from,
        endNs: at * 1000 + from + 400,
      }))
    const capture = await buildCapture({ spans: [], gpu: [...kernel(0, 0), ...kernel(1, 500)] })
    const other = await buildCapture({ spans: [], gpu: kernel(0, 0) })
    expect(capture.diff(other).kernels.map(({ device, verdict }) => [device, verdict])).toEqual([
      [1, 'removed'],
      [0, 'same'],
    ])
  })
  it('tells how much was done, where no span does', async () => {
    const kernels = (count: number, gemms: number) => {
      const names = [...new Array<string>(gemms).fill('gemm'), 'bias', 'relu']
      const gpu = Array.from({ length: count }, (_, round) =>
        names.map((name, at) => ({
          kind: 'kernel' as const,
          name,
          startNs: round * 1000 + at * 100,
          endNs: round * 1000 + at * 100 + 90,
        })),
      )
      return buildCapture({ spans: [], gpu: gpu.flat() })
    }
    const callsOf = (diff: CaptureDiff) => Object.fromEntries(diff.kernels.map(row => [row.name, row.callsVerdict]))
    const [once, twice, more] = await Promise.all([kernels(20, 1), kernels(40, 1), kernels(40, 2)])
    expect(callsOf(once.diff(twice))).toEqual({ gemm: 'same', bias: 'same', relu: 'same' })
    expect(callsOf(once.diff(more))).toEqual({ gemm: 'more', bias: 'same', relu: 'same' })
  })
  it('is left out where one side has none, and host time is compared', async () => {
    const [one, other] = await Promise.all([
      batchCapture({ ops: withKernels(200_000), seed: 1 }),
      batchCapture({ ops: NETWORK, seed: 2 }),
    ])
    const diff = one.diff(other)
    expect(diff.comparable).toBe(true)
    expect(diff.notes).toEqual(['Only before has GPU time, after has none: host time is compared.'])
    expect(diff.kernels.map(({ verdict }) => verdict)).toEqual(['removed', 'removed', 'removed'])
    // The launches took 8 µs of the 400.
    const isCopy = (path: string[]) => path.at(-1)!.startsWith('GpuMemcpy')
    const verdicts = diff.ops.map(({ path, verdict }) => (isCopy(path) ? `copy ${verdict}` : verdict))
    expect(new Set(verdicts)).toEqual(new Set(['same', 'copy removed']))
  })
  it('is all that is compared with state GPU', async () => {
    const gpuOnly = (gemmNs: number, seed: number) =>
      batchCapture({ ops: withKernels(gemmNs), seed, rows: { state: 'GPU' } })
    const diff = (await gpuOnly(200_000, 1)).diff(await gpuOnly(260_000, 2))
    const conv = diff.ops.find(({ path }) => path.at(-1) === 'conv')!
    expect(conv.change!.ratio).toBeCloseTo(60 / 260, 1)
    expect(diff.ops.filter(({ verdict }) => verdict === 'slower')).toEqual([conv])
  })
  it('is said not to be there for different states', async () => {
    const [one, other] = await Promise.all([
      batchCapture({ ops: NETWORK, seed: 1, rows: { state: 'CPU' } }),
      batchCapture({ ops: slowed('conv', 1.2), seed: 2 }),
    ])
    expect(one.diff(other).notes).toEqual(['Recorded with states CPU and All: what both have is compared.'])
    expect(one.diff(other).summary).toMatch(/^batch\/conv got/)
  })
})

describe('the tree of a recording', () => {
  it('may have parents on threads that come later', async () => {
    const rows = (workNs: number) => {
      const spans = Array.from({ length: 20 }, (_, at) => [
        {
          thread: 'worker',
          name: 'work',
          startNs: at * 10_000 + 100,
          endNs: at * 10_000 + 100 + workNs,
          ids: { spanId: hex(2 * at + 2), parentId: hex(2 * at + 1) },
        },
        {
          thread: 'main',
          name: 'request',
          startNs: at * 10_000,
          endNs: at * 10_000 + 9000,
          ids: { spanId: hex(2 * at + 1) },
          isAsync: true,
        },
      ])
      return buildCapture({ threads: [{ name: 'worker' }, { name: 'main' }], spans: spans.flat() })
    }
    const hex = (id: number) => id.toString(16).padStart(16, '0')
    const diff = (await rows(4000)).diff(await rows(6000))
    expect(diff.ops.map(({ path, verdict }) => [path.join('/'), verdict])).toEqual([['request/work', 'slower']])
    // What the worker does is none of the request's own time.
    expect(diff.stages[0]!.ownNs).toEqual({ before: 20 * 5000, after: 20 * 3000 })
  })
  it('may be deeper than a stack', async () => {
    const depth = 3000
    const spans = Array.from({ length: depth }, (_, at) => ({
      thread: 'main',
      name: 'fib',
      startNs: at,
      endNs: 2 * depth - at,
    }))
    const capture = await buildCapture({ spans })
    expect(capture.diff(capture).ops).toHaveLength(depth)
  })
})

describe('overall figures', () => {
  it('are those of both recordings, and their sums where there are several', async () => {
    const collected = (totalNs: number) =>
      batchCapture({
        ops: NETWORK,
        rows: {
          spans: [
            ...batchRows({ ops: NETWORK }).spans!,
            { thread: 'gc', name: 'major', category: 'gc', startNs: 0, endNs: totalNs },
          ],
        },
      })
    const [one, other] = await Promise.all([collected(1_000_000), collected(3_000_000)])
    const figure = (name: string, diff = one.diff(other)) => diff.overall.find(row => row.name === name)
    expect(figure('garbage collection')).toEqual({
      name: 'garbage collection',
      beforeNs: 1_000_000,
      afterNs: 3_000_000,
    })
    expect(figure('wall')).toEqual({ name: 'wall', beforeNs: one.durationNs, afterNs: other.durationNs })
    expect(figure('in ops')!.beforeNs).toBe(one.overhead().accumulatedNs)
    const several = diffCaptures([one, other], [other])
    expect(figure('garbage collection', several)).toMatchObject({ beforeNs: 4_000_000, afterNs: 3_000_000 })
    expect(figure('longest collection', several)).toMatchObject({ beforeNs: 3_000_000, afterNs: 3_000_000 })
  })
  it('do not have what neither side recorded', async () => {
    const capture = await plain()
    const names = capture.diff(capture).overall.map(({ name }) => name)
    expect(names).toEqual(['wall', 'in ops', 'computation', 'framework overhead'])
  })
})

describe('wrong use', () => {
  it.each([
    [{ minChange: -0.1 }, /"minChange" option to be a number from 0 to 10, got -0.1/],
    [{ minImpact: 2 }, /"minImpact" option/],
    [{ confidence: 95 }, /"confidence" option to be a number from 0.5 to below 1, got 95/],
    [{ sortedKey: 'totl' }, /one of effect, change, total, calls, name/],
    [{ drift: 'on' }, /one of auto, off/],
    [{ minchange: 0.1 }, /Did you mean "minChange"/],
  ])('of options is told: %j', async (options, message) => {
    const capture = await plain()
    expect(() => capture.diff(capture, options as never)).toThrow(message)
  })
  it('of captures is told', async () => {
    const capture = await plain()
    expect(() => capture.diff('trace.pftrace' as never)).toThrow(/Expected a capture to compare with, got string/)
    expect(() => capture.diff(null as never)).toThrow(/got null/)
    expect(() => diffCaptures([], capture)).toThrow(/at least one capture before/)
    expect(() => diffCaptures(capture, [capture, 3 as never])).toThrow(/got number/)
  })
  it('of a report is told', async () => {
    const capture = await plain()
    const diff = capture.diff(capture)
    expect(() => diff.report({ columns: 0 })).toThrow(/"columns" option to be a positive integer/)
    expect(() => diff.report({ all: 'yes' as never })).toThrow(/"all" option to be true or false/)
    expect(() => diff.report({ width: 80 } as never)).toThrow(/Unknown option "width"/)
  })
})

it('of a recording of this process compares like any other', async () => {
  const { record, recordSync } = await import('../../src/index.js')
  const run = () =>
    profile({ state: 'CPU', gpu: 'off' }, async () => {
      for (let batch = 0; batch < 20; batch++) await record('batch', async () => recordSync('step', () => {}))
    })
  const diff = (await run()).diff(await run())
  expect(diff.comparable).toBe(true)
  expect(diff.ops.map(({ path, calls }) => [path.join('/'), calls])).toEqual([
    ['batch/step', { before: 20, after: 20 }],
  ])
  expect(diff.stages.map(({ path }) => path.join('/'))).toEqual(['batch'])
})
