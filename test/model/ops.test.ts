import { describe, expect, it } from 'vitest'

import { asyncRows } from '../../src/model/async-rows.js'
import { copySummary } from '../../src/model/copies.js'
import { eventLoop } from '../../src/model/event-loop.js'
import { printedPath } from '../../src/model/names.js'
import { opRows } from '../../src/model/ops.js'
import { overhead } from '../../src/model/overhead.js'
import { percentile } from '../../src/model/percentiles.js'
import { busyServer, conditionalBlock, opDetail, twoThreads } from '../report/captures.js'
import { phase, type RowSpec, row, type SpanSpec, sourceFromRows, sourceFromSpans } from './source-builder.js'

const figures = (rows: ReturnType<typeof opRows>) =>
  rows.map(({ path, depth, calls }) => [path.join(' > '), depth, calls])

describe('opRows', () => {
  it('walks depth-first, sorted among siblings, phases included', () => {
    const source = sourceFromRows([
      { rows: [row('small', 5, 1), row('large', 1, 9, 0, [phase('infer_shape', 1, 2), phase('compute', 1, 6)])] },
    ])
    expect(figures(opRows(source, { sortedKey: 'total' }))).toEqual([
      ['large', 0, 1],
      ['large > compute', 1, 1],
      ['large > infer_shape', 1, 1],
      ['small', 0, 5],
    ])
    expect(figures(opRows(source, { tracerOption: 'Default' }))).toEqual([
      ['small', 0, 5],
      ['large', 0, 1],
    ])
  })

  it.each([
    ['calls', ['b', 'a']],
    ['max', ['b', 'a']],
    ['min', ['a', 'b']],
    ['ave', ['a', 'b']],
    ['cpu', ['b', 'a']],
    ['gpu', ['a', 'b']],
    ['p99', ['b', 'a']],
    ['self', ['b', 'a']],
    ['default', ['a', 'b']],
  ] as const)('sorts by %s', (sortedKey, order) => {
    const source = sourceFromRows([
      {
        rows: [
          { ...row('a', 2, 4, 2, [row('inner', 1, 3, 2)]), min: 3, max: 3, p99: 3 },
          { ...row('b', 9, 5, 0), min: 0.1, max: 4, p99: 4 },
        ],
      },
    ])
    const top = opRows(source, { sortedKey }).filter(({ depth }) => depth === 0)
    expect(top.map(({ name }) => name)).toEqual(order)
  })

  it('gives ratios of the top-level total, of its own thread in the per-thread table', () => {
    const merged = opRows(twoThreads(), { sortedKey: 'total' })
    expect(merged.filter(({ depth }) => depth === 0).reduce((sum, { ratio }) => sum + ratio, 0)).toBeCloseTo(1, 12)
    const mul = opRows(twoThreads(), { thread: 'per-thread' }).find(({ name }) => name === 'mul')!
    expect([mul.thread, mul.ratio.toFixed(6)]).toEqual([1, '0.438084'])
  })

  it('keeps an async parent in the path of its synchronous children, which are top level', () => {
    const source = sourceFromSpans([
      {
        rows: [{ name: 'predict', isAsync: true, start: 0, end: 50, children: [{ name: 'matmul', start: 1, end: 3 }] }],
      },
    ])
    expect(figures(opRows(source))).toEqual([['predict > matmul', 0, 1]])
    expect(overhead(source).totalNs).toBe(2e6)
  })

  it('leaves out collections, loop spans and overhead, and their time', () => {
    const aside = (['gc', 'event_loop', 'overhead'] as const).map(
      (category): RowSpec => ({ ...row(category, 1, 5), category }),
    )
    const source = sourceFromRows([{ rows: [...aside, row('op', 1, 1)] }])
    expect(figures(opRows(source))).toEqual([['op', 0, 1]])
  })

  it('gives the children of an op that never ended to the total', () => {
    const source = sourceFromRows([{ rows: [{ ...row('serve', 0, 0, 0, [row('matmul', 3, 6)]), unfinished: 1 }] }])
    expect(opRows(source).map(({ path, ratio, unfinished }) => [path.join(), ratio, unfinished])).toEqual([
      ['serve,matmul', 1, 0],
      ['serve', 0, 1],
    ])
  })

  it('makes a row top level whose parent ran on another thread', () => {
    const source = sourceFromRows([{ rows: [row('run', 1, 9)] }, { rows: [row('mul', 1, 4)] }])
    source.perThread.parent[1] = 0
    expect(figures(opRows(source, { thread: 'per-thread' }))).toEqual([
      ['run', 0, 1],
      ['run > mul', 0, 1],
    ])
  })

  it('refuses an unknown key, naming the known ones', () => {
    expect(() => opRows(twoThreads(), { sortedKey: 'totl' as 'total' })).toThrowError(
      expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE', hint: expect.stringContaining('total') }),
    )
  })
})

