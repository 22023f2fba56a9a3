import type { PageState, Selected } from '../page-state.js'
import type { Band, Layout } from './layout.js'
import type { Place } from './scene.js'
import type { EventTrack } from './tracks.js'

/** Where the event of a selection is drawn: an async span has two places, the one for its whole life first. */
export function placesOf(layout: Layout, selected: Selected): Place[] {
  if (selected === undefined) return []
  const places: Place[] = []
  for (const band of layout.bands) {
    const { track } = band
    if (track.kind === 'counter' || track.events !== selected.kind) continue
    const slot = track.rows.slotOf(selected.row)
    if (slot >= 0) places.push({ band, row: track.rows.rowOf(slot), slot })
  }
  return places.sort((a, b) => durationAt(b) - durationAt(a))
}

/** The selection that a place stands for; a counter is none. */
export function selectionAt({ band: { track }, slot }: Place): PageState['fields']['selected'] {
  return track.kind === 'counter' ? undefined : { kind: track.events, row: track.rows.event(slot) }
}
export function startAt({ band: { track }, slot }: Place): number {
  return track.kind === 'counter' ? track.steps.atNs[slot]! : track.rows.startNs(slot)
}
export function durationAt({ band: { track }, slot }: Place): number {
  return track.kind === 'counter' ? 0 : track.rows.duration(slot)
}

/** The event at a moment of a row, or the one nearest to it within `tolerance`; of several the longest. */
export function placeNear(
  band: Band,
  row: number,
  fromNs: number,
  toNs: number,
  toleranceNs: number,
): Place | undefined {
  if (band.track.kind === 'counter') {
    const slot = band.track.steps.from(toNs) - 1
    return slot < 0 ? undefined : { band, row, slot }
  }
  const { rows } = band.track as EventTrack
  const end = rows.end(row)
  const within = (from: number, to: number): Place | undefined => {
    const slot = rows.firstAfter(from, rows.first(row), end)
    const next = rows.firstFrom(to, slot, end)
    return next > slot ? { band, row, slot: rows.longest(slot, next) } : undefined
  }
  return within(fromNs, toNs) ?? within(fromNs - toleranceNs, toNs + toleranceNs)
}
