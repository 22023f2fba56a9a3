// Op columns → tree. Everything that the reports count or print walks this tree, so that what is an op row,
// what is top level and what adds to a total is decided here and nowhere else. Nothing here recurses: a recursive
// function under `op` makes a tree thousands of rows deep, deeper than the stack of JavaScript.
import { CATEGORIES, type Category, ROLES, type Role } from '../binding.js'
import type { OpColumns } from '../native-tables.js'
import { instanceLabels } from './instances.js'
import type { ReportSource, TracerOption } from './ops.js'

export interface OpNode {
  columns: OpColumns
  /** Index into {@link columns}. */
  row: number
  trail: Trail
  role: Role
  category: Category
  thread: number | null
  parent: OpNode | undefined
  children: OpNode[]
  /** Own time, and that of hidden rows inside which are shown nowhere else. */
  selfNs: number
}
/** A path from its end. Its parts are shared, since the paths of a deep tree do not fit in memory. */
export interface Trail {
  /** The name as printed, before escaping: instances are numbered. */
  label: string
  above: Trail | undefined
}

/** Not ops: they have their own block in the report and never add to a total. */
const NOT_OPS: ReadonlySet<Category> = new Set(['gc', 'event_loop', 'overhead'])

/**
 * Top-level nodes of the table, in order of first begin.
 *
 * A frame of a sampling profiler is no node, unless asked for: its time is that of the op that it lies in. An async row is none: it overlaps other work, so its time may not be added to theirs. Its synchronous
 * children are top level and keep their full path. A row that has only unfinished calls stays visible but holds no
 * time, so its children go to the nearest finished ancestor. In the per-thread table a special row is left out, as
 * its children ran on several threads.
 */
export function opTree(source: ReportSource, table: 'merged' | 'per-thread', withSamples = false): OpNode[] {
  const columns = table === 'merged' ? source.merged : source.perThread
  const labels = instanceLabels(source, columns)
  const nodes: (OpNode | undefined)[] = []
  const trails: Trail[] = []
  const roots: OpNode[] = []
  for (let row = 0; row < columns.parent.length; row++) {
    const entry = source.view.names[columns.name[row]!]!
    const role = ROLES[entry.role]!
    const category = CATEGORIES[entry.category]!
    const parent = columns.parent[row]!
    const trail: Trail = { label: labels[row]!, above: trails[parent] }
    trails.push(trail)
    const isOp = (role !== 'sample' || withSamples) && !NOT_OPS.has(category) && columns.isAsync[row] === 0
    if (!isOp || (table === 'per-thread' && role === 'special')) {
      nodes.push(undefined)
      continue
    }
    const thread = columns.thread[row]! < 0 ? null : columns.thread[row]!
    const home = finishedAncestor(nodes, columns, parent)
    const isRoot = home === undefined || home.thread !== thread
    const node: OpNode = {
      columns,
      row,
      trail,
      role,
      category,
      thread,
      parent: isRoot ? undefined : home,
      children: [],
      selfNs: columns.selfNs[row]!,
    }
    nodes.push(node)
    ;(node.parent?.children ?? roots).push(node)
  }
  return roots
}

function finishedAncestor(
  nodes: readonly (OpNode | undefined)[],
  columns: OpColumns,
  parent: number,
): OpNode | undefined {
  let row = parent
  while (row >= 0) {
    const node = nodes[row]
    if (node === undefined || columns.calls[row]! > 0) return node
    row = columns.parent[row]!
  }
  return undefined
}

/** Names from the outermost op to this one. */
export function pathOf(trail: Trail): string[] {
  const path: string[] = []
  for (let part: Trail | undefined = trail; part !== undefined; part = part.above) path.push(part.label)
  return path.reverse()
}

/** Depth-first, children in the given order; below a node only if `enter` says so. */
export function* walk(
  roots: readonly OpNode[],
  enter: (node: OpNode) => boolean = () => true,
  order?: (a: OpNode, b: OpNode) => number,
): Generator<OpNode> {
  const ordered = (nodes: readonly OpNode[]): OpNode[] =>
    (order === undefined ? [...nodes] : nodes.toSorted(order)).reverse()
  const pending = ordered(roots)
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node
    if (enter(node)) for (const child of ordered(node.children)) pending.push(child)
  }
}

/** Nodes that match and lie in no other that does. */
export function outermost(roots: readonly OpNode[], matches: (node: OpNode) => boolean): OpNode[] {
  return [...walk(roots, node => !matches(node))].filter(matches)
}

export function depthOf(node: OpNode): number {
  let depth = 0
  for (let above = node.parent; above !== undefined; above = above.parent) depth++
  return depth
}

export const totalOf = (node: OpNode): number => node.columns.totalNs[node.row]!
export const sumTotal = (nodes: readonly OpNode[]): number => nodes.reduce((sum, node) => sum + totalOf(node), 0)

/**
 * The tree as a tracer option shows it: `Default` hides phases and instances, `OpDetail` hides instances. What a
 * hidden row contains moves to the nearest shown ancestor, its path without the hidden names, and so does its own time. Top-level rows are
 * always shown, since they are what the total adds up.
 */
export function narrow(roots: readonly OpNode[], option: TracerOption): OpNode[] {
  if (option === 'AllOpDetail') return [...roots]
  const shownRoots: OpNode[] = []
  /** What children of a node are attached to: its copy, or that of its nearest shown ancestor. */
  const homes = new Map<OpNode, OpNode>()
  for (const node of walk(roots)) {
    const home = node.parent === undefined ? undefined : homes.get(node.parent)
    if (home !== undefined && (node.role === 'instance' || (option === 'Default' && node.role === 'phase'))) {
      homes.set(node, home)
      home.selfNs += node.selfNs
      continue
    }
    const trail = home === undefined ? node.trail : { label: node.trail.label, above: home.trail }
    const shown: OpNode = { ...node, trail, parent: home, children: [] }
    homes.set(node, shown)
    ;(home?.children ?? shownRoots).push(shown)
  }
  return shownRoots
}
