// The parts of a RecordingView and its op tables that source-builder.ts fills.
import {
  CATEGORIES,
  type Category,
  GPU_KINDS,
  type NameEntry,
  type RecordingView,
  ROLES,
  type Role,
} from '../../src/binding.js'
import type { NativeGpuTables, OpColumns } from '../../src/native-tables.js'
import type { Extras, RowSpec, ThreadSpec } from './source-builder.js'

/** A row of an op table in the making; milliseconds but for the fields that say ns. */
export interface Row extends Required<Omit<RowSpec, 'children'>> {
  parent: number
  thread: number
  nameId: number
  totalNs: number
  selfNs: number
  firstEnd: number
}

export class Names {
  readonly entries: NameEntry[] = []
  readonly #ids = new Map<string, number>()
  id({
    name,
    role = 'op',
    category = 'user',
    instance = '',
  }: {
    name: string
    role?: Role
    category?: Category
    instance?: string
  }): number {
    const entry = { text: name, instance, category: CATEGORIES.indexOf(category), role: ROLES.indexOf(role) }
    const key = JSON.stringify(entry)
    const known = this.#ids.get(key) ?? this.entries.push(entry) - 1
    this.#ids.set(key, known)
    return known
  }
}

export type Spans = Pick<RecordingView, 'spans' | 'asyncs'>

export function viewOf(
  threads: ThreadSpec<RowSpec>[],
  extras: Extras,
  names: Names,
  spans: Spans,
  ranges: [number, number][] | undefined,
): RecordingView {
  const { gpu = [], counters = [] } = extras
  const counterNames = counters.map(({ name }) => names.id({ name }))
  return {
    names: names.entries,
    processes: [],
    threads: threads.map((thread, index) => ({
      name: thread.name ?? '',
      osThreadId: 1000 + index,
      jsThreadId: thread.jsThreadId ?? (index === 0 ? 0 : -1),
      firstRow: ranges?.[index]?.[0] ?? 0,
      rowCount: ranges?.[index]?.[1] ?? 0,
      process: 0,
    })),
    strings: [],
    warnings: [],
    pauses: [],
    durationNs: (extras.durationMs ?? 1000) * 1e6,
    originEpochNs: 0n,
    originClockNs: 0n,
    processId: 1,
    dropped: 0,
    unfinished: 0,
    metaJson: '{}',
    rowIds: {
      spanId: new BigUint64Array(),
      parentId: new BigUint64Array(),
      traceIdHigh: new BigUint64Array(),
      traceIdLow: new BigUint64Array(),
    },
    ids: {
      row: new Uint32Array(),
      spanId: new BigUint64Array(),
      remoteParentId: new BigUint64Array(),
      traceIdHigh: new BigUint64Array(),
      traceIdLow: new BigUint64Array(),
    },
    attributes: [],
    links: [],
    marks: { thread: new Uint32Array(), name: new Uint32Array(), atNs: new Float64Array(), span: new Int32Array() },
    counters: {
      thread: Uint32Array.from(counters, ({ thread = 0 }) => thread),
      name: Uint32Array.from(counterNames),
      atNs: Float64Array.from(counters, ({ at }) => at * 1e6),
      value: Float64Array.from(counters, ({ value }) => value),
    },
    launches: {
      thread: new Uint32Array(),
      name: new Uint32Array(),
      startNs: new Float64Array(),
      endNs: new Float64Array(),
      correlationId: new BigUint64Array(),
      span: new Int32Array(),
      flags: new Uint8Array(),
    },
    gpu: {
      kind: Uint8Array.from(gpu, ({ kind }) => GPU_KINDS.indexOf(kind)),
      from: new Uint8Array(gpu.length),
      to: new Uint8Array(gpu.length),
      name: new Uint32Array(gpu.length),
      device: new Uint32Array(gpu.length),
      context: new Uint32Array(gpu.length),
      stream: new Uint32Array(gpu.length),
      startNs: Float64Array.from(gpu, ({ start }) => start * 1e6),
      endNs: Float64Array.from(gpu, ({ end }) => end * 1e6),
      correlationId: new BigUint64Array(gpu.length),
      bytes: Float64Array.from(gpu, ({ bytes = 0 }) => bytes),
      launch: new Int32Array(gpu.length).fill(-1),
      span: Int32Array.from(gpu, ({ spanName }) =>
        Array.from(spans.spans.name).findIndex(name => names.entries[name]!.text === spanName),
      ),
    },
    ...spans,
  }
}

/** What the native core would say of `extras.gpu`, as far as reports of single ops need it. */
export function gpuTablesOf({ gpu = [], gpuTables = {} }: Extras, view: RecordingView): NativeGpuTables {
  let busyNs = 0
  let coveredNs = 0
  for (const { start, end } of gpu.toSorted((a, b) => a.start - b.start)) {
    busyNs += Math.max(0, end * 1e6 - Math.max(start * 1e6, coveredNs))
    coveredNs = Math.max(coveredNs, end * 1e6)
  }
  const copies = gpu.flatMap(({ kind, start, end, bytes = 0 }, row) => {
    const span = view.gpu.span[row]!
    if (kind !== 'copy' || span < 0) return []
    const moved = {
      name: view.spans.name[span]!,
      device: 0,
      from: 0,
      to: 0,
      copies: 1,
      bytes,
      gpuNs: (end - start) * 1e6,
    }
    return [{ ...moved, peakBytesPerNs: 0, blocking: 0, blockingNs: 0 }]
  })
  const orphans = view.gpu.span.filter(span => span < 0).length
  const none = { kernels: [], waits: [], memory: [], gaps: [], devices: [], overheads: [] }
  return { rows: gpu.length, orphans, byExclusion: 0, busyNs, copies, ...none, ...gpuTables }
}

export function columnsOf(rows: Row[]): OpColumns {
  const ns = (pick: (row: Row) => number): Float64Array => Float64Array.from(rows, row => Math.round(pick(row) * 1e6))
  return {
    parent: Int32Array.from(rows, row => row.parent),
    name: Uint32Array.from(rows, row => row.nameId),
    thread: Int32Array.from(rows, row => row.thread),
    isAsync: Uint8Array.from(rows, row => Number(row.isAsync)),
    peak: Uint32Array.from(rows, row => row.peak),
    calls: Float64Array.from(rows, row => row.calls),
    totalNs: Float64Array.from(rows, row => row.totalNs),
    cpuNs: ns(row => row.cpu),
    gpuNs: ns(row => row.gpu),
    selfNs: Float64Array.from(rows, row => row.selfNs),
    minNs: ns(row => row.min),
    maxNs: ns(row => row.max),
    p50Ns: ns(row => row.p50),
    p99Ns: ns(row => row.p99),
    firstStartNs: ns(row => row.firstStart),
    firstEndNs: ns(row => row.firstEnd),
    unfinished: Float64Array.from(rows, row => row.unfinished),
  }
}

export function emptySpans(): Spans {
  const none = new BigInt64Array()
  return {
    spans: {
      startNs: none,
      durationNs: none,
      name: new Uint32Array(),
      parent: new Int32Array(),
      flags: new Uint8Array(),
      gpuNs: none,
    },
    asyncs: { row: new Uint32Array(), returnNs: new Float64Array() },
  }
}
