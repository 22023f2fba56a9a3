import type { RequestTracePiece } from '../../binding.js'
import { openOutput, writeOutput } from '../../export/index.js'
import { checkKeys } from '../../option-checks.js'
import { DataFlowChoice } from './data-flow.js'
import { Ensembles } from './ensembles.js'
import { forEachFamily } from './families.js'
import { fileBudget } from './line-figures.js'
import { incompleteOf, ModelGroups } from './model-groups.js'
import { readTraces, type TraceFileFacts } from './read-traces.js'
import { type RequestTrace, requestTraceOf } from './request-trace.js'
import { TRACE_ABSENT } from './slots.js'
import { FILTER_KEYS, TraceFilter, type TraceFilterOptions } from './trace-filter.js'
import { TraceSummary } from './trace-summary.js'
import { TraceTimeline } from './trace-timeline.js'
import { fileWarnings, type WarningCounts } from './trace-warnings.js'

export interface SummarizeOptions extends TraceFilterOptions {
  /** Called with every request, in the order that the file completes them; what it returns is waited for. */
  onTrace?: (trace: RequestTrace) => void | Promise<void>
  /** What the text calls the file. @default the path */
  name?: string
  /** Where a Chrome trace of the requests goes: `timeline.json` or `timeline.json.gz`. */
  chrome?: string | URL
}

/**
 * Reads a request trace of Triton Inference Server (or TRTIS, or of opscope's own request tracer) and adds it up, in
 * memory that does not grow with the file: where the requests to each model spent their time.
 *
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_FORMAT if it is no request trace,
 * ERR_OPSCOPE_FILE_WRITE for `chrome`, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_OPTION_UNKNOWN
 * @example
 * const summary = await summarizeTraces('trace.json')
 * console.log(summary.text())
 * console.log(summary.models[0].lines.find(line => line.name === 'queue').p99Ns)
 */
export async function summarizeTraces(path: string, options: SummarizeOptions = {}): Promise<TraceSummary> {
  checkKeys(options, [...FILTER_KEYS, 'onTrace', 'chrome', 'name'])
  const filter = new TraceFilter(options)
  const { chrome } = options
  if (chrome === undefined) return summarize(path, filter, options, undefined)
  let summary: TraceSummary | undefined
  await writeOutput(openOutput(chrome, { format: 'chrome' }), async fd => {
    const timeline = new TraceTimeline(fd)
    summary = await summarize(path, filter, options, timeline)
    return { bytes: timeline.end(), warnings: [] }
  })
  return summary!
}

async function summarize(
  path: string,
  filter: TraceFilter,
  { onTrace, name = path }: SummarizeOptions,
  timeline: TraceTimeline | undefined,
): Promise<TraceSummary> {
  const budget = fileBudget()
  const groups = new ModelGroups(budget)
  const ensembles = new Ensembles(budget)
  const flow = new DataFlowChoice()
  const wantsTraces = onTrace !== undefined
  const needs = { tensors: true, allStamps: wantsTraces, requestIds: wantsTraces || timeline !== undefined }
  const onPiece = async (piece: RequestTracePiece, facts: TraceFileFacts) => {
    flow.add(piece)
    const told: RequestTrace[] = []
    forEachFamily(piece, (first, end) => {
      if (!filter.hasTime(piece, first)) return
      for (let row = first; row < end; row++) {
        if (!filter.hasModel(piece.models[row]!, facts.models)) continue
        groups.add(piece, row)
        if (wantsTraces && (piece.flags[row]! & TRACE_ABSENT) === 0) told.push(requestTraceOf(piece, row, facts))
        timeline?.add(piece, row, facts)
      }
      if (end - first > 1 && filter.hasModel(piece.models[first]!, facts.models)) ensembles.add(piece, first, end)
    })
    for (const trace of told) await onTrace!(trace)
  }
  const facts = await readTraces(path, needs, onPiece)
  const counts: WarningCounts = { badStamps: groups.badStamps, orphans: ensembles.orphans, leftOut: ensembles.leftOut }
  return new TraceSummary({
    file: name,
    fragments: facts.counts.fragments,
    traces: groups.traces,
    complete: groups.complete,
    incomplete: incompleteOf(new Map(groups.withoutModel === 0 ? [] : [['model', groups.withoutModel]])),
    models: groups.summaries(facts.models),
    ensembles: ensembles.summaries(facts.models),
    dataFlow: flow.summary(facts.models) ?? null,
    warnings: fileWarnings(facts, counts),
  })
}
