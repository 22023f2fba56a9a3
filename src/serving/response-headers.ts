// What an answer tells of its own request, before it goes out.
import { formatProfileTimes } from './profile-header.js'
import type { TracedRequest } from './request.js'
import { type Stage, type StageTime, stageTimes } from './request-stages.js'
import { FRONT_STAMPS } from './stamps.js'
import { type TraceTree, traceTree } from './trace-records.js'
import { epochUs } from './wall-clock.js'

/**
 * The value of a `Server-Timing` header (w3.org/TR/server-timing): the stages so far in ms, after what the server says
 * itself.
 */
export function serverTiming(request: TracedRequest, own: number | string | readonly string[] | undefined): string {
  const stages = stagesSoFar(request).map(({ stage, startNs, endNs }) => {
    return `${stage.replace('_', '-')};dur=${(Number(endNs - startNs) / 1e6).toFixed(3)}`
  })
  return [...[own ?? []].flat().map(String), ...stages].join(', ')
}

/** The times of the stages for a client that asked; the last pair is the whole time in the server. */
export function profileTimes(request: TracedRequest): string {
  return formatProfileTimes(stagesSoFar(request).map(({ startNs, endNs }) => [epochUs(startNs), epochUs(endNs)]))
}

/** Of a request whose answer is about to go out: what it went through, step by step, and the whole. */
function stagesSoFar(request: TracedRequest): StageTime[] {
  const { protocol } = request
  const times = leavesOf(traceTree(request)).flatMap(({ stamps }, index) => {
    const all = stageTimes(index === 0 ? protocol : 'LOCAL', stamps)
    // What is not known in parts is told as a whole.
    const isWhole = !all.some(({ stage }) => stage === 'infer')
    return all.filter(({ stage }) => PARTS.has(stage) || (isWhole && stage === 'compute'))
  })
  if (protocol === 'LOCAL') return times
  const startNs = request.stamps.at(FRONT_STAMPS[protocol].recvStart)!
  return [...times, { stage: 'total', startNs, endNs: request.now() }]
}

const PARTS: ReadonlySet<Stage> = new Set<Stage>(['recv', 'queue', 'compute_input', 'infer', 'compute_output'])

function leavesOf(tree: TraceTree): TraceTree[] {
  return [tree, ...tree.steps.flatMap(leavesOf)]
}
