import type { Category, RecordingView, Role } from '../binding.js'
import { OpscopeError } from '../errors.js'
import type { NativeGpuTables, OpColumns } from '../native-tables.js'
import { compareBy } from './order.js'
import { depthOf, narrow, type OpNode, opTree, pathOf, sumTotal, walk } from './tree.js'

export const SORTED_KEYS = ['default', 'calls', 'total', 'max', 'min', 'ave', 'cpu', 'gpu', 'p99', 'self'] as const
/** Order of a report: `default` is the order of first end, ascending; every other key is descending. */
export type SortedKey = (typeof SORTED_KEYS)[number]

export type State = 'CPU' | 'GPU' | 'All'
export type TracerOption = 'Default' | 'OpDetail' | 'AllOpDetail'

/** What TypeScript knows about a recording and the columns do not; travels as JSON inside the capture file. */
export interface CaptureMeta {
  /** Decides what `total` means: cpu, gpu, or cpu + gpu. */
  state: State
  tracerOption: TracerOption
  sortedKey?: SortedKey
  /** Cost of one begin/end pair, measured in this process. */
  spanCostNs?: number
  clock?: string
  gpu?: { available: boolean; reason?: string }
  node?: string
  opscope?: string
  host?: string
  /** The file that the process ran. */
  program?: string
  /** Which clock the system's monotonic one is; readings of one id compare. */
  clockId?: string
  attributes?: Record<string, string | number | boolean>
  /** Model runs that an integration saw but could not split into ops. */
  notBrokenDown?: number
  [key: string]: unknown
}

/** Everything that the model functions read. */
export interface ReportSource {
  view: RecordingView
  merged: OpColumns
  perThread: OpColumns
  gpu: NativeGpuTables
  meta: CaptureMeta
}

/** All calls of one path, added up. Times are ns and inclusive unless the name says `self`. */
export interface OpRow {
  /** Names from the outermost op to this one, instances numbered (`fc0`); never joined, since a name may hold a `/`. */
  path: string[]
  depth: number
  /** Index into `view.threads`; null in the merged table. */
  thread: number | null
  name: string
  role: Role
  category: Category
  calls: number
  totalNs: number
  cpuNs: number
  gpuNs: number
  selfNs: number
  minNs: number
  maxNs: number
  aveNs: number
  p50Ns: number
  p99Ns: number
  /** Share of the top-level total (of its own thread in the per-thread table), 0..1. */
  ratio: number
  unfinished: number
  firstStartNs: number
  firstEndNs: number
}

export interface OpRowsOptions {
  /** @default the capture's own, else 'default' */
  sortedKey?: SortedKey
  /** Hides what this option does not show. @default every row */
  tracerOption?: TracerOption
  /** @default 'merged' */
  thread?: 'merged' | 'per-thread'
  /** Adds what a CPU profile saw, with the role `sample`; no figure of an op changes. @default false */
  samples?: boolean
}

/**
 * The op table, depth-first, sorted among siblings; in the per-thread table the threads follow each other by index.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for an unknown sortedKey.
 */
export function opRows(source: ReportSource, options: OpRowsOptions = {}): OpRow[] {
  const sortedKey = options.sortedKey ?? source.meta.sortedKey ?? 'default'
  if (!SORTED_KEYS.includes(sortedKey)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Unknown sortedKey ${JSON.stringify(sortedKey)}.`,
      `Use one of ${SORTED_KEYS.join(', ')}.`,
    )
  }
  const roots = opTree(source, options.thread ?? 'merged', options.samples)
  const rows: OpRow[] = []
  for (const group of byThread(roots)) {
    const totalNs = sumTotal(group.filter(({ role }) => role !== 'sample'))
    const shown = options.tracerOption === undefined ? group : narrow(group, options.tracerOption)
    for (const node of walk(shown, () => true, compareBy(sortedKey))) rows.push(rowOf(node, totalNs))
  }
  return rows
}

/** Top-level nodes per thread, in ascending order of the thread; the merged table is one group. */
export function byThread(roots: readonly OpNode[]): OpNode[][] {
  const groups = new Map<number, OpNode[]>()
  for (const node of roots) {
    const thread = node.thread ?? -1
    const group = groups.get(thread)
    if (group === undefined) groups.set(thread, [node])
    else group.push(node)
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

function rowOf(node: OpNode, tableTotalNs: number): OpRow {
  const figures = opFigures(node)
  const { calls, totalNs } = figures
  return {
    path: pathOf(node.trail),
    depth: depthOf(node),
    thread: node.thread,
    ...figures,
    aveNs: calls > 0 ? totalNs / calls : 0,
    ratio: tableTotalNs > 0 ? totalNs / tableTotalNs : 0,
  }
}

/** What an op row says of itself alone. */
export type OpFigures = Omit<OpRow, 'path' | 'depth' | 'thread' | 'aveNs' | 'ratio'>

export function opFigures({ columns, row, trail, role, category, selfNs }: OpNode): OpFigures {
  const calls = columns.calls[row]!
  // A row of unfinished calls only has no times yet.
  const time = (column: Float64Array): number => (calls > 0 ? column[row]! : 0)
  return {
    name: trail.label,
    role,
    category,
    calls,
    totalNs: columns.totalNs[row]!,
    cpuNs: columns.cpuNs[row]!,
    gpuNs: columns.gpuNs[row]!,
    selfNs,
    minNs: time(columns.minNs),
    maxNs: time(columns.maxNs),
    p50Ns: time(columns.p50Ns),
    p99Ns: time(columns.p99Ns),
    unfinished: columns.unfinished[row]!,
    firstStartNs: columns.firstStartNs[row]!,
    firstEndNs: time(columns.firstEndNs),
  }
}
