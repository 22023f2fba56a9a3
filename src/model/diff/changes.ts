import type { Diff } from './diff.js'
import type { CopyDiffRow, DiffFigures, DiffRow, KernelDiffRow } from './rows.js'

/** One thing that changed, of whichever table. */
export type Change =
  | { kind: 'op' | 'stage'; row: DiffRow }
  | { kind: 'kernel'; row: KernelDiffRow }
  | { kind: 'copy'; row: CopyDiffRow }

/** A row is told as a change: it is slower, faster, new, gone, or called more or less often. */
export function isChange({ verdict, callsVerdict }: DiffFigures): boolean {
  return (verdict !== 'same' && verdict !== 'unsure') || callsVerdict !== 'same'
}

/**
 * What changed and matters, the largest effect first. A row that is new, gone, or called more or less often matters by
 * its share of all time; one that is slower or faster was judged with that in mind. Inside a new row all is new: only
 * the outermost is told.
 */
export function changesOf(diff: Diff, minImpact: number): { host: Change[]; gpu: Change[] } {
  const paths = [
    ...diff.ops.map(row => ({ kind: 'op' as const, row })),
    ...diff.stages.map(row => ({ kind: 'stage' as const, row })),
  ]
  const hostNs = Math.max(totalOf(diff.ops, 'before'), totalOf(diff.ops, 'after'))
  const host = paths.filter(({ row }) => matters(row, minImpact * hostNs, timeOf(row)) && !diff.nested.has(row))
  const onGpu = [
    ...diff.kernels.map(row => ({ kind: 'kernel' as const, row })),
    ...diff.copies.map(row => ({ kind: 'copy' as const, row })),
  ]
  const gpuRows = onGpu.map(({ row }) => row)
  const gpuNs = Math.max(totalOf(gpuRows, 'before'), totalOf(gpuRows, 'after'))
  return {
    host: byEffect(host),
    gpu: byEffect(onGpu.filter(({ row }) => matters(row, minImpact * gpuNs, row.effectNs))),
  }
}

/** Own time that all rows won or lost, without what a different amount of work makes. */
export function addedNs(rows: readonly DiffFigures[]): number {
  return rows.reduce((ns, { effectNs }) => ns + effectNs, 0)
}

export function totalOf(rows: readonly DiffFigures[], side: 'before' | 'after'): number {
  return rows.reduce((ns, { ownNs }) => ns + ownNs[side], 0)
}

const isOneSided = ({ verdict }: DiffFigures) => verdict === 'added' || verdict === 'removed'

/** Of a row that is new or gone, with all inside it. */
function timeOf(row: DiffRow): number {
  return isOneSided(row) ? row.totalNs.after - row.totalNs.before : row.effectNs
}
function matters(row: DiffFigures, leastNs: number, ns: number): boolean {
  if (!isChange(row)) return false
  return row.verdict === 'slower' || row.verdict === 'faster' || Math.abs(ns) >= leastNs
}
function byEffect<C extends Change>(changes: readonly C[]): C[] {
  return changes.toSorted((a, b) => Math.abs(b.row.effectNs) - Math.abs(a.row.effectNs))
}
