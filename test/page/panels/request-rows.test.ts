import { describe, expect, it } from 'vitest'

import { SpanPaths } from '../../../src/page/panels/range/span-paths.js'
import { Requests } from '../../../src/page/panels/requests/request-rows.js'
import type { SpanRow } from '../../../src/row-types.js'
import { buildCapture } from '../../../src/rows.js'
import { decode, packCapture } from '../packed-capture.js'

async function requestsIn(spans: SpanRow[]): Promise<Requests> {
  const { model, bytes } = await packCapture(await buildCapture({ spans }))
  const recording = decode(model, bytes)
  return new Requests(recording, new SpanPaths(recording))
}
const span = (name: string, startNs: number, endNs: number | null, id: number, parent = 0): SpanRow => ({
  thread: 'main',
  name,
  category: 'request',
  isAsync: true,
  startNs,
  endNs,
  ids: { spanId: id.toString(16), ...(parent > 0 ? { parentId: parent.toString(16) } : {}) },
})

describe('requests of a recording', () => {
  it('are the outermost async spans of their category that have ended', async () => {
    const { kinds } = await requestsIn([
      span('HTTP request', 0, 100, 1),
      span('infer', 10, 90, 2, 1),
      span('HTTP request', 200, 260, 3),
      span('HTTP request', 300, null, 4),
      { ...span('warm up', 5, 50, 9), category: 'section' },
      { thread: 'main', name: 'sync', category: 'request', startNs: 400, endNs: 410 },
    ])
    expect(kinds.map(({ name, sortedNs }) => [name, [...sortedNs]])).toEqual([['HTTP request', [60, 100]]])
  })

  it('are inferences where nothing is a request, and sections where nothing is an inference', async () => {
    const of = async (category: 'inference' | 'section') =>
      (
        await requestsIn([
          { ...span('one', 0, 10, 1), category },
          { ...span('two', 0, 10, 2), category: 'user' },
        ])
      ).kinds.map(({ name }) => name)
    expect([await of('inference'), await of('section')]).toEqual([['one'], ['one']])
  })

  it('are what the program has around a stage, and others of that name', async () => {
    const requests = await requestsIn([
      { ...span('classify', 0, 100, 1), category: 'user' },
      span('queue', 10, 30, 2, 1),
      { ...span('classify', 200, 240, 3), category: 'user' },
      { ...span('other', 300, 310, 4), category: 'user' },
    ])
    const [kind, ...others] = requests.kinds
    expect([kind!.name, [...kind!.sortedNs], others]).toEqual(['classify', [40, 100], []])
    expect(requests.meanStages(kind!)).toEqual([{ name: 'queue', depth: 0, offsetNs: 10, lengthNs: 20, count: 1 }])
  })

  it('have stages in the order in which they begin, those inside of others below them', async () => {
    const requests = await requestsIn([
      span('HTTP request', 0, 100, 1),
      span('send', 80, 100, 5, 1),
      span('infer', 20, 80, 2, 1),
      span('compute', 40, 80, 4, 2),
      span('queue', 20, 40, 3, 2),
      span('recv', 0, 20, 6, 1),
    ])
    expect(requests.meanStages(requests.kinds[0]!).map(({ name, depth }) => `${'  '.repeat(depth)}${name}`)).toEqual([
      'recv',
      'infer',
      '  queue',
      '  compute',
      'send',
    ])
  })

  it('have stages whose means are over those that happened', async () => {
    const requests = await requestsIn([
      span('HTTP request', 0, 100, 1),
      span('queue', 10, 30, 2, 1),
      span('HTTP request', 1000, 1300, 3),
      span('queue', 1030, 1090, 4, 3),
      span('HTTP request', 2000, 2010, 5),
    ])
    // 10 and 30 ns after the start, 20 and 60 ns long; the third request had none.
    const [kind] = requests.kinds
    expect(requests.meanStages(kind!)).toEqual([{ name: 'queue', depth: 0, offsetNs: 20, lengthNs: 40, count: 2 }])
    expect(requests.stagesOf(kind!.spans[1]!)).toEqual([
      { name: 'queue', depth: 0, offsetNs: 30, lengthNs: 60, count: 1 },
    ])
    expect(requests.stagesOf(kind!.spans[2]!)).toEqual([])
  })
})
