// Recordings of the page, written down as a test needs them.
import {
  CATEGORIES,
  FLAG_ASYNC,
  FLAG_ERROR,
  FLAG_TIMED,
  FLAG_UNFINISHED,
  type PageName,
  type PageRecording,
} from '../../src/page/recording.js'

type Category = (typeof CATEGORIES)[number]

/** Times are ns. Children lie inside of it, on the same thread. */
export interface SpanSpec {
  name: string
  start: number
  end: number
  category?: Category
  instance?: string
  children?: SpanSpec[]
  /** On a lane, and on its thread until then. */
  returnsAt?: number
  isTimed?: boolean
  failed?: boolean
  unfinished?: boolean
  attributes?: Record<string, string>
  launches?: LaunchSpec[]
}
/** A call, and what it made the GPU do. */
export interface LaunchSpec {
  name: string
  start: number
  end: number
  work?: GpuSpec[]
}
export interface GpuSpec {
  name: string
  start: number
  end: number
  stream?: number
  device?: number
  context?: number
  /** 0 kernel, 1 copy, 2 fill, 3 sync. */
  kind?: number
  bytes?: number
}
export interface ThreadSpec {
  name?: string
  jsThreadId?: number
  osThreadId?: number
  process?: number
  spans?: SpanSpec[]
  launches?: LaunchSpec[]
  counters?: { name: string; values: [atNs: number, value: number][] }[]
  marks?: { name: string; at: number }[]
}
export interface RecordingSpec {
  durationNs: number
  processes?: PageRecording['processes']
  threads: ThreadSpec[]
  pauses?: PageRecording['pauses']
}

class Interned<T> {
  readonly list: T[] = []
  readonly #ids = new Map<string, number>()
  of(value: T): number {
    const key = JSON.stringify(value)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    this.#ids.set(key, this.list.length)
    return this.list.push(value) - 1
  }
}
interface SpanRow extends Omit<SpanSpec, 'children'> {
  parent: number
}
interface GpuRow extends GpuSpec {
  launch: number
  span: number
}

