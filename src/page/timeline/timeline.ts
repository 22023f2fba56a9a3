import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'

/** All tracks on a canvas. Shows and changes what `state` says. */
export function mountTimeline(host: HTMLElement, recording: PageRecording, state: PageState): void {
  host.textContent = `${recording.threads.length} tracks over ${state.fields.visible.endNs} ns`
}
