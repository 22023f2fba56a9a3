// What Paddle Serving's Pipeline server tells of its ops: prep, midp and postp on a track `[op|slot]`, one slot for each
// concurrency of the op.
import type { LoggedStage } from '../../import/profile-log/records.js'

export interface PipelineStep {
  /** `prep`, `midp` or `postp`. */
  step: string
  count: number
  /** Mean over the slots of the means of each. */
  meanNs: number
  /** Requests per second that one slot can do. */
  qps: number
}
export interface PipelineOp {
  op: string
  slots: number
  steps: PipelineStep[]
  /** All steps of a request. */
  totalNs: number
  /** Slots that keep the slowest step busy. */
  neededConcurrency: number
}
export interface PipelineSummary {
  ops: PipelineOp[]
  /** With nothing but the slowest step in the way: of the midp steps, which run the models, else of all. */
  theoreticalQps: number
}

const OP_TRACK = /^\[(.+)\|(\d+)\]$/
const MODEL_STEP = 'midp'
/** More names than this are no ops. */
const MOST_SLOTS = 10_000

/** `op/step` of an op, for all its slots together; else the stage's own name. */
export function rowNameOf({ name, track }: LoggedStage): string {
  const [, op] = (track !== '' && OP_TRACK.exec(track)) || []
  return op === undefined ? name : `${op}/${name}`
}

export class PipelineStatistics {
  /** By op, slot and step. */
  readonly #ops = new Map<string, Map<string, Map<string, { count: number; sumNs: number }>>>()
  #slotCount = 0

  take({ name, track, startUs, endUs }: LoggedStage): void {
    const [, op, slot] = (track !== '' && OP_TRACK.exec(track)) || []
    if (op === undefined || slot === undefined) return
    const slots = this.#ops.get(op) ?? new Map()
    const steps = slots.get(slot) ?? new Map()
    const step = steps.get(name) ?? { count: 0, sumNs: 0 }
    if (step.count === 0) {
      if (this.#slotCount >= MOST_SLOTS) return
      this.#slotCount += 1
      this.#ops.set(op, slots.set(slot, steps.set(name, step)))
    }
    step.count += 1
    step.sumNs += (endUs - startUs) * 1000
  }

  summary(): PipelineSummary | undefined {
    if (this.#ops.size === 0) return undefined
    const ops = [...this.#ops].map(([op, slots]) => ({ op, slots: slots.size, steps: stepsOf([...slots.values()]) }))
    const steps = ops.flatMap(each => each.steps)
    const models = steps.filter(({ step }) => step === MODEL_STEP)
    const slowestNs = Math.max(...(models.length > 0 ? models : steps).map(({ meanNs }) => meanNs))
    return {
      ops: ops.map(each => {
        const totalNs = each.steps.reduce((sum, { meanNs }) => sum + meanNs, 0)
        const neededConcurrency = slowestNs === 0 ? 0 : Math.round((totalNs / slowestNs) * 1000) / 1000
        return { ...each, totalNs, neededConcurrency }
      }),
      theoreticalQps: qpsOf(slowestNs),
    }
  }
}

function stepsOf(slots: readonly ReadonlyMap<string, { count: number; sumNs: number }>[]): PipelineStep[] {
  const names = [...new Set(slots.flatMap(steps => [...steps.keys()]))]
  return names.map(step => {
    const of = slots.flatMap(steps => steps.get(step) ?? [])
    const meanNs = of.reduce((sum, { count, sumNs }) => sum + sumNs / count, 0) / of.length
    return { step, count: of.reduce((sum, { count }) => sum + count, 0), meanNs, qps: qpsOf(meanNs) }
  })
}
/** 0: it takes no time that could be measured. */
function qpsOf(ns: number): number {
  return ns === 0 ? 0 : 1e9 / ns
}
