import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { buildCapture, type Capture, type CaptureRows, loadCapture, type Row, type Table } from '../../src/index.js'
import { coveredNs } from '../../src/model/intervals.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { T0, T1, workedVector } from '../fixtures/worked-vector.js'

async function loadedFrom(capture: Capture, name: string): Promise<Capture> {
  const { path } = await capture.export(join(mkdtempSync(join(tmpdir(), 'opscope-test-')), name))
  return loadCapture(path)
}
const worked = () => buildCapture(workedVector())
/** Some columns of each row, ids without their zeros. */
function cells(table: Table, ...columns: string[]): unknown[][] {
  const short = (value: unknown) => (typeof value === 'string' ? value.replace(/^0{14}(?=[a-e]\d$)/, '') : value)
  return table.toArray().map(row => columns.map(column => short(row[column])))
}

describe('the worked vector', () => {
  it('has the summary that DuckDB and Polars compute', async () => {
    const summary = (await worked()).summary()
    expect({ ...summary }).toEqual({
      count: 3,
      minNs: 100_001,
      maxNs: 200_000,
      meanNs: 150_111,
      medianNs: 150_333,
      p90Ns: 190_067,
      p95Ns: 195_033,
      p97Ns: 197_020,
      p99Ns: 199_007,
      p999Ns: 199_901,
      // Of 100001, 150333, 200000 about their mean 150111⅓, divided by 2.
      stddevNs: 50_000,
      totalNs: 450_334,
      unfinished: 0,
      excludedByPause: 0,
    })
  })
  it('has three inferences by start', async () => {
    expect(cells((await worked()).inferences(), 'trace_id', 'span_id', 'thread.id', 'dur')).toEqual([
      [T0, 'b1', 1, 200_000],
      [T0, 'b2', 2, 150_333],
      [T1, 'b3', 1, 100_001],
    ])
  })
  it('counts a time in which two operators ran once, so that no execution idles below zero', async () => {
    const columns = ['trace_id', 'span_id', 'device_index', 'execution_index', 'Total', 'Busy', 'Idle', 'OpSum']
    expect(cells((await worked()).executions(), ...columns)).toEqual([
      [T0, 'd1', 0, 0, 95_000, 80_000, 15_000, 80_000],
      // Total - OpSum is -9900: 18446744073709541716 where it is computed without a sign.
      [T0, 'd2', 0, 1, 100_100, 90_000, 10_100, 110_000],
    ])
    expect(cells((await worked()).executions(), 'inference_span_id', 'device')).toEqual([
      ['b1', 'gpu'],
      ['b2', 'gpu'],
    ])
  })
  it('adds operators up by name, the longest on average first', async () => {
    const operators = (await worked()).operators()
    expect(cells(operators, 'name', 'average_ns', 'count', 'total_ns', 'min', 'p50', 'p99', 'max')).toEqual([
      ['conv2d', 50_000, 2, 100_000, 40_000, 50_000, 59_800, 60_000],
      ['gemm', 40_000, 2, 80_000, 30_000, 40_000, 49_800, 50_000],
      ['relu', 10_000, 1, 10_000, 10_000, 10_000, 10_000, 10_000],
    ])
    expect(operators.column('pct').map(share => Number(share).toFixed(2))).toEqual(['52.63', '42.11', '5.26'])
  })
  it('has one operator on the host', async () => {
    const columns = ['trace_id', 'span_id', 'thread.id', 'name', 'operator_index', 'dur']
    expect(cells((await worked()).cpuOperators(), ...columns)).toEqual([[T0, 'c1', 1, 'Quantize', 0, 39_000]])
  })
  it('is filtered by any column', async () => {
    const capture = await worked()
    expect(cells(capture.filter('name', 'conv2d'), 'span_id', 'dur')).toEqual([
      ['e1', 40_000],
      ['e4', 60_000],
    ])
    expect(capture.filter('trace_id', T0).numRows).toBe(11)
    expect(capture.filter('cat', 'device').numRows).toBe(7)
    expect(cells(capture.filter('parent_span_id', '0'.repeat(16)), 'span_id')).toEqual([['a1'], ['b3']])
  })
  it('has rows by start, the longer first, and joins them by their ids', async () => {
    const rows = (await worked()).rows().toArray()
    expect(rows.map(({ span_id }) => String(span_id).slice(-2)).join(' ')).toBe('a1 b1 c1 d1 e1 e2 e3 b2 d2 e4 e5 b3')
    const interval = (row: Row) => ({ startNs: Number(row.start), endNs: Number(row.end) })
    const selfNs = (row: Row) => {
      const isInside = (other: Row) => other.parent_span_id === row.span_id && other['thread.id'] === row['thread.id']
      return Number(row.dur) - coveredNs(rows.filter(isInside).map(interval), interval(row))
    }
    expect(rows.map(row => `${String(row.span_id).slice(-2)} ${selfNs(row)}`).join(' ')).toBe(
      'a1 300000 b1 66000 c1 39000 d1 15000 e1 40000 e2 30000 e3 10000 b2 50233 d2 10100 e4 60000 e5 50000 b3 100001',
    )
  })
  it('keeps its rows in a file', async () => {
    const capture = await worked()
    for (const name of ['vector.pftrace', 'vector.json']) {
      expect((await loadedFrom(capture, name)).rows().toArray()).toEqual(capture.rows().toArray())
    }
  })

  // What a session records that is paused from 300000 to 520000: nothing that begins in there.
  const paused = (more: CaptureRows['spans'] = []) => {
    const rows = workedVector(id => !['b2', 'd2', 'e4', 'e5'].includes(id))
    return buildCapture({ ...rows, spans: [...rows.spans!, ...more], pauses: [{ startNs: 300_000, endNs: 520_000 }] })
  }
  it('with a pause, tells how much of a span lies in it', async () => {
    const rows = (await paused()).rows()
    expect(cells(rows, 'span_id').flat().join(' ')).toBe('a1 b1 c1 d1 e1 e2 e3 b3')
    expect(
      cells(
        rows.filter('paused_ns', (ns: number) => ns > 0),
        'span_id',
        'paused_ns',
      ),
    ).toEqual([['a1', 210_000]])
  })
  it('with a pause, has the summary of the rest, halves rounded up', async () => {
    expect({ ...(await paused()).summary() }).toMatchObject({
      count: 2,
      meanNs: 150_001,
      medianNs: 150_001,
      p90Ns: 190_000,
      p95Ns: 195_000,
      p97Ns: 197_000,
      p99Ns: 199_000,
      p999Ns: 199_900,
    })
  })
  it('leaves an inference that a pause interrupted out of the summary, and counts it', async () => {
    const capture = await paused([
      { thread: 1, name: 'Inference', category: 'inference', startNs: 290_000, endNs: 530_000 },
      { thread: 1, name: 'Inference', category: 'inference', startNs: 800_000, endNs: null },
    ])
    expect(capture.summary()).toMatchObject({ count: 2, maxNs: 200_000, unfinished: 1, excludedByPause: 1 })
    expect(capture.summary({ includePaused: true })).toMatchObject({ count: 3, maxNs: 240_000, excludedByPause: 0 })
    expect(capture.inferences().numRows).toBe(3)
  })
})

