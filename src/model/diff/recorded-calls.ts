import { FLAG_ASYNC, FLAG_UNFINISHED } from '../../binding.js'
import type { ReportSource, TracerOption } from '../ops.js'
import { ownTimes, startsOf } from './own-times.js'
import { type DiffPaths, rowPaths } from './paths.js'

/** What a diff measures: host time, GPU time, or both added up as Total with state All does. */
export type Basis = 'cpu' | 'gpu' | 'all'

/** The finished calls of one recording: of which path each span is, and what time is its own. */
export interface RecordedCalls {
  source: ReportSource
  /** By span; -1: not compared. */
  path: Int32Array
  /** By span; 1: a part of the call around it. */
  isPart: Uint8Array
  startNs: Float64Array
  ownNs: Float64Array
  /** Calls by path. */
  calls: Map<number, number>
  /** Inclusive time by path. */
  totalNs: Map<number, number>
}

export function recordedCalls(
  source: ReportSource,
  option: TracerOption,
  basis: Basis,
  paths: DiffPaths,
): RecordedCalls {
  const { view, merged } = source
  const rows = rowPaths(source, option, paths)
  const rowOfSpan = opRowsOfSpans(source)
  const startNs = startsOf(view)
  const { hostNs, gpuNs } = ownTimes(view, startNs)
  const path = new Int32Array(startNs.length).fill(-1)
  const isPart = new Uint8Array(startNs.length)
  for (const [span, row] of rowOfSpan.entries()) {
    if (row < 0 || (view.spans.flags[span]! & FLAG_UNFINISHED) !== 0) continue
    path[span] = rows.path[row]!
    isPart[span] = rows.isPart[row]!
  }
  // Of async spans only the wall time is compared: they overlap, so their sums mean nothing.
  const isAsync = (span: number) => (view.spans.flags[span]! & FLAG_ASYNC) !== 0
  const ownNs = hostNs.map((ns, span) => {
    if (basis === 'cpu' || isAsync(span)) return ns
    return (basis === 'gpu' ? 0 : ns) + (gpuNs?.[span] ?? 0)
  })
  const calls = new Map<number, number>()
  const totalNs = new Map<number, number>()
  for (const [row, number] of rows.path.entries()) {
    if (number < 0 || rows.isPart[row] === 1) continue
    const isHostOnly = basis === 'cpu' || merged.isAsync[row] === 1
    const ns = (isHostOnly || basis === 'all' ? merged.cpuNs[row]! : 0) + (isHostOnly ? 0 : merged.gpuNs[row]!)
    calls.set(number, (calls.get(number) ?? 0) + merged.calls[row]!)
    totalNs.set(number, (totalNs.get(number) ?? 0) + ns)
  }
  return { source, path, isPart, startNs, ownNs, calls, totalNs }
}

/** Row of the merged op table that each span is added up in: the one under its parent's row with its name. */
function opRowsOfSpans({ merged, view }: ReportSource): Int32Array {
  const firstOfName = firstOfEqualNames(view.names)
  const stride = 2 * view.names.length
  const keyOf = (above: number, name: number, isAsync: number) =>
    (above + 1) * stride + 2 * firstOfName[name]! + isAsync
  const rowOf = new Map<number, number>()
  for (let row = 0; row < merged.parent.length; row++) {
    rowOf.set(keyOf(merged.parent[row]!, merged.name[row]!, merged.isAsync[row]!), row)
  }
  const { parent, name, flags } = view.spans
  const rows = new Int32Array(parent.length).fill(-1)
  for (const span of parentsFirst(parent)) {
    const above = parent[span]! < 0 ? -1 : rows[parent[span]!]!
    const isAsync = Number((flags[span]! & FLAG_ASYNC) !== 0)
    rows[span] = rowOf.get(keyOf(above, name[span]!, isAsync)) ?? -1
  }
  return rows
}

// The core adds up equal names whatever their numbers; the row's number is the first of them.
function firstOfEqualNames(names: ReportSource['view']['names']): Uint32Array {
  const first = new Map<string, number>()
  return Uint32Array.from(names, ({ text, instance, category, role }, number) => {
    const key = `${category} ${role} ${instance.length} ${instance}${text}`
    if (!first.has(key)) first.set(key, number)
    return first.get(key)!
  })
}

/** All rows, each after its parent, which may be a later row of another thread. Not recursive: trees are deep. */
export function parentsFirst(parent: Int32Array): Iterable<number> {
  if (parent.every((above, row) => above < row)) return parent.keys()
  const order = new Uint32Array(parent.length)
  const isDone = new Uint8Array(parent.length)
  const open: number[] = []
  let next = 0
  for (let first = 0; first < parent.length; first++) {
    for (let row = first; row >= 0 && isDone[row] === 0; row = parent[row]!) {
      isDone[row] = 1
      open.push(row)
    }
    while (open.length > 0) order[next++] = open.pop()!
  }
  return order
}
