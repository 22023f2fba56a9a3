import type { PageModel } from '../page-model.js'
import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'

/** The parts of the page that need the model alone: shown at once, before the columns are decoded. */
export function mountPanels(host: HTMLElement, model: PageModel, state: PageState): void {
  host.textContent = `${model.title} ${state.fields.search}`
}

/** What reads single events: tables of the selected range, details of what is selected, the flame graph. */
export function mountRangePanels(
  host: HTMLElement,
  model: PageModel,
  recording: PageRecording,
  state: PageState,
): void {
  host.dataset.ready = `${model.spanCount} ${recording.spans.name.length} ${state.fields.search}`
}