describe('printed', () => {
  it('the tables look like their golden', async () => {
    const capture = await worked()
    const printed = [capture.summary(), capture.inferences(), capture.executions(), capture.operators()]
    const text = [...printed, capture.cpuOperators(), capture.rows()].map(String).join('\n\n')
    await expect(`${text}\n`).toMatchFileSnapshot('../fixtures/tables/worked-vector.txt')
  })
  it('a capture without an inference says of each table what is missing', async () => {
    const capture = await buildCapture({ spans: [{ thread: 'main', name: 'load', startNs: 0, endNs: 10 }] })
    expect(String(capture.summary())).toBe(
      'No inferences: no span of category inference was finished (0 unfinished, 0 excluded by pause).',
    )
    expect(capture.summary().meanNs).toBeNull()
    const tables = [capture.inferences(), capture.executions(), capture.operators(), capture.cpuOperators()]
    expect(tables.map(String)).toEqual([
      'No inferences: no span of category inference was finished.',
      'No executions: no span of category inference was finished.',
      'No operators: nothing of category device, and no cpu_op in an inference.',
      'No CPU operators: no cpu_op in an inference, and no span with an operator_index.',
    ])
    expect(String((await buildCapture({})).rows())).toBe('No rows: nothing was recorded.')
  })
})

