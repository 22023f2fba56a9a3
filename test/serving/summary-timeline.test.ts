import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { summarizeTraces } from '../../src/serving/summary/index.js'
import { ENSEMBLE_TRACES, GRPC_TRACES, v2File } from '../fixtures/request-traces.js'
import { traceFile } from './summary-of.js'

interface TraceEvent {
  ph: string
  name: string
  pid: number
  tid: number
  ts: number
  dur: number
  id?: number
  args?: Record<string, string>
}
async function eventsOf(content: string, name = 'timeline.json'): Promise<TraceEvent[]> {
  const path = traceFile(content)
  const chrome = join(dirname(path), name)
  await summarizeTraces(path, { chrome })
  const bytes = readFileSync(chrome)
  return JSON.parse(String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes)).traceEvents
}
const slices = (events: TraceEvent[], tid: number) =>
  events
    .filter(event => event.ph === 'X' && event.tid === tid)
    .map(({ name, ts, dur }) => [name, Math.round(ts * 1000), Math.round(dur * 1000)])

describe('a timeline of requests', () => {
  it('has a process for each model and a thread for each trace', async () => {
    const events = await eventsOf(v2File(ENSEMBLE_TRACES))
    const names = events.filter(event => event.ph === 'M').map(({ pid, args }) => [pid, args?.name])
    expect(names).toEqual([
      [1, 'ens (1)'],
      [2, 'pre (1)'],
      [3, 'cls (2)'],
      [4, 'embed (1)'],
    ])
    expect(slices(events, 1)).toEqual([
      ['HTTP request', 0, 957_500],
      ['Receive', 0, 21_000],
      ['Handler', 60_000, 876_000],
      ['Send', 950_000, 7500],
    ])
    expect(slices(events, 2)).toEqual([
      ['pre', 70_000, 136_000],
      ['Queue', 72_000, 18_000],
      ['Compute', 90_000, 110_000],
      ['Input', 90_000, 5000],
      ['Infer', 95_000, 100_000],
      ['Output', 195_000, 5000],
    ])
  })
  it('has an arrow from each request to those that it led to', async () => {
    const events = await eventsOf(v2File(ENSEMBLE_TRACES))
    const ends = (ph: string) =>
      events.filter(event => event.ph === ph).map(({ id, pid, tid, ts }) => [id, pid, tid, ts])
    expect(ends('s')).toEqual([
      [2, 1, 1, 70],
      [3, 1, 1, 210],
      [4, 3, 3, 300],
    ])
    expect(ends('f')).toEqual([
      [2, 2, 2, 70],
      [3, 3, 3, 210],
      [4, 4, 4, 300],
    ])
  })
  it('nests what overlaps, and leaves an idle wait out', async () => {
    const events = await eventsOf(v2File(GRPC_TRACES), 'timeline.json.gz')
    // Released at 10.425 ms, after the answer had been sent.
    expect(slices(events, 2)).toEqual([
      ['GRPC request', 10_000_000, 410_000],
      ['Handler', 10_030_000, 380_000],
      ['Queue', 10_036_000, 14_000],
      ['Compute', 10_050_000, 312_000],
      ['Input', 10_050_000, 20_000],
      ['Infer', 10_070_000, 280_000],
      ['Output', 10_350_000, 12_000],
      ['Respond', 10_362_000, 2000],
      ['Send', 10_366_000, 44_000],
    ])
    expect(events.find(({ tid, ph }) => tid === 2 && ph === 'X')?.args).toEqual({ role: 'GRPC', request_id: 'a2' })
  })
})
