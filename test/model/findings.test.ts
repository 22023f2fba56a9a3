import { describe, expect, it } from 'vitest'

import { type FindingCode, findings } from '../../src/model/findings.js'
import type { ReportSource } from '../../src/model/ops.js'
import { busyServer } from '../report/captures.js'
import { phase, type RowSpec, row, type SpanSpec, sourceFromRows, sourceFromSpans } from './source-builder.js'

const find = (source: ReportSource, code: FindingCode) => findings(source).find(finding => finding.code === code)
/** All of its time in compute: no finding of its own. */
const clean = (name: string, cpu: number, gpu: number): RowSpec =>
  row(name, 10, cpu, gpu, [phase('compute', 10, cpu, gpu)])

describe('findings', () => {
  it('are none for a capture in which all is well', () => {
    expect(findings(sourceFromRows([{ rows: [clean('matmul', 5, 5)] }]))).toEqual([])
    expect(findings(sourceFromRows([{ rows: [] }]))).toEqual([])
  })

  it('name op, figure and remedy, the most serious first', () => {
    const list = findings(busyServer())
    expect(new Set(list.map(({ code }) => code))).toEqual(
      new Set([
        'framework-overhead',
        'queueing',
        'event-loop-blocked',
        'cpu-bound',
        'dropped-spans',
        'unfinished-spans',
      ]),
    )
    const ranks = list.map(({ severity }) => ['high', 'medium', 'low'].indexOf(severity))
    expect(ranks).toEqual(ranks.toSorted())
    for (const { figure, remedy } of list) expect([/\d/.test(figure), remedy.length > 0]).toEqual([true, true])
  })

  it('find the CPU-bound op below the frame around it', () => {
    const source = sourceFromRows([
      { rows: [row('predict', 1, 99, 1, [clean('gather', 95, 1)]), clean('matmul', 1, 20)] },
    ])
    expect(find(source, 'cpu-bound')).toMatchObject({ op: ['predict', 'gather'], severity: 'high' })
    expect(find(source, 'cpu-bound')!.figure).toBe(
      'is CPU-bound: 99.0% of its 96 ms is host time, the GPU works for 1 ms',
    )
  })

  it('do not call an op CPU-bound where no GPU was used, or where the GPU works for a tenth of it', () => {
    expect(find(sourceFromRows([{ rows: [clean('matmul', 9, 0)] }]), 'cpu-bound')).toBeUndefined()
    expect(find(sourceFromRows([{ rows: [clean('matmul', 8.9, 1.1)] }]), 'cpu-bound')).toBeUndefined()
  })

  it('find the op that spends most outside compute', () => {
    const source = sourceFromRows([
      { rows: [row('slice', 1, 10, 0, [phase('compute', 1, 2)]), clean('matmul', 10, 0)] },
    ])
    expect(find(source, 'framework-overhead')).toMatchObject({
      op: ['slice'],
      figure: 'spends 8 ms of its 10 ms outside compute; framework overhead is 40.0% of the op time',
    })
  })

  it('prefer an op that can be acted on to a larger one without phases', () => {
    const slice = row('slice', 1, 10, 0, [phase('compute', 1, 2)])
    const source = sourceFromRows([{ rows: [row('resize', 1, 12), slice] }])
    expect(find(source, 'framework-overhead')).toMatchObject({ op: ['slice'], severity: 'high' })
  })

  it('ask for phases where an op has none', () => {
    const source = sourceFromRows([{ rows: [row('resize', 1, 10), clean('matmul', 10, 0)] }])
    expect(find(source, 'framework-overhead')).toMatchObject({ op: ['resize'], severity: 'low' })
  })

  it('find copies by share', () => {
    const copies = (ms: number) =>
      find(sourceFromRows([{ rows: [row('GpuMemcpySync:GPU->CPU', 5, ms), clean('matmul', 10, 0)] }]), 'copies')
    expect(copies(10)).toMatchObject({ op: ['GpuMemcpySync:GPU->CPU'], severity: 'high' })
    expect(copies(2)).toBeUndefined()
  })

  describe('of a blocked event loop', () => {
    const on = (rows: SpanSpec[], jsThreadId = 0) => find(sourceFromSpans([{ rows, jsThreadId }]), 'event-loop-blocked')

    it('name the innermost op that fills the stretch', () => {
      const inner = { name: 'parse', start: 2, end: 72 }
      const found = on([
        { name: 'short', start: 0, end: 1 },
        { name: 'load', start: 1, end: 75, children: [inner] },
      ])
      expect(found).toMatchObject({ op: ['load', 'parse'], severity: 'high' })
      expect(found!.figure).toBe('blocked the event loop of the main thread for 74 ms, over 50 ms')
    })

    it('are none below 50 ms, on native threads, or for time that an async op only waits', () => {
      expect(on([{ name: 'op', start: 0, end: 49.9 }])).toBeUndefined()
      expect(on([{ name: 'op', start: 0, end: 90 }], -1)).toBeUndefined()
      expect(on([{ name: 'fetch', start: 0, end: 90, isAsync: true, returned: 1 }])).toBeUndefined()
    })

    it('count the synchronous start of an async op', () => {
      expect(on([{ name: 'predict', start: 0, end: 90, isAsync: true, returned: 60 }])).toMatchObject({
        op: ['predict'],
      })
    })

    it('take the nodes of an async model run for work of another thread', () => {
      const node: SpanSpec = { name: 'Conv', start: 1, end: 80, flags: 8 }
      expect(on([{ name: 'run', start: 0, end: 90, isAsync: true, children: [node] }])).toBeUndefined()
    })

    it('weigh less on a worker', () => {
      expect(on([{ name: 'op', start: 0, end: 90 }], 3)).toMatchObject({ severity: 'low' })
    })
  })

  it('compare waiting with running', () => {
    const request = (wait: number): SpanSpec => ({
      name: 'POST',
      category: 'request',
      isAsync: true,
      start: 0,
      end: wait + 10,
      children: [{ name: 'queue', category: 'request', isAsync: true, start: 0, end: wait }],
    })
    const found = (wait: number) => find(sourceFromSpans([{ rows: [request(wait)] }]), 'queueing')
    expect(found(20)).toMatchObject({ op: ['POST'], severity: 'high' })
    expect(found(6)).toMatchObject({ severity: 'medium' })
    expect(found(4)).toBeUndefined()
  })

  it('say how many spans are missing, and which op never ended', () => {
    const source = sourceFromRows([{ rows: [clean('a', 1, 1), { ...clean('b', 1, 1), unfinished: 3 }] }], {
      view: { dropped: 7, unfinished: 3 },
    })
    expect(find(source, 'dropped-spans')).toMatchObject({ op: [], severity: 'high' })
    expect(find(source, 'unfinished-spans')).toMatchObject({ op: ['b'], severity: 'low' })
  })

  it('say what collections and recording itself cost', () => {
    const gc: RowSpec = { ...row('major', 3, 200), category: 'gc' }
    expect(find(sourceFromRows([{ rows: [gc] }], { durationMs: 1000 }), 'gc')).toMatchObject({
      op: ['major'],
      weight: 0.2,
    })
    const spans: SpanSpec[] = Array.from({ length: 100 }, (_, i) => ({
      name: 'op',
      start: i / 1000,
      end: (i + 0.5) / 1000,
    }))
    const costly = sourceFromSpans([{ rows: spans }], { durationMs: 0.1, meta: { spanCostNs: 50 } })
    expect(find(costly, 'recording-cost')).toMatchObject({ weight: 0.05 })
  })
})