describe("the columns of Furiosa's profiler", () => {
  it('have its names and order', async () => {
    const capture = await worked()
    const furiosa = true
    expect(capture.inferences({ furiosa }).columns).toEqual(['trace_id', 'span_id', 'thread.id', 'dur'])
    expect(capture.executions({ furiosa }).toArray()[1]).toEqual({
      trace_id: T0,
      span_id: '00000000000000d2',
      pe_index: 0,
      execution_index: 1,
      'NPU Total': 100_100,
      'NPU Run': 90_000,
      'NPU IoWait': 10_100,
    })
    expect(capture.operators({ furiosa }).toArray()[0]).toEqual({
      name: 'conv2d',
      'average_elapsed (ns)': 50_000,
      count: 2,
    })
    const external = ['trace_id', 'span_id', 'thread.id', 'name', 'operator_index', 'dur']
    expect(capture.cpuOperators({ furiosa }).columns).toEqual(external)
    const rows = capture.rows({ furiosa })
    expect(rows.columns.join(' ')).toBe(
      'trace_id parent_span_id span_id start end cat name thread.id dram_base pe_index execution_index instruction_index operator_index dur',
    )
    expect(cells(rows.filter('cat', 'NPU').filter('pe_index', 0), 'span_id').flat().join(' ')).toBe(
      'd1 e1 e2 e3 d2 e4 e5',
    )
    expect(new Set(rows.column('cat'))).toEqual(new Set(['Runtime', 'NPU']))
  })
  it('are asked for by their option only', async () => {
    const capture = await worked()
    expect(() => capture.executions({ furios: true } as never)).toThrow(/Unknown option "furios"[\s\S]*"furiosa"\?/)
    expect(() => capture.summary({ includePause: true } as never)).toThrow(/"includePaused"\?/)
  })
})

describe('an execution that is told of', () => {
  it('has the time of its operators clipped to it, but not their sum', async () => {
    const device = (name: string, startNs: number, endNs: number, attributes: Record<string, number>) => ({
      thread: 'main',
      category: 'device' as const,
      isAsync: true,
      name,
      startNs,
      endNs,
      attributes,
    })
    const capture = await buildCapture({
      spans: [
        { ...device('run', 100, 200, { execution_index: 7 }), ids: { spanId: 'd1' } },
        { ...device('early', 90, 110, { instruction_index: 0 }), ids: { spanId: 'e1', parentId: 'd1' } },
        { ...device('late', 190, 230, { instruction_index: 1 }), ids: { spanId: 'e2', parentId: 'd1' } },
        { ...device('idle', 300, 400, { execution_index: 8 }), ids: { spanId: 'd2' } },
      ],
    })
    const columns = ['inference_span_id', 'device_index', 'execution_index', 'Total', 'Busy', 'Idle', 'OpSum']
    expect(cells(capture.executions(), ...columns)).toEqual([
      [null, null, 7, 100, 20, 80, 60],
      [null, null, 8, 100, 0, 100, 0],
    ])
  })
})