describe('instances', () => {
  const instance = (type: string, variable: string, children: RowSpec[] = []): RowSpec => ({
    ...row(type, 1, 1, 0, children),
    role: 'instance',
    instance: variable,
  })
  const nested = (): ReturnType<typeof sourceFromRows> =>
    sourceFromRows([
      {
        rows: [
          row('cb', 2, 9, 0, [
            instance('cb', 'x', [
              row('fc', 2, 4, 0, [instance('fc', 'u'), instance('fc', 'v')]),
              row('as', 1, 1, 0, [instance('as', 'w')]),
            ]),
            instance('cb', 'y', [row('fc', 1, 1, 0, [instance('fc', 'q')])]),
          ]),
        ],
      },
    ])

  it('are numbered under their own path and type', () => {
    const leaves = opRows(nested()).filter(({ path }) => path.length === 4)
    expect(leaves.map(({ path }) => path.join('/'))).toEqual([
      'cb/cb0/fc/fc0',
      'cb/cb0/fc/fc1',
      'cb/cb0/as/as0',
      'cb/cb1/fc/fc0',
    ])
  })

  it('are numbered by first start, and alike in both tables', () => {
    const at = (variable: string, firstStart: number): RowSpec => ({ ...instance('fc', variable), firstStart })
    const source = sourceFromRows([
      { rows: [row('fc', 1, 2, 0, [at('late', 9)])] },
      { rows: [row('fc', 2, 3, 0, [at('early', 1), at('late', 12)])] },
    ])
    const names = opRows(source, { thread: 'per-thread' }).map(({ thread, name }) => `${thread} ${name}`)
    expect(names).toEqual(['0 fc', '0 fc1', '1 fc', '1 fc0', '1 fc1'])
  })

  it('are hidden by OpDetail, their phases shown', () => {
    const source = sourceFromRows([
      { rows: [row('fc', 1, 2, 0, [{ ...instance('fc', 'u', [phase('compute', 1, 1)]) }])] },
    ])
    expect(figures(opRows(source, { tracerOption: 'OpDetail' }))).toEqual([
      ['fc', 0, 1],
      ['fc > compute', 1, 1],
    ])
  })
})

describe('overhead', () => {
  it('counts a copy or an op inside a compute phase once', () => {
    expect(overhead(opDetail()).computationNs / 1e6).toBeCloseTo(10.071611, 6)
    const source = sourceFromRows([
      { rows: [row('a', 1, 10, 0, [phase('compute', 1, 8, 0, [row('b', 1, 5, 0, [phase('compute', 1, 4)])])])] },
    ])
    expect(overhead(source).computationNs).toBe(8e6)
  })

  it('reads foreign captures, where a nested row named compute is the phase', () => {
    const source = sourceFromRows([{ rows: [row('compute', 1, 3), row('mul', 1, 5, 0, [row('compute', 1, 4)])] }])
    expect(overhead(source)).toMatchObject({ computationNs: 4e6, frameworkNs: 4e6, hasPhases: true })
  })

  it('takes the ops without inner ops where nobody recorded a phase, and says so', () => {
    const source = sourceFromRows([
      { rows: [row('predict', 1, 10, 0, [row('mul', 1, 6, 0, [row('GpuMemcpySync:GPU->CPU', 1, 2)])])] },
    ])
    expect(overhead(source)).toMatchObject({ computationNs: 6e6, frameworkRatio: 0.4, hasPhases: false })
  })

  it('is never negative', () => {
    const source = sourceFromRows([{ rows: [row('run', 1, 4, 0, [phase('compute', 2, 6)])] }])
    expect(overhead(source)).toMatchObject({ frameworkNs: 0, computationRatio: 1, frameworkRatio: 0, isClamped: true })
  })

  it('is all zero without ops', () => {
    expect(overhead(sourceFromRows([]))).toMatchObject({
      totalNs: 0,
      computationRatio: 0,
      frameworkRatio: 0,
      isClamped: false,
    })
  })
})

