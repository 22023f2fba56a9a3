// The strip above the tracks: the whole recording in small with the visible part marked, and the time axis of that.
import { type Axis, drawAxis } from './draw-axis.js'
import { Overview } from './overview.js'
import type { Scene } from './scene.js'
import { type Viewport, xOf } from './viewport.js'

export const OVERVIEW_PX = 38
export const HEAD_PX = 64

export class Head {
  readonly #scene: Scene
  readonly #context: CanvasRenderingContext2D
  readonly #overview: Overview

  constructor(scene: Scene, canvas: HTMLCanvasElement) {
    this.#scene = scene
    this.#context = canvas.getContext('2d', { alpha: false })!
    this.#overview = new Overview(scene)
  }

  draw(view: Viewport, axis: Axis): void {
    const { range } = axis
    const context = this.#context
    const { palette, bounds } = this.#scene
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    context.fillStyle = palette.bg
    context.fillRect(0, 0, view.width, HEAD_PX)
    this.#overview.draw(context, view.width, OVERVIEW_PX, view.ratio)
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
}