export function buildRecording(spec: RecordingSpec): PageRecording {
  const names = new Interned<PageName>()
  const strings = new Interned<string>()
  const nameOf = (text: string, category: Category = 'user', instance = '') =>
    names.of({ text, instance, category: CATEGORIES.indexOf(category), role: 0 })
  const spans: SpanRow[] = []
  const threads: PageRecording['threads'][number][] = []
  const launches: (LaunchSpec & { thread: number; span: number })[] = []
  const gpu: GpuRow[] = []
  const counters: { thread: number; name: number; at: number; value: number }[] = []
  const marks: { thread: number; name: number; at: number }[] = []
  const addLaunch = (launch: LaunchSpec, thread: number, span: number) => {
    const row = launches.push({ ...launch, thread, span }) - 1
    for (const work of launch.work ?? []) gpu.push({ ...work, launch: row, span })
  }
  for (const [thread, { spans: roots = [], ...told }] of spec.threads.entries()) {
    const firstRow = spans.length
    const flat: { span: SpanSpec; parent: SpanSpec | undefined }[] = []
    // Without recursion, so that recordings can be deeper than JavaScript's stack.
    const pending: typeof flat = roots.map(span => ({ span, parent: undefined })).reverse()
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      flat.push(next)
      for (const child of (next.span.children ?? []).toReversed()) pending.push({ span: child, parent: next.span })
    }
    // As the recorder has them: by begin, what was given with both times behind.
    flat.sort(
      (a, b) => Number(a.span.isTimed ?? false) - Number(b.span.isTimed ?? false) || a.span.start - b.span.start,
    )
    const rowOf = new Map(flat.map(({ span }, index) => [span, firstRow + index]))
    for (const { span, parent } of flat) {
      const { children: _, ...own } = span
      const row = spans.push({ ...own, parent: parent === undefined ? -1 : rowOf.get(parent)! }) - 1
      for (const launch of own.launches ?? []) addLaunch(launch, thread, row)
    }
    threads.push({
      name: told.name ?? '',
      osThreadId: told.osThreadId ?? 100 + thread,
      jsThreadId: told.jsThreadId ?? thread,
      firstRow,
      rowCount: spans.length - firstRow,
      process: told.process ?? 0,
    })
    for (const launch of told.launches ?? []) addLaunch(launch, thread, -1)
    for (const { name, values } of told.counters ?? []) {
      for (const [at, value] of values) counters.push({ thread, name: nameOf(name), at, value })
    }
    for (const { name, at } of told.marks ?? []) marks.push({ thread, name: nameOf(name), at })
  }
  gpu.sort((a, b) => a.start - b.start)
  const flagsOf = ({ returnsAt, isTimed, failed, unfinished }: SpanRow) =>
    (returnsAt === undefined ? 0 : FLAG_ASYNC) |
    (isTimed ? FLAG_TIMED : 0) |
    (failed ? FLAG_ERROR : 0) |
    (unfinished ? FLAG_UNFINISHED : 0)
  const returned = spans.flatMap(({ returnsAt }, row) => (returnsAt === undefined ? [] : [{ row, at: returnsAt }]))
  const told = spans.flatMap(({ attributes = {} }, row) =>
    Object.entries(attributes).map(([key, value]) => ({ row, key: strings.of(key), value: strings.of(value) })),
  )
  const times = (rows: { start: number; end: number }[]) => ({
    startNs: Float64Array.from(rows, ({ start }) => start),
    durationNs: Float64Array.from(rows, ({ start, end }) => end - start),
  })
  return {
    durationNs: spec.durationNs,
    processes: spec.processes ?? [{ name: 'server.mjs', host: '', id: 4242 }],
    threads,
    pauses: spec.pauses ?? [],
    spans: {
      ...times(spans),
      name: Uint32Array.from(spans, ({ name, category, instance }) => nameOf(name, category, instance)),
      parent: Int32Array.from(spans, ({ parent }) => parent),
      flags: Uint8Array.from(spans, flagsOf),
    },
    returns: { row: Uint32Array.from(returned, ({ row }) => row), atNs: Float64Array.from(returned, ({ at }) => at) },
    launches: {
      ...times(launches),
      name: Uint32Array.from(launches, ({ name }) => strings.of(name)),
      thread: Uint32Array.from(launches, ({ thread }) => thread),
      span: Int32Array.from(launches, ({ span }) => span),
    },
    gpu: {
      ...times(gpu),
      kind: Uint8Array.from(gpu, ({ kind }) => kind ?? 0),
      name: Uint32Array.from(gpu, ({ name }) => strings.of(name)),
      device: Uint32Array.from(gpu, ({ device }) => device ?? 0),
      context: Uint32Array.from(gpu, ({ context }) => context ?? 1),
      stream: Uint32Array.from(gpu, ({ stream }) => stream ?? 7),
      bytes: Float64Array.from(gpu, ({ bytes }) => bytes ?? 0),
      from: Uint8Array.from(gpu, ({ kind }) => (kind === 1 ? 2 : 0)),
      to: Uint8Array.from(gpu, ({ kind }) => (kind === 1 ? 3 : 0)),
      launch: Int32Array.from(gpu, ({ launch }) => launch),
      span: Int32Array.from(gpu, ({ span }) => span),
    },
    counters: {
      thread: Uint32Array.from(counters, ({ thread }) => thread),
      name: Uint32Array.from(counters, ({ name }) => name),
      atNs: Float64Array.from(counters, ({ at }) => at),
      value: Float64Array.from(counters, ({ value }) => value),
    },
    marks: {
      thread: Uint32Array.from(marks, ({ thread }) => thread),
      name: Uint32Array.from(marks, ({ name }) => name),
      atNs: Float64Array.from(marks, ({ at }) => at),
      span: new Int32Array(marks.length).fill(-1),
    },
    attributes: {
      row: Uint32Array.from(told, ({ row }) => row),
      key: Uint32Array.from(told, ({ key }) => key),
      value: Uint32Array.from(told, ({ value }) => value),
    },
    names: names.list,
    strings: strings.list,
  }
}

/** The same numbers each time. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
