import type { PageModel } from '../page-model.js'
import type { PageState } from '../page-state.js'
import type { PageRecording } from '../recording.js'
import { PanelContext } from './context.js'
import { mountCopies, mountCopySizes } from './copies.js'
import { mountDetails } from './details.js'
import { mountEventLoop } from './event-loop.js'
import { mountFlame } from './flame/flame.js'
import { mountGpuTables } from './gpu-tables.js'
import { mountHeader } from './header.js'
import { mountNavigation, mountRangeChip } from './navigation.js'
import { mountOps } from './ops.js'
import { SpanPaths } from './range/span-paths.js'
import { mountRangeTables } from './range-tables.js'
import { mountRequests } from './requests/requests.js'
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
  mountCopies(model)
  mountGpuTables(context)
  mountEventLoop(model)
  mountNavigation()
  mountRangeChip(context)
}

/** What reads single events: tables of the selected range, details of what is selected, the flame graph. */
export function mountRangePanels(
  host: HTMLElement,
  model: PageModel,
  recording: PageRecording,
  state: PageState,
): void {
  const context = contexts.get(state) ?? new PanelContext(model, state)
  // A tenth of a second for a million spans: when something first asks.
  let known: SpanPaths | undefined
  const paths = (): SpanPaths => {
    known ??= new SpanPaths(recording)
    return known
  }
  mountDetails(context, recording, paths)
  mountRangeTables(context, recording, paths)
  mountFlame(context, recording, paths)
  mountRequests(context, recording, paths)
  mountCopySizes(recording)
  mountNavigation()
  host.dataset.ready = 'true'
}
