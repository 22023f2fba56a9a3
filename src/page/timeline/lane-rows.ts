import { CATEGORIES, type PageRecording } from '../recording.js'
import { Lanes } from './lanes.js'
import type { PlacedEvents } from './row-index.js'

const REQUEST = CATEGORIES.indexOf('request')

/** For each loose span the nearest loose one around it, and whether a request is among those. */
export interface LooseTree {
  /** By span; -1: none. Of spans that are not loose, the nearest loose one around them. */
  around: Int32Array
  /** By span, 1: a loose request, or inside of one. */
  ofRequest: Uint8Array
  /** By span, its lane once it has one; -1: none yet. */
  lane: Int32Array
}

export function looseTree(recording: PageRecording, isLoose: Uint8Array): LooseTree {
  const { parent, name } = recording.spans
  const around = new Int32Array(parent.length).fill(-1)
  const ofRequest = new Uint8Array(parent.length)
  for (let row = 0; row < parent.length; row++) {
    const up = parent[row]!
    // A parent that comes later is on a later thread; its lanes are not known in time, so its child is a root here.
    if (up >= 0 && up < row) {
      around[row] = isLoose[up] ? up : around[up]!
      ofRequest[row] = ofRequest[up]!
    }
    if (isLoose[row] && recording.names[name[row]!]!.category === REQUEST) ofRequest[row] = 1
  }
  return { around, ofRequest, lane: new Int32Array(parent.length).fill(-1) }
}

/** Puts spans on lanes, a child below its parent: where there is room, a tree of async work reads as one. */
export function spanLanes(
  recording: PageRecording,
  events: Uint32Array,
  { around, lane: laneOf }: LooseTree,
): { placed: PlacedEvents; laneCount: number } {
  const { startNs, durationNs } = recording.spans
  const sorted = byStart(events, startNs, durationNs)
  const lanes = new Lanes()
  const placed = emptyPlaces(sorted)
  for (let i = 0; i < sorted.length; i++) {
    const row = sorted[i]!
    const start = startNs[row]!
    const lane = lanes.place(start, start + durationNs[row]!, (laneOf[around[row]!] ?? -1) + 1)
    laneOf[row] = lane
    placed.rows[i] = lane
    placed.durationsNs[i] = durationNs[row]!
  }
  return { placed, laneCount: lanes.count }
}

/** Puts events of columns on lanes, as few as they need. */
export function plainLanes(
  events: Uint32Array,
  startNs: Float64Array,
  durationNs: Float64Array,
): { placed: PlacedEvents; laneCount: number } {
  const sorted = byStart(events, startNs, durationNs)
  const lanes = new Lanes()
  const placed = emptyPlaces(sorted)
  for (let i = 0; i < sorted.length; i++) {
    const start = startNs[sorted[i]!]!
    const length = durationNs[sorted[i]!]!
    placed.rows[i] = lanes.place(start, start + length)
    placed.durationsNs[i] = length
  }
  return { placed, laneCount: lanes.count }
}

function emptyPlaces(events: Uint32Array): PlacedEvents {
  const count = events.length
  return { count, events, rows: new Uint32Array(count), durationsNs: new Float64Array(count) }
}

/** By start, the longer first, so that what holds another comes before it; in place where they are in order already. */
function byStart(events: Uint32Array, startNs: Float64Array, durationNs: Float64Array): Uint32Array {
  const compare = (a: number, b: number) => startNs[a]! - startNs[b]! || durationNs[b]! - durationNs[a]! || a - b
  for (let i = 1; i < events.length; i++) {
    if (compare(events[i - 1]!, events[i]!) > 0) return events.slice().sort(compare)
  }
  return events
}
