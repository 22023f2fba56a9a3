import { durationText } from '../../model/figure-text.js'
import type { TimeRange } from '../page-state.js'
import { LABEL_FONT, LABEL_PADDING_PX, TICK_PX } from './measures.js'
import type { Palette } from './palette.js'
import { axisLabels, clockLabels } from './time-axis.js'
import { type Viewport, xOf } from './viewport.js'

export interface Axis {
  /** A selected range, marked with its length. */
  range: TimeRange | undefined
  /** The wall clock at the start, when times are told by it. */
  clockNs: bigint | undefined
}

/** Ticks and their times between two heights, and the range. */
export function drawAxis(
  context: CanvasRenderingContext2D,
  palette: Palette,
  view: Viewport,
  top: number,
  bottom: number,
  { range, clockNs }: Axis,
): void {
  context.font = LABEL_FONT
  context.textBaseline = 'middle'
  const middle = (top + bottom) / 2
  const most = view.width / TICK_PX
  const labels = clockNs === undefined ? axisLabels(view.visible, most) : clockLabels(view.visible, most, clockNs)
  let drawnTo = Number.NEGATIVE_INFINITY
  for (const { atNs, text } of labels) {
    const x = xOf(view, atNs)
    context.fillStyle = palette.line
    context.fillRect(Math.round(x * view.ratio) / view.ratio, top, 1 / view.ratio, bottom - top)
    const from = Math.max(LABEL_PADDING_PX, x + LABEL_PADDING_PX)
    const end = from + context.measureText(text).width
    if (from < drawnTo || end > view.width) continue
    context.fillStyle = palette.muted
    context.fillText(text, from, middle)
    drawnTo = end + LABEL_PADDING_PX
  }
  if (range === undefined) return
  const left = Math.max(0, xOf(view, range.startNs))
  const right = Math.min(view.width, xOf(view, range.endNs))
  if (right <= left) return
  context.fillStyle = palette.accent
  context.globalAlpha = 0.18
  context.fillRect(left, top, right - left, bottom - top)
  context.globalAlpha = 1
  context.fillRect(left, bottom - 3, right - left, 3)
  const text = durationText(range.endNs - range.startNs)
  const width = context.measureText(text).width + 2 * LABEL_PADDING_PX
  if (right - left < width) return
  const x = (left + right - width) / 2
  context.fillRect(x, top + 3, width, bottom - top - 3)
  context.fillStyle = palette.bg
  context.fillText(text, x + LABEL_PADDING_PX, middle + 1)
}
