import type { TimeRange } from '../page-state.js'
import type { RowIndex } from './row-index.js'

/** Adds to each pixel of `busy` the share of it that a row fills; a hairline's share is never 0. */
export function addDensity(rows: RowIndex, row: number, range: TimeRange, busy: Float64Array): void {
  const nsPerPx = (range.endNs - range.startNs) / busy.length
  const end = rows.end(row)
  let slot = rows.firstAfter(range.startNs, rows.first(row), end)
  for (let px = 0; slot < end && px < busy.length; px++) {
    const left = range.startNs + px * nsPerPx
    const right = left + nsPerPx
    if (rows.startNs(slot) >= right) {
      // Rounded down, and never backwards: a start on the border of two pixels counts in the one that is left.
      px = Math.max(px, Math.floor((rows.startNs(slot) - range.startNs) / nsPerPx) - 1)
      continue
    }
    const next = Math.max(slot + 1, rows.firstFrom(right, slot, end))
    const lastEnd = rows.endNs(next - 1)
    const outside = Math.max(0, left - rows.startNs(slot)) + Math.max(0, lastEnd - right)
    busy[px]! += Math.max(1e-3, Math.min(1, (rows.busyNs(slot, next) - outside) / nsPerPx))
    slot = lastEnd > right ? next - 1 : next
  }
}
