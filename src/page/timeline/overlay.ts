// What is pointed at, focused, selected and joined, above the tracks: it changes without them.
import type { TimeRange } from '../page-state.js'
import { durationAt, startAt } from './places.js'
import type { Place, Scene } from './scene.js'
import { type Viewport, xOf } from './viewport.js'

/** An event is never outlined narrower. */
const OUTLINE_PX = 4

export interface OverlayContent {
  hovered: Place | undefined
  focused: Place | undefined
  selected: readonly Place[]
  range: TimeRange | undefined
  /** Ends of the flows, launches and GPU work. */
  flows: readonly { from: Place; to: Place }[]
}

export class Overlay {
  readonly #scene: Scene
  readonly #context: CanvasRenderingContext2D
  #isEmpty = true

  constructor(scene: Scene, canvas: HTMLCanvasElement) {
    this.#scene = scene
    this.#context = canvas.getContext('2d')!
  }

  draw(view: Viewport, content: OverlayContent): void {
    const { hovered, focused, selected, flows, range } = content
    const isEmpty = (hovered ?? focused ?? selected[0] ?? flows[0] ?? range) === undefined
    // An untouched canvas costs nothing, a cleared one is composed anew.
    if (isEmpty && this.#isEmpty) return
    this.#isEmpty = isEmpty
    const context = this.#context
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    context.clearRect(0, 0, view.width, view.height)
    const { palette } = this.#scene
    if (range !== undefined) drawRange(context, view, range, palette.bg, palette.accent)
    context.strokeStyle = palette.accent
    drawFlows(context, this.#scene, view, flows)
    if (hovered !== undefined) this.#outline(view, hovered, 1, palette.fg)
    for (const { to, from } of flows) {
      this.#outline(view, to, 1, palette.accent)
      this.#outline(view, from, 1, palette.accent)
    }
    for (const place of selected) this.#outline(view, place, 2, palette.accent)
    if (focused !== undefined) this.#outline(view, focused, 2, palette.fg, [4, 2])
  }

  #outline(view: Viewport, place: Place, width: number, colour: string, dash: number[] = []): void {
    const box = boxOf(this.#scene, view, place)
    if (box === undefined) return
    const context = this.#context
    context.strokeStyle = colour
    context.lineWidth = width
    context.setLineDash(dash)
    context.strokeRect(box.x, box.y, box.width, box.height)
    context.setLineDash([])
  }
}

interface Box {
  x: number
  y: number
  width: number
  height: number
}
/** Of an event on the screen; undefined: out of sight. */
export function boxOf({ layout }: Scene, view: Viewport, place: Place): Box | undefined {
  const { top, height } = layout.rowPlace(place.band, place.row)
  const y = top - view.scrollTop
  const start = startAt(place)
  const left = Math.max(-OUTLINE_PX, xOf(view, start))
  const right = Math.min(view.width + OUTLINE_PX, xOf(view, start + durationAt(place)))
  if (y + height < 0 || y > view.height || right < 0 || left > view.width) return undefined
  const width = Math.max(OUTLINE_PX, right - left)
  return { x: right - left < OUTLINE_PX ? left - OUTLINE_PX / 2 : left, y, width, height }
}

function drawRange(
  context: CanvasRenderingContext2D,
  view: Viewport,
  range: TimeRange,
  dim: string,
  edge: string,
): void {
  const left = Math.max(0, Math.min(view.width, xOf(view, range.startNs)))
  const right = Math.max(0, Math.min(view.width, xOf(view, range.endNs)))
  context.fillStyle = dim
  context.globalAlpha = 0.6
  context.fillRect(0, 0, left, view.height)
  context.fillRect(right, 0, view.width - right, view.height)
  context.globalAlpha = 1
  context.fillStyle = edge
  context.fillRect(left - 1, 0, 1, view.height)
  context.fillRect(right, 0, 1, view.height)
}

/** Curves from the beginning of a call to the beginning of its work. */
function drawFlows(
  context: CanvasRenderingContext2D,
  { layout }: Scene,
  view: Viewport,
  flows: OverlayContent['flows'],
): void {
  context.lineWidth = 1.25
  context.globalAlpha = flows.length > 20 ? 0.5 : 0.9
  context.beginPath()
  for (const { from, to } of flows) {
    const x0 = xOf(view, startAt(from))
    const x1 = xOf(view, startAt(to))
    if (Math.max(x0, x1) < 0 || Math.min(x0, x1) > view.width) continue
    const start = layout.rowPlace(from.band, from.row)
    const end = layout.rowPlace(to.band, to.row)
    const y0 = start.top + start.height - view.scrollTop
    const y1 = end.top - view.scrollTop
    const bend = Math.min(80, Math.max(12, Math.abs(y1 - y0) / 2))
    context.moveTo(x0, y0)
    context.bezierCurveTo(x0, y0 + bend, x1, y1 - bend, x1, y1)
    context.moveTo(x1 - 3.5, y1 - 6)
    context.lineTo(x1, y1)
    context.lineTo(x1 + 3.5, y1 - 6)
  }
  context.stroke()
  context.globalAlpha = 1
}
