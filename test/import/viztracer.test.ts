// Files made by the description of the format and of samples that the project of VizTracer shows; the tool itself is not
// at hand here.
import { describe, expect, it } from 'vitest'

import { chromeRows, spansOf, warningsOf } from './rows-of.js'
import { vizTrace } from './viztracer-events.js'

const BASE = { pid: 7, tid: 7, cat: 'fee' }

describe('a trace of VizTracer', () => {
  it('nests functions by time, named by the file and not its path', async () => {
    const rows = await chromeRows(vizTrace())
    expect(spansOf(rows)).toEqual([
      'MainThread: builtins.len user 2000-2500',
      'MainThread: Net.forward (net.py:12) user 1000-9125',
      'MainThread: garbage collection gc 10000-12000',
      'MainThread: <module> (run.py:1) user 0-20000',
    ])
    const attributes = rows.attributes.map(
      ({ span, key, value }) => `${span} ${rows.strings[key]} ${rows.strings[value]}`,
    )
    expect(attributes).toEqual(
      expect.arrayContaining([
        '1 func_args {"x":"tensor"}',
        '1 return_value None',
        '1 source /srv/app/net.py:12',
        '3 source /srv/run.py:1',
      ]),
    )
    expect(rows.counters.atNs).toEqual(Float64Array.of(10_000, 10_000, 12_000, 12_000, 15_000))
    expect(warningsOf(rows)).toEqual({})
  })

  it('has its processes and threads by name', async () => {
    const { traceEvents } = vizTrace()
    const other = { ph: 'M', pid: 8, tid: 9, name: 'thread_name', args: { name: 'Thread-1' } }
    const more = { ...BASE, pid: 8, tid: 9, ph: 'X', ts: 3, dur: 1, name: 'work (w.py:2)' }
    const rows = await chromeRows({ traceEvents: [other, ...traceEvents, more], viztracer_metadata: {} })
    expect(rows.threads.map(({ name }) => name).sort()).toEqual(['MainProcess/MainThread', 'process 8/Thread-1'])
  })

  it('of old versions is read too', async () => {
    const old = { ...BASE, cat: 'FEE', ph: 'X', caller_lineno: 3 }
    const rows = await chromeRows([
      { ...old, ts: 26346464766.408, dur: 20.9, name: '/home/me/app.py(5).fib' },
      { ...old, ts: 26346464767.408, dur: 1, name: 'C:\\app\\m.py(5).fib' },
      { ...old, ts: 26346464769.408, dur: 1, name: '<lambda> (<string>:1)' },
    ])
    expect(spansOf(rows)).toEqual([
      'thread 7: fib (app.py:5) user 0-20900',
      'thread 7: fib (m.py:5) user 1000-2000',
      'thread 7: <lambda> (<string>:1) user 3000-4000',
    ])
  })

  it('has names that only look like functions as they are', async () => {
    const names = [
      'f (a.py:)',
      'f (a.py:x1)',
      '(a.py:3)',
      'f (:3)',
      'a (b) c:3)',
      'x (:'.repeat(200_000),
      '(5).f',
      'a.py(5).',
    ]
    const rows = await chromeRows({
      traceEvents: names.map((name, at) => ({ ...BASE, ph: 'X', ts: 10 * at, dur: 1, name })),
      viztracer_metadata: {},
    })
    expect(rows.names.map(({ text }) => text)).toEqual(names)
  })

  it('says when its buffer was too small', async () => {
    const rows = await chromeRows({ ...vizTrace(), viztracer_metadata: { version: '1.0.0', overflow: true } })
    expect(warningsOf(rows)).toEqual({ 'file-says': 1 })
  })
})
