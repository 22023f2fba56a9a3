// OTLP/JSON through a reader that knows nothing of opscope.
import { mkdtempSync, readFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { version } from '../../src/index.js'
import { loadCapture } from '../../src/load-capture.js'
import { profile } from '../../src/profiler.js'
import { mark, record, recordSync } from '../../src/record.js'
import type { SpanRow } from '../../src/row-types.js'
import { buildCapture } from '../../src/rows.js'
import { randomGpuRows, TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { T0, T1, workedVector } from '../fixtures/worked-vector.js'
import { decodeOtlp, type OtlpSpan, type OtlpTrace, readOtlp } from './otlp-decoded.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const ORIGIN = 1_763_780_000_000_000_000n

async function decoded(capture: Capture): Promise<OtlpTrace> {
  const { path } = await capture.export(join(folder, 'trace.otlp.json'))
  return readOtlp(path)
}
const id = (short: string) => short.padStart(16, '0')
const byName = (spans: OtlpSpan[], name: string): OtlpSpan => spans.find(span => span.name === name)!
const span = (name: string, startNs: number, endNs: number | null, more: Partial<SpanRow> = {}): SpanRow => {
  return { thread: 'main', name, startNs, endNs, ...more }
}

describe('OTLP', () => {
  it('has the ids, parents and times of the worked vector, exactly', async () => {
    const rows = workedVector()
    const { spans } = await decoded(await buildCapture(rows))
    const expected = rows.spans!.map(({ name, ids, startNs, endNs }) => ({
      traceId: ids!.spanId === 'b3' ? T1 : T0,
      spanId: id(ids!.spanId as string),
      parentSpanId: ids!.parentId === undefined ? '' : id(ids!.parentId as string),
      name,
      kind: 1,
      start: ORIGIN + BigInt(startNs),
      end: ORIGIN + BigInt(endNs!),
    }))
    const byId = (a: { spanId: string }, b: { spanId: string }) => (a.spanId < b.spanId ? -1 : 1)
    expect(spans.map(({ attributes, events, links, status, ...rest }) => rest).sort(byId)).toEqual(expected.sort(byId))
    expect(spans).toHaveLength(12)
    expect(spans.find(({ spanId }) => spanId === id('e5'))!.attributes).toEqual({
      device_index: 0n,
      execution_index: 1n,
      instruction_index: 1n,
      stream: 13n,
      correlation_id: 105n,
      'opscope.category': 'device',
      'thread.id': 2n,
      'thread.name': 'two',
    })
  })

  const recorded = () =>
    profile({ state: 'CPU' }, async () => {
      for (let request = 0; request < 3; request++) {
        await record('request', async () => {
          recordSync('prepare', () => recordSync('parse', () => {}))
          await Promise.all([record('queue', () => nextTurn()), record('fetch', () => recordSync('read', () => {}))])
        })
      }
    })
  it.each([
    ['plain rows', () => buildCapture(INFERENCE_ROWS)],
    ['requests', () => buildCapture(REQUEST_ROWS)],
    ['the worked vector', () => buildCapture(workedVector())],
    ['two GPUs', () => buildCapture(TWO_GPU_ROWS)],
    ['random GPU work', () => buildCapture({ ...randomGpuRows(5), originEpochNs: ORIGIN })],
    ['what was recorded', recorded],
  ])('has the ids of capture.rows() for %s', async (_, make) => {
    const capture = await make()
    const { spans } = await decoded(capture)
    const rows = capture.rows().toArray()
    expect(rows.length).toBeGreaterThan(0)
    const byId = new Map(spans.map(each => [each.spanId, each]))
    expect([byId.size, spans.length]).toEqual([rows.length, rows.length])
    const origin = capture.originEpochNs
    for (const row of rows) {
      const of = byId.get(row.span_id as string)!
      expect([of.name, of.start]).toEqual([row.name, origin + BigInt(row.start as number)])
      if (row.end !== null) expect(of.end).toBe(origin + BigInt(row.end as number))
      // GPU work whose span is not known: a trace of its own.
      expect(of.traceId).toBe(row.trace_id ?? origin.toString(16).padStart(16, '0') + of.spanId)
      const parent = row.parent_span_id === id('0') ? '' : (row.parent_span_id ?? '')
      expect(of.parentSpanId).toBe(
        byId.get(parent as string)?.traceId === of.traceId || !byId.has(parent as string) ? parent : '',
      )
    }
  })
  it('has the same ids after a capture was saved and loaded', async () => {
    const capture = await recorded()
    const { path } = await capture.export(join(folder, 'trace.pftrace'))
    expect((await decoded(await loadCapture(path))).spans).toEqual((await decoded(capture)).spans)
  })

  it('ends what did not end at the stop, and says so', async () => {
    const { spans } = await decoded(
      await buildCapture({ spans: [span('a', 0, 10), span('b', 20, null)], durationNs: 50 }),
    )
    expect(spans.map(({ end }) => end)).toEqual([10n, 50n])
    expect(spans.map(({ attributes }) => attributes['opscope.unfinished'])).toEqual([undefined, true])
  })
  it('marks a span that failed as an error, and no other', async () => {
    const { spans } = await decoded(
      await buildCapture({ spans: [span('a', 0, 10, { isError: true }), span('b', 20, 30)] }),
    )
    expect(spans.map(({ status }) => status)).toEqual([2, 0])
  })
  it('links to other spans, and to a parent of another trace', async () => {
    const { spans } = await decoded(
      await buildCapture({
        spans: [
          span('batch', 0, 100, {
            ids: { spanId: 'a1', traceId: T0 },
            links: [
              { traceId: T1, spanId: 'ff' },
              { traceId: T0, spanId: 'fe' },
            ],
          }),
          span('request', 10, 20, {
            ids: { spanId: 'a2', parentId: 'a1', traceId: T1 },
            links: [{ traceId: T0, spanId: 'fd' }],
          }),
          span('step', 12, 18, { ids: { spanId: 'a3', parentId: 'a2' } }),
        ],
      }),
    )
    expect(spans.map(({ traceId, parentSpanId, links }) => ({ traceId, parentSpanId, links }))).toEqual([
      {
        traceId: T0,
        parentSpanId: '',
        links: [
          { traceId: T1, spanId: id('ff') },
          { traceId: T0, spanId: id('fe') },
        ],
      },
      {
        traceId: T1,
        parentSpanId: '',
        links: [
          { traceId: T0, spanId: id('a1') },
          { traceId: T0, spanId: id('fd') },
        ],
      },
      { traceId: T1, parentSpanId: id('a2'), links: [] },
    ])
  })
  it('names a parent in another process', async () => {
    const rows = { spans: [span('a', 0, 10, { ids: { spanId: 'a1', traceId: T0, parentId: 'dead' } })] }
    const { spans } = await decoded(await buildCapture(rows))
    expect(spans[0]).toMatchObject({ traceId: T0, spanId: id('a1'), parentSpanId: id('dead') })
  })

  it('has attributes of every kind, and each key once, the own before the made', async () => {
    const attributes = {
      text: 'ü"\\\n\u0001',
      whole: 4,
      half: 0.5,
      big: 2n ** 50n,
      less: -3,
      yes: true,
      no: false,
      'thread.name': 'mine',
      nan: Number.NaN,
    }
    const { spans } = await decoded(
      await buildCapture({
        spans: [span('a', 0, null, { attributes, category: 'request', role: 'instance', instance: 'i' })],
        threads: [{ name: 'main', osThreadId: 9 }],
      }),
    )
    expect(spans[0]!.attributes).toEqual({
      ...attributes,
      whole: 4n,
      less: -3n,
      'opscope.category': 'request',
      'opscope.role': 'instance',
      'opscope.instance': 'i',
      'opscope.unfinished': true,
      'thread.id': 9n,
    })
  })
  it('keeps the last value of an attribute that was set twice', async () => {
    const capture = await profile({ state: 'CPU' }, () =>
      record('a', { attributes: { n: 1, m: 1 } }, each => {
        each.setAttribute('n', 2n ** 62n)
      }),
    )
    expect((await decoded(capture)).spans[0]!.attributes).toMatchObject({ n: 2n ** 62n, m: 1n })
  })

  it('tells what a GPU row was, and who launched it', async () => {
    const { spans } = await decoded(await buildCapture(INFERENCE_ROWS))
    const parentOf = (each: OtlpSpan) => spans.find(({ spanId }) => spanId === each.parentSpanId)!.name
    expect([byName(spans, 'sgemm<float, 128>'), byName(spans, 'HtoD')].map(parentOf)).toEqual([
      'compute',
      'GpuMemcpyAsync:CPU->GPU',
    ])
    expect(byName(spans, 'sgemm<float, 128>').attributes).toEqual({
      'opscope.category': 'device',
      'opscope.kind': 'kernel',
      'opscope.device_index': 0n,
      'opscope.context': 1n,
      'opscope.stream': 7n,
      'opscope.correlation_id': 11n,
      'thread.id': 100n,
      'thread.name': 'main',
    })
    expect(byName(spans, 'HtoD').attributes).toMatchObject({
      'opscope.category': 'memcpy',
      'opscope.kind': 'copy',
      'opscope.bytes': 4096n,
      'opscope.from': 'pageable',
      'opscope.to': 'device',
    })
  })

  it('has marks as events of the spans that they lie in, and counts the others and the counters', async () => {
    const capture = await profile({ state: 'CPU' }, () => {
      mark('outside')
      recordSync('outer', () => {
        mark('first', { category: 'request' })
        recordSync('inner', () => mark('second'))
        mark('third')
      })
    })
    const { spans } = await decoded(capture)
    const names = ({ events }: OtlpSpan) => events.map(({ name }) => name)
    expect([names(byName(spans, 'outer')), names(byName(spans, 'inner'))]).toEqual([['first', 'third'], ['second']])
    const [first] = byName(spans, 'outer').events
    expect(first).toEqual({
      at: capture.originEpochNs + BigInt(capture.marks().find(({ name }) => name === 'first')!.atNs),
      name: 'first',
      attributes: { 'opscope.category': 'request' },
    })
    // A session counts memory and the event loop by itself.
    expect(await warningsOf(capture)).toEqual([
      ['counters-left-out', capture.counters().length],
      ['marks-left-out', 1],
    ])
    expect(await warningsOf(await buildCapture(REQUEST_ROWS))).toEqual([['counters-left-out', 3]])
  })
  const warningsOf = async (capture: Capture) =>
    (await capture.export(join(folder, 'warned.otlp.json'))).warnings.map(({ code, count }) => [code, count])

  it('describes the process with the attributes of the session', async () => {
    const attributes = {
      'service.name': 'ranker',
      model: 'bert "base" ü\u{1F600}',
      batch: 4,
      share: 0.25,
      huge: 1e300,
      warm: true,
    }
    const own = await decoded(await profile({ state: 'CPU', attributes }, () => {}))
    expect(own.resource).toEqual({
      ...attributes,
      batch: 4n,
      'process.pid': BigInt(process.pid),
      'host.name': hostname(),
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
    })
    expect(own.scope).toEqual({ name: 'opscope', version })
    const bare = await decoded(await buildCapture({ processId: 7 }))
    expect(bare).toEqual({
      resource: { 'service.name': 'unknown_service:node', 'process.pid': 7n },
      scope: { name: 'opscope', version: '' },
      spans: [],
    })
  })

  it('streams a long capture with a different id for each span', async () => {
    const spans = Array.from({ length: 20_000 }, (_, i) => span(`op ${i % 7}`, i * 10, i * 10 + 9))
    const trace = await decoded(await buildCapture({ spans }))
    expect(new Set(trace.spans.map(({ spanId }) => spanId)).size).toBe(20_000)
    expect(trace.spans.at(-1)).toMatchObject({ name: `op ${19_999 % 7}`, start: 199_990n, end: 199_999n })
  })

  it('is compressed where the name says so', async () => {
    const capture = await buildCapture(INFERENCE_ROWS)
    const { path } = await capture.export(join(folder, 'trace.otlp.json.gz'))
    expect(decodeOtlp(gunzipSync(readFileSync(path)))).toEqual(await decoded(capture))
  })
})
