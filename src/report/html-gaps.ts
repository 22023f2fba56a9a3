// What is missing from a recording, for the first lines of its page.
import type { NativeWarning } from '../binding.js'
import { gpuOf, warningText } from '../model/capture-meta.js'
import { countText, durationText, plural } from '../model/figure-text.js'
import { printedText } from '../model/names.js'
import type { ReportSource } from '../model/ops.js'
import { type TraceQuality, traceQuality } from '../model/quality.js'
import type { PageGap } from '../page/page-model.js'

export interface LeftOut {
  attributes: number
  /** By table. */
  rows: ReadonlyMap<string, number>
}

// Told with the counts of the recording, which are whole.
const COUNTED_APART = ['dropped-spans', 'unfinished-spans']

/** The worst first. */
export function pageGaps(source: ReportSource, warnings: readonly NativeWarning[], leftOut: LeftOut): PageGap[] {
  const quality = traceQuality(source)
  const gaps = [
    ...nothingRecorded(source),
    ...dropped(quality),
    ...warnings
      .filter(({ code }) => !COUNTED_APART.includes(code))
      .map(warning => gap(printedText(warning.code), warning.count, printedText(warningText(warning)))),
    ...unfinished(quality),
    ...noGpu(source),
    ...paused(source, quality),
  ]
  if (leftOut.attributes > 0) {
    const what = plural(leftOut.attributes, 'attribute')
    gaps.push(gap('attributes', leftOut.attributes, `${what} of spans did not fit in this page; the capture has them.`))
  }
  for (const [table, count] of leftOut.rows) {
    gaps.push(
      gap('rows', count, `${countText(count)} more rows of ${table} are not in this page, those of least time.`),
    )
  }
  return gaps
}

function gap(code: string, count: number, text: string): PageGap {
  return { code, count, text }
}

function nothingRecorded({ view, gpu }: ReportSource): PageGap[] {
  const { spans, marks, counters } = view
  const hasAny = spans.startNs.length + gpu.rows + marks.name.length + counters.name.length > 0
  return hasAny ? [] : [gap('nothing-recorded', 1, 'Nothing was recorded: no span, no mark, no counter, no GPU work.')]
}
function dropped({ dropped: count }: TraceQuality): PageGap[] {
  if (count === 0) return []
  const text = `${plural(count, 'span')} found no room in the buffer: calls and totals are too low.`
  return [gap('dropped', count, `${text} Raise bufferMB, record a shorter window or fewer categories.`)]
}
function unfinished({ unfinished: count }: TraceQuality): PageGap[] {
  if (count === 0) return []
  return [gap('unfinished', count, `${plural(count, 'span')} still open when the recording stopped: in no figure.`)]
}
function noGpu(source: ReportSource): PageGap[] {
  const { available, reason } = gpuOf(source)
  if (source.meta.state === 'CPU' || available) return []
  return [gap('no-gpu', 1, `No GPU activity was recorded (${printedText(reason ?? 'for an unknown reason')}).`)]
}
function paused({ view }: ReportSource, { pausedNs, wallNs }: TraceQuality): PageGap[] {
  const count = view.pauses.length
  if (count === 0) return []
  const text = `The recording was paused ${count === 1 ? 'once' : `${countText(count)} times`}`
  return [gap('paused', count, `${text}, for ${durationText(pausedNs)} of ${durationText(wallNs)}.`)]
}
