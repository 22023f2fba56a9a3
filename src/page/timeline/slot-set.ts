import { lowerBound } from '../../model/lower-bound.js'
import type { RowIndex } from './row-index.js'

/** Some slots of a track's rows: what a search found, what failed. */
export class SlotSet {
  readonly rows: RowIndex
  /** Ascending. */
  readonly slots: Uint32Array

  constructor(rows: RowIndex, holds: (event: number, slot: number) => boolean) {
    this.rows = rows
    const found: number[] = []
    for (let row = 0; row < rows.rowCount; row++) {
      const end = rows.end(row)
      for (let slot = rows.first(row); slot < end; slot++) {
        if (holds(rows.event(slot), slot)) found.push(slot)
      }
    }
    this.slots = Uint32Array.from(found)
  }
  /** Indices into slots of those of a row: first, and past the last. */
  ofRow(row: number): [number, number] {
    return [lowerBound(this.slots, this.rows.first(row)), lowerBound(this.slots, this.rows.end(row))]
  }
  /** Index of the first one of `from <= index < to` that starts at the moment or later; else `to`. */
  startingFrom(atNs: number, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.rows.startNs(this.slots[middle]!) < atNs) low = middle + 1
      else high = middle
    }
    return low
  }
}
