import type { Selected } from '../page-state.js'
import type { PageRecording } from '../recording.js'

/** From an API call to what it made a GPU do: rows of launches and of gpu. */
export interface Flow {
  launch: number
  gpu: number
}
export interface Flows {
  /** The first of them, by start of the GPU's work. */
  shown: Flow[]
  /** All. */
  count: number
}
// More curves than this are a grey wall; their number is told in words.
const SHOWN = 200

/** What the selected event caused or was caused by: a span with all that is inside of it. */
export function flowsOf(recording: PageRecording, selected: Selected): Flows {
  const { gpu } = recording
  if (selected === undefined || selected.kind === 'mark') return { shown: [], count: 0 }
  const isOf = flowTest(recording, selected)
  const shown: Flow[] = []
  let count = 0
  for (let row = 0; row < gpu.launch.length; row++) {
    if (gpu.launch[row]! < 0 || !isOf(row)) continue
    count++
    if (shown.length < SHOWN) shown.push({ launch: gpu.launch[row]!, gpu: row })
  }
  return { shown, count }
}

function flowTest({ gpu, spans }: PageRecording, selected: NonNullable<Selected>): (row: number) => boolean {
  if (selected.kind === 'gpu') return row => row === selected.row
  if (selected.kind === 'launch') return row => gpu.launch[row] === selected.row
  // Rows of the spans that hold others come first, but for parents on a later thread: those inner spans are left out.
  const isInside = new Uint8Array(spans.parent.length)
  isInside[selected.row] = 1
  for (let row = selected.row + 1; row < isInside.length; row++) {
    const parent = spans.parent[row]!
    if (parent >= selected.row && parent < row) isInside[row] = isInside[parent]!
  }
  return row => gpu.span[row]! >= 0 && isInside[gpu.span[row]!] === 1
}
