import { CATEGORIES, type Category, FLAG_ASYNC, FLAG_UNFINISHED } from '../binding.js'
import type { OpColumns } from '../native-tables.js'
import { instanceLabels } from './instances.js'
import type { ReportSource } from './ops.js'
import { percentile } from './percentiles.js'

/** All calls of one async path. Times are wall time from call to settlement, so they overlap each other and all ops. */
export interface AsyncRow {
  path: string[]
  /** Among async rows. */
  depth: number
  name: string
  category: Category
  calls: number
  totalNs: number
  meanNs: number
  p50Ns: number
  p99Ns: number
  maxNs: number
  /** GPU time given to spans inside. */
  gpuNs: number
  /** Most calls open at one time. */
  peakConcurrency: number
  unfinished: number
}

/** The async part of the recording, depth-first, the largest total first among siblings. */
export function asyncRows(source: ReportSource): AsyncRow[] {
  const { merged, view } = source
  const children = new Map<number, number[]>([[-1, []]])
  const nearest: number[] = []
  for (let row = 0; row < merged.parent.length; row++) {
    const parent = merged.parent[row]!
    const above = parent < 0 ? -1 : merged.isAsync[parent] === 1 ? parent : nearest[parent]!
    nearest.push(above)
    if (merged.isAsync[row] !== 1) continue
    children.set(row, [])
    children.get(above)!.push(row)
  }
  if (children.size === 1) return []

  const labels = instanceLabels(source, merged)
  const durations = wallDurations(source)
  const rows: AsyncRow[] = []
  // The last is next, so the largest is last.
  const pendingOf = (above: number, depth: number): { row: number; depth: number }[] =>
    children
      .get(above)!
      .toSorted((a, b) => merged.cpuNs[a]! - merged.cpuNs[b]! || b - a)
      .map(row => ({ row, depth }))
  const pending = pendingOf(-1, 0)
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { row, depth } = next
    const calls = merged.calls[row]!
    const path: string[] = []
    for (let part = row; part >= 0; part = merged.parent[part]!) path.push(labels[part]!)
    rows.push({
      path: path.reverse(),
      depth,
      name: labels[row]!,
      category: CATEGORIES[view.names[merged.name[row]!]!.category]!,
      calls,
      totalNs: merged.cpuNs[row]!,
      meanNs: calls > 0 ? merged.cpuNs[row]! / calls : 0,
      ...wallFigures(merged, row, durations?.get(row)),
      gpuNs: merged.gpuNs[row]!,
      peakConcurrency: merged.peak[row]!,
      unfinished: merged.unfinished[row]!,
    })
    for (const child of pendingOf(row, depth + 1)) pending.push(child)
  }
  return rows
}

function wallFigures(
  merged: OpColumns,
  row: number,
  sorted: number[] | undefined,
): { p50Ns: number; p99Ns: number; maxNs: number } {
  if (sorted !== undefined) {
    return { p50Ns: percentile(sorted, 0.5), p99Ns: percentile(sorted, 0.99), maxNs: sorted.at(-1) ?? 0 }
  }
  if (!(merged.calls[row]! > 0)) return { p50Ns: 0, p99Ns: 0, maxNs: 0 }
  return { p50Ns: merged.p50Ns[row]!, p99Ns: merged.p99Ns[row]!, maxNs: merged.maxNs[row]! }
}

/**
 * Sorted durations per async row. The percentiles of the op table are of cpu, gpu or their sum; where that is not
 * the wall time (undefined: it is), they are taken from the spans again.
 */
function wallDurations({ merged, view, meta }: ReportSource): Map<number, number[]> | undefined {
  const hasGpu = merged.gpuNs.some((gpuNs, row) => gpuNs > 0 && merged.isAsync[row] === 1)
  if (meta.state === 'CPU' || (meta.state === 'All' && !hasGpu)) return undefined

  // A span belongs to the row under its parent's row with its name.
  const rowOf = new Map<string, number>()
  for (let row = 0; row < merged.parent.length; row++) {
    rowOf.set(`${merged.parent[row]} ${merged.name[row]} ${merged.isAsync[row]}`, row)
  }
  const rowOfSpan = new Map<number, number>([[-1, -1]])
  const durations = new Map<number, number[]>()
  for (const span of view.asyncs.row) {
    const open: number[] = []
    for (let above: number = span; !rowOfSpan.has(above); above = view.spans.parent[above]!) open.push(above)
    for (const part of open.reverse()) {
      const isAsync = Number((view.spans.flags[part]! & FLAG_ASYNC) !== 0)
      const above = rowOfSpan.get(view.spans.parent[part]!)!
      rowOfSpan.set(part, rowOf.get(`${above} ${view.spans.name[part]} ${isAsync}`) ?? UNKNOWN_ROW)
    }
    if ((view.spans.flags[span]! & FLAG_UNFINISHED) !== 0) continue
    const row = rowOfSpan.get(span)!
    if (!durations.has(row)) durations.set(row, [])
    durations.get(row)!.push(Number(view.spans.durationNs[span]!))
  }
  for (const list of durations.values()) list.sort((a, b) => a - b)
  return durations
}

// Of a span that the table does not have; no row has it for a parent.
const UNKNOWN_ROW = -2
