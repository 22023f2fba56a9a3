// A request that is over → how long its stages took: what metrics, Server-Timing and the profile header tell.
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

/** What one request cost, for metrics. */
export interface RequestSummary {
  protocol: Protocol
  modelName: string
  modelVersion: number
  outcome: Outcome
  /** Of the stages whose both ends are known; ns. */
  stageNs: Partial<Record<Stage, number>>
  /** In the trace file, or exported. */
  isTraced: boolean
}

/** The stages of a trace whose both ends are known, and in order. */
export function stageTimes(protocol: Protocol, stamps: Stamps): StageTime[] {
  const times: StageTime[] = []
  const add = (stage: Stage, from: string, to: string, isLast = false): void => {
    const startNs = stamps.at(from)
    const endNs = isLast ? stamps.ns[stamps.names.lastIndexOf(to)] : stamps.at(to)
    if (startNs !== undefined && endNs !== undefined && endNs >= startNs) times.push({ stage, startNs, endNs })
  }
  if (protocol !== 'LOCAL') add('recv', FRONT_STAMPS[protocol].recvStart, FRONT_STAMPS[protocol].recvEnd)
  add('queue', QUEUE_START, COMPUTE_START)
  add('compute_input', COMPUTE_START, COMPUTE_INPUT_END)
  add('infer', COMPUTE_INPUT_END, COMPUTE_OUTPUT_START)
  add('compute_output', COMPUTE_OUTPUT_START, COMPUTE_END)
  if (protocol !== 'LOCAL') add('send', FRONT_STAMPS[protocol].sendStart, FRONT_STAMPS[protocol].sendEnd, true)
  add('compute', COMPUTE_START, COMPUTE_END)
  add('handler', REQUEST_START, REQUEST_END)
  if (protocol !== 'LOCAL') add('total', FRONT_STAMPS[protocol].recvStart, FRONT_STAMPS[protocol].sendEnd, true)
  return times
}

export function summarize(
  tree: TraceTree,
  { protocol, outcome, isTraced }: Pick<RequestSummary, 'protocol' | 'outcome' | 'isTraced'>,
): RequestSummary {
  const stageNs: RequestSummary['stageNs'] = {}
  for (const { stage, startNs, endNs } of stageTimes(protocol, tree.stamps)) stageNs[stage] = Number(endNs - startNs)
  const { modelName, modelVersion } = tree
  return { protocol, modelName, modelVersion, outcome, stageNs, isTraced }
}
