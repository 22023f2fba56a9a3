import { native, type RecordingHandle, type RecordingView, type TimeOf } from '../binding.js'
import { parseMeta, STATES } from './capture-meta.js'
import type { ReportSource } from './ops.js'

/** Everything that reports are made of, the tables computed on a thread of their own. */
export async function reportSource(recording: RecordingHandle): Promise<ReportSource> {
  const { view, meta, time } = columnsOf(recording)
  return { view, meta, ...(await native().tables(recording, time)) }
}
/** The same, blocking. */
export function reportSourceSync(recording: RecordingHandle): ReportSource {
  const { view, meta, time } = columnsOf(recording)
  return { view, meta, ...native().tablesSync(recording, time) }
}

function columnsOf(recording: RecordingHandle): Pick<ReportSource, 'view' | 'meta'> & { time: TimeOf } {
  const view: RecordingView = native().view(recording)
  const meta = parseMeta(view.metaJson)
  return { view, meta, time: STATES.indexOf(meta.state) as TimeOf }
}
