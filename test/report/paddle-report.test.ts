import { describe, expect, it } from 'vitest'

import type { ReportSource, SortedKey } from '../../src/model/ops.js'
import { formatReport } from '../../src/report/op-report.js'
import { phase, type RowSpec, row, sourceFromRows } from '../model/source-builder.js'
import { allOpDetail, busyServer, conditionalBlock, opDetail, sliceGrad, twoThreads } from './captures.js'

const print = (source: ReportSource, sortedKey: SortedKey = 'total'): string =>
  formatReport(source, { style: 'paddle', sortedKey })

/** Rows of the n-th event table: indentation and name, then the cells. */
function table(text: string, index = 0): string[][] {
  const lines = text.split('       Event Summary       ')[index + 1]!.split('\n').slice(3)
  return lines.slice(0, lines.indexOf('')).map(line => line.trimEnd().split(/(?<=\S) +/))
}
const summary = (text: string): string[] =>
  text
    .split('\n')
    .filter(line =>
      /^(Total time|Elapsed time|Accumulated time| {2}(Computation|Framework)|GpuMemcpy |.*Calls: )/.test(line),
    )
    .map(line => line.trim().replace(/ +/g, ' '))

describe('the published tables', () => {
  it('prints the single-thread table digit for digit', async () => {
    const text = print(conditionalBlock())
    expect(summary(text)).toEqual([
      'Total time: 104.442',
      'Computation time Total: 38.1497 Ratio: 36.5271%',
      'Framework overhead Total: 66.2927 Ratio: 63.4729%',
      'GpuMemcpy Calls: 1200 Total: 32.5351 Ratio: 31.1512%',
      'GpuMemcpyAsync Calls: 800 Total: 20.1238 Ratio: 19.2679%',
      'GpuMemcpySync Calls: 400 Total: 12.4112 Ratio: 11.8833%',
    ])
    expect(table(text).map(cells => [cells[0], cells[2], cells.at(-1)])).toEqual([
      ['thread0::conditional_block', '45.318', '0.433904'],
      ['  GpuMemcpyAsync:GPU->CPU', '11.8308', '0.113276'],
      ['  assign', '8.0128', '0.0767198'],
      ['    GpuMemcpyAsync(same_gpu):GPU->GPU', '4.55945', '0.0436552'],
      ['  fill_constant', '7.80007', '0.0746829'],
      ['thread0::fill_constant', '13.7209', '0.131373'],
      ['thread0::select_input', '13.4918', '0.129179'],
      ['  GpuMemcpySync:GPU->CPU', '6.69242', '0.0640776'],
      ['  GpuMemcpyAsync(same_gpu):GPU->GPU', '3.73361', '0.035748'],
      ['thread0::less_than', '7.32649', '0.0701486'],
      ['thread0::fetch', '7.16217', '0.0685753'],
      ['  GpuMemcpySync:GPU->CPU', '5.71881', '0.0547557'],
      ['thread0::logical_not', '7.04657', '0.0674685'],
      ['thread0::cast', '7.04549', '0.0674582'],
      ['thread0::equal', '3.33104', '0.0318936'],
    ])
    await expect(text).toMatchFileSnapshot('../fixtures/report/conditional-block.paddle.txt')
  })

  it('prints two threads merged, then one after the other, the newest first', async () => {
    const text = print(twoThreads())
    expect(text.split('Profiling Report')).toHaveLength(3)
    expect(text.split('Note! This Report merge all thread info into one.')).toHaveLength(2)
    expect(summary(text)).toEqual([
      'Total time: 7.30941',
      'Computation time Total: 0.225158 Ratio: 3.08039%',
      'Framework overhead Total: 7.08425 Ratio: 96.9196%',
      'GpuMemcpy Calls: 2 Total: 0.74759 Ratio: 10.2278%',
      'GpuMemcpyAsync Calls: 2 Total: 0.74759 Ratio: 10.2278%',
    ])
    expect(table(text, 1).map(cells => [cells[0], cells[2], cells.at(-1)])).toEqual([
      ['thread1::mul', '0.219497', '0.438084'],
      ['thread1::elementwise_add', '0.108017', '0.215586'],
      ['thread1::Fetch', '0.102637', '0.204848'],
      ['  GpuMemcpyAsync:GPU->CPU', '0.044581', '0.0889771'],
      ['thread1::mean', '0.064722', '0.129176'],
      ['thread1::eager_deletion', '0.006166', '0.0123064'],
      ['thread0::FastThreadedSSAGraphExecutorPrepare', '6.08951', '0.894416'],
      ['thread0::GpuMemcpyAsync:CPU->GPU', '0.703009', '0.103257'],
      ['thread0::InitLocalVars', '0.006395', '0.000939285'],
      ['thread0::ScopeBufferedMonitor::post_local_exec_scopes_process', '0.005985', '0.000879065'],
      ['thread0::ScopeBufferedMonitor::pre_local_exec_scopes_process', '0.003467', '0.000509226'],
    ])
    expect(text).toContain('6.076904 (0.997930)     ')
    const merged = table(text)
    expect(merged.reduce((sum, cells) => sum + Number(cells.at(-1)), 0)).toBeCloseTo(1.006099, 5)
    await expect(text).toMatchFileSnapshot('../fixtures/report/two-threads.paddle.txt')
  })

  it('shows phases with OpDetail and counts them in the head', () => {
    const text = print(opDetail())
    expect(summary(text)).toEqual([
      'Total time: 12.4204',
      'Computation time Total: 10.0716 Ratio: 81.0895%',
      'Framework overhead Total: 2.34875 Ratio: 18.9105%',
      'GpuMemcpy Calls: 18 Total: 1.33756 Ratio: 10.7691%',
      'GpuMemcpyAsync Calls: 6 Total: 0.183378 Ratio: 1.47643%',
      'GpuMemcpySync Calls: 12 Total: 1.15418 Ratio: 9.29265%',
    ])
    expect(
      table(text)
        .slice(4, 9)
        .map(cells => [cells[0], cells[2]]),
    ).toEqual([
      ['slice', '1.40287'],
      ['  slice/prepare_data', '1.13939'],
      ['    GpuMemcpySync:CPU->GPU', '0.92333'],
      ['  slice/compute', '0.185768'],
      ['  slice/infer_shape', '0.039823'],
    ])
  })

  it('shows instances with AllOpDetail', () => {
    const text = print(allOpDetail())
    expect(summary(text).slice(0, 3)).toEqual([
      'Total time: 12.2144',
      'Computation time Total: 9.32033 Ratio: 76.3059%',
      'Framework overhead Total: 2.8941 Ratio: 23.6941%',
    ])
    expect(table(text).map(cells => [cells[0], cells[1], cells[2]])).toEqual([
      ['thread0::fill_constant', '12', '8.99499'],
      ['  fill_constant0', '6', '4.53633'],
      ['    fill_constant0/compute', '6', '4.40893'],
      ['  fill_constant1', '6', '4.36386'],
      ['    fill_constant1/compute', '6', '4.20851'],
      ['thread0::slice', '6', '3.21943'],
      ['  thread0::slice/compute', '6', '0.702887'],
    ])
  })

  it('prints large numbers in six digits', () => {
    const text = print(sliceGrad())
    expect(summary(text)).toEqual([
      'Total time: 35377.5',
      'Computation time Total: 32290.3 Ratio: 91.2735%',
      'Framework overhead Total: 3087.21 Ratio: 8.72648%',
      'GpuMemcpy Calls: 2000 Total: 627.243 Ratio: 1.773%',
      'GpuMemcpyAsync Calls: 1900 Total: 621.182 Ratio: 1.75587%',
      'GpuMemcpySync Calls: 100 Total: 6.06099 Ratio: 0.0171323%',
    ])
    expect(text).toMatch(/thread0::slice_grad +1900 +17120\.6 .* 9\.01085 +0\.48394 /)
  })
})

