import { FLAG_ASYNC } from '../binding.js'
import type { RowsBuilder, SpanIds } from '../rows-builder.js'
import { argsOf, categoryOf, nameOf, numberOf, type TraceEvent, textOf } from './chrome-event.js'
import { ExactClock } from './exact-ns.js'

/** One end of a span that a file tells as two events. */
interface Edge {
  event: TraceEvent
  atNs: number
  isBegin: boolean
}

/** As Node calls it in its own traces. */
const NODE_MAIN_THREAD = 'JavaScriptMainThread'

/** From the events of one Chrome trace to rows: its clock, its threads, its halves of spans. */
export class ChromeRows {
  readonly clock: ExactClock = new ExactClock()
  readonly #threads = new Map<string, { index: number; pid: string; tid: string }>()
  readonly #threadNames = new Map<string, string>()
  readonly #processNames = new Map<string, string>()
  // B/E by thread, b/e by id: paired at the end, in order of time, since files are not always.
  readonly #stacks = new Map<string, Edge[]>()
  readonly #lanes = new Map<string, Edge[]>()

  constructor(readonly builder: RowsBuilder) {}

  /** Start of the event in ns of the file's clock, undefined when it has no time. */
  startNs(event: TraceEvent, jsonOf: () => string): number | undefined {
    const us = numberOf(event.ts)
    return us === undefined ? undefined : this.clock.ns(us, 'ts', jsonOf)
  }
  durationNs(event: TraceEvent): number | undefined {
    const us = numberOf(event.dur)
    return us === undefined || us < 0 ? undefined : Math.round(us * 1000)
  }

  thread(event: TraceEvent): number {
    const pid = textOf(event.pid, '0')
    const tid = textOf(event.tid, '0')
    const key = `${pid}:${tid}`
    let thread = this.#threads.get(key)
    if (thread === undefined) {
      const osThreadId = /^\d{1,15}$/.test(tid) ? Number(tid) : 0
      thread = { index: this.builder.addThread(`thread ${tid}`, osThreadId), pid, tid }
      this.#threads.set(key, thread)
    }
    return thread.index
  }

  span(event: TraceEvent, startNs: number, endNs: number, flags = 0, ids?: SpanIds): number {
    const name = this.builder.name(nameOf(event), categoryOf(event))
    const span = this.builder.addSpan(this.thread(event), name, startNs, endNs, flags, ids)
    this.attributes(span, event)
    return span
  }
  /** Every argument but the named ones; nested values travel as JSON. */
  attributes(span: number, event: TraceEvent, except?: ReadonlySet<string>): void {
    for (const [key, value] of Object.entries(argsOf(event))) {
      if (except?.has(key) || value === null) {
        continue
      }
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      this.builder.addAttribute(span, key, isPlain ? value : JSON.stringify(value))
    }
  }

  edge(event: TraceEvent, atNs: number, isBegin: boolean): void {
    push(this.#stacks, `${textOf(event.pid)}:${textOf(event.tid)}`, { event, atNs, isBegin })
  }
  laneEdge(event: TraceEvent, atNs: number, isBegin: boolean): void {
    const id2 = (typeof event.id2 === 'object' ? event.id2 : null) as { global?: unknown; local?: unknown } | null
    const id = textOf(event.id) || textOf(id2?.local) || textOf(id2?.global)
    const pid = id2?.global === undefined ? textOf(event.pid) : ''
    push(this.#lanes, JSON.stringify([pid, event.cat, event.scope, id]), { event, atNs, isBegin })
  }

  mark(event: TraceEvent, atNs: number): void {
    this.builder.addMark(this.thread(event), this.builder.name(nameOf(event), categoryOf(event)), atNs)
  }
  /** One counter per series; a single series has the name of its event. */
  counter(event: TraceEvent, atNs: number): void {
    const series = Object.entries(argsOf(event)).filter(([, value]) => numberOf(value) !== undefined)
    const id = textOf(event.id)
    const name = id === '' ? nameOf(event) : `${nameOf(event)}[${id}]`
    for (const [key, value] of series) {
      const text = series.length === 1 ? name : `${name} ${key}`
      const index = this.builder.name(text, categoryOf(event))
      this.builder.addCounter(this.thread(event), index, atNs, numberOf(value) ?? 0)
    }
  }
  metadata(event: TraceEvent): void {
    const name = textOf(argsOf(event).name)
    if (event.name === 'thread_name') {
      this.#threadNames.set(`${textOf(event.pid, '0')}:${textOf(event.tid, '0')}`, name)
    } else if (event.name === 'process_name') {
      this.#processNames.set(textOf(event.pid, '0'), name)
    }
  }

  /** Pairs what is open, names the threads. */
  finish(): void {
    for (const edges of this.#stacks.values()) {
      this.#pair(edges, 0)
    }
    for (const edges of this.#lanes.values()) {
      this.#pair(edges, FLAG_ASYNC)
    }
    const pids = new Set([...this.#threads.values()].map(thread => thread.pid))
    for (const [key, { index, pid, tid }] of this.#threads) {
      const name = this.#threadNames.get(key) || `thread ${tid}`
      const process = this.#processNames.get(pid) || `process ${pid}`
      const jsThreadId = name === NODE_MAIN_THREAD ? 0 : undefined
      this.builder.renameThread(index, pids.size > 1 ? `${process}/${name}` : name, jsThreadId)
    }
    const [pid = ''] = pids
    if (pids.size === 1 && /^\d{1,10}$/.test(pid)) {
      this.builder.processId = Number(pid)
    }
  }

  // An end closes the innermost open span of its name, else the innermost: writers may leave the name out.
  #pair(edges: Edge[], flags: number): void {
    edges.sort((a, b) => a.atNs - b.atNs)
    const open: Edge[] = []
    for (const edge of edges) {
      if (edge.isBegin) {
        open.push(edge)
        continue
      }
      const sameName = open.findLastIndex(begin => begin.event.name === edge.event.name)
      const [begin] = open.splice(sameName === -1 ? open.length - 1 : sameName, 1)
      if (begin === undefined) {
        this.builder.warn('unmatched-ends', 'ends of spans that began before the file did')
        continue
      }
      const event = { ...begin.event, args: { ...argsOf(begin.event), ...argsOf(edge.event) } }
      this.span(event, begin.atNs, edge.atNs, flags)
    }
    for (const begin of open) {
      this.span(begin.event, begin.atNs, Number.NaN, flags)
    }
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) {
    map.set(key, [value])
  } else {
    list.push(value)
  }
}
