import { RangeMax } from './range-max.js'

/** Events to be put into rows: parallel arrays, by start. Those of one row do not overlap. */
export interface PlacedEvents {
  count: number
  /** Rows of the columns that they are in. */
  events: Uint32Array
  rows: Uint32Array
  /** As drawn: that of an async span on its thread ends with its synchronous part. */
  durationsNs: Float64Array
}

/**
 * The rows of a track. The events of a row lie in slots, one after the other, by start; they do not overlap, so their
 * ends ascend too. What a frame needs is found by binary search: which events a stretch touches, how much of it they
 * fill, which of them is the longest. 20.3 bytes an event.
 */
export class RowIndex {
  readonly rowCount: number
  /** The column that events come from. */
  readonly #column: Float64Array
  // By slot, copied from the column: a search looks at one place a step in place of two.
  readonly #startNs: Float64Array
  // A row has one slot more than events: the sum of all its durations.
  readonly #firstSlot: Uint32Array
  readonly #events: Uint32Array
  // Sum of the durations of the row's earlier events: exact, as a row is never fuller than the recording is long.
  readonly #beforeNs: Float64Array
  readonly #longest: RangeMax

  constructor(startNs: Float64Array, rowCount: number, placed: PlacedEvents) {
    const { count, events, rows, durationsNs } = placed
    this.rowCount = rowCount
    this.#column = startNs
    const first = new Uint32Array(rowCount + 1)
    for (let i = 0; i < count; i++) first[rows[i]! + 1]!++
    for (let row = 0; row < rowCount; row++) first[row + 1] = first[row]! + first[row + 1]! + 1
    const next = first.slice(0, rowCount)
    const slots = count + rowCount
    this.#firstSlot = first
    this.#events = new Uint32Array(slots)
    this.#startNs = new Float64Array(slots)
    this.#beforeNs = new Float64Array(slots)
    for (let i = 0; i < count; i++) {
      const slot = next[rows[i]!]!++
      this.#events[slot] = events[i]!
      this.#startNs[slot] = startNs[events[i]!]!
      this.#beforeNs[slot + 1] = this.#beforeNs[slot]! + durationsNs[i]!
    }
    // The slot after a row's events has a negative length here, so it is never the longest.
    this.#longest = new RangeMax(Math.max(0, slots - 1), {
      keyOf: slot => this.duration(slot),
      largest: (from, to) => this.#longestOf(from, to),
    })
  }

  /** The first slot of a row. */
  first(row: number): number {
    return this.#firstSlot[row]!
  }
  /** The slot after the last one of a row. */
  end(row: number): number {
    return this.#firstSlot[row + 1]! - 1
  }
  rowOf(slot: number): number {
    let low = 0
    let high = this.rowCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#firstSlot[middle + 1]! <= slot) low = middle + 1
      else high = middle
    }
    return low
  }
  event(slot: number): number {
    return this.#events[slot]!
  }
  startNs(slot: number): number {
    return this.#startNs[slot]!
  }
  duration(slot: number): number {
    return this.#beforeNs[slot + 1]! - this.#beforeNs[slot]!
  }
  endNs(slot: number): number {
    return this.startNs(slot) + this.duration(slot)
  }
  /** Sum of the durations of `from <= slot < to`, all of one row. */
  busyNs(from: number, to: number): number {
    return this.#beforeNs[to]! - this.#beforeNs[from]!
  }
  /** The longest of `from <= slot < to`, which is not empty; the first of equal ones. */
  longest(from: number, to: number): number {
    return to - from === 1 ? from : this.#longest.indexOf(from, to)
  }
  #longestOf(from: number, to: number): number {
    const beforeNs = this.#beforeNs
    let best = from
    let bestNs = Number.NEGATIVE_INFINITY
    for (let slot = from; slot < to; slot++) {
      const ns = beforeNs[slot + 1]! - beforeNs[slot]!
      if (ns > bestNs) {
        best = slot
        bestNs = ns
      }
    }
    return best
  }
  /** First slot of `from <= slot < to` that ends after the moment, or has no length and is not before it; else `to`. */
  firstAfter(atNs: number, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      const start = this.startNs(middle)
      if (start >= atNs || start + this.duration(middle) > atNs) high = middle
      else low = middle + 1
    }
    return low
  }
  /** First slot of `from <= slot < to` that starts at the moment or later, else `to`; cheap when it is near `from`. */
  firstFrom(atNs: number, from: number, to: number): number {
    let low = from
    let step = 1
    while (low + step < to && this.startNs(low + step) < atNs) {
      low += step
      step *= 2
    }
    let high = Math.min(to, low + step)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.startNs(middle) < atNs) low = middle + 1
      else high = middle
    }
    return low
  }
  /** The slot of an event in any row; -1: not here. */
  slotOf(event: number): number {
    const atNs = this.#column[event]!
    for (let row = 0; row < this.rowCount; row++) {
      const end = this.end(row)
      for (let slot = this.firstFrom(atNs, this.first(row), end); slot < end && this.startNs(slot) === atNs; slot++) {
        if (this.#events[slot] === event) return slot
      }
    }
    return -1
  }
}
