// The timeline's indices against models that look at every event.
import { describe, expect, it } from 'vitest'

import { addDensity } from '../../../src/page/timeline/density.js'
import { Lanes } from '../../../src/page/timeline/lanes.js'
import { LEVELS } from '../../../src/page/timeline/palette.js'
import { RangeMax } from '../../../src/page/timeline/range-max.js'
import { RowIndex } from '../../../src/page/timeline/row-index.js'
import { paintRow, paintSet, type RowPainter } from '../../../src/page/timeline/scanline.js'
import { SlotSet } from '../../../src/page/timeline/slot-set.js'
import { randomNumbers } from '../recording-builder.js'

interface Event {
  row: number
  start: number
  duration: number
}
function indexOf(events: Event[]): RowIndex {
  const rowCount = Math.max(...events.map(({ row }) => row)) + 1
  return new RowIndex(
    Float64Array.from(events, ({ start }) => start),
    rowCount,
    {
      count: events.length,
      events: Uint32Array.from(events, (_, i) => i),
      rows: Uint32Array.from(events, ({ row }) => row),
      durationsNs: Float64Array.from(events, ({ duration }) => duration),
    },
  )
}
/** Rows without overlaps, by start: some events touch, some have no length. */
function randomEvents(seed: number, count: number, rowCount = 3, longest = 300): Event[] {
  const random = randomNumbers(seed)
  const ends = new Array<number>(rowCount).fill(0)
  const events = Array.from({ length: count }, () => {
    const row = Math.floor(random() * rowCount)
    const start = ends[row]! + (random() < 0.3 ? 0 : Math.floor(random() * 40))
    const duration = random() < 0.2 ? 0 : Math.floor(random() ** 4 * longest)
    ends[row] = start + duration
    return { row, start, duration }
  })
  return events.sort((a, b) => a.start - b.start)
}
const slotsOf = (rows: RowIndex, row: number) =>
  Array.from({ length: rows.end(row) - rows.first(row) }, (_, i) => rows.first(row) + i)

describe('RowIndex', () => {
  const events = randomEvents(1, 900)
  const rows = indexOf(events)

  it('keeps each event in its row, by start, with its length', () => {
    for (let row = 0; row < 3; row++) {
      const own = slotsOf(rows, row).map(slot => ({ row, start: rows.startNs(slot), duration: rows.duration(slot) }))
      expect(own).toEqual(events.filter(event => event.row === row))
      for (const slot of slotsOf(rows, row)) expect(rows.rowOf(slot)).toBe(row)
    }
  })

  it('finds what is still there after a moment, and what starts from it on', () => {
    for (let at = -3; at < 4000; at += 7) {
      for (let row = 0; row < 3; row++) {
        const [first, end] = [rows.first(row), rows.end(row)]
        const after = slotsOf(rows, row).find(slot => rows.endNs(slot) > at || rows.startNs(slot) >= at) ?? end
        const from = slotsOf(rows, row).find(slot => rows.startNs(slot) >= at) ?? end
        expect([rows.firstAfter(at, first, end), rows.firstFrom(at, first, end)]).toEqual([after, from])
      }
    }
  })

  it('adds up durations and finds the longest, the first of equal ones', () => {
    const random = randomNumbers(5)
    const [first, end] = [rows.first(1), rows.end(1)]
    for (let i = 0; i < 500; i++) {
      const from = first + Math.floor(random() * (end - first))
      const to = from + 1 + Math.floor(random() * (end - from))
      const durations = slotsOf(rows, 1)
        .slice(from - first, to - first)
        .map(slot => rows.duration(slot))
      expect(rows.busyNs(from, to)).toBe(durations.reduce((a, b) => a + b, 0))
      expect(rows.longest(from, to)).toBe(from + durations.indexOf(Math.max(...durations)))
    }
  })

  it('finds the slot of an event among those that start together', () => {
    const together = indexOf([0, 1, 0, 0].map(row => ({ row, start: 5, duration: 0 })))
    expect([0, 1, 2, 3].map(event => together.event(together.slotOf(event)))).toEqual([0, 1, 2, 3])
    expect(together.rowOf(together.slotOf(1))).toBe(1)
  })
})

