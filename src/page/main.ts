// The page: the model's tables first, which are small, then the timeline, once the columns are unpacked.
import { decodeRecording } from './decode.js'
import type { PageModel } from './page-model.js'
import { PageState } from './page-state.js'
import { mountPanels, mountRangePanels } from './panels/panels.js'
import { mountTimeline } from './timeline/timeline.js'

const element = (id: string): HTMLElement => document.getElementById(id)!
const model = JSON.parse(element('model').textContent!) as PageModel
const state = new PageState({
  visible: { startNs: 0, endNs: Math.max(1, model.durationNs) },
  range: undefined,
  selected: undefined,
  search: '',
})
mountPanels(element('panels'), model, state)
// The first paint comes before the work on the columns.
requestAnimationFrame(() => setTimeout(mountColumns))

async function mountColumns(): Promise<void> {
  const recording = decodeRecording(model, await unpack(element('columns').textContent!))
  mountTimeline(element('timeline'), recording, state)
  mountRangePanels(element('panels'), model, recording, state)
}

async function unpack(base64: string): Promise<Uint8Array> {
  const response = await fetch(`data:application/octet-stream;base64,${base64.trim()}`)
  const plain = response.body!.pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(plain).arrayBuffer())
}
