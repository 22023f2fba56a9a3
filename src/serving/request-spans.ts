// A traced request as spans of the running sessions, so that its stages, ops and GPU work stand on one timeline.
import { tryNative } from '../binding.js'
import { nameId } from '../name-ids.js'
import { extract, type TraceCarrier } from '../propagation.js'
import { record, runIn, span } from '../record.js'
import { type Attributes, Span, setAttribute } from '../span.js'
import { isOn } from '../span-calls.js'
import type { Batch } from './batch.js'
import type { Inference } from './inference.js'
import type { TracedRequest } from './request.js'
import { STAGES, type Stage, stageTimes } from './request-stages.js'
import { COMPUTE_START, type Protocol, QUEUE_START } from './stamps.js'
import type { TraceTree } from './trace-records.js'

// Few names: every name is kept for the life of the process. What tells one request from another is an attribute.
const REQUEST_NAMES: Record<Protocol, string> = {
  HTTP: 'HTTP request',
  GRPC: 'gRPC request',
  LOCAL: 'local request',
}
// Names of models may come with the requests. Those beyond are spans without their model's name.
const MAX_MODEL_NAMES = 1000
const modelNames = new Set<string>()

/** Opens the span of a request, inside that of the carrier or of who sent it; it ends with the request. */
export function openRequestSpan(request: TracedRequest, carrier: TraceCarrier | undefined): void {
  if (!isOn('request')) return
  const { facts, protocol } = request
  const around = carrier ?? facts
  const open = () => span(REQUEST_NAMES[protocol], { category: 'request', attributes: facts.attributes ?? {} })
  const opened = around.traceparent === undefined ? open() : extract(around, open)
  if (opened.isRecording) request.span = opened
}

/** Runs `body` with the span, if there is one, as the parent of what it records. */
export function within<T>(opened: Span | undefined, body: () => T): T {
  // Not `body` itself: it would get the span as its argument.
  return opened === undefined ? body() : runIn(opened, () => body())
}

/** Opens the span of an inference that no function encloses. */
export function openInferenceSpan(inference: Inference): void {
  if (!isOn('request')) return
  const opened = span(inferenceName(inference.model), { category: 'request', attributes: attributesOf(inference) })
  if (opened.isRecording) inference.span = opened
}

/** Runs a stage as a span. */
export function recordStage<T>(stage: Stage, body: () => T): T {
  return isOn('request') ? record(STAGE_NAMES[stage], { category: 'request' }, body) : body()
}

/** Runs a batch as a span of its own, of none of its requests: it is linked to all of them. */
export function recordBatch<T>({ id, size, inferences }: Batch, body: () => T): T {
  if (!isOn('request')) return body()
  const attributes = { 'opscope.batch_id': id, 'opscope.batch_size': size }
  const links = inferences.flatMap(({ span: own, request }) => own ?? request.span ?? [])
  for (const { span: own } of inferences) {
    if (own !== undefined)
      for (const [key, value] of Object.entries(attributes)) setAttribute(Span.numberOf(own), key, value)
  }
  return record(`batch ${known(inferences[0]!.model)}`, { category: 'request', links, attributes, root: true }, body)
}

/** What is known only now: the stages that no function enclosed, and what the request turned out to be. */
export function completeSpans(request: TracedRequest, tree: TraceTree, traceId: number | undefined): void {
  if (request.span !== undefined) {
    const number = Span.numberOf(request.span)
    setAttribute(number, 'model', tree.modelName)
    if (tree.modelVersion !== -1) setAttribute(number, 'model_version', tree.modelVersion)
    if (tree.requestId !== '') setAttribute(number, 'request_id', tree.requestId)
    if (traceId !== undefined) setAttribute(number, 'trace_file_id', traceId)
    setAttribute(number, 'outcome', request.outcome ?? 'ok')
  }
  if (!isOn('request')) return
  for (const { stage, startNs, endNs } of stageTimes(request.protocol, request.stamps)) {
    if (stage === 'recv' || stage === 'send') addStage(stage, startNs, endNs, request.span)
  }
  for (const inference of request.inferences) addStages(inference)
}

function addStages(inference: Inference): void {
  // The runtime's integration records its runs itself.
  if (inference.isRun) return
  const opened = inference.span ?? inference.request.span
  const queued = inference.stamps.at(QUEUE_START)
  const started = inference.stamps.at(COMPUTE_START)
  if (queued !== undefined && started !== undefined && started > queued) addStage('queue', queued, started, opened)
  if (!inference.isStaged) {
    for (const { stage, startNs, endNs } of stageTimes('LOCAL', inference.stamps)) {
      const isCompute = stage === 'compute_input' || stage === 'infer' || stage === 'compute_output'
      if (isCompute) addStage(stage, startNs, endNs, opened)
    }
  }
  for (const step of inference.children) addStages(step)
}

function addStage(stage: Stage, startNs: bigint, endNs: bigint, parent: Span | undefined): void {
  tryNative()?.timedSpan(nameId(STAGE_NAMES[stage], 'request'), startNs, endNs, Span.numberOf(parent), true)
}

const STAGE_NAMES = Object.fromEntries(STAGES.map(stage => [stage, stage.replace('_', ' ')])) as Record<Stage, string>
function inferenceName(model: string): string {
  return `infer ${known(model)}`
}
function known(model: string): string {
  if (modelNames.has(model)) return model
  if (modelNames.size >= MAX_MODEL_NAMES) return '(other model)'
  modelNames.add(model)
  return model
}
function attributesOf({ model, version, requestId, batch }: Inference): Attributes {
  return {
    model,
    ...(version === -1 ? {} : { model_version: version }),
    ...(requestId === '' ? {} : { request_id: requestId }),
    ...(batch === undefined ? {} : { 'opscope.batch_id': batch.id, 'opscope.batch_size': batch.size }),
  }
}