describe('RangeMax', () => {
  it.each([1, 16, 17, 256, 257, 5000])('finds the first of the largest among %i', count => {
    const random = randomNumbers(count)
    const keys = Array.from({ length: count }, () => Math.floor(random() * 50))
    const max = new RangeMax(count, {
      keyOf: index => keys[index]!,
      largest: (from, to) => from + keys.slice(from, to).indexOf(Math.max(...keys.slice(from, to))),
    })
    for (let i = 0; i < 300; i++) {
      const from = Math.floor(random() * count)
      const to = from + 1 + Math.floor(random() * (count - from))
      const range = keys.slice(from, to)
      expect(max.indexOf(from, to)).toBe(from + range.indexOf(Math.max(...range)))
    }
  })
})

describe('Lanes', () => {
  it('takes the first free lane from the asked one on, as a scan would', () => {
    const random = randomNumbers(3)
    const lanes = new Lanes()
    const ends: number[] = []
    let start = 0
    for (let i = 0; i < 3000; i++) {
      start += Math.floor(random() * 3)
      const end = start + Math.floor(random() * 200)
      const from = random() < 0.2 ? Math.floor(random() * 50) : 0
      let expected = from
      while ((ends[expected] ?? 0) > start) expected++
      ends[expected] = end
      expect(lanes.place(start, end, from)).toBe(expected)
    }
    expect(lanes.count).toBe(ends.length)
  })

  // A scan of all lanes for each would take minutes.
  it('gives each of two hundred thousand that never end a lane of its own', () => {
    const lanes = new Lanes()
    for (let i = 0; i < 200_000; i++) lanes.place(i, Number.POSITIVE_INFINITY)
    expect(lanes.count).toBe(200_000)
  })
})