describe('copySummary', () => {
  it('adds up copies wherever they are, by mode and direction', () => {
    const summary = copySummary(conditionalBlock())
    expect([summary.calls, summary.async.calls, summary.sync.calls, summary.peer]).toEqual([1200, 800, 400, undefined])
    expect(summary.rows.map(({ direction, mode }) => `${mode} ${direction}`)).toEqual([
      'sync GPU->CPU',
      'async GPU->CPU',
      'async GPU->GPU',
    ])
    expect(summary.ratio).toBeCloseTo(0.311512, 6)
  })

  it('counts a copy inside a copy once', () => {
    const inner = row('GpuMemcpyAsync:CPU->GPU', 1, 1)
    expect(copySummary(sourceFromRows([{ rows: [row('GpuMemcpySync:CPU->GPU', 1, 2, 0, [inner])] }]))).toMatchObject({
      calls: 1,
      totalNs: 2e6,
    })
  })

  it('knows the bytes that the GPU moved', () => {
    expect(copySummary(busyServer()).rows[0]).toMatchObject({
      direction: 'CPU->GPU',
      bytes: 40 * 4 * 2 ** 20,
      gpuNs: 12e6,
    })
  })
})

describe('asyncRows', () => {
  it('gives wall time, even where the table adds GPU time', () => {
    const [request, queue, predict] = asyncRows(busyServer())
    expect(request).toMatchObject({
      name: 'POST /v1/predict',
      depth: 0,
      calls: 40,
      p50Ns: 34e6,
      maxNs: 37e6,
      peakConcurrency: 4,
    })
    expect(queue).toMatchObject({ path: ['POST /v1/predict', 'queue'], depth: 1 })
    expect(predict!.p99Ns).toBe(11.7e6)
  })

  it('leaves calls that never ended out of the percentiles', () => {
    const call = (end: number, flags = 0): SpanSpec => ({ name: 'run', isAsync: true, start: 0, end, gpu: 1, flags })
    expect(asyncRows(sourceFromSpans([{ rows: [call(10), call(20), call(900, 2)] }]))[0]).toMatchObject({
      calls: 2,
      p50Ns: 15e6,
      maxNs: 20e6,
    })
  })

  it('has no times for calls that never ended', () => {
    const [pending] = asyncRows(
      sourceFromSpans([{ rows: [{ name: 'wait', isAsync: true, start: 0, end: 9, flags: 2 }] }]),
    )
    expect(pending).toMatchObject({ calls: 0, meanNs: 0, p99Ns: 0, unfinished: 1 })
  })
})

describe('eventLoop', () => {
  it('reads the counters of a thread and adds up collections', () => {
    const { loops, gc } = eventLoop(busyServer())
    expect(loops).toHaveLength(1)
    expect(loops[0]).toMatchObject({ thread: 0, delay: { samples: 5, p50Ns: 6.9e6, maxNs: 11.5e6 } })
    expect(loops[0]!.utilization!.mean).toBeCloseTo(0.75, 12)
    expect(loops[0]!.memory[0]).toEqual({ name: 'rss', firstBytes: 2.1e8, lastBytes: 2.5e8, peakBytes: 2.5e8 })
    expect(gc).toMatchObject({ count: 5, kinds: [{ name: 'minor', count: 5 }] })
    expect(gc.totalNs).toBeCloseTo(5.5e6, 3)
  })
})

describe('printedPath', () => {
  it('is unambiguous', () => {
    const paths = [['a', 'b'], ['a/b'], ['a\\', 'b'], ['a\\/b'], ['a\n'], ['a\\n']]
    expect(paths.map(printedPath)).toEqual(['a/b', 'a\\/b', 'a\\\\/b', 'a\\\\\\/b', 'a\\n', 'a\\\\n'])
  })
})

describe('percentile', () => {
  it('interpolates and rounds half up', () => {
    expect([
      percentile([], 0.5),
      percentile([7], 0.99),
      percentile([1, 2], 0.5),
      percentile([10, 20, 30, 40], 0.99),
    ]).toEqual([0, 7, 2, 40])
  })
})
