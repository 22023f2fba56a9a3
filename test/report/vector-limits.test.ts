// The rest of the published vectors: large figures, worker threads, number formatting, nested instances.
import { describe, expect, it } from 'vitest'

import { buildCapture, type SpanRow } from '../../src/rows.js'
import { figures, instance, op, paddleReport, phase, rowsOf, tablesOf } from './op-plan.js'

describe('TV5, seconds of a large model', () => {
  // The table shows its top rows only; the rest is one row here. Whole figures chosen within the printed digits.
  const plan = [
    op('slice_grad', 1900, 16651.581006, 469.040045, [phase('compute', 1900, 16000, 469.040045)]),
    op('others', 100, 18256.918949, 0, [
      phase('compute', 100, 15821.286955),
      op('GpuMemcpyAsync:CPU->GPU', 100, 621.182, 0),
      op('GpuMemcpySync:GPU->CPU', 10, 6.06099, 0),
    ]),
  ]
  it('keeps six digits where the figures are large', async () => {
    const text = await paddleReport(rowsOf({ main: plan }))
    const slice = tablesOf(text)[0]!.find(({ name }) => name === 'thread0::slice_grad')
    expect([slice!.total, slice!.ave, slice!.ratio, slice!.gpu]).toEqual([
      '17120.6',
      '9.01085',
      '0.48394',
      '469.040045',
    ])
    expect(figures(text, 'Total time:')).toBe('Total time: 35377.5')
    expect(figures(text, 'Computation')).toBe('Computation time Total: 32290.3 Ratio: 91.2735%')
    expect(figures(text, 'Framework')).toBe('Framework overhead Total: 3087.21 Ratio: 8.72648%')
    expect(figures(text, 'GpuMemcpy ')).toBe('GpuMemcpy Calls: 110 Total: 627.243 Ratio: 1.773%')
    expect(figures(text, 'GpuMemcpyAsync ')).toBe('GpuMemcpyAsync Calls: 100 Total: 621.182 Ratio: 1.75587%')
    expect(figures(text, 'GpuMemcpySync ')).toBe('GpuMemcpySync Calls: 10 Total: 6.06099 Ratio: 0.0171323%')
  })
})

describe('TV6, worker threads under one outer event', () => {
  it('has no negative overhead: what ran inside the event is added up instead of the event', async () => {
    const special: SpanRow = {
      thread: 'main',
      name: 'ParallelExecutor::Run',
      role: 'special',
      startNs: 0,
      endNs: 283_360_000,
      ids: { spanId: 'e1' },
    }
    const work = (thread: string, computeNs: number): SpanRow[] => [
      {
        thread,
        name: 'mul',
        startNs: 1000,
        endNs: 170_001_000,
        ids: { spanId: thread === 'a' ? 'a1' : 'b1', parentId: 'e1' },
      },
      { thread, name: 'compute', role: 'phase', startNs: 2000, endNs: 2000 + computeNs },
    ]
    const text = await paddleReport({
      threads: ['main', 'a', 'b'],
      spans: [special, ...work('a', 154_106_000), ...work('b', 154_106_000)],
    })
    expect(figures(text, 'Elapsed time')).toBe('Elapsed time of events: 283.36')
    expect(figures(text, 'Accumulated time')).toBe('Accumulated time of events: 340')
    expect(figures(text, 'Computation')).toBe('Computation time Total: 308.212 Ratio: 90.6506%')
    expect(figures(text, 'Framework')).toBe('Framework overhead Total: 31.788 Ratio: 9.34941%')
  })
})

describe('TV7, number formatting', () => {
  it.each([
    [17120.6211, '17120.6'],
    [1234567, '1.23457e+06'],
    [999999.5, '1e+06'],
    [100000, '100000'],
    [4, '4'],
    [0, '0'],
    [99999.95, '99999.9'],
    [0.000123, '0.000123'],
  ])('%d ms prints as %s', async (totalMs, printed) => {
    const text = await paddleReport(rowsOf({ main: [op('x', 1, totalMs)] }, { state: 'CPU' }))
    expect(tablesOf(text)[0]![0]!.total).toBe(printed)
  })
  it('goes to exponents below a ten-thousandth', async () => {
    // 947 472 ns in 10 000 calls.
    const text = await paddleReport(rowsOf({ main: [op('x', 10_000, 0.947472)] }, { state: 'CPU' }))
    expect(tablesOf(text)[0]![0]!.ave).toBe('9.47472e-05')
    const above = await paddleReport(rowsOf({ main: [op('x', 10_000, 1.23457)] }, { state: 'CPU' }))
    expect(tablesOf(above)[0]![0]!.ave).toBe('0.000123457')
  })
  it('prints the share of a cell beside it', async () => {
    const text = await paddleReport(rowsOf({ main: [op('x', 1, 6.076904, 0.012608)] }))
    const [row] = tablesOf(text)[0]!
    expect([row!.total, row!.cpu, row!.cpuRatio]).toEqual(['6.08951', '6.076904', '0.997930'])
  })
})

describe('TV8, numbers of nested instances', () => {
  it('gives each variable under one parent its own number, whatever lies between', async () => {
    const inner = (type: string, variable: string) => op(type, 1, 0.1, 0, [instance(type, variable, 1, 0.05)])
    const plan = [
      op('cb', 1, 1, 0, [instance('cb', 'x', 1, 0.9, 0, [inner('fc', 'u'), inner('fc', 'v'), inner('as', 'w')])]),
      op('cb', 1, 1, 0, [instance('cb', 'y', 1, 0.9, 0, [inner('fc', 'q')])]),
    ]
    const capture = await buildCapture(rowsOf({ main: plan }, { tracerOption: 'AllOpDetail' }))
    const paths = capture.ops().map(({ path }) => path.join('/'))
    expect(paths.filter(path => /\d$/.test(path)).sort()).toEqual([
      'cb/cb0',
      'cb/cb0/as/as0',
      'cb/cb0/fc/fc0',
      'cb/cb0/fc/fc1',
      'cb/cb1',
      'cb/cb1/fc/fc0',
    ])
  })
})
