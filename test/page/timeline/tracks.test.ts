import { describe, expect, it } from 'vitest'

import { FLAG_ASYNC } from '../../../src/page/recording.js'
import { flowsOf } from '../../../src/page/timeline/flows.js'
import { Layout } from '../../../src/page/timeline/layout.js'
import { placesOf, startAt } from '../../../src/page/timeline/places.js'
import type { Place } from '../../../src/page/timeline/scene.js'
import { Search } from '../../../src/page/timeline/search.js'
import { TextFit } from '../../../src/page/timeline/text-fit.js'
import { type Track, tracksOf } from '../../../src/page/timeline/tracks.js'
import { walked } from '../../../src/page/timeline/walk.js'
import {
  buildRecording,
  type RecordingSpec,
  randomNumbers,
  type SpanSpec,
  type ThreadSpec,
} from '../recording-builder.js'

/** Rows of each track as `name start-end`. */
function pictureOf(spec: RecordingSpec): Record<string, string[][]> {
  const recording = buildRecording(spec)
  const nameOf = (track: Track, event: number) => {
    if (track.kind === 'counter') return ''
    const { spans, launches, gpu, marks, names, strings } = recording
    return {
      span: () => names[spans.name[event]!]!.text,
      mark: () => names[marks.name[event]!]!.text,
      launch: () => strings[launches.name[event]!]!,
      gpu: () => strings[gpu.name[event]!]!,
    }[track.events]()
  }
  const rowsOf = (track: Track) => {
    if (track.kind === 'counter') return [[...track.steps.values].map((value, i) => `${track.steps.atNs[i]}: ${value}`)]
    const { rows } = track
    return Array.from({ length: rows.rowCount }, (_, row) =>
      Array.from({ length: rows.end(row) - rows.first(row) }, (_, i) => {
        const slot = rows.first(row) + i
        return `${nameOf(track, rows.event(slot))} ${rows.startNs(slot)}-${rows.endNs(slot)}`
      }),
    )
  }
  return Object.fromEntries(
    tracksOf(recording).flatMap(({ name, tracks }) => tracks.map(track => [`${name}/${track.name}`, rowsOf(track)])),
  )
}
const oneThread = (spans: SpanSpec[], more: ThreadSpec = {}): RecordingSpec => ({
  durationNs: 1000,
  threads: [{ name: 'main', spans, ...more }],
})
const MAIN = 'server.mjs 4242/main'

