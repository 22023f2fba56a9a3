import { cutPath } from '../model/names.js'
import { opFigures, type ReportSource } from '../model/ops.js'
import { compareBy } from '../model/order.js'
import { type OpNode, opTree, type Trail, totalOf, walk } from '../model/tree.js'
import type { PageOp } from '../page/page-model.js'

/** The op tree as rows that know their parent, since the paths of a deep tree do not fit in a page. */
export class OpIndex {
  readonly rows: PageOp[] = []
  readonly leftOut: number
  readonly #trails: Trail[] = []

  /** Of more than `most` rows those with the most time, and what is around them. */
  constructor(source: ReportSource, most: number) {
    const nodes = [...walk(opTree(source, 'merged'), () => true, compareBy('default'))]
    const kept = keep(nodes, most)
    const places = new Map<OpNode, number>()
    for (const node of nodes) {
      if (!kept.has(node)) continue
      places.set(node, this.rows.length)
      this.#trails.push(node.trail)
      const parent = node.parent === undefined ? -1 : places.get(node.parent)!
      this.rows.push({ ...opFigures(node), parent, above: cutPath(namesBetween(node.parent?.trail, node.trail)) })
    }
    this.leftOut = nodes.length - kept.size
  }

  /** The row with this path; -1: there is none. */
  find(path: readonly string[]): number {
    return this.#trails.findIndex(trail => leadsTo(trail, path))
  }
}

function keep(nodes: readonly OpNode[], most: number): ReadonlySet<OpNode> {
  if (nodes.length <= most) return new Set(nodes)
  const kept = new Set<OpNode>()
  for (const node of nodes.toSorted((a, b) => totalOf(b) - totalOf(a))) {
    const added: OpNode[] = []
    for (let above: OpNode | undefined = node; above !== undefined && !kept.has(above); above = above.parent) {
      added.push(above)
    }
    if (kept.size + added.length > most) break
    for (const one of added) kept.add(one)
  }
  return kept
}

/** Outermost first. */
function namesBetween(outer: Trail | undefined, inner: Trail): string[] {
  const names: string[] = []
  for (let part = inner.above; part !== undefined && part !== outer; part = part.above) names.push(part.label)
  return names.reverse()
}

function leadsTo(trail: Trail, path: readonly string[]): boolean {
  let part: Trail | undefined = trail
  for (let at = path.length - 1; at >= 0; at--) {
    if (part?.label !== path[at]) return false
    part = part?.above
  }
  return part === undefined
}
