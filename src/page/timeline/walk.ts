// Focus going from event to event.
import { type Band, type Layout, shownRows } from './layout.js'
import { startAt } from './places.js'
import type { Place } from './scene.js'

export type Step = 'earlier' | 'later' | 'first' | 'last' | 'above' | 'below'

/**
 * Where the focus goes. Up and down keep to the moment at which the row was left, as a cursor in text keeps to its
 * column; `from` undefined: the first row at or below `top`, at the moment.
 */
export function walked(
  layout: Layout,
  from: Place | undefined,
  step: Step,
  atNs: number,
  top: number,
): Place | undefined {
  const { bands } = layout
  if (from === undefined) {
    const index = Math.min(layout.indexAt(top), bands.length - 1)
    return index < 0 ? undefined : nearest(bands[index]!, layout.rowsBetween(bands[index]!, top, top + 1)[0], atNs)
  }
  const { band, row, slot } = from
  if (step === 'above' || step === 'below') {
    const next = row + (step === 'below' ? 1 : -1)
    if (next >= 0 && next < shownRows(band)) return nearest(band, next, atNs)
    const other = bands[bands.indexOf(band) + (step === 'below' ? 1 : -1)]
    if (other === undefined) return from
    return nearest(other, step === 'below' ? 0 : shownRows(other) - 1, atNs)
  }
  const [first, end] = slotsOf(band, row)
  const to = { earlier: slot - 1, later: slot + 1, first, last: end - 1 }[step]
  return { band, row, slot: Math.min(end - 1, Math.max(first, to)) }
}

/** The event of the row at the moment, else the one whose beginning is nearest. */
function nearest(band: Band, row: number, atNs: number): Place {
  const [first, end] = slotsOf(band, row)
  const { track } = band
  const after =
    track.kind === 'counter' ? Math.min(track.steps.from(atNs), end) : track.rows.firstAfter(atNs, first, end)
  const slot = Math.min(after, end - 1)
  const place = { band, row, slot }
  const before = { band, row, slot: Math.max(first, slot - 1) }
  return startAt(place) > atNs && atNs - startAt(before) < startAt(place) - atNs ? before : place
}

function slotsOf({ track }: Band, row: number): [number, number] {
  return track.kind === 'counter' ? [0, track.steps.atNs.length] : [track.rows.first(row), track.rows.end(row)]
}