describe('layout', () => {
  it('puts the columns where the original puts them', () => {
    const [head] = print(twoThreads())
      .split('\n')
      .filter(line => line.startsWith('Event '))
    const at = (text: string): number => head!.indexOf(text)
    // The longest name is 52 long: 60 = 52 + 8.
    expect(['Calls', 'Total', 'CPU Time', 'GPU Time', 'Min.', 'Max.', 'Ave.', 'Ratio.'].map(at)).toEqual([
      60, 72, 84, 108, 132, 144, 156, 168,
    ])
  })

  it('has CPU and GPU columns only when both are recorded, and names the place', () => {
    const one = (state: 'CPU' | 'GPU'): string =>
      print(sourceFromRows([{ rows: [row('op', 1, 2, 1)] }], { meta: { state } }))
    expect(one('CPU')).toContain('\nPlace: CPU\n')
    expect(one('GPU')).toContain('\nPlace: CUDA\n')
    expect(one('CPU')).not.toContain('CPU Time')
    expect(one('GPU')).toMatch(/thread0::op +1 +1 +1 +1 +1 +1 /)
  })

  it('keeps a space between a cell that fills its column and the next', () => {
    const deep = (level: number): RowSpec[] => (level === 0 ? [] : [row('a', 1, 10, 0, deep(level - 1))])
    const text = print(sourceFromRows([{ rows: deep(20) }]))
    for (const cells of table(text)) expect(cells[1]).toBe('1')
  })

  it('names the order, and orders by first end without one', () => {
    const source = sourceFromRows([{ rows: [row('early', 1, 1), row('late', 2, 5)] }])
    expect(print(source, 'default')).toContain(
      '\nSorted by event first end time in descending order in the same thread\n',
    )
    expect(table(print(source, 'default')).map(([name]) => name)).toEqual(['thread0::early', 'thread0::late'])
    expect(table(print(source, 'calls')).map(([name]) => name)).toEqual(['thread0::late', 'thread0::early'])
  })

  it('prints nan where the original divides by zero', () => {
    const text = print(sourceFromRows([{ rows: [row('op', 1, 2, 0)] }], { meta: { state: 'GPU' } }))
    expect(text).toContain('Ratio: -nan%')
  })
})

