// The strip above the tracks: the whole recording in small with the visible part marked, and the time axis of that.
import { addDensity } from './density.js'
import { type Axis, drawAxis } from './draw-axis.js'
import { shadeOf } from './palette.js'
import type { Scene } from './scene.js'
import type { EventTrack } from './tracks.js'
import { type Viewport, xOf } from './viewport.js'

export const OVERVIEW_PX = 38
export const HEAD_PX = 64
// Of a track with hundreds of lanes the first show when it was busy.
const DENSITY_ROWS = 8

export class Head {
  readonly #scene: Scene
  readonly #context: CanvasRenderingContext2D
  /** Per pixel, how busy the host and the GPUs were: 0 to 1. */
  #density: { width: number; strips: { busy: Float64Array; colour: number }[] } = { width: 0, strips: [] }

  constructor(scene: Scene, canvas: HTMLCanvasElement) {
    this.#scene = scene
    this.#context = canvas.getContext('2d', { alpha: false })!
  }

  draw(view: Viewport, axis: Axis): void {
    const { range } = axis
    const context = this.#context
    const { palette, bounds } = this.#scene
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    context.fillStyle = palette.bg
    context.fillRect(0, 0, view.width, HEAD_PX)
    this.#drawDensity(view.width)
    const whole = { ...view, visible: bounds }
    const left = xOf(whole, view.visible.startNs)
    const right = Math.max(left + 2, xOf(whole, view.visible.endNs))
    if (range !== undefined) {
      context.fillStyle = palette.accent
      context.globalAlpha = 0.3
      const from = xOf(whole, range.startNs)
      context.fillRect(from, 0, Math.max(1, xOf(whole, range.endNs) - from), OVERVIEW_PX)
    }
    context.globalAlpha = 0.72
    context.fillStyle = palette.bg
    context.fillRect(0, 0, left, OVERVIEW_PX)
    context.fillRect(right, 0, view.width - right, OVERVIEW_PX)
    context.globalAlpha = 1
    context.strokeStyle = palette.accent
    context.lineWidth = 1
    context.strokeRect(Math.round(left) + 0.5, 0.5, Math.max(2, Math.round(right - left) - 1), OVERVIEW_PX - 1)
    context.fillStyle = palette.line
    context.fillRect(0, OVERVIEW_PX, view.width, 1)
    drawAxis(context, palette, view, OVERVIEW_PX + 1, HEAD_PX, axis)
  }

  #drawDensity(width: number): void {
    const pixels = Math.max(1, Math.floor(width))
    if (this.#density.width !== pixels) this.#density = { width: pixels, strips: this.#measured(pixels) }
    const context = this.#context
    const { strips } = this.#density
    const height = (OVERVIEW_PX - 4) / Math.max(1, strips.length)
    for (const [index, { busy, colour }] of strips.entries()) {
      const bottom = 2 + (index + 1) * height - 1
      context.fillStyle = this.#scene.palette.shades[colour]!
      context.beginPath()
      for (let px = 0; px < busy.length; px++) {
        if (busy[px]! <= 0) continue
        const tall = Math.max(1, Math.sqrt(busy[px]!) * (height - 1))
        context.rect(px, bottom - tall, 1, tall)
      }
      context.fill()
    }
  }

  #measured(pixels: number): { busy: Float64Array; colour: number }[] {
    const tracks = this.#scene.layout.bands.flatMap(({ track }) => (track.kind === 'counter' ? [] : [track]))
    const ofKind = (...kinds: EventTrack['kind'][]) => tracks.filter(({ kind }) => kinds.includes(kind))
    const threads = ofKind('thread')
    const host = threads.length > 0 ? threads : ofKind('requests', 'async', 'launches', 'marks')
    return [
      { from: host, colour: shadeOf('op', '') },
      { from: ofKind('stream', 'waits'), colour: shadeOf('kernel', '') },
    ].flatMap(({ from, colour }) => {
      if (from.length === 0) return []
      const busy = new Float64Array(pixels)
      for (const { rows, kind } of from) {
        const count = kind === 'thread' ? 1 : Math.min(DENSITY_ROWS, rows.rowCount)
        for (let row = 0; row < count; row++) addDensity(rows, row, this.#scene.bounds, busy)
      }
      const most = busy.reduce((a, b) => Math.max(a, b), 0)
      return [{ busy: busy.map(value => (most > 1 ? value / most : value)), colour }]
    })
  }
}
