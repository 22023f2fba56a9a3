// Captures made by hand: added-up rows or single spans in, a ReportSource out. Milliseconds throughout.
import { type Category, FLAG_ASYNC, FLAG_UNFINISHED, type RecordingView, type Role } from '../../src/binding.js'
import type { CaptureMeta, ReportSource } from '../../src/model/ops.js'
import type { NativeGpuTables } from '../../src/native-tables.js'
import { columnsOf, emptySpans, gpuTablesOf, Names, type Row, type Spans, viewOf } from './view-builder.js'

/** All calls of one path on one thread. */
export interface RowSpec {
  name: string
  role?: Role
  category?: Category
  instance?: string
  calls?: number
  cpu?: number
  gpu?: number
  min?: number
  max?: number
  p50?: number
  p99?: number
  firstStart?: number
  isAsync?: boolean
  peak?: number
  unfinished?: number
  children?: RowSpec[]
}
export interface SpanSpec {
  name: string
  role?: Role
  category?: Category
  instance?: string
  start: number
  end: number
  gpu?: number
  isAsync?: boolean
  /** Of an async span: when its synchronous part returned. */
  returned?: number
  flags?: number
  children?: SpanSpec[]
}
export interface ThreadSpec<T> {
  name?: string
  jsThreadId?: number
  rows: T[]
}
export interface Extras {
  meta?: Partial<CaptureMeta>
  view?: Partial<RecordingView>
  counters?: { name: string; at: number; value: number; thread?: number }[]
  gpu?: { kind: 'kernel' | 'copy'; start: number; end: number; bytes?: number; spanName?: string }[]
  gpuTables?: Partial<NativeGpuTables>
  durationMs?: number
}

/** A capture whose op table is what the rows say; it holds no spans unless `extras.view` gives them. */
export function sourceFromRows(threads: ThreadSpec<RowSpec>[], extras: Extras = {}): ReportSource {
  return finish(threads, extras, emptySpans())
}

/** A capture of single spans; the op table adds them up. */
export function sourceFromSpans(threads: ThreadSpec<SpanSpec>[], extras: Extras = {}): ReportSource {
  const names = new Names()
  const spans: { start: number; end: number; name: number; parent: number; flags: number; gpu: number }[] = []
  const asyncs: { row: number; returned: number }[] = []
  const ranges: [number, number][] = []
  const add = (spec: SpanSpec, parent: number): void => {
    const row = spans.length
    const flags = (spec.flags ?? 0) | (spec.isAsync ? FLAG_ASYNC : 0)
    spans.push({ start: spec.start, end: spec.end, name: names.id(spec), parent, flags, gpu: spec.gpu ?? 0 })
    if (spec.isAsync) asyncs.push({ row, returned: spec.returned ?? spec.start })
    for (const child of spec.children ?? []) add(child, row)
  }
  for (const thread of threads) {
    const first = spans.length
    for (const span of thread.rows) add(span, -1)
    ranges.push([first, spans.length - first])
  }
  const rows = threads.map(thread => ({ ...thread, rows: addUp(thread.rows) }))
  const columns: Spans = {
    spans: {
      startNs: BigInt64Array.from(spans, span => BigInt(Math.round(span.start * 1e6))),
      durationNs: BigInt64Array.from(spans, span => BigInt(Math.round((span.end - span.start) * 1e6))),
      name: Uint32Array.from(spans, span => span.name),
      parent: Int32Array.from(spans, span => span.parent),
      flags: Uint8Array.from(spans, span => span.flags),
      gpuNs: BigInt64Array.from(spans, span => BigInt(Math.round(span.gpu * 1e6))),
    },
    asyncs: {
      row: Uint32Array.from(asyncs, ({ row }) => row),
      returnNs: Float64Array.from(asyncs, ({ returned }) => returned * 1e6),
    },
  }
  const unfinished = spans.filter(span => (span.flags & FLAG_UNFINISHED) !== 0).length
  return finish(rows, { ...extras, view: { unfinished, ...extras.view } }, columns, names, ranges)
}

