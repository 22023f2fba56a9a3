// A request that is over → its spans as Triton's OpenTelemetry mode names and nests them (tracer.cc of v2.43 and later).
import type { TracedRequest } from './request.js'
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  INFER_RESPONSE_COMPLETE,
  OUTCOME_STAMPS,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
  type Stamps,
} from './stamps.js'
import type { TraceRecord } from './trace-file.js'
import type { TraceTree } from './trace-records.js'

/** A moment of a span; CLOCK_MONOTONIC ns. */
export interface Moment {
  name: string
  ns: bigint
}
/** A span with all inside it. Times are CLOCK_MONOTONIC ns. */
export interface SpanTree {
  name: string
  startNs: bigint
  endNs: bigint
  attributes: Record<string, string | number | boolean>
  events: readonly Moment[]
  hasFailed: boolean
  children: SpanTree[]
}

export const REQUEST_SPAN = 'InferRequest'

const COMPUTE_STAMPS: ReadonlySet<string> = new Set([
  COMPUTE_START,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_END,
])
const OWN_STAMPS: ReadonlySet<string> = new Set([
  ...COMPUTE_STAMPS,
  REQUEST_START,
  QUEUE_START,
  REQUEST_END,
  ...Object.values(OUTCOME_STAMPS),
])

// Of more the SDK drops the first ones (EventCountLimit, https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits):
// of a long stream those would be how the request came in.
const MAX_EVENTS = 128

/**
 * @param startNs of the request's span, which has begun
 * @param records those of the tree, the whole before its steps
 */
export function spanTree(
  request: TracedRequest,
  tree: TraceTree,
  records: readonly TraceRecord[],
  startNs: bigint,
  hasQueueSpan: boolean,
): SpanTree {
  const { front, model } = apart(request.stamps, tree.stamps)
  const endNs = lastNs(tree, startNs)
  const { setting, outcome = 'ok' } = request
  const [root] = records
  const hasFile = setting?.modes.includes('triton') && setting.file !== ''
  const attributes = {
    'opscope.outcome': outcome,
    ...(hasFile && root !== undefined && { 'opscope.trace_file_id': root.id }),
  }
  const remaining = records.values()
  const toSpan = (each: TraceTree, moments: readonly Moment[]): SpanTree => {
    const { value: record } = remaining.next() as { value: TraceRecord }
    const span = modelSpan(each, moments, record, { fromNs: moments[0]?.ns ?? startNs, endNs, hasQueueSpan })
    // A step has its answer within its parent: there is no front end that is told.
    for (const step of each.steps) {
      const inside = momentsOf(step.stamps).filter(({ name }) => name !== INFER_RESPONSE_COMPLETE)
      span.children.push(toSpan(step, inside))
    }
    return span
  }
  const span = {
    name: REQUEST_SPAN,
    startNs,
    endNs,
    attributes,
    events: front,
    hasFailed: outcome === 'failed',
    children: [toSpan(tree, model)],
  }
  return withinLimit(span)
}

