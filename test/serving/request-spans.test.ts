// Traced requests as spans of a recording.
import { profile, record, recordSync } from 'opscope'
import { describe, expect, it } from 'vitest'

import { type Inference, servingTracer } from '../../src/serving/index.js'
import { until } from '../until.js'
import { httpServer, inferTwice, later, tracerWithFile } from './servers.js'

describe('a traced request on the timeline', () => {
  it('is a span with its stages, and what its code records inside', async () => {
    const { tracer } = tracerWithFile()
    const url = await httpServer(tracer, async (_, response) => {
      await tracer.infer({ model: 'm' }, { infer: () => recordSync('matmul', () => {}) })
      response.end()
    })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const capture = await profile({ state: 'CPU', categories: ['request', 'section'] }, async () => {
      await (await fetch(url, { headers: { traceparent, 'x-request-id': 'r1' } })).text()
    })
    const rows = capture.rows().toArray()
    const nameOf = new Map(rows.map(row => [row.span_id, row.name]))
    const parents = rows.map(row => [row.name, nameOf.get(row.parent_span_id) ?? row.parent_span_id])
    expect(parents).toEqual(
      expect.arrayContaining([
        ['HTTP request', 'b7ad6b7169203331'],
        ['recv', 'HTTP request'],
        ['infer m', 'HTTP request'],
        ['queue', 'infer m'],
        ['infer', 'infer m'],
        ['matmul', 'infer'],
        ['send', 'HTTP request'],
      ]),
    )
    expect(new Set(rows.map(row => row.trace_id))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
  })

  it('shares the span of its batch, which is linked to it', async () => {
    const { tracer } = tracerWithFile({ rate: 2 })
    const waiting: (Inference | undefined)[] = []
    const url = await httpServer(tracer, async (_, response) => {
      const inference = tracer.startInference({ model: 'm' })
      waiting.push(inference)
      // The fourth of them sets the batch off, and its span is none of that one's.
      if (waiting.length === 4) await tracer.batch(waiting, { infer: () => later('done') })
      await until('the batch', () => waiting.length === 4)
      inference?.end()
      response.end()
    })
    const capture = await profile({ state: 'CPU', categories: ['request'] }, async () => {
      await Promise.all([1, 2, 3, 4].map(async () => (await fetch(url)).text()))
    })
    const rows = capture.rows().toArray()
    const named = (name: string) => rows.filter(row => row.name === name)
    const [batch, ...others] = named('batch m')
    expect(others).toEqual([])
    expect(batch).toMatchObject({
      parent_span_id: '0'.repeat(16),
      attrs: '{"opscope.batch_id":1,"opscope.batch_size":4}',
    })
    // Two of the four are not traced: no span has their stages.
    expect(named('infer m')).toHaveLength(2)
    for (const { attrs } of named('infer m')) expect(attrs).toContain('"opscope.batch_id":1,"opscope.batch_size":4')
    const linked = capture.linksOf(rows.indexOf(batch!)).map(({ spanId }) => spanId)
    expect(linked).toEqual(named('infer m').map(row => row.span_id))
    expect(named('infer').map(row => row.parent_span_id)).toEqual([batch!.span_id])
  })

  it('is alone there: one that is not traced leaves no spans of its stages', async () => {
    const { tracer } = tracerWithFile({ rate: 1000 })
    const capture = await profile({ state: 'CPU', categories: ['request'] }, () => inferTwice(tracer))
    expect(capture.rows().toArray()).toEqual([])
  })

  it('needs no file', async () => {
    const tracer = servingTracer({ rate: 1 })
    const capture = await profile({ state: 'CPU' }, () => record('outside', () => inferTwice(tracer)))
    await tracer.close()
    expect(
      capture
        .rows()
        .toArray()
        .map(row => row.name),
    ).toEqual(expect.arrayContaining(['infer doubler', 'infer']))
  })
})
