import type { TimeRange } from '../page-state.js'

/** What of the tracks is on screen, CSS pixels. */
export interface Viewport {
  width: number
  height: number
  /** Device pixels per CSS pixel. */
  ratio: number
  /** From the top of all tracks. */
  scrollTop: number
  visible: TimeRange
}

/** A nanosecond is ten pixels and more then: nothing is hidden below. */
const SHORTEST_NS = 100

// Moments are subtracted before they are scaled: late in a long recording a pixel is less than what is left of a
// double's precision after the multiplication.
export const xOf = ({ visible, width }: Viewport, atNs: number): number =>
  ((atNs - visible.startNs) / (visible.endNs - visible.startNs)) * width
export const timeAt = ({ visible, width }: Viewport, x: number): number =>
  visible.startNs + (x / width) * (visible.endNs - visible.startNs)

/** Moves and shortens a range so that it lies in the bounds and shows no less than the shortest. */
export function clamped({ startNs, endNs }: TimeRange, bounds: TimeRange): TimeRange {
  const whole = bounds.endNs - bounds.startNs
  const length = Math.min(whole, Math.max(endNs - startNs, Math.min(SHORTEST_NS, whole)))
  const middle = (endNs - startNs - length) / 2
  const start = Math.min(Math.max(startNs + middle, bounds.startNs), bounds.endNs - length)
  return { startNs: start, endNs: start + length }
}

/** `factor` above 1 shows less. The moment stays where it is. */
export function zoomed({ startNs, endNs }: TimeRange, atNs: number, factor: number, bounds: TimeRange): TimeRange {
  const whole = bounds.endNs - bounds.startNs
  const shortest = Math.min(SHORTEST_NS, whole)
  const before = endNs - startNs
  const length = Math.min(whole, Math.max(before / factor, shortest))
  const start = atNs - ((atNs - startNs) / before) * length
  return clamped({ startNs: start, endNs: start + length }, bounds)
}
