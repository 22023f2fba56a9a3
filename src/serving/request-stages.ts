// A request that is over → how long its stages took: what metrics, Server-Timing and the profile header tell.
import type { TracedRequest } from './request.js'
import type { Outcome, Protocol, Stamps } from './stamps.js'
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  FRONT_STAMPS,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
} from './stamps.js'
import type { TraceTree } from './trace-records.js'

/** Stages of a request, in the order in which it goes through them; `handler` and `total` lie around others. */
export const STAGES = [
  'recv',
  'queue',
  'compute_input',
  'infer',
  'compute_output',
  'send',
  'compute',
  'handler',
  'total',
] as const
export type Stage = (typeof STAGES)[number]

/** A stretch of one stage, CLOCK_MONOTONIC ns. */
export interface StageTime {
  stage: Stage
  startNs: bigint
  endNs: bigint
}

/** What one inference cost, for metrics. */
export interface InferenceSummary {
  /** Name of the model. */
  model: string
  /** -1: the latest. */
  version: number
  outcome: Outcome
  /** Of the stages whose both ends are known; ns. */
  stageNs: Partial<Record<Stage, number>>
}
/** What one request cost. */
export interface RequestSummary extends InferenceSummary {
  protocol: Protocol
  /** False: `model` is the path or the route of a request that made no inference, or several. */
  hasModel: boolean
  /** The inferences that it is made of, those inside of others too; none where it is one inference itself. */
  steps: readonly InferenceSummary[]
  /** In the trace file, or exported. */
  isTraced: boolean
}

/** The stages of a trace whose both ends are known, and in order. */
export function stageTimes(protocol: Protocol, stamps: Stamps): StageTime[] {
  const times: StageTime[] = []
  forEachStage(protocol, stamps, stamps, (stage, startNs, endNs) => times.push({ stage, startNs, endNs }))
  return times
}

export function summarize(request: TracedRequest, tree: TraceTree): RequestSummary {
  const { protocol, outcome = 'ok', setting, facts, stamps } = request
  return {
    protocol,
    model: tree.modelName,
    version: tree.modelVersion,
    hasModel: tree.inference !== undefined || facts.model !== undefined,
    outcome,
    stageNs: stageLengths(protocol, stamps, tree.stamps),
    steps: tree.steps.length === 0 ? NO_STEPS : stepsOf(tree),
    isTraced: setting !== undefined,
  }
}

const NO_STEPS: readonly InferenceSummary[] = []
function stepsOf({ steps }: TraceTree): InferenceSummary[] {
  return steps.flatMap(step => {
    const { modelName, modelVersion, inference, stamps } = step
    // What has not ended after all is given up.
    const outcome = inference?.outcome ?? 'cancelled'
    return [
      { model: modelName, version: modelVersion, outcome, stageNs: stageLengths('LOCAL', stamps, stamps) },
      ...stepsOf(step),
    ]
  })
}

function stageLengths(protocol: Protocol, front: Stamps, inner: Stamps): InferenceSummary['stageNs'] {
  const stageNs: InferenceSummary['stageNs'] = {}
  forEachStage(protocol, front, inner, (stage, startNs, endNs) => {
    stageNs[stage] = Number(endNs - startNs)
  })
  return stageNs
}

/** `front` has the stamps of the front end, and `inner` those of the inference: of a trace, both are in one. */
function forEachStage(
  protocol: Protocol,
  front: Stamps,
  inner: Stamps,
  visit: (stage: Stage, startNs: bigint, endNs: bigint) => void,
): void {
  const pass = (stage: Stage, startNs: bigint | undefined, endNs: bigint | undefined): void => {
    if (startNs !== undefined && endNs !== undefined && endNs >= startNs) visit(stage, startNs, endNs)
  }
  const names = FRONT_STAMPS[protocol]
  const receivedNs = names && front.at(names.recvStart)
  const sentNs = names && front.last(names.sendEnd)
  const computeNs = inner.at(COMPUTE_START)
  const inputNs = inner.at(COMPUTE_INPUT_END)
  const outputNs = inner.at(COMPUTE_OUTPUT_START)
  const computedNs = inner.at(COMPUTE_END)
  if (names !== undefined) pass('recv', receivedNs, front.at(names.recvEnd))
  pass('queue', inner.at(QUEUE_START), computeNs)
  pass('compute_input', computeNs, inputNs)
  pass('infer', inputNs, outputNs)
  pass('compute_output', outputNs, computedNs)
  if (names !== undefined) pass('send', front.at(names.sendStart), sentNs)
  pass('compute', computeNs, computedNs)
  pass('handler', inner.at(REQUEST_START), inner.at(REQUEST_END))
  pass('total', receivedNs, sentNs)
}
