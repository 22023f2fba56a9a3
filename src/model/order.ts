import type { SortedKey } from './ops.js'
import type { OpNode } from './tree.js'

type Order = (a: OpNode, b: OpNode) => number

/** Sibling order. Ties keep the order of first begin, so that two reports of one capture are equal. */
export function compareBy(key: SortedKey): Order {
  if (key === 'default') return (a, b) => firstEnd(a) - firstEnd(b) || a.row - b.row
  const figure = FIGURES[key]
  return (a, b) => figure(b) - figure(a) || a.row - b.row
}

// A row without a finished call has not ended yet: last. A finite number, since Infinity - Infinity is NaN.
const firstEnd = (node: OpNode): number =>
  node.columns.calls[node.row]! > 0 ? node.columns.firstEndNs[node.row]! : Number.MAX_VALUE

const finite = (value: number): number => (Number.isFinite(value) ? value : 0)

const FIGURES: Record<Exclude<SortedKey, 'default'>, (node: OpNode) => number> = {
  calls: node => node.columns.calls[node.row]!,
  total: node => node.columns.totalNs[node.row]!,
  max: node => finite(node.columns.maxNs[node.row]!),
  min: node => finite(node.columns.minNs[node.row]!),
  ave: node => finite(node.columns.totalNs[node.row]! / node.columns.calls[node.row]!),
  cpu: node => node.columns.cpuNs[node.row]!,
  gpu: node => node.columns.gpuNs[node.row]!,
  p99: node => finite(node.columns.p99Ns[node.row]!),
  self: node => node.selfNs,
}
