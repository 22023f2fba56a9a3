import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'
import { makeFrame } from './frame.js'
import { LABEL_FONT } from './measures.js'
import { readPalette } from './palette.js'
import { Scene } from './scene.js'
import { TextFit } from './text-fit.js'
import { TimelineControl } from './timeline-control.js'
import { TimelineView } from './timeline-view.js'

/**
 * All tracks on a canvas. Shows and changes what `state` says. `originEpochNs` is the wall clock at the start, ns since
 * 1970 as digits; '0': unknown.
 */
export function mountTimeline(
  host: HTMLElement,
  recording: PageRecording,
  state: PageState,
  originEpochNs = '0',
): void {
  const frame = makeFrame()
  host.replaceChildren(frame.root)
  const pen = document.createElement('canvas').getContext('2d')!
  pen.font = LABEL_FONT
  const scene = new Scene(recording, readPalette(frame.root), new TextFit(text => pen.measureText(text).width))
  const { visible } = state.fields
  // The page begins with the length of the session; GPU work may end after it.
  if (visible.startNs <= 0 && visible.endNs >= recording.durationNs) state.change({ visible: scene.bounds })
  const view = new TimelineView(frame, scene, state)
  new TimelineControl(frame, view, state, BigInt(originEpochNs))
}
