// The tracks on the canvas: what changes with the view. What is pointed at or selected is drawn above (overlay.ts).
import { drawCounter } from './draw-counter.js'
import { drawMarks } from './draw-marks.js'
import { eventName } from './event-text.js'
import { hatching } from './hatching.js'
import type { Band } from './layout.js'
import { LABEL_FONT, LABEL_PADDING_PX, TICK_PX } from './measures.js'
import { forEachPixel, paintRow, paintSet, type RowPainter } from './scanline.js'
import type { Scene } from './scene.js'
import { ticksOf } from './time-axis.js'
import type { EventTrack } from './tracks.js'
import { type Viewport, xOf } from './viewport.js'

/** Narrower blocks have no room for a letter and its ellipsis. */
const LABEL_PX = 32
/** Of an end that did not come. */
const OPEN_END_PX = 10
const CORNER_PX = 6

interface Label {
  track: EventTrack
  slot: number
  /** CSS pixels. */
  x: number
  width: number
  y: number
}

/** Draws what a viewport shows. One for each canvas: it keeps buffers between frames. */
export class TrackDrawing {
  readonly #scene: Scene
  readonly #context: CanvasRenderingContext2D
  readonly #strip = document.createElement('canvas').getContext('2d')!
  #image: ImageData | undefined
  readonly #labels: Label[] = []

  constructor(scene: Scene, canvas: HTMLCanvasElement) {
    this.#scene = scene
    this.#context = canvas.getContext('2d', { alpha: false })!
  }

  draw(view: Viewport): void {
    const context = this.#context
    const { palette, layout } = this.#scene
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    context.fillStyle = palette.bg
    context.fillRect(0, 0, view.width, view.height)
    const bands = layout.bands
    const shown: Band[] = []
    for (let at = layout.indexAt(view.scrollTop); at < bands.length; at++) {
      if (bands[at]!.top >= view.scrollTop + view.height) break
      shown.push(bands[at]!)
    }
    this.#drawGrid(view, shown)
    this.#drawRows(view, shown)
    for (const band of shown) {
      if (band.track.kind === 'counter') drawCounter(context, this.#scene, view, band, band.track)
    }
    this.#drawPauses(view, shown)
    this.#drawLabels()
  }

  #drawGrid(view: Viewport, bands: readonly Band[]): void {
    const context = this.#context
    context.fillStyle = this.#scene.palette.line
    const pixel = 1 / view.ratio
    const snap = (value: number) => Math.round(value * view.ratio) / view.ratio
    context.globalAlpha = 0.55
    for (const at of ticksOf(view.visible, view.width / TICK_PX).atNs) {
      context.fillRect(snap(xOf(view, at)), 0, pixel, view.height)
    }
    context.globalAlpha = 1
    for (const { top, height } of bands) {
      context.fillRect(0, snap(top + height - view.scrollTop) - pixel, view.width, pixel)
    }
  }

  /** All rows in view as lines of one small image, then each line stretched to its row. */
  #drawRows(view: Viewport, bands: readonly Band[]): void {
    const { layout } = this.#scene
    const rows: { track: EventTrack; row: number; top: number; height: number; folded: boolean }[] = []
    for (const band of bands) {
      const { track } = band
      if (track.kind === 'counter') continue
      const [first, end] = layout.rowsBetween(band, view.scrollTop, view.scrollTop + view.height)
      for (let row = first; row < end; row++) {
        rows.push({ track, row, folded: band.folded, ...layout.rowPlace(band, row) })
      }
    }
    this.#labels.length = 0
    if (rows.length === 0) return
    const width = Math.max(1, Math.round(view.width * view.ratio))
    const { image, lines } = this.#imageOf(width, rows.length)
    for (const [index, { track, row, top, folded }] of rows.entries()) {
      const line = lines.subarray(index * width, (index + 1) * width)
      const painter = this.#painterOf(track, view, top - view.scrollTop, !folded)
      paintRow(track.rows, row, view.visible, line, painter)
      const matches = this.#scene.search?.matches.get(track)
      if (matches !== undefined) paintSet(matches, row, view.visible, line, painter)
    }
    this.#strip.putImageData(image, 0, 0, 0, 0, width, rows.length)
    const context = this.#context
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.imageSmoothingEnabled = false
    for (const [index, { top, height }] of rows.entries()) {
      const y = Math.round((top - view.scrollTop) * view.ratio)
      context.drawImage(this.#strip.canvas, 0, index, width, 1, 0, y, width, Math.round(height * view.ratio))
    }
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    for (const { track, row, top, height, folded } of rows) {
      if (folded) continue
      if (track.kind === 'marks') drawMarks(context, this.#scene, view, track, top - view.scrollTop, height)
      else this.#drawMarked(view, track, row, top - view.scrollTop, height)
    }
  }

  #painterOf(track: EventTrack, view: Viewport, y: number, hasLabels: boolean): RowPainter {
    const { palette, search } = this.#scene
    const isMatch = search?.isMatch(track)
    return {
      shadeOf: this.#scene.shadeOf(track),
      pixelsOf:
        isMatch === undefined ? () => palette.pixels : event => (isMatch(event) ? palette.pixels : palette.dimmed),
      onWide: (slot, x, width) => this.#labels.push({ track, slot, x: x / view.ratio, width: width / view.ratio, y }),
      labelPx: hasLabels ? LABEL_PX * view.ratio : Number.POSITIVE_INFINITY,
    }
  }

