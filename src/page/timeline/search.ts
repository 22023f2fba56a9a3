import { FLAG_ASYNC, type PageRecording } from '../recording.js'
import { nameText } from './event-text.js'
import type { Band } from './layout.js'
import type { Place } from './scene.js'
import { SlotSet } from './slot-set.js'
import type { EventTrack } from './tracks.js'

/** What a search found, in the order of starts; those of one moment from the top track down. */
export class Search {
  readonly count: number
  /** By track; tracks without a match are not in it. */
  readonly matches: ReadonlyMap<EventTrack, SlotSet>
  readonly #found: { band: Band; set: SlotSet }[] = []
  readonly #matchedNames: Uint8Array
  readonly #matchedStrings: Uint8Array
  readonly #recording: PageRecording

  /** Finds the text in names, whatever its case. */
  constructor(recording: PageRecording, bands: readonly Band[], text: string) {
    const wanted = text.toLowerCase()
    const matched = (names: readonly string[]) =>
      Uint8Array.from(names, name => (name.toLowerCase().includes(wanted) ? 1 : 0))
    this.#recording = recording
    this.#matchedNames = matched(recording.names.map(nameText))
    this.#matchedStrings = matched(recording.strings)
    const matches = new Map<EventTrack, SlotSet>()
    let count = 0
    for (const band of bands) {
      const { track } = band
      if (track.kind === 'counter') continue
      const isMatch = this.isMatch(track)
      const { flags } = recording.spans
      // An async span is on its thread and on a lane: one match, the one on its lane.
      const counts =
        track.kind === 'thread' ? (event: number) => isMatch(event) && !(flags[event]! & FLAG_ASYNC) : isMatch
      const set = new SlotSet(track.rows, counts)
      if (set.slots.length === 0) continue
      matches.set(track, set)
      this.#found.push({ band, set })
      count += set.slots.length
    }
    this.matches = matches
    this.count = count
  }

  isMatch(track: EventTrack): (event: number) => boolean {
    const { spans, marks, launches, gpu } = this.#recording
    const inNames = (column: Uint32Array) => (event: number) => this.#matchedNames[column[event]!] === 1
    const inStrings = (column: Uint32Array) => (event: number) => this.#matchedStrings[column[event]!] === 1
    if (track.events === 'span') return inNames(spans.name)
    if (track.events === 'mark') return inNames(marks.name)
    return inStrings(track.events === 'launch' ? launches.name : gpu.name)
  }

  /** The match after a place, or before it; after the last comes the first. Undefined: there is none. */
  step(from: Place | undefined, fromNs: number, direction: 1 | -1): Place | undefined {
    if (this.count === 0) return undefined
    const key = from === undefined ? { atNs: fromNs, band: -1, slot: -1 } : this.#keyOf(from)
    return this.#nearest(key, direction) ?? this.#nearest(ENDS[direction], direction)
  }

  /** How many matches come before the place, and it itself: 1 for the first. */
  numberOf(place: Place): number {
    const key = this.#keyOf(place)
    let number = 1
    for (const [index, { set }] of this.#found.entries()) {
      for (let row = 0; row < set.rows.rowCount; row++) number += this.#before(set, row, index, key)
    }
    return number
  }

  #keyOf({ band, slot }: Place): Key {
    const index = this.#found.findIndex(found => found.band.top >= band.top)
    const atNs = band.track.kind === 'counter' ? band.track.steps.atNs[slot]! : band.track.rows.startNs(slot)
    return { atNs, band: index < 0 ? this.#found.length : index, slot }
  }

  // Matches of a row in the order of their slots, which is that of their starts: the nearest of each row, and of those
  // the nearest. No order over all matches is kept; it would cost more than the search.
  #nearest(key: Key, direction: 1 | -1): Place | undefined {
    let best: { key: Key; place: Place } | undefined
    for (const [index, { band, set }] of this.#found.entries()) {
      for (let row = 0; row < set.rows.rowCount; row++) {
        const [from, to] = set.ofRow(row)
        let at = from + this.#before(set, row, index, key)
        if (direction < 0) at--
        else if (at < to && compare(this.#matchKey(set, index, at), key) === 0) at++
        if (at < from || at >= to) continue
        const candidate = this.#matchKey(set, index, at)
        if (best === undefined || compare(candidate, best.key) * direction < 0) {
          best = { key: candidate, place: { band, row, slot: set.slots[at]! } }
        }
      }
    }
    return best?.place
  }

  /** How many matches of a row come before the key. */
  #before(set: SlotSet, row: number, band: number, key: Key): number {
    const [from, to] = set.ofRow(row)
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.#matchKey(set, band, middle), key) < 0) low = middle + 1
      else high = middle
    }
    return low - from
  }
  #matchKey(set: SlotSet, band: number, at: number): Key {
    const slot = set.slots[at]!
    return { atNs: set.rows.startNs(slot), band, slot }
  }
}

interface Key {
  atNs: number
  band: number
  slot: number
}
const ENDS: Record<1 | -1, Key> = {
  1: { atNs: Number.NEGATIVE_INFINITY, band: -1, slot: -1 },
  [-1]: { atNs: Number.POSITIVE_INFINITY, band: Number.POSITIVE_INFINITY, slot: Number.POSITIVE_INFINITY },
}
const compare = (a: Key, b: Key): number =>
  a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : a.band - b.band || a.slot - b.slot
