import { describe, expect, it } from 'vitest'

import { native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { buildCapture, mergeCaptures } from '../../src/index.js'
import type { CaptureRows } from '../../src/row-types.js'
import { randomRows } from '../export/random-rows.js'
import { decode, packCapture } from './packed-capture.js'

const THREADS = [{ name: 'main', osThreadId: 7, jsThreadId: 0 }]
const numbers = (values: BigInt64Array) => Float64Array.from(values, Number)

/** Packs natively, unpacks as the page does, and compares every column with what the capture's own view says. */
async function expectSame(capture: Capture): Promise<void> {
  const view = native().view(Capture.recordingOf(capture))
  const { model, bytes, leftOutAttributes } = await packCapture(capture)
  const { strings, ...page } = decode(model, bytes)
  const texts = (columns: { name: Uint32Array }) => Array.from(columns.name, name => strings[name])

  const { startNs, durationNs, name, parent, flags } = view.spans
  expect(page.spans).toEqual({
    startNs: numbers(startNs),
    durationNs: numbers(durationNs),
    name,
    parent,
    flags,
  })
  expect(page.returns).toEqual({ row: view.asyncs.row, atNs: view.asyncs.returnNs })
  expect({ ...page.launches, name: texts(page.launches) }).toEqual({
    startNs: view.launches.startNs,
    durationNs: view.launches.endNs.map((endNs, i) => endNs - view.launches.startNs[i]!),
    name: Array.from(view.launches.name, index => view.strings[index]),
    thread: view.launches.thread,
    span: view.launches.span,
  })
  const { correlationId: _, endNs, name: gpuName, ...gpu } = view.gpu
  expect({ ...page.gpu, name: texts(page.gpu) }).toEqual({
    ...gpu,
    durationNs: endNs.map((ns, i) => ns - gpu.startNs[i]!),
    name: Array.from(gpuName, index => view.strings[index]),
  })
  expect(page.counters).toEqual(view.counters)
  expect(page.marks).toEqual(view.marks)
  const { row, key, value } = page.attributes
  expect(Array.from(row, (row, i) => ({ row, key: strings[key[i]!], value: strings[value[i]!] }))).toEqual(
    view.attributes.map(attribute => ({ ...attribute, value: String(attribute.value) })),
  )
  expect(leftOutAttributes).toBe(0)
}

describe('the columns of the page', () => {
  it('are those of a recording that has everything', async () => {
    const capture = await buildCapture({
      ...randomRows(20_000),
      counters: [-1.5, 0, 1e300, Number.MIN_VALUE].map((value, i) => ({ thread: 0, name: 'rss', atNs: 10 * i, value })),
      marks: [5, 3, 900].map(atNs => ({ thread: 1, name: 'here', atNs })),
    })
    const { gpu, launches, asyncs, attributes } = native().view(Capture.recordingOf(capture))
    for (const column of [gpu.kind, launches.thread, asyncs.row, attributes]) expect(column.length).toBeGreaterThan(100)
    await expectSame(capture)
  })
  it('are those of a merged recording', async () => {
    const parts = [1, 2, 3].map(seed => buildCapture({ ...randomRows(500, seed), processId: seed }))
    await expectSame(await mergeCaptures(await Promise.all(parts)))
  })
  it('have parents that are rows further on', async () => {
    const ids = { spanId: 'b', parentId: 'a' }
    const capture = await buildCapture({
      threads: [{ name: 'one' }, { name: 'two' }],
      spans: [
        { thread: 0, name: 'first', startNs: 0, endNs: 10 },
        { thread: 0, name: 'child', startNs: 20, endNs: 30, ids },
        { thread: 1, name: 'parent', startNs: 10, endNs: 100, ids: { spanId: 'a' } },
      ],
    })
    expect(Array.from(capture.spans.parent)).toEqual([-1, 2, -1])
    await expectSame(capture)
  })
  it('come with the names of streams', async () => {
    const named = { context: 1, stream: 7, name: 'copies' }
    const { model, bytes } = await packCapture(
      await buildCapture({ contexts: [{ id: 1, device: 0 }], streamNames: [named] }),
    )
    expect(decode(model, bytes).streamNames).toEqual([named])
  })
  it('are those of a recording with nothing in it', async () => {
    await expectSame(await buildCapture({ spans: [] }))
  })
  it('are those of a recording with one span, as long as a number can tell', async () => {
    const longest = Number.MAX_SAFE_INTEGER
    const rows: CaptureRows = {
      threads: THREADS,
      spans: [{ thread: 0, name: 'one', startNs: 0, endNs: longest }],
      durationNs: longest,
    }
    await expectSame(await buildCapture(rows))
  })
  it('take few bytes a span', async () => {
    const spans = Array.from({ length: 10_000 }, (_, i) => ({
      thread: 0,
      name: 'op',
      startNs: i * 900,
      endNs: i * 900 + 800,
    }))
    const { bytes } = await packCapture(await buildCapture({ threads: THREADS, spans }))
    // Two for the start, two for the length, and one each for name, parent and flags.
    expect(bytes.length / spans.length).toBeCloseTo(7, 1)
  })
  it('are the same when they are packed on the spot', async () => {
    const recording = Capture.recordingOf(await buildCapture(randomRows(300)))
    expect(native().pageColumnsSync(recording)).toEqual(await native().pageColumns(recording))
  })
})

describe('attributes on the page', () => {
  const withAttributes = (count: number, attributes: (i: number) => Record<string, string | number>) =>
    buildCapture({
      threads: THREADS,
      spans: Array.from({ length: count }, (_, i) => ({
        thread: 0,
        name: 'op',
        startNs: 2 * i,
        endNs: 2 * i + 1,
        attributes: attributes(i),
      })),
    })

  it('are at most 200,000', async () => {
    const { model, leftOutAttributes } = await packCapture(
      await withAttributes(50_003, () => ({ a: 1, b: 2, c: 3, d: 4 })),
    )
    expect(model.columns.find(({ path }) => path === 'attributes.row')?.count).toBe(200_000)
    expect(leftOutAttributes).toBe(12)
  })
  it('have at most 16 MiB of text, and go on after one that is too long', async () => {
    const long = 2 ** 20 * 6
    const { model, bytes, leftOutAttributes } = await packCapture(
      await withAttributes(5, i => (i < 4 ? { text: String(i).repeat(long) } : { short: 7 })),
    )
    const { attributes } = decode(model, bytes)
    expect(Array.from(attributes.row)).toEqual([0, 1, 4])
    expect(leftOutAttributes).toBe(2)
    expect(model.strings.map(text => text.length)).toEqual([4, long, long, 5, 1])
  })
})

describe('a damaged page', () => {
  const packed = async () => packCapture(await buildCapture(randomRows(50)))

  it('is told by bytes that are missing', async () => {
    const { model, bytes } = await packed()
    expect(() => decode(model, bytes.subarray(1))).toThrow(
      `have ${bytes.length - 1} bytes, and should have ${bytes.length}`,
    )
  })
  it('is told by a column that is not as long as its table', async () => {
    const { model, bytes } = await packed()
    for (const column of model.columns.filter(({ count }) => count > 0)) {
      column.count--
      expect(() => decode(model, bytes), column.path).toThrow(/^The column/)
      column.count++
    }
  })
  it('is told by a column that is missing, or one too many', async () => {
    const { model, bytes } = await packed()
    const [first, ...rest] = model.columns
    expect(() => decode({ ...model, columns: rest }, bytes.subarray(first!.bytes))).toThrow('no column spans.startNs')
    const columns = [...model.columns, { path: 'spans.more', encoding: 'bytes' as const, count: 0, bytes: 0 }]
    expect(() => decode({ ...model, columns }, bytes)).toThrow('spans.more is not known')
  })
  it('is told by a number of something that is not there', async () => {
    const { model, bytes } = await packed()
    expect(() => decode({ ...model, names: model.names.slice(1) }, bytes)).toThrow(
      'spans.name points to what is not there',
    )
  })
  it('does not take memory for rows that it cannot have', async () => {
    const { model, bytes } = await packed()
    const columns = model.columns.map(column => ({ ...column, count: 2 ** 50 }))
    expect(() => decode({ ...model, columns }, bytes)).toThrow('spans.startNs is damaged')
  })
})
