import type { RecordingView } from '../binding.js'

/** Names from the outermost span to the one in this row; empty for -1, no span. */
export function pathOfRow(view: RecordingView, row: number): string[] {
  const path: string[] = []
  for (let span = row; span >= 0; span = view.spans.parent[span]!) path.push(view.names[view.spans.name[span]!]!.text)
  return path.reverse()
}
