// What an answer tells of its own request, before it goes out.
import { formatProfileTimes } from './profile-header.js'
import type { TracedRequest } from './request.js'
import { type Stage, type StageTime, stageTimes } from './request-stages.js'
import { FRONT_STAMPS } from './stamps.js'
import { type TraceTree, traceTree } from './trace-records.js'
import { epochUs } from './wall-clock.js'

// A client of Node refuses headers of more than 16 KiB together, so a request of a thousand inferences tells of the first.
const MOST_METRICS = 32
const MOST_PAIRS = 128
const LONGEST_DESCRIPTION = 64

/**
 * The value of a `Server-Timing` header (w3.org/TR/server-timing): the stages so far in ms, after what the server says
 * itself. Where there are several inferences, `desc` is the model.
 */
export function serverTiming(request: TracedRequest, own: unknown): string {
  const shown = firstOf(stagesSoFar(request), MOST_METRICS)
  return [...[own ?? []].flat().map(String), ...shown.map(metricText)].join(', ')
}

function metricText({ stage, startNs, endNs, step }: StageSoFar): string {
  const description = step === undefined ? '' : `;desc=${quoted(step)}`
  return `${stage.replace('_', '-')};dur=${(Number(endNs - startNs) / 1e6).toFixed(3)}${description}`
}

/** A quoted-string of RFC 9110: what is no visible ASCII would need an encoding that browsers do not read there. */
function quoted(text: string): string {
  const plain = text.slice(0, LONGEST_DESCRIPTION).replaceAll(/[^\x20-\x7e]/g, '?')
  return `"${plain.replaceAll(/["\\]/g, '\\$&')}"`
}

/** The times of the stages for a client that asked; the last pair is the whole time in the server. */
export function profileTimes(request: TracedRequest): string {
  const shown = firstOf(stagesSoFar(request), MOST_PAIRS)
  return formatProfileTimes(shown.map(({ startNs, endNs }) => [epochUs(startNs), epochUs(endNs)]))
}

/** The last one, which is the whole, is among them. */
function firstOf(stages: readonly StageSoFar[], count: number): readonly StageSoFar[] {
  return stages.length <= count ? stages : [...stages.slice(0, count - 1), ...stages.slice(-1)]
}

/** Of a request whose answer is about to go out: what it went through, step by step, and the whole. */
function stagesSoFar(request: TracedRequest): StageSoFar[] {
  const { protocol } = request
  const times: StageSoFar[] = leavesOf(traceTree(request)).flatMap(({ stamps, modelName }, index) => {
    const all = stageTimes(index === 0 ? protocol : 'LOCAL', stamps)
    // What is not known in parts is told as a whole.
    const isWhole = !all.some(({ stage }) => stage === 'infer')
    const parts = all.filter(({ stage }) => PARTS.has(stage) || (isWhole && stage === 'compute'))
    return index === 0 ? parts : parts.map(part => ({ ...part, step: modelName }))
  })
  const names = FRONT_STAMPS[protocol]
  if (names === undefined) return times
  const startNs = request.stamps.at(names.recvStart)!
  return [...times, { stage: 'total', startNs, endNs: request.now() }]
}

/** `step`: the model, where it is not that of the whole. */
interface StageSoFar extends StageTime {
  step?: string
}
const PARTS: ReadonlySet<Stage> = new Set<Stage>(['recv', 'queue', 'compute_input', 'infer', 'compute_output'])

function leavesOf(tree: TraceTree): TraceTree[] {
  return [tree, ...tree.steps.flatMap(leavesOf)]
}