describe('operators', () => {
  it('are ordered by average, not by total, and by name where those are equal', async () => {
    const kernel = (name: string, startNs: number, endNs: number) => ({ kind: 'kernel' as const, name, startNs, endNs })
    const often = [0, 10, 20, 30].map(at => kernel('often', at, at + 5))
    const capture = await buildCapture({ gpu: [...often, kernel('b', 100, 108), kernel('a', 200, 208)] })
    expect(cells(capture.operators(), 'name', 'total_ns')).toEqual([
      ['a', 8],
      ['b', 8],
      ['often', 20],
    ])
  })
})

describe('a capture that tells of no executions', () => {
  const US = 1000
  it('has one per inference and device, by what its GPU rows say', async () => {
    const rows = gpuServiceRows()
    const spans = rows.spans!.map(span => ({
      ...span,
      ...(span.name === 'predict' && { category: 'inference' as const }),
    }))
    const executions = (await buildCapture({ ...rows, spans })).executions()
    expect(executions.numRows).toBe(50)
    // gemm 70 to 570, bias 90 to 94 beside it; a copy 20 to 46 before, one 570 to 590 after.
    const figures = ['device', 'device_index', 'execution_index', 'Total', 'Busy', 'Idle', 'OpSum']
    expect(cells(executions, ...figures)[2]).toEqual(['gpu', 0, 2, 570 * US, 500 * US, 70 * US, 504 * US])
  })
  it('tells the rows of two devices apart', async () => {
    const work = (device: number, startNs: number, endNs: number) => ({
      kind: 'kernel' as const,
      name: 'gemm',
      device,
      startNs,
      endNs,
      correlationId: device + 1,
    })
    const capture = await buildCapture({
      spans: [{ thread: 'main', name: 'predict', category: 'inference', startNs: 0, endNs: 100 }],
      launches: [
        { thread: 'main', name: 'cudaLaunchKernel', startNs: 1, endNs: 2, correlationId: 1 },
        { thread: 'main', name: 'cudaLaunchKernel', startNs: 3, endNs: 4, correlationId: 2 },
      ],
      gpu: [work(0, 30, 70), work(1, 20, 40), { ...work(1, 50, 90), name: 'relu' }],
    })
    expect(cells(capture.executions(), 'device_index', 'execution_index', 'Total', 'Busy', 'Idle')).toEqual([
      [1, 0, 70, 60, 10],
      [0, 0, 40, 40, 0],
    ])
    expect(cells(capture.rows(), 'cat', 'name', 'inference_span_id')).toEqual([
      ['inference', 'predict', '0000000100000000'],
      ['device', 'gemm', '0000000100000000'],
      ['device', 'gemm', '0000000100000000'],
      ['device', 'relu', '0000000100000000'],
    ])
  })
  it('counts them by their start on the device, whichever inference began first', async () => {
    const inference = (name: string, startNs: number, endNs: number) => ({
      thread: name,
      name,
      category: 'inference' as const,
      startNs,
      endNs,
    })
    const launch = (thread: string, correlationId: number) => ({
      thread,
      name: 'cudaLaunchKernel',
      startNs: 11,
      endNs: 12,
      correlationId,
    })
    const kernel = (startNs: number, endNs: number, correlationId: number) => ({
      kind: 'kernel' as const,
      name: 'gemm',
      startNs,
      endNs,
      correlationId,
    })
    const capture = await buildCapture({
      spans: [inference('first', 0, 100), inference('second', 10, 90)],
      launches: [launch('first', 1), launch('second', 2), launch('second', 3)],
      gpu: [kernel(50, 60, 1), kernel(20, 45, 2), kernel(30, 40, 3)],
    })
    // The second one's kernel that began first ends last.
    expect(cells(capture.executions(), 'execution_index', 'Total', 'Busy', 'OpSum')).toEqual([
      [0, 25, 25, 35],
      [1, 10, 10, 10],
    ])
  })
  it('has an inference on the host beside those on a GPU, each counted for itself', async () => {
    const at = (startNs: number) => ({ thread: 'main', startNs, endNs: startNs + 50 })
    const capture = await buildCapture({
      spans: [0, 100, 200].map(startNs => ({ ...at(startNs), name: 'predict', category: 'inference' as const })),
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 110, endNs: 112, correlationId: 1 }],
      gpu: [{ kind: 'kernel', name: 'gemm', device: 3, startNs: 120, endNs: 140, correlationId: 1 }],
    })
    expect(cells(capture.executions(), 'device', 'device_index', 'execution_index', 'Total', 'Idle')).toEqual([
      ['cpu', null, 0, 50, 50],
      ['gpu', 3, 0, 20, 0],
      ['cpu', null, 1, 50, 50],
    ])
  })
  it('has the inference itself on the host where nothing ran on a device', async () => {
    const op = (name: string, startNs: number, endNs: number) => ({
      thread: 'main',
      name,
      category: 'cpu_op' as const,
      startNs,
      endNs,
    })
    const capture = await buildCapture({
      spans: [
        { thread: 'main', name: 'predict', category: 'inference', startNs: 0, endNs: 100 },
        op('Conv', 10, 50),
        { ...op('Conv', 10, 50), role: 'instance', instance: 'conv1' },
        { ...op('compute', 11, 49), role: 'phase' },
        op('Relu', 60, 70),
        op('Relu', 120, 130),
      ],
    })
    // Instances and phases are parts of their op; the last Relu is in no inference.
    const figures = ['device', 'device_index', 'execution_index', 'Total', 'Busy', 'Idle', 'OpSum']
    expect(cells(capture.executions(), ...figures)).toEqual([['cpu', null, 0, 100, 50, 50, 50]])
    expect(cells(capture.operators(), 'name', 'count', 'total_ns', 'pct')).toEqual([
      ['Conv', 1, 40, 80],
      ['Relu', 1, 10, 20],
    ])
    expect(cells(capture.cpuOperators(), 'name', 'dur', 'operator_index')).toEqual([
      ['Conv', 40, null],
      ['Relu', 10, null],
    ])
  })
})

