// A row as one line of pixels, which the canvas stretches to the height of the row: that is a small image a frame where
// a rectangle an event would be tens of thousands of calls. The cost is that of the pixels, not of the events.
import type { TimeRange } from '../page-state.js'
import { LEVELS } from './palette.js'
import type { RowIndex } from './row-index.js'
import type { SlotSet } from './slot-set.js'

/** From this many pixels on, an event ends one pixel early: neighbours are told apart, and a label has an edge. */
const GAP_FROM_PX = 3

export interface RowPainter {
  /** Pixels of all levels of an event's colour begin here. */
  pixelsOf(event: number): Uint32Array
  shadeOf(event: number): number
  /** An event that has at least `labelPx` pixels: where it begins and how many it has, in device pixels. */
  onWide(slot: number, x: number, width: number): void
  labelPx: number
}

/**
 * Paints a row into `line`. An event that fills pixels paints them; of several in one pixel it is the longest in it that
 * gives the colour, and the share of the pixel that they fill together gives the strength. Each leaves a hairline.
 */
export function paintRow(
  rows: RowIndex,
  row: number,
  visible: TimeRange,
  line: Uint32Array,
  painter: RowPainter,
): void {
  const { startNs } = visible
  const nsPerPx = (visible.endNs - startNs) / line.length
  const end = rows.end(row)
  let slot = rows.firstAfter(startNs, rows.first(row), end)
  let px = 0
  while (slot < end) {
    // Subtracted before it is scaled, so that a nanosecond late in a long recording keeps its pixel.
    const from = (rows.startNs(slot) - startNs) / nsPerPx
    if (from > px) px = Math.floor(from)
    if (px >= line.length) return
    const last = Math.min(line.length, Math.floor((rows.endNs(slot) - startNs) / nsPerPx))
    if (last - px >= GAP_FROM_PX) {
      const isCut = last === line.length
      line.fill(full(painter, rows.event(slot)), px, isCut ? last : last - 1)
      if (last - px >= painter.labelPx) painter.onWide(slot, px, last - px)
      px = last
      slot++
      continue
    }
    slot = paintPixel(rows, slot, end, px, startNs, nsPerPx, line, painter)
    px++
  }
}

/** Paints one pixel with all that touches it; the first slot that has not ended with it. */
function paintPixel(
  rows: RowIndex,
  slot: number,
  end: number,
  px: number,
  startNs: number,
  nsPerPx: number,
  line: Uint32Array,
  painter: RowPainter,
): number {
  const left = startNs + px * nsPerPx
  const right = left + nsPerPx
  const next = Math.max(slot + 1, rows.firstFrom(right, slot, end))
  const lastEnd = rows.endNs(next - 1)
  const before = Math.max(0, left - rows.startNs(slot))
  const after = Math.max(0, lastEnd - right)
  const share = Math.min(1, Math.max(0, (rows.busyNs(slot, next) - before - after) / nsPerPx))
  const event = rows.event(longestInside(rows, slot, next, before, after))
  line[px] = painter.pixelsOf(event)[painter.shadeOf(event) * LEVELS + Math.ceil(share * (LEVELS - 1))]!
  return lastEnd > right ? next - 1 : next
}

// The first and the last may lie mostly in other pixels: what counts is their part in this one.
function longestInside(rows: RowIndex, from: number, to: number, before: number, after: number): number {
  if (to - from === 1) return from
  const first = rows.duration(from) - before
  const last = rows.duration(to - 1) - after
  const middle = to - from > 2 ? rows.longest(from + 1, to - 1) : -1
  const inner = middle < 0 ? Number.NEGATIVE_INFINITY : rows.duration(middle)
  if (first >= inner && first >= last) return from
  return inner >= last ? middle : to - 1
}

/** Paints the events of a set over the line, a pixel each where they are narrow, at full strength. */
export function paintSet(set: SlotSet, row: number, visible: TimeRange, line: Uint32Array, painter: RowPainter): void {
  forEachPixel(set, row, visible, line.length, (px, slot) => {
    line[px] = full(painter, set.rows.event(slot))
  })
}

/** Calls back for each pixel in which events of the set begin, with the first of them. */
export function forEachPixel(
  set: SlotSet,
  row: number,
  visible: TimeRange,
  width: number,
  call: (px: number, slot: number) => void,
): void {
  const nsPerPx = (visible.endNs - visible.startNs) / width
  const [from, to] = set.ofRow(row)
  let at = set.startingFrom(visible.startNs, from, to)
  while (at < to) {
    const slot = set.slots[at]!
    const px = Math.floor((set.rows.startNs(slot) - visible.startNs) / nsPerPx)
    if (px >= width) return
    call(px, slot)
    at = set.startingFrom(visible.startNs + (px + 1) * nsPerPx, at + 1, to)
  }
}

const full = (painter: RowPainter, event: number): number =>
  painter.pixelsOf(event)[painter.shadeOf(event) * LEVELS + LEVELS - 1]!