describe('the rows of a thread', () => {
  it('are its nesting, and what follows at once is no deeper', () => {
    const spans = [
      { name: 'a', start: 0, end: 10, children: [{ name: 'b', start: 0, end: 10 }] },
      { name: 'c', start: 10, end: 20, children: [{ name: 'd', start: 12, end: 15 }] },
    ]
    expect(pictureOf(oneThread(spans))).toEqual({
      [MAIN]: [
        ['a 0-10', 'c 10-20'],
        ['b 0-10', 'd 12-15'],
      ],
    })
  })

  it('hold empty spans in empty spans', () => {
    const spans = [{ name: 'a', start: 5, end: 5, children: [{ name: 'b', start: 5, end: 5 }] }]
    expect(pictureOf(oneThread(spans))[MAIN]).toEqual([['a 5-5'], ['b 5-5']])
  })

  it('show an async span until it returned, and its lane shows its life', () => {
    const spans = [
      {
        name: 'load',
        start: 0,
        end: 90,
        returnsAt: 10,
        children: [{ name: 'parse', start: 2, end: 8 }],
      },
      { name: 'next', start: 20, end: 30 },
      { name: 'later', start: 40, end: 60, returnsAt: 40 },
    ]
    expect(pictureOf(oneThread(spans))).toEqual({
      [MAIN]: [['load 0-10', 'next 20-30'], ['parse 2-8']],
      [`${MAIN} · async`]: [['load 0-90'], ['later 40-60']],
    })
  })

  it('take in what was given with both times where it nests, and leave the rest to lanes', () => {
    const spans: SpanSpec[] = [
      { name: 'op', start: 0, end: 100, children: [{ name: 'inner', start: 50, end: 90 }] },
      { name: 'scavenge', start: 10, end: 20, isTimed: true },
      { name: 'around inner', start: 40, end: 95, isTimed: true },
      { name: 'out of inner', start: 60, end: 95, isTimed: true },
      {
        name: 'node',
        start: 110,
        end: 150,
        isTimed: true,
        children: [{ name: 'half', start: 120, end: 130, isTimed: true }],
      },
      { name: 'overlapping', start: 140, end: 160, isTimed: true },
    ]
    expect(pictureOf(oneThread(spans))).toEqual({
      [MAIN]: [
        ['op 0-100', 'node 110-150'],
        ['scavenge 10-20', 'inner 50-90', 'half 120-130'],
      ],
      [`${MAIN} · overlapping`]: [['around inner 40-95', 'overlapping 140-160'], ['out of inner 60-95']],
    })
  })

  it('are by time, whatever their order is in a damaged recording', () => {
    const recording = buildRecording(oneThread([0, 100, 200].map(start => ({ name: 'x', start, end: start + 60 }))))
    recording.spans.startNs.reverse()
    const [track] = tracksOf(recording)[0]!.tracks
    if (track!.kind === 'counter') return
    expect([0, 1, 2].map(slot => track!.rows.startNs(slot))).toEqual([0, 100, 200])
  })

  it('agree with a model that nests by time, for random stacks', () => {
    const random = randomNumbers(21)
    const grow = (start: number, end: number, depth: number): SpanSpec[] => {
      const spans: SpanSpec[] = []
      for (let at = start; at < end && depth < 6; ) {
        const from = at + Math.floor(random() * 4)
        const to = Math.min(end, from + Math.floor((random() * (end - start)) / 2))
        if (from > to || from >= end) break
        spans.push({ name: `${depth}`, start: from, end: to, children: grow(from, to, depth + 1) })
        at = to + 1
      }
      return spans
    }
    const recording = buildRecording(oneThread(grow(0, 4000, 0), { counters: [] }))
    const [track] = tracksOf(recording)[0]!.tracks
    expect(track!.kind).toBe('thread')
    if (track!.kind === 'counter') return
    let count = 0
    for (let row = 0; row < track!.rows.rowCount; row++) {
      for (let slot = track!.rows.first(row); slot < track!.rows.end(row); slot++, count++) {
        // The name is the depth at which the model made it.
        expect(recording.names[recording.spans.name[track!.rows.event(slot)]!]!.text).toBe(String(row))
      }
    }
    expect(count).toBe(recording.spans.name.length)
    expect(count).toBeGreaterThan(500)
  })
})

