import { eventName } from './event-text.js'
import { LABEL_FONT, LABEL_PADDING_PX } from './measures.js'
import type { Scene } from './scene.js'
import type { EventTrack } from './tracks.js'
import { type Viewport, xOf } from './viewport.js'

const HALF_PX = 4

/** A diamond for each mark, one a pixel, and its name where the next one leaves room. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  { palette, fit, recording, search }: Scene,
  view: Viewport,
  track: EventTrack,
  y: number,
  height: number,
): void {
  const { rows } = track
  const { startNs, endNs } = view.visible
  const nsPerPx = (endNs - startNs) / view.width
  const middle = y + height / 2
  const isMatch = search?.isMatch(track)
  context.font = LABEL_FONT
  context.textBaseline = 'middle'
  const end = rows.end(0)
  for (let slot = rows.firstFrom(startNs - HALF_PX * nsPerPx, rows.first(0), end); slot < end; ) {
    const x = xOf(view, rows.startNs(slot))
    if (x > view.width + HALF_PX) break
    const next = Math.max(slot + 1, rows.firstFrom(rows.startNs(slot) + nsPerPx, slot, end))
    context.globalAlpha = isMatch === undefined || isMatch(rows.event(slot)) ? 1 : 0.3
    context.fillStyle = palette.accent
    context.beginPath()
    context.moveTo(x - HALF_PX, middle)
    context.lineTo(x, middle - HALF_PX)
    context.lineTo(x + HALF_PX, middle)
    context.lineTo(x, middle + HALF_PX)
    context.fill()
    const room = (next < end ? xOf(view, rows.startNs(next)) : view.width) - x - 2 * HALF_PX - LABEL_PADDING_PX
    const text = room > 2 * HALF_PX ? fit.fit(eventName(recording, 'mark', rows.event(slot)), room) : ''
    context.fillStyle = palette.fg
    context.fillText(text, x + HALF_PX + LABEL_PADDING_PX, middle)
    slot = next
  }
  context.globalAlpha = 1
}
