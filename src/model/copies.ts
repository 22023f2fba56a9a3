import { MEMORY_KINDS, type MemoryKind } from '../binding.js'
import type { ReportSource } from './ops.js'
import { type OpNode, opTree, outermost, sumTotal, totalOf } from './tree.js'

export type CopyMode = 'async' | 'sync' | 'peer'

export interface CopyFigures {
  calls: number
  totalNs: number
  /** Of the top-level total, 0..1. */
  ratio: number
}
export interface CopyRow extends CopyFigures {
  /** As recorded, e.g. `GpuMemcpyAsync:GPU->CPU`. */
  name: string
  mode: CopyMode
  /** `GPU->CPU`; empty when the name has none. */
  direction: string
  gpuNs: number
  /** Moved by the GPU for these calls; 0 when it was not recorded. */
  bytes: number
  /** Bytes over GPU time; 0 when that was not recorded. */
  bytesPerSecond: number
  /** The fastest copy of at least 1 µs and 4 KiB. */
  peakBytesPerSecond: number
  /** Calls that returned only when the copy was done, whatever their form says, and their host time. */
  blocking: { calls: number; totalNs: number }
  /** The same by kind of memory, the most GPU time first. */
  kinds: CopyKinds[]
}
export interface CopyKinds {
  from: MemoryKind
  to: MemoryKind
  /** As the GPU made them: a call may make several. */
  copies: number
  bytes: number
  gpuNs: number
}
export interface CopySummary extends CopyFigures {
  async: CopyFigures
  sync: CopyFigures
  /** Between two GPUs; absent when there was none. */
  peer?: CopyFigures
  /** One per name, the largest total first. */
  rows: CopyRow[]
}

/** All copies between host and GPU and between GPUs, wherever they are in the tree. */
export function copySummary(source: ReportSource): CopySummary {
  const roots = opTree(source, 'merged')
  const totalNs = sumTotal(roots)
  const moved = movedByName(source)
  const byName = new Map<string, CopyRow>()
  for (const node of outermostCopies(roots)) {
    const name = node.trail.label
    const row = byName.get(name) ?? {
      name,
      mode: copyMode(name),
      direction: name.split(':')[1] ?? '',
      calls: 0,
      totalNs: 0,
      gpuNs: 0,
      ratio: 0,
      ...(moved.get(name) ?? NOTHING_MOVED),
      bytesPerSecond: 0,
    }
    row.calls += node.columns.calls[node.row]!
    row.totalNs += totalOf(node)
    row.gpuNs += node.columns.gpuNs[node.row]!
    row.ratio = totalNs > 0 ? row.totalNs / totalNs : 0
    row.bytesPerSecond = row.gpuNs > 0 ? (row.bytes * 1e9) / row.gpuNs : 0
    byName.set(name, row)
  }
  const rows = [...byName.values()].sort((a, b) => b.totalNs - a.totalNs)
  const peer = rows.filter(row => row.mode === 'peer')
  return {
    ...sum(rows),
    async: sum(rows.filter(row => row.mode === 'async')),
    sync: sum(rows.filter(row => row.mode === 'sync')),
    ...(peer.length > 0 ? { peer: sum(peer) } : {}),
    rows,
  }
}

/** A copy inside a copy is the same bytes told twice; only the outer one counts. */
export function outermostCopies(roots: readonly OpNode[]): OpNode[] {
  return outermost(roots, isCopy)
}

/** By role, or by name for captures that carry no roles. */
function isCopy(node: OpNode): boolean {
  return node.role === 'copy' || node.trail.label.startsWith('GpuMemcpy')
}

export function copyMode(name: string): CopyMode {
  if (name.startsWith('GpuMemcpyPeer')) return 'peer'
  return name.includes('Async') ? 'async' : 'sync'
}

function sum(rows: readonly CopyRow[]): CopyFigures {
  return {
    calls: rows.reduce((calls, row) => calls + row.calls, 0),
    totalNs: rows.reduce((ns, row) => ns + row.totalNs, 0),
    ratio: rows.reduce((ratio, row) => ratio + row.ratio, 0),
  }
}

type Moved = Pick<CopyRow, 'bytes' | 'peakBytesPerSecond' | 'blocking' | 'kinds'>
const NOTHING_MOVED: Moved = { bytes: 0, peakBytesPerSecond: 0, blocking: { calls: 0, totalNs: 0 }, kinds: [] }

function movedByName({ gpu, view }: ReportSource): Map<string, Moved> {
  const byName = new Map<string, Moved>()
  for (const sums of gpu.copies) {
    const name = view.names[sums.name]!.text
    const { bytes, peakBytesPerSecond, blocking, kinds } = byName.get(name) ?? NOTHING_MOVED
    const from = MEMORY_KINDS[sums.from]!
    const to = MEMORY_KINDS[sums.to]!
    byName.set(name, {
      bytes: bytes + sums.bytes,
      peakBytesPerSecond: Math.max(peakBytesPerSecond, sums.peakBytesPerNs * 1e9),
      blocking: { calls: blocking.calls + sums.blocking, totalNs: blocking.totalNs + sums.blockingNs },
      kinds: addKind(kinds, { from, to, copies: sums.copies, bytes: sums.bytes, gpuNs: sums.gpuNs }),
    })
  }
  return byName
}

// Several devices may have copied between the same kinds of memory.
function addKind(kinds: readonly CopyKinds[], added: CopyKinds): CopyKinds[] {
  const same = kinds.find(({ from, to }) => from === added.from && to === added.to)
  if (same === undefined) return [...kinds, added]
  const { copies, bytes, gpuNs } = added
  const sum = { ...same, copies: same.copies + copies, bytes: same.bytes + bytes, gpuNs: same.gpuNs + gpuNs }
  return kinds.map(kind => (kind === same ? sum : kind))
}
