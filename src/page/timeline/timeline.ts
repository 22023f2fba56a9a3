import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'
import { LABEL_FONT } from './draw.js'
import { makeFrame } from './frame.js'
import { readPalette } from './palette.js'
import { Scene } from './scene.js'
import { TextFit } from './text-fit.js'
import { TimelineControl } from './timeline-control.js'
import { TimelineView } from './timeline-view.js'

/** All tracks on a canvas. Shows and changes what `state` says. */
export function mountTimeline(host: HTMLElement, recording: PageRecording, state: PageState): void {
  const frame = makeFrame()
  host.replaceChildren(frame.root)
  const pen = document.createElement('canvas').getContext('2d')!
  pen.font = LABEL_FONT
  const scene = new Scene(recording, readPalette(frame.root), new TextFit(text => pen.measureText(text).width))
  const { visible } = state.fields
  // The page begins with the length of the session; GPU work may end after it.
  if (visible.startNs <= 0 && visible.endNs >= recording.durationNs) state.change({ visible: scene.bounds })
  const view = new TimelineView(frame, scene, state)
  new TimelineControl(frame, view, state)
}