describe('tracks', () => {
  it('are requests first, each tree of them on lanes that follow each other, then threads, GPUs and counters', () => {
    const request = (start: number): SpanSpec => ({
      name: 'request',
      category: 'request',
      start,
      end: start + 100,
      returnsAt: start,
      children: [{ name: 'infer', start: start + 10, end: start + 90, returnsAt: start + 10 }],
    })
    const launch = (stream: number, context: number, at: number) => ({
      name: 'cudaLaunchKernel',
      start: at,
      end: at + 2,
      work: [{ name: 'gemm', start: at + 5, end: at + 15, stream, context }],
    })
    const picture = pictureOf({
      durationNs: 1000,
      processes: [
        { name: 'a.mjs', host: 'x', id: 1 },
        { name: 'b.mjs', host: 'y', id: 2 },
      ],
      threads: [
        {
          name: 'main',
          process: 0,
          spans: [request(0), request(50), request(120)],
          launches: [launch(7, 1, 0), launch(8, 1, 3), launch(7, 2, 200)],
          marks: [
            { name: 'late', at: 50 },
            { name: 'early', at: 20 },
          ],
          counters: [
            {
              name: 'rss',
              values: [
                [10, 5],
                [20, Number.NaN],
                [30, 7],
              ],
            },
            { name: 'none', values: [[10, Number.POSITIVE_INFINITY]] },
          ],
        },
        { jsThreadId: -1, osThreadId: 77, process: 1, spans: [{ name: 'x', start: 0, end: 1 }] },
        { name: 'idle', process: 1 },
      ],
    })
    expect(picture).toEqual({
      'a.mjs 1 on x/requests': [
        ['request 0-100', 'request 120-220'],
        ['infer 10-90', 'infer 130-210'],
        ['request 50-150'],
        ['infer 60-140'],
      ],
      'a.mjs 1 on x/main · launches': [['cudaLaunchKernel 0-2', 'cudaLaunchKernel 3-5', 'cudaLaunchKernel 200-202']],
      'a.mjs 1 on x/main · marks': [['early 20-20', 'late 50-50']],
      'b.mjs 2 on y/thread 77': [['x 0-1']],
      'GPU 0/context 1 · stream 7': [['gemm 5-15']],
      'GPU 0/context 1 · stream 8': [['gemm 8-18']],
      'GPU 0/context 2 · stream 7': [['gemm 205-215']],
      'counters of a.mjs 1 on x/rss': [['10: 5', '30: 7']],
    })
  })

  it('tell the counters of two threads of a process apart', () => {
    const counting = (...names: string[]): NonNullable<ThreadSpec['counters']> =>
      names.map(name => ({ name, values: [[1, 2]] }))
    const picture = pictureOf({
      durationNs: 100,
      threads: [
        { name: 'main', counters: counting('rss', 'utilization') },
        { jsThreadId: 3, counters: counting('utilization') },
      ],
    })
    expect(Object.keys(picture)).toEqual([
      'counters/rss',
      'counters/utilization · main',
      'counters/utilization · worker 3',
    ])
  })

  it('keep what is inside of a request below it, where a lane above is free too', () => {
    const request = (name: string, start: number, end: number, children: SpanSpec[] = []): SpanSpec => {
      return { name, category: 'request', start, end, returnsAt: start, children }
    }
    const picture = pictureOf({
      durationNs: 100,
      threads: [
        { name: 'a', spans: [request('short', 0, 20), request('late', 5, 90, [request('in late', 30, 40)])] },
        { name: 'b', spans: [request('long', 0, 50)] },
      ],
    })
    // Of those that begin together the longest is on top.
    expect(picture['server.mjs 4242/requests']).toEqual([
      ['long 0-50'],
      ['short 0-20'],
      ['late 5-90'],
      ['in late 30-40'],
    ])
  })

  it('never lay events over each other, whatever overlaps, and leave none out', () => {
    const random = randomNumbers(4)
    const spans = Array.from({ length: 2000 }, (): SpanSpec => {
      const start = Math.floor(random() * 5000)
      const end = start + Math.floor(random() ** 3 * 400)
      const isTimed = random() < 0.3
      return { name: 'x', start, end, isTimed, ...(random() < 0.5 && { returnsAt: start + Math.floor(random() * 2) }) }
    })
    const recording = buildRecording(oneThread(spans))
    const shown = new Set<number>()
    for (const track of tracksOf(recording)[0]!.tracks) {
      if (track.kind === 'counter') continue
      for (let row = 0; row < track.rows.rowCount; row++) {
        for (let slot = track.rows.first(row); slot < track.rows.end(row); slot++) {
          shown.add(track.rows.event(slot))
          if (slot === track.rows.first(row)) continue
          expect(track.rows.startNs(slot)).toBeGreaterThanOrEqual(track.rows.endNs(slot - 1))
        }
      }
    }
    expect(shown.size).toBe(2000)
  })
})

describe('flows', () => {
  const call = (at: number, stream: number, works = 1) => ({
    name: 'launch',
    start: at,
    end: at + 1,
    work: Array.from({ length: works }, (_, i) => ({
      name: 'k',
      start: at + 5 + 10 * i,
      end: at + 9 + 10 * i,
      stream,
    })),
  })
  const recording = buildRecording(
    oneThread([
      {
        name: 'outer',
        start: 0,
        end: 90,
        launches: [call(1, 1)],
        children: [{ name: 'inner', start: 10, end: 40, launches: [call(12, 2, 3), call(20, 3)] }],
      },
      { name: 'other', start: 100, end: 120, launches: [call(101, 4)] },
    ]),
  )
  const streams = (selected: Parameters<typeof flowsOf>[1]) =>
    flowsOf(recording, selected).shown.map(({ gpu }) => recording.gpu.stream[gpu])

  it('lead from a span to all that was launched inside of it, from a call to its work, and back', () => {
    expect(streams({ kind: 'span', row: 0 })).toEqual([1, 2, 3, 2, 2])
    expect(streams({ kind: 'span', row: 1 })).toEqual([2, 3, 2, 2])
    expect(streams({ kind: 'span', row: 2 })).toEqual([4])
    expect(streams({ kind: 'launch', row: 1 })).toEqual([2, 2, 2])
    expect(flowsOf(recording, { kind: 'gpu', row: 0 }).shown).toEqual([{ launch: 0, gpu: 0 }])
    expect(streams(undefined)).toEqual([])
  })
})

