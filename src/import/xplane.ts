// XSpaces (`.xplane.pb`) of TensorFlow, JAX and PyTorch/XLA, and our own. Threads of the host become threads, nested by
// time; a host event with a correlation_id is a launch, joined by it with kernels, copies and fills on the streams of
// /device:GPU:n; lines named _counters_ are counters; events that readers take for steps (_r, step_num) are
// inferences, and op:Type is an op of that type with the op as its instance. Ignored: planes of TPUs and of what
// they ran (/host:metadata), lines that readers derive from others, flows and links between events of others, tf_op
// (the launch tells whose a kernel is), events that stand for several.
// In our own files links tell parents, names are shown names, and lanes belong to their threads.
import {
  CATEGORIES,
  type Category,
  FLAG_ASYNC,
  FLAG_BRACKET,
  FLAG_ERROR,
  FLAG_TIMED,
  ROLES,
  type Role,
} from '../binding.js'
import type { SpanIds } from '../rows-builder.js'
import { CaptureFileBuilder } from './capture-file-rows.js'
import { addGpuPlane, addMemoryEvent, countOf, idOf, launchName } from './xplane-gpu.js'
import {
  readXSpace,
  type Stats,
  type StatValue,
  type XEvent,
  type XEventMetadata,
  type XLine,
  type XPlane,
  type XSpace,
} from './xspace.js'

// A line that begins after 1973 tells the wall clock: sessions are shorter.
const FIRST_EPOCH_NS = 10n ** 17n
const MADE_UP_THREAD_ID = 4_194_305
const COUNTERS = '_counters_'
const FLAG_STATS: [stat: string, flag: number][] = [
  ['opscope.async', FLAG_ASYNC],
  ['opscope.error', FLAG_ERROR],
  ['opscope.timed', FLAG_TIMED],
  ['opscope.bracket', FLAG_BRACKET],
  ['_a', FLAG_ASYNC],
]
// No attributes of a user's.
const READERS_STATS = new Set(['group_id', 'flow', 'step_name', 'is_eager', 'device_id'])

/** Throws WireError for bytes that are no such proto. */
export async function importXplane(chunks: AsyncIterable<Buffer>): Promise<CaptureFileBuilder> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  const space = readXSpace(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts))
  const builder = new CaptureFileBuilder()
  new SpaceImport(space, builder).run()
  return builder
}

class SpaceImport {
  readonly #task: Stats
  readonly #isOurs: boolean
  readonly #baseNs: bigint
  readonly #threadOfLine: Map<number, number>
  readonly #threads = new Map<string, number>()
  #ignored = 0

  constructor(
    readonly space: XSpace,
    readonly builder: CaptureFileBuilder,
  ) {
    this.#task = space.planes.find(({ name }) => name === 'Task Environment')?.stats ?? new Map()
    this.#isOurs = this.#task.has('opscope.version')
    this.#threadOfLine = pairsOf(this.#task.get('opscope.lanes'))
    const [first = 0n] = space.planes.flatMap(({ lines }) => lines.map(line => line.timestampNs)).sort(compare)
    this.#baseNs = first > FIRST_EPOCH_NS ? first : 0n
  }

