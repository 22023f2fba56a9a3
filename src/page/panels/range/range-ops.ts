// The op table of a range, as the page shows that of the whole.
import { cutPath } from '../../../model/names.js'
import type { TimeRange } from '../../page-state.js'
import { CATEGORIES, type PageRecording, ROLES } from '../../recording.js'
import type { ViewedOp } from '../op-view.js'
import { type RangeSums, rangeSums, type Time } from './range-sums.js'
import { isNoOp, type SpanPaths } from './span-paths.js'

/** An op and its path among {@link SpanPaths}. */
export interface RangeOp extends ViewedOp {
  path: number
}

/**
 * Parents before their children. As in the report, async spans are no ops: what is inside of them is top level, with
 * their names in `above`; and what lies in a row without a time is given to the nearest one that has any.
 */
export function rangeOps(
  recording: PageRecording,
  paths: SpanPaths,
  range: TimeRange,
  time: Time,
  sums: RangeSums = rangeSums(recording, paths, range, time),
): RangeOp[] {
  const ops: RangeOp[] = []
  const rowOfPath = new Int32Array(paths.count).fill(-1)
  for (let path = 0; path < paths.count; path++) {
    const calls = sums.calls[path]!
    const unfinished = sums.unfinished[path]!
    const gpuNs = sums.gpuNs[path]!
    const name = recording.names[paths.name[path]!]!
    if (calls + unfinished + gpuNs === 0 || paths.isAsync[path] || isNoOp(name)) continue
    const parent = nearestOp(path, recording, paths, sums, rowOfPath)
    rowOfPath[path] = ops.length
    const cpuNs = sums.cpuNs[path]!
    ops.push({
      path,
      parent,
      above: namesBetween(path, parent < 0 ? -1 : ops[parent]!.path, paths),
      name: paths.labels[path]!,
      role: ROLES[name.role]!,
      category: CATEGORIES[name.category]!,
      calls,
      totalNs: time === 'CPU' ? cpuNs : time === 'GPU' ? gpuNs : cpuNs + gpuNs,
      cpuNs,
      gpuNs,
      selfNs: sums.selfNs[path]!,
      minNs: calls > 0 ? sums.minNs[path]! : 0,
      maxNs: sums.maxNs[path]!,
      p50Ns: Number.NaN,
      p99Ns: Number.NaN,
      unfinished,
      firstEndNs: Number.NaN,
    })
  }
  return ops
}

/** What is no op ends the search: it overlaps other work, so what is inside of it adds to nothing around. */
function nearestOp(
  path: number,
  recording: PageRecording,
  paths: SpanPaths,
  sums: RangeSums,
  rows: Int32Array,
): number {
  for (let at = paths.parent[path]!; at >= 0; at = paths.parent[at]!) {
    if (paths.isAsync[at] || isNoOp(recording.names[paths.name[at]!]!)) return -1
    if (sums.calls[at]! > 0 || sums.gpuNs[at]! > 0) return rows[at]!
  }
  return -1
}

/** Of what is no row: async spans around, and rows without a time. */
function namesBetween(path: number, outer: number, paths: SpanPaths): string[] {
  const names: string[] = []
  for (let at = paths.parent[path]!; at >= 0 && at !== outer; at = paths.parent[at]!) names.push(paths.labels[at]!)
  return cutPath(names.reverse())
}