describe('a painted row', () => {
  // One pixel value tells event and level: event * LEVELS + level + 1; 0 is left free.
  const painterOf = (count: number): RowPainter => {
    const pixels = Uint32Array.from({ length: count * LEVELS }, (_, i) => i + 1)
    return { pixelsOf: () => pixels, shadeOf: event => event, onWide: () => {}, labelPx: Number.POSITIVE_INFINITY }
  }
  const eventIn = (pixel: number) => Math.floor((pixel - 1) / LEVELS)
  const levelIn = (pixel: number) => (pixel - 1) % LEVELS
  const paint = (
    rows: RowIndex,
    row: number,
    visible: { startNs: number; endNs: number },
    width: number,
    count: number,
  ) => {
    const line = new Uint32Array(width)
    paintRow(rows, row, visible, line, painterOf(count))
    return line
  }

  it('gives each pixel the event with most time in it, and their share of it', () => {
    let checked = 0
    for (const seed of [1, 2, 3, 4, 5]) {
      const events = randomEvents(seed, 600, 3, 40)
      const rows = indexOf(events)
      // 16 ns a pixel: several events in most pixels.
      const visible = { startNs: 160 + seed, endNs: 160 + seed + 128 * 16 }
      const line = paint(rows, 0, visible, 128, events.length)
      for (let px = 0; px < 128; px++) {
        const left = visible.startNs + px * 16
        const inside = events.map(({ row, start, duration }) =>
          row !== 0
            ? -1
            : duration === 0
              ? start >= left && start < left + 16
                ? 0
                : -1
              : start < left + 16 && start + duration > left
                ? Math.min(start + duration, left + 16) - Math.max(start, left)
                : -1,
        )
        const most = Math.max(...inside)
        const busy = inside.reduce((sum, ns) => sum + Math.max(0, ns), 0)
        if (most < 0) {
          expect(line[px]).toBe(0)
          continue
        }
        // Blocks of more than a pixel are painted by other rules, below.
        if (events.some(({ duration }, i) => duration >= 32 && inside[i]! >= 0)) continue
        checked++
        expect(inside[eventIn(line[px]!)]).toBe(most)
        expect(levelIn(line[px]!)).toBe(Math.ceil((Math.min(16, busy) / 16) * (LEVELS - 1)))
      }
    }
    expect(checked).toBeGreaterThan(100)
  })

  it('leaves a hairline of every event, however short the time and long the recording', () => {
    const hour = 3_600_000_000_000
    const events = [0, 1, 2, 3, 4].map(i => ({ row: 0, start: i * 11 * hour + 7, duration: i === 2 ? 0 : 1 }))
    const rows = indexOf(events)
    const line = paint(rows, 0, { startNs: 0, endNs: 50 * hour }, 100, events.length)
    expect([...line].flatMap((pixel, px) => (pixel === 0 ? [] : [[px, eventIn(pixel)]]))).toEqual([
      [0, 0],
      [22, 1],
      [44, 2],
      [66, 3],
      [88, 4],
    ])
    // A nanosecond is 20 pixels wide after 44 hours, and in its place; its last pixel is the gap.
    const near = paint(rows, 0, { startNs: 44 * hour + 5, endNs: 44 * hour + 10 }, 100, events.length)
    expect([...near].flatMap((pixel, px) => (pixel === 0 ? [] : [px]))).toEqual(
      Array.from({ length: 19 }, (_, i) => 40 + i),
    )
  })

  it('ends a block one pixel early, so that neighbours are told apart, and says where labels have room', () => {
    const rows = indexOf([
      { row: 0, start: 0, duration: 50 },
      { row: 0, start: 50, duration: 50 },
    ])
    const wide: number[][] = []
    const line = new Uint32Array(100)
    paintRow(rows, 0, { startNs: 0, endNs: 100 }, line, {
      ...painterOf(2),
      labelPx: 50,
      onWide: (slot, x, width) => wide.push([slot, x, width]),
    })
    expect([line[48], line[49], line[50]].map(pixel => (pixel ? eventIn(pixel) : -1))).toEqual([0, -1, 1])
    expect(wide).toEqual([
      [0, 0, 50],
      [1, 50, 50],
    ])
  })

  it('shows a match at full strength, however short it is beside what it shares its pixel with', () => {
    const rows = indexOf([
      { row: 0, start: 0, duration: 90 },
      { row: 0, start: 91, duration: 1 },
    ])
    const set = new SlotSet(rows, event => event === 1)
    const line = paint(rows, 0, { startNs: 0, endNs: 1000 }, 10, 2)
    expect(eventIn(line[0]!)).toBe(0)
    paintSet(set, 0, { startNs: 0, endNs: 1000 }, line, painterOf(2))
    expect([eventIn(line[0]!), levelIn(line[0]!)]).toEqual([1, LEVELS - 1])
  })
})

describe('density', () => {
  it('adds to each pixel the share that the row fills, a trace of what is empty, and nothing where nothing is', () => {
    const events = [
      ...randomEvents(9, 400, 1),
      { row: 0, start: 40_000, duration: 0 },
      { row: 0, start: 50_000, duration: 5_000 },
    ]
    const rows = indexOf(events)
    const busy = new Float64Array(50).fill(1)
    addDensity(rows, 0, { startNs: 0, endNs: 60_000 }, busy)
    for (let px = 0; px < 50; px++) {
      const [left, right] = [px * 1200, (px + 1) * 1200]
      const inside = events.filter(({ start, duration }) => start < right && start + Math.max(1e-9, duration) > left)
      const filled = inside.reduce(
        (sum, { start, duration }) => sum + Math.min(start + duration, right) - Math.max(start, left),
        0,
      )
      const expected = inside.length === 0 ? 0 : Math.max(1e-3, filled / 1200)
      expect(busy[px]! - 1).toBeCloseTo(expected, 9)
    }
  })
})