  #imageOf(width: number, height: number): { image: ImageData; lines: Uint32Array } {
    if (this.#image === undefined || this.#image.width !== width || this.#image.height < height) {
      const rows = Math.max(64, 2 ** Math.ceil(Math.log2(height)))
      this.#image = new ImageData(width, rows)
      this.#strip.canvas.width = width
      this.#strip.canvas.height = rows
    }
    const lines = new Uint32Array(this.#image.data.buffer)
    lines.fill(0, 0, width * height)
    return { image: this.#image, lines }
  }

  /** What failed has a corner, what did not finish an open end: shapes, as colours are not seen by all. */
  #drawMarked(view: Viewport, track: EventTrack, row: number, y: number, height: number): void {
    const marked = this.#scene.marked.get(track)
    if (marked === undefined) return
    const context = this.#context
    const { palette } = this.#scene
    if (marked.failed.slots.length > 0) {
      context.fillStyle = palette.bad
      context.beginPath()
      forEachPixel(marked.failed, row, view.visible, Math.round(view.width), px => {
        context.moveTo(px, y)
        context.lineTo(px + CORNER_PX, y)
        context.lineTo(px, y + CORNER_PX)
      })
      context.fill()
    }
    const { slots } = marked.unfinished
    const [from, to] = marked.unfinished.ofRow(row)
    // The one that began before the view may end in it.
    const first = Math.max(from, marked.unfinished.startingFrom(view.visible.startNs, from, to) - 1)
    context.fillStyle = palette.bg
    for (let at = first; at < to; at++) {
      const start = xOf(view, track.rows.startNs(slots[at]!))
      if (start > view.width) break
      const end = xOf(view, track.rows.endNs(slots[at]!))
      for (let x = end - 2; x > Math.max(start, end - OPEN_END_PX); x -= 4) context.fillRect(x, y, 2, height)
    }
  }

  /** Hatched, over all tracks of their process. */
  #drawPauses(view: Viewport, bands: readonly Band[]): void {
    const { recording, palette } = this.#scene
    if (recording.pauses.length === 0) return
    const stretches = recording.processes.map((): { left: number; right: number }[] => [])
    for (const { startNs, endNs, process } of recording.pauses) {
      if (endNs < view.visible.startNs || startNs > view.visible.endNs) continue
      const right = Math.min(view.width, xOf(view, endNs))
      const last = stretches[process]!.at(-1)
      // Many in a pixel are one.
      if (last !== undefined && right <= last.right) continue
      const left = Math.max(0, xOf(view, startNs))
      stretches[process]!.push({ left, right: Math.max(right, left + 1) })
    }
    const context = this.#context
    context.fillStyle = hatching(context, palette.muted)
    for (const { track, top, height } of bands) {
      for (const { left, right } of stretches[track.process]!) {
        context.fillRect(left, top - view.scrollTop, right - left, height)
      }
    }
  }

  #drawLabels(): void {
    const context = this.#context
    const { palette, recording, fit, search } = this.#scene
    context.font = LABEL_FONT
    context.textBaseline = 'middle'
    context.fillStyle = palette.label
    for (const { track, slot, x, width, y } of this.#labels) {
      const event = track.rows.event(slot)
      const text = fit.fit(eventName(recording, track.events, event), width - 2 * LABEL_PADDING_PX)
      if (text === '') continue
      context.globalAlpha = search === undefined || search.isMatch(track)(event) ? 1 : 0.35
      context.fillText(text, x + LABEL_PADDING_PX, y + 9)
    }
    context.globalAlpha = 1
  }
}
