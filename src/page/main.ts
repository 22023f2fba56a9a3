// The page: the model's tables first, which are small, then the timeline, once the columns are there and unpacked.
import { decodeRecording } from './decode.js'
import type { PageModel } from './page-model.js'
import { PageState } from './page-state.js'
import { mountPanels, mountRangePanels } from './panels/panels.js'
import { mountTimeline } from './timeline/timeline.js'
import { unpack } from './unpack.js'

const element = (id: string): HTMLElement => document.getElementById(id)!

orTell('panels', 'The report cannot be shown', () => {
  const model = JSON.parse(element('model').textContent!) as PageModel
  const state = new PageState({
    visible: { startNs: 0, endNs: Math.max(1, model.durationNs) },
    range: undefined,
    selected: undefined,
    search: '',
  })
  // The columns follow this script in the file, so that the tables need not wait for them.
  whenRead(() => orTell('panels', 'The recording cannot be shown', () => mountColumns(model, state)))
  return mountPanels(element('panels'), model, state)
})

async function mountColumns(model: PageModel, state: PageState): Promise<void> {
  const bytes = model.columns.reduce((sum, column) => sum + column.bytes, 0)
  const recording = decodeRecording(model, await unpack(document.querySelectorAll('script.columns'), bytes))
  await orTell('timeline', 'The timeline cannot be drawn', () =>
    mountTimeline(element('timeline'), recording, state, model.originEpochNs),
  )
  mountRangePanels(element('panels'), model, recording, state)
}

/** The file is read, and what was there is painted. */
function whenRead(then: () => void): void {
  const painted = (): unknown => requestAnimationFrame(() => setTimeout(then))
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', painted)
  else painted()
}

/** What goes wrong is said at its place: half a page is better than none. */
async function orTell(place: string, what: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const line = document.createElement('p')
    line.className = 'notice'
    line.setAttribute('role', 'alert')
    line.textContent = `${what}: ${error instanceof Error ? error.message : String(error)}`
    ;(document.getElementById(place) ?? document.body).prepend(line)
    console.error(error)
  }
}
