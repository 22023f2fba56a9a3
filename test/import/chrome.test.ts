import { describe, expect, it } from 'vitest'

import { chromeRows, spansOf, warningsOf } from './rows-of.js'

const at = { pid: 1, tid: 7 }
const x = (name: string, ts: number, dur: number, more = {}) => ({ ph: 'X', name, ts, dur, ...at, ...more })

describe('a Chrome trace', () => {
  it('gives spans for X, B/E, b/e and S/F, exact to the nanosecond', async () => {
    const rows = await chromeRows({
      traceEvents: [
        { ph: 'M', name: 'thread_name', ...at, args: { name: 'main' } },
        x('outer', 0, 100.001, { cat: 'inference' }),
        { ph: 'B', name: 'stacked', ts: 10.5, ...at },
        { ph: 'B', name: 'inner', ts: 11, ...at },
        { ph: 'E', ts: 12.003, ...at }, // an end may leave the name out
        { ph: 'E', name: 'stacked', ts: 20, ...at },
        { ph: 'b', name: 'request', cat: 'http', id: '0xa', ts: 5, ...at },
        { ph: 'b', name: 'request', cat: 'http', id: '0xb', ts: 6, ...at },
        { ph: 'e', name: 'request', cat: 'http', id: '0xa', ts: 8, ...at },
        { ph: 'e', name: 'request', cat: 'http', id: '0xb', ts: 9, ...at },
        { ph: 'S', name: 'legacy', id: 3, ts: 30, ...at },
        { ph: 'F', name: 'legacy', id: 3, ts: 31, ...at },
      ],
    })
    expect(spansOf(rows)).toEqual([
      'main: outer inference 0-100001',
      'main: inner user 11000-12003',
      'main: stacked user 10500-20000',
      'main: request user 5000-8000 flags 1',
      'main: request user 6000-9000 flags 1',
      'main: legacy user 30000-31000 flags 1',
    ])
    expect(rows.processId).toBe(1)
  })

  it('pairs by time where the file is not in order', async () => {
    const events = [
      { ph: 'E', name: 'a', ts: 5, ...at },
      { ph: 'B', name: 'a', ts: 1, ...at },
    ]
    expect(spansOf(await chromeRows(events))).toEqual(['thread 7: a user 0-4000'])
  })

  it('keeps what never ended, and counts what never began', async () => {
    const rows = await chromeRows([
      { ph: 'E', name: 'before', ts: 0, ...at },
      { ph: 'B', name: 'open', ts: 1, ...at },
      { ph: 'X', name: 'no duration', ts: 2, ...at },
    ])
    expect(spansOf(rows)).toEqual(['thread 7: no duration user 1000-…', 'thread 7: open user 0-…'])
    expect(warningsOf(rows)).toEqual({ 'unmatched-ends': 1 })
  })

  it('gives marks and counters', async () => {
    const rows = await chromeRows([
      { ph: 'i', name: 'epoch', ts: 1, s: 't', ...at },
      { ph: 'I', name: 'old style', ts: 2, ...at },
      { ph: 'n', name: 'step', cat: 'c', id: 1, ts: 3, ...at },
      { ph: 'C', name: 'queue', ts: 4, args: { depth: 3 }, ...at },
      { ph: 'C', name: 'memory', ts: 5, args: { used: 1, free: '2' }, ...at },
    ])
    const name = (index: number) => rows.names[index]!.text
    expect(Array.from(rows.marks.name, name)).toEqual(['epoch', 'old style', 'step'])
    expect(Array.from(rows.counters.name, (index, row) => [name(index), rows.counters.value[row]])).toEqual([
      ['queue', 3],
      ['memory used', 1],
      ['memory free', 2],
    ])
  })

  it('keeps arguments as attributes', async () => {
    const rows = await chromeRows([
      x('a', 0, 1, { args: { n: 3, ratio: 0.5, ok: true, text: 'x', dims: [[1, 2]], none: null } }),
    ])
    const text = (index: number) => rows.strings[index]!
    expect(rows.attributes.map(({ key, type, value }) => [text(key), type === 0 ? text(value) : value])).toEqual([
      ['n', 3],
      ['ratio', 0.5],
      ['ok', 1],
      ['text', 'x'],
      ['dims', '[[1,2]]'],
    ])
  })

  it('starts at its first row and knows the wall clock from epoch times, to the nanosecond', async () => {
    const rows = await chromeRows(
      '[{"ph":"X","name":"a","ts":1719000000000000.123,"dur":0.005,"pid":1,"tid":7},{"ph":"X","name":"b","ts":1719000000000000.125,"dur":1,"pid":1,"tid":7}]',
    )
    expect(spansOf(rows)).toEqual(['thread 7: a user 0-5', 'thread 7: b user 2-1002'])
    expect(rows.originEpochNs).toBe(1_719_000_000_000_000_123n)
  })

  it('does not take an uptime for a wall clock', async () => {
    const rows = await chromeRows([x('a', 86_400_000_000, 1)])
    expect([rows.originEpochNs, ...spansOf(rows)]).toEqual([0n, 'thread 7: a user 0-1000'])
  })

  it('names the process of each thread when there are several', async () => {
    const rows = await chromeRows([
      { ph: 'M', name: 'process_name', pid: 1, args: { name: 'browser' } },
      x('a', 0, 1),
      x('b', 0, 1, { pid: 2 }),
    ])
    expect(rows.threads.map(({ name }) => name)).toEqual(['browser/thread 7', 'process 2/thread 7'])
  })

  it('counts what it does not read, and whole events of a cut file are all there', async () => {
    const rows = await chromeRows(
      '[{"ph":"X","name":"a","ts":0,"dur":1,"pid":1,"tid":7},{"ph":"P","ts":1},{"ph":"X"},{"ph":"X","na',
    )
    expect(spansOf(rows)).toEqual(['thread 7: a user 0-1000'])
    expect(warningsOf(rows)).toEqual({ 'events-unsupported': 1, 'events-skipped': 1, 'file-cut': 1 })
  })
})
