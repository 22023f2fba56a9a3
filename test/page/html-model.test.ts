import { describe, expect, it } from 'vitest'

import { buildCapture, type Capture, type CaptureRows, mergeCaptures, type OpRow } from '../../src/index.js'
import type { State } from '../../src/model/ops.js'
import type { PageModel, PageOp } from '../../src/page/page-model.js'
import { pageModel } from '../../src/report/html-model.js'
import type { SpanRow } from '../../src/row-types.js'
import { randomRows } from '../export/random-rows.js'
import { sourceFromSpans } from '../model/source-builder.js'
import { modelIn } from './page-text.js'

const THREADS = [{ name: 'main', osThreadId: 7, jsThreadId: 0 }]
const MS = 1e6
const modelOf = async (capture: Capture): Promise<PageModel> => modelIn(await capture.html())
const modelOfRows = async (rows: Partial<CaptureRows>): Promise<PageModel> =>
  modelOf(await buildCapture({ threads: THREADS, spans: [], ...rows }))
const span = (name: string, startMs: number, endMs: number | null): SpanRow => ({
  thread: 0,
  name,
  startNs: startMs * MS,
  endNs: endMs === null ? null : endMs * MS,
})

const part = (processId: number, state: State = 'All') =>
  buildCapture({ threads: THREADS, spans: [span('a', 0, 1)], processId, state, originEpochNs: 10n ** 18n, host: 'h' })
const NO_COLUMNS = { bytes: new Uint8Array(), columns: [], strings: [], streamNames: [], leftOutAttributes: 0 }

function pathOf(ops: readonly PageOp[], row: PageOp): string[] {
  return [...(row.parent < 0 ? [] : pathOf(ops, ops[row.parent]!)), ...row.above, row.name]
}

describe('the ops of a page', () => {
  it('are those of ops(), each with its parent in place of its path', async () => {
    const capture = await buildCapture(randomRows(2000))
    const { ops } = await modelOf(capture)
    const expected = capture.ops({ sortedKey: 'default' })
    expect(ops.length).toBe(expected.length)
    for (const [index, { path, ...figures }] of expected.entries()) {
      const { depth: _depth, thread: _thread, ratio: _ratio, aveNs: _aveNs, ...rest } = figures as Omit<OpRow, 'path'>
      expect(ops[index]).toMatchObject(rest)
      expect(pathOf(ops, ops[index]!)).toEqual(path)
      expect(ops[index]!.parent).toBeLessThan(index)
    }
  })
  it('take no more room the deeper they are', async () => {
    const depth = 5000
    const spans = Array.from({ length: depth }, (_, i) => span('f', i, 2 * depth - i))
    const html = await (await buildCapture({ threads: THREADS, spans })).html()
    const { ops } = modelIn(html)
    expect(ops.map(({ parent }) => parent)).toEqual(Array.from({ length: depth }, (_, i) => i - 1))
    expect(JSON.stringify(ops).length / depth).toBeLessThan(400)
  })
  it('of more than 20,000 are those that took most time, with what is around them', async () => {
    // Short ones and shorter ones, with shorter ones yet inside.
    const spans = Array.from({ length: 25_000 }, (_, i) => span(`op ${i}`, 10 * i, 10 * i + (i % 2 === 0 ? 3 : 2)))
    spans.push(...Array.from({ length: 10 }, (_, i) => span(`inner ${i}`, 20 * i, 20 * i + 1)))
    const { ops, missing } = await modelOfRows({ spans })
    expect(ops.length).toBe(20_000)
    expect(ops.filter(({ totalNs }) => totalNs === 3 * MS).length).toBe(12_500)
    expect(ops.filter(({ parent }, index) => parent >= index)).toEqual([])
    expect(missing.map(({ code, count }) => [code, count])).toContainEqual(['rows', 5010])
  })
})

