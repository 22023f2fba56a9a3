import type { OrtNode, OrtRun } from './ort-profile.js'
import { addSpan, type Interval, nameId, wantsInstances } from './spans.js'

/** One native run that a twin served: its op, and when the native call was in progress. */
export interface ServedRun extends Interval {
  spanId: number
  /** `failed`: it began and should have left a record in the profile; `refused`: it should have left none. */
  outcome: 'done' | 'failed' | 'refused'
  /** Nobody's run: it only keeps the costs of a first one out of the profile. */
  isWarmUp: boolean
}

/**
 * Which served run each record of the profile belongs to, by order alone: a run that succeeded always
 * leaves one. Where the count shows that a failure was judged wrongly, only what came before the first
 * failure is certain.
 */
export function joinByOrder(served: readonly ServedRun[], recordCount: number): ServedRun[] {
  const likely = served.filter(run => run.outcome !== 'refused')
  if (likely.length === recordCount) return likely
  const firstFailure = served.findIndex(run => run.outcome !== 'done')
  return served.slice(0, firstFailure === -1 ? recordCount : firstFailure)
}

/** Adds node rows below the ops of their runs, which may have ended long ago. */
export class NodeRows {
  readonly #withInstances = wantsInstances()
  readonly #compute = nameId('compute', 'cpu_op', 'phase')
  readonly #names = new Map<string, { op: number; instance: number }>()

  /** False where nothing is recorded now (paused, or no room). */
  add(run: OrtRun, served: ServedRun): boolean {
    const place = placer(run, served)
    const placed: { id: number; at: Interval }[] = []
    // From the last to the first: a node that ran others comes after them.
    for (let index = run.nodes.length - 1; index >= 0; index--) {
      const node = run.nodes[index]!
      const above = node.parent === -1 ? { id: served.spanId, at: served } : placed[node.parent]!
      const at = within(above.at, place(node))
      const id = this.#addNode(node, at, above.id)
      if (id === 0) return false
      placed[index] = { id, at }
    }
    return true
  }

  /** The id of the row that inner nodes go below; 0: not recorded. */
  #addNode(node: OrtNode, at: Interval, parentId: number): number {
    const { op, instance } = this.#namesOf(node)
    let inner = addSpan(op, at, parentId)
    if (inner === 0) return 0
    if (this.#withInstances) inner = addSpan(instance, at, inner)
    // The time of a node that ran others is theirs: it has no kernel.
    if (!node.hasChildren) addSpan(this.#compute, at, inner)
    return inner
  }

  #namesOf({ op, name }: OrtNode): { op: number; instance: number } {
    const key = `${op}\n${name}`
    let names = this.#names.get(key)
    if (names === undefined) {
      const opName = nameId(op, 'cpu_op')
      names = { op: opName, instance: this.#withInstances ? nameId(op, 'cpu_op', 'instance', name || op) : opName }
      this.#names.set(key, names)
    }
    return names
  }
}

// The profiler has its own clock and whole µs; the native call holds the run and the conversion of
// feeds and results. A run is placed at the call's start and pressed into it where rounding made it longer.
function placer(run: OrtRun, served: ServedRun): (node: OrtNode) => Interval {
  const availableUs = Number(served.endNs - served.startNs) / 1000
  const nsPerUs = 1000 * Math.min(1, availableUs / Math.max(1, run.durationUs))
  const toNs = (us: number) => served.startNs + BigInt(Math.round((us - run.startUs) * nsPerUs))
  return node => ({ startNs: toNs(node.startUs), endNs: toNs(node.startUs + node.durationUs) })
}

// Start and duration are both cut to whole µs, so the end of a parent can come out 1 µs early.
function within(outer: Interval, inner: Interval): Interval {
  const startNs = clamp(inner.startNs, outer)
  const endNs = clamp(inner.endNs, outer)
  return startNs === inner.startNs && endNs === inner.endNs ? inner : { startNs, endNs }
}

function clamp(ns: bigint, { startNs, endNs }: Interval): bigint {
  if (ns < startNs) return startNs
  return ns > endNs ? endNs : ns
}