  run(): void {
    const { builder, space } = this
    const startNsOf = (line: XLine) => Number(line.timestampNs - this.#baseNs)
    const links = new Links(builder)
    this.#ownThreads()
    let otherPlanes = 0
    for (const plane of space.planes) {
      if (plane.name.startsWith('/device:GPU:')) {
        this.#ignored += addGpuPlane(builder, plane, startNsOf)
      } else if (plane.name.startsWith('/host:') || plane.name.startsWith('/device:CUSTOM:')) {
        this.#hostPlane(plane, startNsOf, links)
      } else if (plane.lines.length > 0) {
        otherPlanes++
      }
    }
    if (this.#isOurs) links.resolve()
    this.#session()
    if (space.isCut) builder.warn('file-cut', 'the file ends in the middle; every whole plane was read')
    if (otherPlanes > 0) builder.warn('planes-ignored', 'planes of devices other than GPUs are not read', otherPlanes)
    if (this.#ignored > 0) {
      const detail = 'events without a time, allocations that are of no GPU, and such on GPUs as are no work'
      builder.warn('events-unsupported', detail, this.#ignored)
    }
    for (const message of space.messages) {
      const [, code, detail = '', count] = /^([a-z]+(?:-[a-z]+)+): (.*?)(?: \((\d+)\))?$/s.exec(message) ?? []
      if (this.#isOurs && code !== undefined) builder.warn(code, detail, Number(count ?? 0))
      else if (!this.#isOurs) builder.warn('file-says', message)
    }
  }

  #session(): void {
    const { builder } = this
    const start = idOf(this.#task.get('profile_start_time'))
    const stop = idOf(this.#task.get('profile_stop_time'))
    builder.originEpochNs = BigInt.asIntN(63, this.#baseNs > 0n ? this.#baseNs : start)
    if (!this.#isOurs) {
      const { startNs, endNs } = builder.timeRange()
      if (startNs < 0) builder.shiftBy(-startNs)
      builder.durationNs = Math.max(endNs - Math.min(startNs, 0), 0)
      return
    }
    builder.durationNs = stop > start ? Number(stop - start) : 0
    builder.processId = countOf(this.#task.get('opscope.process_id'), Number.MAX_SAFE_INTEGER)
    builder.originClockNs = BigInt.asIntN(63, idOf(this.#task.get('opscope.origin_clock_ns')))
    builder.dropped = countOf(this.#task.get('opscope.dropped'), Number.MAX_SAFE_INTEGER)
    const meta = String(this.#task.get('opscope.meta') ?? '')
    builder.metaJson = isObject(parsed(meta)) ? meta : '{}'
  }

  #hostPlane(plane: XPlane, startNsOf: (line: XLine) => number, links: Links): void {
    for (const line of plane.lines) {
      links.startLine()
      const lineNs = startNsOf(line)
      for (const event of line.events()) {
        if (event === undefined) this.#ignored++
        else this.#hostEvent(plane, line, event, lineNs, links)
      }
    }
  }

  #hostEvent(plane: XPlane, line: XLine, event: XEvent, lineNs: number, links: Links): void {
    const { builder } = this
    const { stats, metadata } = event
    const startNs = lineNs + event.offsetNs
    const endNs = lineNs + event.endOffsetNs
    if (stats.has('opscope.made_up')) return
    if (line.name === COUNTERS) {
      const value = [...stats.values()].find(each => typeof each !== 'string')
      if (value === undefined) this.#ignored++
      else builder.addCounter(this.#thread(plane, line), this.#name(metadata), startNs, Number(value))
    } else if (/^Memory(Dea|A)llocation$/.test(metadata.name) && stats.has('addr')) {
      if (!addMemoryEvent(builder, event, startNs)) this.#ignored++
    } else if (stats.has('opscope.overhead')) {
      builder.gpu.addOverhead(startNs, endNs, countOf(stats.get('opscope.overhead')))
    } else if (stats.has('correlation_id')) {
      const text = launchName(metadata, stats)
      builder.addLaunch(this.#thread(plane, line), text, startNs, endNs, idOf(stats.get('correlation_id')))
    } else if (stats.has('opscope.sync_part')) {
      links.addSyncPart(startNs, endNs, stats)
    } else if (stats.has('opscope.mark')) {
      builder.addMark(this.#thread(plane, line), this.#name(metadata), startNs)
      links.addMark(startNs, stats)
    } else {
      this.#span(this.#thread(plane, line), event, startNs, endNs, links)
    }
  }

  #span(thread: number, { metadata, stats }: XEvent, startNs: number, endNs: number, links: Links): void {
    const { builder } = this
    let flags = 0
    for (const [stat, flag] of FLAG_STATS) if (stats.has(stat)) flags |= flag
    const op = this.#isOurs ? null : /^([^:]+):([A-Z_]\w*)$/.exec(metadata.name)
    if (op !== null) builder.addSpan(thread, builder.name(op[2] as string, 'cpu_op'), startNs, endNs, flags)
    const name =
      op !== null
        ? builder.name(op[2] as string, 'cpu_op', 'instance', op[1] as string)
        : this.#name(metadata, stats.has('_r') || stats.has('step_num') ? 'inference' : 'user')
    const end = stats.has('opscope.unfinished') ? Number.NaN : endNs
    const row = builder.addSpan(thread, name, startNs, end, flags, idsOf(stats))
    for (const [key, value] of [...metadata.stats, ...stats]) this.#attribute(row, key, value)
    if (this.#isOurs) {
      links.addSpan(row, startNs, endNs, stats)
      addLinks(builder, row, stats)
    }
  }

  #attribute(row: number, key: string, value: StatValue): void {
    if (key.startsWith('_') || key.startsWith('opscope.') || READERS_STATS.has(key)) return
    if (this.#isOurs && key === 'step_num') return
    this.builder.addAttribute(row, this.#isOurs ? key.replace(/^user\./, '') : key, value)
  }

  #name({ name, displayName, stats }: XEventMetadata, otherwise: Category = 'user'): number {
    const text = displayName || name || '(unnamed)'
    if (!this.#isOurs) return this.builder.name(text, otherwise)
    const role = oneOf(ROLES, stats.get('opscope.role'), 'op')
    const instance = String(stats.get('opscope.instance') ?? '')
    const category = oneOf(CATEGORIES, stats.get('opscope.category'), otherwise)
    if (role !== 'instance' || instance === '' || !text.endsWith(` [${instance}]`)) {
      return this.builder.name(text, category, role === 'instance' ? 'op' : role)
    }
    return this.builder.name(text.slice(0, -instance.length - 3) || '(unnamed)', category, role, instance)
  }

  // All that were recorded, in their order.
  #ownThreads(): void {
    const threads = parsed(String(this.#task.get('opscope.threads') ?? '[]'))
    for (const thread of Array.isArray(threads) ? threads : []) {
      if (!Array.isArray(thread) || thread.length !== 4) continue
      const [line, osThreadId, jsThreadId, name] = thread.map(String) as [string, string, string, string]
      const jsId = /^\d{1,9}$/.test(jsThreadId) ? Number(jsThreadId) : -1
      const osId = countOf(osThreadId, Number.MAX_SAFE_INTEGER)
      this.#threads.set(line, this.builder.addThread(name, osId, jsId))
    }
  }
  #thread(plane: XPlane, line: XLine): number {
    const id = this.#threadOfLine.get(line.id) ?? line.id
    const key = plane.name === '/host:CPU' ? String(id) : `${plane.name} ${id}`
    let thread = this.#threads.get(key)
    if (thread === undefined) {
      thread = this.builder.addThread(line.name, id > 0 && id < MADE_UP_THREAD_ID ? id : 0)
      this.#threads.set(key, thread)
    }
    return thread
  }
}

/** Parents, as our own files tell them: what is around an event in its line, unless a link says otherwise. */
class Links {
  #open: { endNs: number; span: number }[] = []
  readonly #producers = new Map<number, number>()
  readonly #returns: { producer: number; endNs: number }[] = []

  constructor(readonly builder: CaptureFileBuilder) {}

  startLine(): void {
    this.#open = []
  }
  addSpan(row: number, startNs: number, endNs: number, stats: Stats): void {
    const producer = numberOf(stats, '_p')
    if (producer !== undefined) this.#producers.set(producer, row)
    this.builder.parents.push(this.#parentOf(startNs, endNs, stats))
    this.#open.push({ endNs, span: row })
  }
  addSyncPart(startNs: number, endNs: number, stats: Stats): void {
    const producer = this.#parentOf(startNs, endNs, stats)
    this.#open.push({ endNs, span: producer })
    if (producer < -1) this.#returns.push({ producer, endNs })
  }
  addMark(atNs: number, stats: Stats): void {
    this.builder.markSpans.push(this.#parentOf(atNs, atNs, stats))
  }
  /** When all lines were read: links may point forwards. */
  resolve(): void {
    const { builder } = this
    const rowOf = (span: number) => (span < -1 ? (this.#producers.get(-1 - span) ?? -1) : span)
    for (const { values } of [builder.parents, builder.markSpans]) {
      for (let i = 0; i < values.length; i++) values[i] = rowOf(values[i] as number)
    }
    for (const { producer, endNs } of this.#returns) {
      const row = rowOf(producer)
      if (row >= 0) builder.addReturn(row, endNs)
    }
    builder.areParentsKnown = true
  }

  // A row, -1 for none, or -1 - n for what a link calls n, from 1 up.
  #parentOf(startNs: number, endNs: number, stats: Stats): number {
    while (this.#open.length > 0) {
      const around = this.#open.at(-1) as { endNs: number }
      if (around.endNs > startNs || around.endNs >= endNs) break
      this.#open.pop()
    }
    const producer = numberOf(stats, '_c')
    if (producer === undefined) return this.#open.at(-1)?.span ?? -1
    return producer > 0 && producer < 2 ** 31 - 1 ? -1 - producer : -1
  }
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)
function numberOf(stats: Stats, name: string): number | undefined {
  const value = stats.get(name)
  return value === undefined ? undefined : Number(value)
}
function idsOf(stats: Stats): SpanIds | undefined {
  const spanId = hex(stats.get('opscope.span_id'), 16)
  const parentId = hex(stats.get('opscope.parent_span_id'), 16)
  const traceId = hex(stats.get('opscope.trace_id'), 32)
  if (spanId === 0n && parentId === 0n && traceId === 0n) return undefined
  return { spanId, parentId, traceIdHigh: traceId >> 64n, traceIdLow: BigInt.asUintN(64, traceId) }
}
function addLinks(builder: CaptureFileBuilder, row: number, stats: Stats): void {
  for (const link of String(stats.get('opscope.link') ?? '').split(' ')) {
    const [trace = '', span] = link.split('-')
    const traceId = hex(trace, 32)
    if (span !== undefined) builder.addLink(row, traceId >> 64n, BigInt.asUintN(64, traceId), hex(span, 16))
  }
}
function hex(value: StatValue | undefined, digits: number): bigint {
  return typeof value === 'string' && value.length <= digits && /^[0-9a-f]+$/.test(value) ? BigInt(`0x${value}`) : 0n
}
/** "7=8 9=8" */
function pairsOf(text: StatValue | undefined): Map<number, number> {
  return new Map(Array.from(String(text ?? '').matchAll(/(\d+)=(\d+)/g), ([, a, b]) => [Number(a), Number(b)]))
}
function oneOf<T extends Category | Role>(words: readonly T[], value: StatValue | undefined, otherwise: T): T {
  return words.find(word => word === value) ?? otherwise
}
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