describe('what is missing', () => {
  const codes = (model: PageModel) => model.missing.map(({ code, count }) => [code, count])

  it('is everything, where nothing was recorded', async () => {
    expect(codes(await modelOfRows({}))).toEqual([
      ['nothing-recorded', 1],
      ['no-gpu', 1],
    ])
  })
  it('is nothing, where all is well', async () => {
    expect((await modelOfRows({ spans: [span('a', 0, 1)], state: 'CPU' })).missing).toEqual([])
  })
  it('is told with its count, the worst first', async () => {
    const { missing } = await modelOfRows({
      spans: [span('a', 0, 1), span('b', 2, null)],
      pauses: [
        { startNs: 3 * MS, endNs: 4 * MS },
        { startNs: 5 * MS, endNs: 6 * MS },
      ],
      durationNs: 10 * MS,
    })
    expect(missing).toEqual([
      { code: 'unfinished', count: 1, text: '1 span still open when the recording stopped: in no figure.' },
      { code: 'no-gpu', count: 1, text: 'No GPU activity was recorded (not-recorded).' },
      { code: 'paused', count: 2, text: 'The recording was paused 2 times, for 2 ms of 10 ms.' },
    ])
  })
  it('begins with what found no room', () => {
    const source = sourceFromSpans([{ rows: [] }], { view: { dropped: 1204 } })
    const { missing } = pageModel(source, NO_COLUMNS, { warnings: [] })
    expect(missing.map(({ code, count }) => [code, count]).slice(0, 2)).toEqual([
      ['nothing-recorded', 1],
      ['dropped', 1204],
    ])
  })
  it('has the warnings of the capture', async () => {
    const merged = await mergeCaptures([await part(1, 'CPU'), await part(2, 'All')])
    expect(merged.warnings.map(({ code }) => code)).not.toEqual([])
    expect(codes(await modelOf(merged))).toEqual(
      expect.arrayContaining(merged.warnings.map(({ code, count }) => [code, count])),
    )
  })
  it('has attributes that did not fit', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`key ${i}`, i]))
    const spans = Array.from({ length: 22_223 }, (_, i) => ({ ...span('op', i, i + 1), attributes }))
    expect(codes(await modelOfRows({ spans, state: 'CPU' }))).toEqual([['attributes', 7]])
  })
})

describe('the place of a finding', () => {
  it('is the op that it names', async () => {
    const phase = (startMs: number, endMs: number): SpanRow => ({ ...span('compute', startMs, endMs), role: 'phase' })
    const { findings, ops } = await modelOfRows({ spans: [span('slice', 0, 10), phase(1, 3), span('end', 10, 11)] })
    const finding = findings.find(({ code }) => code === 'framework-overhead')!
    expect(finding.op).toEqual(['slice'])
    expect(finding.place).toEqual({ kind: 'op', op: ops.findIndex(({ name }) => name === 'slice') })
  })
  it('is the stretch of time that blocked the event loop', async () => {
    const { findings } = await modelOfRows({ spans: [span('short', 0, 60), span('long', 100, 300)] })
    expect(findings.find(({ code }) => code === 'event-loop-blocked')!.place).toEqual({
      kind: 'time',
      startNs: 100 * MS,
      endNs: 300 * MS,
    })
  })
  it('is the longest of the gaps of an idle GPU', async () => {
    const starts = [0, 10, 20, ...Array.from({ length: 30 }, (_, i) => 100 + 10 * i)]
    const { findings } = await modelOfRows({
      spans: [span('loop', 0, 500)],
      launches: starts.map((ms, i) => {
        return { thread: 0, name: 'launch', startNs: ms * MS, endNs: ms * MS + 10, correlationId: i + 1 }
      }),
      gpu: starts.map((ms, i) => {
        const startNs = ms * MS + 20
        return {
          kind: 'kernel',
          name: 'gemm',
          device: 0,
          startNs,
          endNs: startNs + MS,
          correlationId: i + 1,
          stream: 7,
        }
      }),
    })
    expect(findings.find(({ code }) => code === 'gpu-idle')!.place).toEqual({
      kind: 'time',
      startNs: 21 * MS + 20,
      endNs: 100 * MS + 20,
    })
  })
  it('is a section, where it names no op', () => {
    const source = sourceFromSpans([{ rows: [] }], { view: { dropped: 5 } })
    const { findings } = pageModel(source, NO_COLUMNS, { warnings: [] })
    expect(findings.find(({ code }) => code === 'dropped-spans')!.place).toEqual({
      kind: 'section',
      section: 'missing',
    })
  })
})

describe('the title of a page', () => {
  it('is the file that ran', async () => {
    expect((await modelOfRows({ program: '/srv/app/server.mjs' })).title).toBe('server.mjs')
    expect((await modelOfRows({})).title).toBe('opscope')
  })
  it('is how many processes there are', async () => {
    const parts = await Promise.all([1, 2, 3].map(processId => part(processId)))
    expect((await modelOf(await mergeCaptures(parts))).title).toBe('3 processes on 1 host')
  })
})
