import type { RecordingView } from '../binding.js'
import { GPU_KINDS } from '../binding.js'
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
  const bytes = bytesByName(source.view)
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
      bytes: bytes.get(name) ?? 0,
    }
    row.calls += node.columns.calls[node.row]!
    row.totalNs += totalOf(node)
    row.gpuNs += node.columns.gpuNs[node.row]!
    row.ratio = totalNs > 0 ? row.totalNs / totalNs : 0
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

function bytesByName({ gpu, spans, names }: RecordingView): Map<string, number> {
  const bytes = new Map<string, number>()
  for (let row = 0; row < gpu.kind.length; row++) {
    const span = gpu.span[row]!
    if (GPU_KINDS[gpu.kind[row]!] !== 'copy' || span < 0) continue
    const name = names[spans.name[span]!]!.text
    bytes.set(name, (bytes.get(name) ?? 0) + gpu.bytes[row]!)
  }
  return bytes
}
