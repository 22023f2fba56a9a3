import { op, profiler } from 'opscope'

const OPS = Array.from({ length: 10 }, (_, index) => op(`op${index}`))
const COMPUTE = OPS.map(each => each.phase('compute'))
const inference = op('inference', { category: 'inference' })
/** An inference, its ten ops and their phases. */
const SPANS_A_RUN = 1 + 2 * OPS.length

/** Records `count` spans in the shape of a model's runs. */
export function recordSpans(count) {
  let left = count
  while (left >= SPANS_A_RUN) {
    inference.begin()
    for (let i = 0; i < OPS.length; i++) {
      OPS[i].begin()
      COMPUTE[i].begin()
      COMPUTE[i].end()
      OPS[i].end()
    }
    inference.end()
    left -= SPANS_A_RUN
  }
  for (; left > 0; left--) {
    inference.begin()
    inference.end()
  }
}

/** A recording of `count` spans that waits to be stopped. Memory is for 1e7 spans and the counters beside them. */
export function startAndRecord(count) {
  profiler.startProfiler({ print: false, bufferMB: 512 })
  recordSpans(count)
}