function modelSpan(
  { inference, modelName, modelVersion, requestId }: TraceTree,
  moments: readonly Moment[],
  { id, parentId }: TraceRecord,
  { fromNs, endNs, hasQueueSpan }: { fromNs: bigint; endNs: bigint; hasQueueSpan: boolean },
): SpanTree {
  const at = (wanted: string) => moments.find(({ name }) => name === wanted)?.ns
  const overNs = at(REQUEST_END)
  const span: SpanTree = {
    name: modelName,
    startNs: at(REQUEST_START) ?? fromNs,
    endNs: overNs ?? endNs,
    attributes: {
      'triton.model_name': modelName,
      'triton.model_version': modelVersion,
      'triton.trace_id': id,
      'triton.trace_parent_id': parentId,
      ...(requestId !== '' && { 'triton.request_id': requestId }),
      ...(inference?.batch && { 'opscope.batch_id': inference.batch.id, 'opscope.batch_size': inference.batch.size }),
      ...(overNs === undefined && { 'opscope.unfinished': true }),
    },
    events: [],
    hasFailed: inference?.outcome === 'failed',
    children: [],
  }
  const [queuedNs, computeNs, computedNs] = [at(QUEUE_START), at(COMPUTE_START), at(COMPUTE_END)]
  const inside = (name: string, startNs: bigint, toNs: bigint): SpanTree => {
    const hasFailed = name === 'compute' && span.hasFailed && computedNs === undefined
    return { name, startNs, endNs: toNs, attributes: {}, events: [], hasFailed, children: [] }
  }
  const dequeuedNs = computeNs ?? (inference?.outcome === 'rejected' ? overNs : undefined)
  if (hasQueueSpan && queuedNs !== undefined && dequeuedNs !== undefined) {
    span.children.push(inside('queue', queuedNs, dequeuedNs))
  }
  let compute: SpanTree | undefined
  if (computeNs !== undefined) {
    compute = inside('compute', computeNs, computedNs ?? span.endNs)
    compute.events = moments.filter(({ name }) => COMPUTE_STAMPS.has(name))
    span.children.push(compute)
  }
  const { pairs, others } = customPairs(moments)
  for (const { name, startNs, endNs: toNs } of pairs) {
    const isComputed = compute !== undefined && startNs >= compute.startNs && toNs <= compute.endNs
    ;(isComputed ? compute! : span).children.push(inside(name, startNs, toNs))
  }
  span.events = compute === undefined ? others : others.filter(({ name }) => !COMPUTE_STAMPS.has(name))
  return withinLimit(span)
}

/** Of the program's own stamps, `X_START` and the `X_END` after it are a stretch `X`. */
function customPairs(moments: readonly Moment[]): {
  pairs: { name: string; startNs: bigint; endNs: bigint }[]
  others: Moment[]
} {
  const own = new Map(moments.flatMap(moment => (OWN_STAMPS.has(moment.name) ? [] : [[moment.name, moment.ns]])))
  const paired = new Set<string>()
  const pairs = [...own].flatMap(([start, startNs]) => {
    const [, name] = /^(.+)_START$/.exec(start) ?? []
    const endNs = own.get(`${name}_END`)
    if (name === undefined || endNs === undefined || endNs < startNs) return []
    paired.add(start).add(`${name}_END`)
    return { name, startNs, endNs }
  })
  return { pairs, others: moments.filter(({ name }) => !paired.has(name)) }
}

/** The stamps of the whole trace, as those of its front end and those of its model. Both are in order of time. */
function apart(ofFront: Stamps, whole: Stamps): { front: Moment[]; model: Moment[] } {
  const [front, model]: [Moment[], Moment[]] = [[], []]
  let next = 0
  for (const moment of momentsOf(whole)) {
    // By time too: the outcome's stamp may be there twice, that of the answer and that of the inference.
    const isFront = moment.name === ofFront.names[next] && moment.ns === ofFront.ns[next]
    if (isFront) next += 1
    ;(isFront || moment.name === INFER_RESPONSE_COMPLETE ? front : model).push(moment)
  }
  return { front, model }
}

function momentsOf({ names, ns }: Stamps): Moment[] {
  return names.map((name, index) => ({ name, ns: ns[index]! }))
}

/** The span ends with the trace, which may outlive the answer. */
function lastNs({ stamps, steps }: TraceTree, soFar: bigint): bigint {
  const own = stamps.ns.at(-1)
  const latest = own !== undefined && own > soFar ? own : soFar
  return steps.reduce((last, step) => lastNs(step, last), latest)
}

function withinLimit(span: SpanTree): SpanTree {
  const { events } = span
  const extraCount = events.length - MAX_EVENTS
  if (extraCount <= 0) return span
  span.attributes['opscope.events_left_out'] = extraCount
  span.events = [...events.slice(0, MAX_EVENTS / 2), ...events.slice(-MAX_EVENTS / 2)]
  return span
}
