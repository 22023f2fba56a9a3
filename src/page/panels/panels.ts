import type { PageModel } from '../page-model.js'
import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'
import { PanelContext } from './context.js'
import { mountHeader } from './header.js'
import { mountNavigation, mountRangeChip } from './navigation.js'
import { mountOps } from './ops.js'
import { mountFindings, mountMissing, mountOverhead } from './summary.js'

const contexts = new WeakMap<PageState, PanelContext>()

/** The parts of the page that need the model alone: shown at once, before the columns are decoded. */
export function mountPanels(_host: HTMLElement, model: PageModel, state: PageState): void {
  const context = new PanelContext(model, state)
  contexts.set(state, context)
  mountHeader(model)
  mountMissing(model)
  mountFindings(context)
  mountOverhead(model)
  mountOps(context)
  mountNavigation()
  mountRangeChip(context)
}

/** What reads single events: tables of the selected range, details of what is selected, the flame graph. */
export function mountRangePanels(
  host: HTMLElement,
  _model: PageModel,
  _recording: PageRecording,
  _state: PageState,
): void {
  mountNavigation()
  host.dataset.ready = 'true'
}