describe('a search', () => {
  const random = randomNumbers(8)
  const spans = Array.from({ length: 400 }, (_, i): SpanSpec => {
    const start = Math.floor(random() * 300) * 5
    const name = ['MatMul', 'relu', 'matmul_1'][i % 3]!
    return { name, start, end: start + 4, ...(i % 5 === 0 && { returnsAt: start + 2 }), isTimed: i % 4 === 0 }
  })
  const recording = buildRecording(oneThread(spans))
  const { bands } = new Layout(tracksOf(recording))
  const search = new Search(recording, bands, 'MATMUL')
  /** All places of matches, by start and from the top down: each span once, an async one on its lane. */
  const expected = bands
    .flatMap(band => {
      const { track } = band
      if (track.kind === 'counter') return []
      const slots = Array.from({ length: track.rows.rowCount }, (_, row) =>
        Array.from({ length: track.rows.end(row) - track.rows.first(row) }, (_, i) => ({
          band,
          row,
          slot: track.rows.first(row) + i,
        })),
      ).flat()
      return slots.filter(({ slot }) => {
        const event = track.rows.event(slot)
        const isSlice = track.kind === 'thread' && (recording.spans.flags[event]! & FLAG_ASYNC) !== 0
        return !isSlice && /matmul/i.test(recording.names[recording.spans.name[event]!]!.text)
      })
    })
    .sort((a, b) => startAt(a) - startAt(b) || bands.indexOf(a.band) - bands.indexOf(b.band) || a.slot - b.slot)

  it('counts each event once, an async one on its lane', () => {
    expect(search.count).toBe(expected.length)
    expect(search.count).toBe(spans.filter(({ name }) => /matmul/i.test(name)).length)
  })

  it('steps through all of them by start, forth and back, and begins anew after the last', () => {
    let place = search.step(undefined, Number.NEGATIVE_INFINITY, 1)
    for (const [index, match] of expected.entries()) {
      expect(place).toEqual(match)
      expect(search.numberOf(place!)).toBe(index + 1)
      place = search.step(place, 0, 1)
    }
    expect(place).toEqual(expected[0])
    for (const match of [...expected].reverse()) {
      place = search.step(place, 0, -1)
      expect(place).toEqual(match)
    }
  })

  it('begins at the moment that is looked at', () => {
    const first = expected.find(place => startAt(place) >= 700)
    expect(search.step(undefined, 700, 1)).toEqual(first)
    expect(search.step(undefined, 700, -1)).toEqual(expected[expected.indexOf(first!) - 1])
  })

  it('goes on from an event that is no match', () => {
    const place = placesOf(new Layout(tracksOf(recording)), undefined)
    expect(place).toEqual([])
    const band = bands[0]!
    if (band.track.kind === 'counter') return
    for (let slot = band.track.rows.first(0); slot < band.track.rows.end(0); slot++) {
      const from = { band, row: 0, slot }
      const next = expected.find(
        match =>
          startAt(match) > startAt(from) ||
          (startAt(match) === startAt(from) && (match.band !== band || match.slot > slot)),
      )
      if (next !== undefined) expect(search.step(from, 0, 1)).toEqual(next)
    }
  })
})