describe('a row', () => {
  it('comes before shorter ones that begin with it, and before equal ones of a higher id', async () => {
    const span = (thread: string, spanId: string, endNs: number) => ({
      thread,
      name: spanId,
      startNs: 0,
      endNs,
      ids: { spanId },
    })
    const capture = await buildCapture({ spans: [span('a', 'b', 5), span('b', 'a', 5), span('c', 'c', 9)] })
    expect(capture.rows().column('name')).toEqual(['c', 'a', 'b'])
  })
  it('has its status, and as JSON the attributes that no column shows', async () => {
    const capture = await buildCapture({
      spans: [
        {
          thread: 'main',
          name: 'a',
          startNs: 0,
          endNs: 9,
          isError: true,
          attributes: { stream: 7n, operator_index: 'first', batch: 4n, big: 2n ** 60n, ratio: 0.5 },
        },
        { thread: 'main', name: 'b', startNs: 10, endNs: null },
      ],
      durationNs: 20,
    })
    expect(cells(capture.rows(), 'name', 'status', 'end', 'dur', 'stream', 'operator_index', 'attrs')).toEqual([
      ['a', 'error', 9, 9, 7, null, '{"operator_index":"first","batch":4,"big":"1152921504606846976","ratio":0.5}'],
      ['b', 'unfinished', null, null, null, null, null],
    ])
  })
  it('keeps an index of 32 bits in its column, and a larger one among the other attributes', async () => {
    const attributes = { stream: 2 ** 31 - 1, context: 2 ** 31, device_index: -(2 ** 31), bytes: 2 ** 40 }
    const capture = await buildCapture({
      spans: [{ thread: 'main', name: 'a', startNs: 0, endNs: 9, attributes }],
      gpu: [{ kind: 'kernel', name: 'gemm', startNs: 10, endNs: 11, stream: 2 ** 32 - 1, context: 2 }],
    })
    expect(cells(capture.rows(), 'stream', 'context', 'device_index', 'bytes', 'attrs')).toEqual([
      [2 ** 31 - 1, null, -(2 ** 31), 2 ** 40, '{"context":2147483648}'],
      [null, 2, 0, null, null],
    ])
    const typeOf = (name: string) => capture.rows().schema.find(column => column.name === name)!.type
    expect([typeOf('stream'), typeOf('bytes')]).toEqual(['i32', 'i64'])
  })
  it('tells the thread of worker_threads that it ran on, or that launched it', async () => {
    const capture = await buildCapture({
      threads: [{ name: 'main', jsThreadId: 0 }, { name: 'worker', jsThreadId: 3 }, { name: 'native' }],
      spans: ['main', 'worker', 'native'].map((thread, i) => ({
        thread,
        name: thread,
        startNs: i * 10,
        endNs: i * 10 + 5,
      })),
      launches: [{ thread: 'worker', name: 'cudaLaunchKernel', startNs: 11, endNs: 12, correlationId: 1 }],
      gpu: [{ kind: 'kernel', name: 'gemm', startNs: 40, endNs: 50, correlationId: 1 }],
    })
    expect(cells(capture.rows(), 'name', 'node.thread')).toEqual([
      ['main', 0],
      ['worker', 3],
      ['native', null],
      ['gemm', 3],
    ])
  })
  it('without ids has some that no other row has, and the trace of its root', async () => {
    const capture = await buildCapture({
      spans: [
        { thread: 'main', name: 'outer', startNs: 0, endNs: 100 },
        { thread: 'main', name: 'inner', startNs: 10, endNs: 20 },
        { thread: 'main', name: 'remote', startNs: 200, endNs: 210, ids: { spanId: '100000000', parentId: 'dead' } },
        { thread: 'main', name: 'other', startNs: 300, endNs: 310 },
      ],
      originEpochNs: 0xabcn,
    })
    const traceOf = (span: string) => `0000000000000abc${span}`
    expect(cells(capture.rows(), 'name', 'span_id', 'parent_span_id', 'trace_id')).toEqual([
      ['outer', '0000000200000000', '0000000000000000', traceOf('0000000200000000')],
      ['inner', '0000000200000001', '0000000200000000', traceOf('0000000200000000')],
      ['remote', '0000000100000000', '000000000000dead', traceOf('0000000100000000')],
      ['other', '0000000200000003', '0000000000000000', traceOf('0000000200000003')],
    ])
  })
  it('of a GPU has the thread of its launch; an orphan has neither thread nor parent nor trace', async () => {
    const capture = await buildCapture({
      threads: [{ name: 'main', osThreadId: 42 }],
      spans: [{ thread: 'main', name: 'op', startNs: 0, endNs: 100 }],
      launches: [{ thread: 'main', name: 'cudaMemcpyAsync', startNs: 1, endNs: 2, correlationId: 5 }],
      gpu: [
        { kind: 'copy', name: 'HtoD', startNs: 3, endNs: 4, correlationId: 5, bytes: 64, stream: 7, context: 1 },
        { kind: 'kernel', name: 'gemm', startNs: 5, endNs: 6 },
      ],
    })
    const columns = ['cat', 'name', 'thread.id', 'parent_span_id', 'stream', 'context', 'correlation_id', 'bytes']
    expect(capture.filter('name', 'gemm').column('trace_id')).toEqual([null])
    expect(cells(capture.filter('device_index', 0), ...columns)).toEqual([
      // The call that copies is a row of its own, inside `op`.
      ['memcpy', 'HtoD', 42, '0000000100000001', 7, 1, 5, 64],
      ['device', 'gemm', null, null, 0, 0, null, null],
    ])
  })
})
