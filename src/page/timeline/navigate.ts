// Mouse, pen, wheel and fingers on the tracks, told as what they mean. Positions are CSS pixels within the element.

export interface Gestures {
  /** The content is moved by so much. */
  pan(dx: number, dy: number): void
  /** `factor` above 1: nearer. */
  zoom(factor: number, x: number): void
  /** A stretch is being drawn; `isDone` with the release. */
  range(fromX: number, toX: number, isDone: boolean): void
  click(x: number, y: number): void
  doubleClick(x: number, y: number): void
  hover(x: number, y: number): void
  leave(): void
}

/** A press that moves less is a click. */
const CLICK_PX = 4
// A notch of a mouse wheel is about 100: it zooms by 1.28. Touchpads send many small ones.
const ZOOM_PER_WHEEL_PX = 0.0025
const WHEEL_LINE_PX = 16

/** Wheel with ctrl (and what a touchpad sends for a pinch) zooms; sideways, or with shift, it pans; else it scrolls. */
export function onWheel(element: HTMLElement, gestures: Pick<Gestures, 'pan' | 'zoom'>): void {
  element.addEventListener(
    'wheel',
    event => {
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE_PX : 1
      const x = event.clientX - element.getBoundingClientRect().left
      if (event.ctrlKey || event.metaKey) {
        gestures.zoom(Math.exp(-event.deltaY * unit * ZOOM_PER_WHEEL_PX), x)
      } else {
        const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX
        if (Math.abs(sideways) < Math.abs(event.deltaY) && !event.shiftKey) return
        gestures.pan(-sideways * unit, 0)
      }
      event.preventDefault()
    },
    { passive: false },
  )
}

/** Drag pans, with shift it draws a range; two fingers zoom. */
export function onPointer(element: HTMLElement, gestures: Gestures): void {
  const down = new Map<number, { x: number; y: number }>()
  let press: { x: number; y: number; isRange: boolean; moved: boolean } | undefined
  const at = (event: MouseEvent) => {
    const box = element.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  element.addEventListener('pointerdown', event => {
    if (event.button !== 0) return
    element.setPointerCapture(event.pointerId)
    down.set(event.pointerId, at(event))
    press = { ...at(event), isRange: event.shiftKey, moved: down.size > 1 }
  })
  element.addEventListener('pointermove', event => {
    const now = at(event)
    const before = down.get(event.pointerId)
    if (before === undefined || press === undefined) {
      if (event.pointerType !== 'touch') gestures.hover(now.x, now.y)
      return
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1]
    if (other !== undefined) {
      const distance = Math.abs(before.x - other.x)
      const middle = (now.x + other.x) / 2
      if (distance > CLICK_PX) gestures.zoom(Math.max(8, Math.abs(now.x - other.x)) / Math.max(8, distance), middle)
      gestures.pan((now.x - before.x) / 2, 0)
      down.set(event.pointerId, now)
      return
    }
    if (!press.moved && Math.hypot(now.x - press.x, now.y - press.y) < CLICK_PX) return
    if (!press.moved) gestures.leave()
    press.moved = true
    element.classList.toggle('is-dragging', !press.isRange)
    if (press.isRange) gestures.range(press.x, now.x, false)
    // Fingers scroll up and down by themselves.
    else gestures.pan(now.x - before.x, event.pointerType === 'touch' ? 0 : now.y - before.y)
    down.set(event.pointerId, now)
  })
  const release = (event: PointerEvent) => {
    if (!down.delete(event.pointerId) || press === undefined) return
    const now = at(event)
    if (event.type === 'pointerup' && down.size === 0) {
      if (press.moved && press.isRange) gestures.range(press.x, now.x, true)
      else if (!press.moved) gestures.click(now.x, now.y)
    }
    if (down.size === 0) press = undefined
    element.classList.remove('is-dragging')
  }
  element.addEventListener('pointerup', release)
  element.addEventListener('pointercancel', release)
  element.addEventListener('pointerleave', () => gestures.leave())
  element.addEventListener('dblclick', event => gestures.doubleClick(at(event).x, at(event).y))
}