describe('the focus', () => {
  const spans = [0, 100, 200].map((start): SpanSpec => {
    const children = start === 100 ? [] : [{ name: `in ${start}`, start: start + 10, end: start + 20 }]
    return { name: `at ${start}`, start, end: start + 50, children }
  })
  const recording = buildRecording({
    durationNs: 1000,
    threads: [
      {
        name: 'a',
        spans,
        counters: [
          {
            name: 'c',
            values: [
              [5, 1],
              [150, 2],
            ],
          },
        ],
      },
      { name: 'b', spans: [{ name: 'other', start: 400, end: 500 }] },
    ],
  })
  const layout = new Layout(tracksOf(recording))
  const [a, b, c] = layout.bands
  const at = (place: Place | undefined) => (place === undefined ? place : [place.band, place.row, startAt(place)])

  it('keeps to the moment of its row going up and down, or to what begins nearest to it', () => {
    const top = { band: a!, row: 0, slot: 1 }
    // At 100 there is nothing a row below: what begins at 10 is farther than what begins at 210 from 180 on.
    expect(at(walked(layout, top, 'below', 100, 0))).toEqual([a, 1, 10])
    expect(at(walked(layout, top, 'below', 180, 0))).toEqual([a, 1, 210])
    expect(at(walked(layout, { band: a!, row: 1, slot: 3 }, 'above', 130, 0))).toEqual([a, 0, 100])
  })

  it('goes from track to track, counters included, and stays at the ends', () => {
    const below = walked(layout, { band: a!, row: 1, slot: 4 }, 'below', 160, 0)
    expect(at(below)).toEqual([b, 0, 400])
    const counter = walked(layout, below, 'below', 160, 0)
    expect(at(counter)).toEqual([c, 0, 150])
    expect(at(walked(layout, counter, 'above', 160, 0))).toEqual([b, 0, 400])
    expect(at(walked(layout, below, 'above', 215, 0))).toEqual([a, 1, 210])
    expect(at(walked(layout, counter, 'first', 160, 0))).toEqual([c, 0, 5])
    const last = { band: c!, row: 0, slot: 1 }
    for (const step of ['below', 'later', 'last'] as const) expect(walked(layout, last, step, 0, 0)).toEqual(last)
    const first = { band: a!, row: 0, slot: 0 }
    for (const step of ['above', 'earlier', 'first'] as const) expect(walked(layout, first, step, 0, 0)).toEqual(first)
  })

  it('begins in the first row in view', () => {
    expect(at(walked(layout, undefined, 'later', 120, 0))).toEqual([a, 0, 100])
    expect(at(walked(layout, undefined, 'later', 120, b!.top + 1))).toEqual([b, 0, 400])
    expect(walked(new Layout([]), undefined, 'later', 0, 0)).toBeUndefined()
  })

  it('does not go into rows that a folded track does not show', () => {
    const depth = (n: number): SpanSpec[] =>
      n === 0 ? [] : [{ name: `${n}`, start: 0, end: 100, children: depth(n - 1) }]
    const deep = new Layout(tracksOf(buildRecording(oneThread(depth(9), { marks: [{ name: 'm', at: 0 }] }))))
    const [thread, marks] = deep.bands
    expect([thread!.height, marks!.top]).toEqual([9 * 18 + 8, 26 + 9 * 18 + 8])
    deep.fold(thread!, true)
    // Six rows of three pixels.
    expect([thread!.height, marks!.top]).toEqual([18 + 8, 26 + 18 + 8])
    const sixth = { band: thread!, row: 5, slot: thread!.track.kind === 'counter' ? 0 : thread!.track.rows.first(5) }
    expect(walked(deep, sixth, 'below', 0, 0)?.band).toBe(marks)
  })
})

describe('a name on a block', () => {
  const fit = new TextFit(text => [...text].length * 10)

  it('is cut with an ellipsis to what has room, and never inside of a character', () => {
    expect(fit.fit('matmul', 60)).toBe('matmul')
    expect(fit.fit('matmul', 59)).toBe('matm…')
    expect(fit.fit('matmul', 20)).toBe('m…')
    expect(fit.fit('matmul', 19)).toBe('')
    expect(fit.fit('🙂🙃🙂', 29)).toBe('🙂…')
  })

  it('costs what is shown of it, however long it is', () => {
    let measured = 0
    const counting = new TextFit(text => {
      measured++
      return [...text].length * 10
    })
    counting.fit('abcdefghij'.repeat(1e6), 50)
    expect(measured).toBeLessThanOrEqual(7)
  })
})
