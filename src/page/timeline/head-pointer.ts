// The strip above the tracks: dragging in the overview moves the window, on the axis it draws a range.
import { OVERVIEW_PX } from './head.js'
import type { Gestures } from './navigate.js'

export interface WindowGestures {
  /** Where the window is in the overview. */
  windowPx(): { left: number; right: number }
  /** The window's middle goes there. */
  centre(x: number): void
  moveWindow(dx: number): void
}
/** A narrow window is caught this near. */
const CATCH_PX = 6
const CLICK_PX = 3

export function onHeadPointer(
  head: HTMLElement,
  gestures: Pick<Gestures, 'range'>,
  { windowPx, centre, moveWindow }: WindowGestures,
): void {
  let press: { x: number; last: number; isAxis: boolean } | undefined
  const xAt = (event: PointerEvent) => event.clientX - head.getBoundingClientRect().left
  head.addEventListener('pointerdown', event => {
    if (event.button !== 0) return
    head.setPointerCapture(event.pointerId)
    const x = xAt(event)
    const isAxis = event.clientY - head.getBoundingClientRect().top > OVERVIEW_PX
    press = { x, last: x, isAxis }
    const { left, right } = windowPx()
    if (!isAxis && (x < left - CATCH_PX || x > right + CATCH_PX)) centre(x)
  })
  head.addEventListener('pointermove', event => {
    if (press === undefined) return
    const x = xAt(event)
    if (!press.isAxis) moveWindow(x - press.last)
    else if (Math.abs(x - press.x) > CLICK_PX) gestures.range(press.x, x, false)
    press.last = x
  })
  const release = (event: PointerEvent) => {
    if (press === undefined) return
    const x = xAt(event)
    if (press.isAxis && Math.abs(x - press.x) > CLICK_PX) gestures.range(press.x, x, true)
    press = undefined
  }
  head.addEventListener('pointerup', release)
  head.addEventListener('pointercancel', release)
}
