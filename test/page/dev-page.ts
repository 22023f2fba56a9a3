// A page without a file: what scripts/ and src/report put together, from a model and columns given as JSON.
import { PageState } from '../../src/page/page-state.js'
import { mountPanels, mountRangePanels } from '../../src/page/panels/panels.js'
import { mountTimeline } from '../../src/page/timeline/timeline.js'
import type { PageInput } from './page-input.js'

const { model, recording } = (window as unknown as { pageInput: PageInput }).pageInput
const state = new PageState({
  visible: { startNs: 0, endNs: Math.max(1, model.durationNs) },
  range: undefined,
  selected: undefined,
  search: '',
})
Object.assign(window, { pageState: state })
mountPanels(document.getElementById('panels')!, model, state)
mountTimeline(document.getElementById('timeline')!, recording, state)
mountRangePanels(document.getElementById('panels')!, model, recording, state)
