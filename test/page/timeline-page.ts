// A page with a timeline alone, bundled by the tests: they say what is on it and look at what the user would.
import { PageState } from '../../src/page/page-state.js'
import type { PageRecording } from '../../src/page/recording.js'
import { mountTimeline } from '../../src/page/timeline/timeline.js'
import { buildRecording, type RecordingSpec } from './recording-builder.js'
import { manyEvents, servedRequests } from './sample-recordings.js'

function show(recording: PageRecording, originEpochNs?: string): number {
  const endNs = Math.max(1, recording.durationNs)
  const state = new PageState({
    visible: { startNs: 0, endNs },
    range: undefined,
    selected: undefined,
    search: '',
  })
  const before = performance.now()
  mountTimeline(document.getElementById('timeline')!, recording, state, originEpochNs)
  Object.assign(window, { state })
  return performance.now() - before
}

const shows = {
  show: (spec: RecordingSpec, originEpochNs?: string) => show(buildRecording(spec), originEpochNs),
  showServed: (requestCount: number) => show(servedRequests(requestCount)),
  showMany: (count: number) => show(manyEvents(count)),
}
Object.assign(window, { timelinePage: shows })

declare global {
  // What evaluate() sees.
  var state: PageState
  var timelinePage: {
    show(spec: RecordingSpec, originEpochNs?: string): number
    showServed(requestCount: number): number
    showMany(count: number): number
  }
}