function addUp(spans: SpanSpec[]): RowSpec[] {
  const groups = new Map<string, SpanSpec[]>()
  for (const span of spans) {
    const key = JSON.stringify([span.name, span.role, span.instance, span.category, span.isAsync === true])
    groups.set(key, [...(groups.get(key) ?? []), span])
  }
  return [...groups.values()].map(group => {
    const done = group.filter(span => ((span.flags ?? 0) & FLAG_UNFINISHED) === 0)
    const wall = done.map(span => span.end - span.start + (span.gpu ?? 0)).sort((a, b) => a - b)
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
    const at = (share: number): number => {
      const position = (wall.length - 1) * share
      const low = wall[Math.floor(position)]!
      return low + ((wall[Math.ceil(position)] ?? low) - low) * (position % 1)
    }
    return {
      ...group[0]!,
      calls: done.length,
      cpu: sum(done.map(span => span.end - span.start)),
      gpu: sum(done.map(span => span.gpu ?? 0)),
      ...(done.length > 0 ? { min: wall[0]!, max: wall.at(-1)!, p50: at(0.5), p99: at(0.99) } : {}),
      firstStart: group[0]!.start,
      unfinished: group.length - done.length,
      peak: Math.max(
        ...group.map(span => group.filter(other => other.start <= span.start && span.start < other.end).length),
      ),
      children: addUp(group.flatMap(span => span.children ?? [])),
    }
  })
}

function finish(
  threads: ThreadSpec<RowSpec>[],
  extras: Extras,
  spans: Spans,
  names: Names = new Names(),
  ranges?: [number, number][],
): ReportSource {
  const state = extras.meta?.state ?? 'All'
  const perThread: Row[] = []
  const merged: Row[] = []
  const mergedOfPath = new Map<string, number>()
  let clock = 0
  const add = (spec: RowSpec, parent: number, mergedParent: number, thread: number): void => {
    clock++
    const cpu = spec.cpu ?? 0
    const gpu = spec.gpu ?? 0
    const timeOf = (c: number, g: number): number => (state === 'CPU' ? c : state === 'GPU' ? g : c + g)
    const total = timeOf(cpu, gpu)
    const calls = spec.calls ?? 1
    const ave = calls > 0 ? total / calls : 0
    const inner = (spec.children ?? []).filter(child => !child.isAsync && child.category !== 'gc')
    const children = inner.reduce((sum, child) => sum + timeOf(child.cpu ?? 0, child.gpu ?? 0), 0)
    const row: Row = {
      role: 'op',
      category: 'user',
      instance: '',
      isAsync: false,
      peak: 0,
      unfinished: 0,
      min: ave,
      max: ave,
      p50: ave,
      p99: ave,
      firstStart: clock,
      ...spec,
      cpu,
      gpu,
      calls,
      parent,
      thread,
      nameId: names.id(spec),
      totalNs: Math.round(total * 1e6),
      selfNs: Math.round(Math.max(0, total - children) * 1e6),
      firstEnd: 0,
    }
    const index = perThread.push(row) - 1
    const path = JSON.stringify([mergedParent, row.nameId, row.isAsync])
    let home = mergedOfPath.get(path)
    if (home === undefined) {
      home = merged.push({ ...row, parent: mergedParent, thread: -1 }) - 1
      mergedOfPath.set(path, home)
    } else {
      const sum = merged[home]!
      for (const key of ['calls', 'cpu', 'gpu', 'totalNs', 'selfNs', 'unfinished'] as const) sum[key] += row[key]
      sum.min = Math.min(sum.min, row.min)
      sum.max = Math.max(sum.max, row.max)
    }
    for (const child of spec.children ?? []) add(child, index, home, thread)
    // Ends after its children, as in a stack.
    row.firstEnd = ++clock
    merged[home]!.firstEnd ||= row.firstEnd
  }
  threads.forEach((thread, index) => {
    for (const row of thread.rows) add(row, -1, -1, index)
  })

  const view = { ...viewOf(threads, extras, names, spans, ranges), ...extras.view }
  const meta: CaptureMeta = { tracerOption: 'Default', ...extras.meta, state }
  return { view, meta, merged: columnsOf(merged), perThread: columnsOf(perThread), gpu: gpuTablesOf(extras, view) }
}

/** Shorthand for a row. */
export function row(name: string, calls: number, cpu: number, gpu = 0, children: RowSpec[] = []): RowSpec {
  return {
    name,
    calls,
    cpu,
    gpu,
    children,
    ...(name.startsWith('GpuMemcpy') ? { role: 'copy', category: 'memcpy' } : {}),
  }
}
export function phase(
  name: 'compute' | 'infer_shape' | 'prepare_data',
  calls: number,
  cpu: number,
  gpu = 0,
  children: RowSpec[] = [],
): RowSpec {
  return { ...row(name, calls, cpu, gpu, children), role: 'phase' }
}
