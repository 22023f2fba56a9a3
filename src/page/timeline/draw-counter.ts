import { counterText } from './event-text.js'
import type { Band } from './layout.js'
import { LABEL_FONT, LABEL_PADDING_PX } from './measures.js'
import type { Scene } from './scene.js'
import type { CounterTrack } from './tracks.js'
import type { Viewport } from './viewport.js'

/** Steps from value to value; in a pixel with several a line from their least to their largest. */
export function drawCounter(
  context: CanvasRenderingContext2D,
  { palette, layout, shades, recording }: Scene,
  view: Viewport,
  band: Band,
  { steps, counter }: CounterTrack,
): void {
  const { top, height } = layout.rowPlace(band, 0)
  const bottom = top + height - view.scrollTop
  // Zero is always there, so that heights compare.
  const low = Math.min(0, steps.lowest)
  const high = Math.max(0, steps.highest)
  // Halved, so that the difference of the largest numbers is one.
  const scale = high > low ? (height - 2) / (high / 2 - low / 2) : 0
  const yOf = (value: number) => bottom - 1 - (value / 2 - low / 2) * scale
  const nsPerPx = (view.visible.endNs - view.visible.startNs) / view.width

  const outline = new Path2D()
  let at = steps.from(view.visible.startNs)
  // The value that the view begins with; before the first one nothing is drawn.
  let value = at > 0 ? steps.values[at - 1]! : undefined
  const startX = value === undefined ? xAt(steps.atNs[at]) : 0
  outline.moveTo(startX, yOf(value ?? steps.values[at]!))
  while (at < steps.atNs.length) {
    const x = xAt(steps.atNs[at])
    if (x >= view.width) break
    const next = Math.max(at + 1, steps.from(view.visible.startNs + Math.ceil(x) * nsPerPx))
    if (value !== undefined) outline.lineTo(x, yOf(value))
    if (next - at > 1) {
      outline.lineTo(x, yOf(steps.largest(at, next)))
      outline.lineTo(x, yOf(steps.smallest(at, next)))
    }
    value = steps.values[next - 1]!
    outline.lineTo(x, yOf(value))
    at = next
  }
  if (value !== undefined) {
    outline.lineTo(view.width, yOf(value))
    const area = new Path2D(outline)
    area.lineTo(view.width, yOf(0))
    area.lineTo(startX, yOf(0))
    const colour = palette.shades[shades.names[counter]!]!
    context.fillStyle = colour
    context.globalAlpha = 0.4
    context.fill(area)
    context.globalAlpha = 1
    context.strokeStyle = colour
    context.lineWidth = 1
    context.stroke(outline)
  }
  if (band.folded) return
  context.font = LABEL_FONT
  context.textBaseline = 'top'
  context.fillStyle = palette.muted
  context.fillText(counterText(recording.names[counter]!.text, high), LABEL_PADDING_PX, top - view.scrollTop + 1)

  /** The middle of the pixel that a moment is in. */
  function xAt(atNs: number | undefined): number {
    return atNs === undefined ? view.width : Math.floor((atNs - view.visible.startNs) / nsPerPx) + 0.5
  }
}