describe('where the original was wrong', () => {
  it('moves what a hidden phase contains to the op above it', () => {
    const source = sourceFromRows([
      {
        rows: [
          row('outer', 1, 10, 0, [
            phase('prepare_data', 1, 2, 0, [row('GpuMemcpySync:CPU->GPU', 1, 1)]),
            phase('compute', 1, 7, 0, [row('GpuMemcpySync:CPU->GPU', 1, 3), row('inner', 1, 2)]),
          ]),
        ],
      },
    ])
    expect(table(print(source)).map(cells => [cells[0], cells[2]])).toEqual([
      ['thread0::outer', '10'],
      ['  GpuMemcpySync:CPU->GPU', '3'],
      ['  inner', '2'],
      ['  GpuMemcpySync:CPU->GPU', '1'],
    ])
  })

  it('counts the ops of worker threads, not the event around them, and explains it', () => {
    const source = sourceFromRows([
      {
        rows: [
          {
            ...row('ParallelExecutor::Run', 1, 283.36, 0, [
              row('mul', 1, 200, 0, [phase('compute', 1, 190)]),
              row('add', 1, 150, 0, [phase('compute', 1, 118.212)]),
            ]),
            role: 'special',
          },
        ],
      },
    ])
    expect(summary(print(source)).slice(0, 4)).toEqual([
      'Elapsed time of events: 283.36',
      'Accumulated time of events: 350',
      'Computation time Total: 308.212 Ratio: 88.0606%',
      'Framework overhead Total: 41.788 Ratio: 11.9394%',
    ])
    expect(table(print(source)).map(([name]) => name)).toEqual(['thread0::mul', 'thread0::add'])
  })

  it('never prints a negative overhead', () => {
    const source = sourceFromRows([{ rows: [row('run', 1, 283.36, 0, [phase('compute', 4, 308.212)])] }])
    expect(summary(print(source)).slice(1, 3)).toEqual([
      'Computation time Total: 308.212 Ratio: 100%',
      'Framework overhead Total: 0 Ratio: 0% (clamped)',
    ])
  })

  it('counts peer copies', () => {
    const source = sourceFromRows([{ rows: [row('GpuMemcpyPeerAsync:GPU->GPU', 3, 1), row('op', 1, 3)] }])
    expect(summary(print(source)).slice(3)).toEqual([
      'GpuMemcpy Calls: 3 Total: 1 Ratio: 25%',
      'GpuMemcpyPeer Calls: 3 Total: 1 Ratio: 25%',
    ])
  })

  it('takes ops without inner ops for computation when nobody recorded a phase', () => {
    const source = sourceFromRows([{ rows: [row('predict', 1, 10, 0, [row('matmul', 1, 8)])] }])
    expect(summary(print(source))[1]).toBe('Computation time Total: 8 Ratio: 80% (of leaf ops)')
  })

  it('leaves async work out of the table and shows what ran inside it', () => {
    const names = table(print(busyServer()), 1).map(([name]) => name)
    expect(names).toContain('thread0::matmul')
    expect(names.join()).not.toMatch(/POST|queue|minor|warm up/)
  })
})
