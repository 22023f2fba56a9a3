import type { ReportSource } from './ops.js'
import { type OpNode, opTree, outermost, sumTotal, totalOf, walk } from './tree.js'

/** How the time of the top-level ops divides into computing and everything around it. */
export interface Overhead {
  /** Sum of the top-level rows: what ratios of the op table refer to. */
  totalNs: number
  /** The same without special rows, whose children run on several threads and are added one by one instead. */
  accumulatedNs: number
  /** Only with a special row: `totalNs` under the name that the report gives it then. */
  elapsedNs?: number
  computationNs: number
  /** Of `accumulatedNs`, 0..1. */
  computationRatio: number
  frameworkNs: number
  frameworkRatio: number
  /** False: no op has a compute phase, and the time of ops without inner ops counts as computation instead. */
  hasPhases: boolean
  /** Computation exceeded the accumulated time (ops of other threads under a plain row); framework was set to 0. */
  isClamped: boolean
}

export function overhead(source: ReportSource): Overhead {
  const roots = opTree(source, 'merged')
  const totalNs = sumTotal(roots)
  const specials = roots.filter(node => node.role === 'special')
  const accumulatedNs =
    sumTotal(roots.filter(node => node.role !== 'special')) + sumTotal(specials.flatMap(node => node.children))
  const { nodes, hasPhases } = computeNodes(roots)
  const computationNs = sumTotal(nodes)
  const frameworkNs = Math.max(0, accumulatedNs - computationNs)
  const computationRatio = accumulatedNs > 0 ? Math.min(1, computationNs / accumulatedNs) : 0
  return {
    totalNs,
    accumulatedNs,
    ...(specials.length > 0 ? { elapsedNs: totalNs } : {}),
    computationNs,
    computationRatio,
    frameworkNs,
    frameworkRatio: accumulatedNs > 0 ? 1 - computationRatio : 0,
    hasPhases,
    isClamped: computationNs > accumulatedNs,
  }
}

/**
 * The rows whose time is computation; none lies inside another. These are the compute phases. Rows of foreign
 * captures carry no roles: there a nested row named `compute` is one. Without any, the ops that contain no ops.
 */
export function computeNodes(roots: readonly OpNode[]): { nodes: OpNode[]; hasPhases: boolean } {
  const isPhase = [...walk(roots)].some(node => node.role === 'phase')
    ? (node: OpNode): boolean => node.role === 'phase' && node.trail.label === 'compute'
    : (node: OpNode): boolean => node.role === 'op' && node.trail.label === 'compute' && node.trail.above !== undefined
  const phases = outermost(roots, isPhase)
  return phases.length > 0 ? { nodes: phases, hasPhases: true } : { nodes: leafOps(roots), hasPhases: false }
}

function leafOps(roots: readonly OpNode[]): OpNode[] {
  const ops = [...walk(roots)].filter(node => node.role === 'op' || node.role === 'instance')
  const withInnerOps = new Set<OpNode>()
  for (const op of ops) {
    // Above a marked node all are marked.
    for (let above = op.parent; above !== undefined && !withInnerOps.has(above); above = above.parent) {
      withInnerOps.add(above)
    }
  }
  return ops.filter(op => !withInnerOps.has(op))
}

/** Framework time of one top-level row: what is left of it outside the compute rows. */
export function frameworkNsOf(root: OpNode, compute: ReadonlySet<OpNode>): number {
  let computed = 0
  for (const node of walk([root])) if (compute.has(node)) computed += totalOf(node)
  return Math.max(0, totalOf(root) - computed)
}
