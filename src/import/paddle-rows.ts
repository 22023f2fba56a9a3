import {
  type Category,
  FLAG_ASYNC,
  GPU_KINDS,
  type GpuKind,
  MEMORY_KINDS,
  type MemoryKind,
  type Role,
} from '../binding.js'
import type { RowsBuilder } from '../rows-builder.js'
import type { PaddleEvent } from './paddle.js'
import { leafOf, nestByPath } from './paddle-paths.js'

const PHASES = new Set(['compute', 'infer_shape', 'prepare_data'])
// What a copy's name says after its colon.
const DIRECTIONS: Record<string, [MemoryKind, MemoryKind]> = {
  'GPU->CPU': ['device', 'pageable'],
  'CPU->GPU': ['pageable', 'device'],
  'GPU->GPU': ['device', 'device'],
  'GPU->CUDAPinned': ['device', 'pinned'],
  'CUDAPinned->GPU': ['pinned', 'device'],
}
const isApiCall = (event: PaddleEvent) => !event.isGpu && event.device < 0

/** Rows of the decoded events of one profile. */
export function addPaddleRows(builder: RowsBuilder, events: PaddleEvent[]): void {
  new PaddleRows(builder, events).add()
}

class PaddleRows {
  readonly #threads = new Map<number, number>()
  // What may have launched GPU work, by path, the earliest last. Ids are those of the launches.
  readonly #calls = new Map<string, { id: bigint; startNs: number }[]>()
  readonly #copySpans = new Map<string, PaddleEvent[]>()
  readonly #spans = new Map<string, PaddleEvent[]>()
  #lastId = 0n

  constructor(
    readonly builder: RowsBuilder,
    readonly events: PaddleEvent[],
  ) {}

  add(): void {
    const host = this.events.filter(event => !event.isGpu && event.device >= 0)
    // Paddle numbers threads by their first event.
    for (const id of [...new Set(host.map(event => event.subDevice))].sort((a, b) => a - b)) {
      this.#thread(id)
    }
    const nested = nestByPath(host)
    for (const { event } of nested) {
      push(isCopyName(lastPart(event.name)) ? this.#copySpans : this.#spans, event.name, event)
    }
    for (const call of this.events.filter(isApiCall)) {
      push(this.#calls, `${kindOfApi(call.detail || call.name)} ${call.name}`, {
        id: this.#launch(call),
        startNs: call.startNs,
      })
    }
    for (const list of [...this.#calls.values(), ...this.#copySpans.values(), ...this.#spans.values()]) {
      list.sort((a, b) => b.startNs - a.startNs)
    }
    const launched = new Set<PaddleEvent>()
    for (const event of this.events.filter(event => event.isGpu).sort((a, b) => a.startNs - b.startNs)) {
      this.#gpuRow(event, launched)
    }
    for (const { event, parent } of nested) {
      if (!launched.has(event)) {
        this.#span(event, parent)
      }
    }
  }

  #span(event: PaddleEvent, parent: PaddleEvent | undefined): void {
    const isBlock = /^block_-?\d+$/.test(event.name)
    const { text, category, role, instance } = nameParts(leafOf(event.name, parent))
    const name = isBlock ? this.builder.name(event.name, 'section') : this.builder.name(text, category, role, instance)
    // Blocks are no part of the op tree: Paddle's report does not know them.
    this.builder.addSpan(this.#thread(event.subDevice), name, event.startNs, event.endNs, isBlock ? FLAG_ASYNC : 0)
  }

  #gpuRow(event: PaddleEvent, launched: Set<PaddleEvent>): void {
    const kind = kindOf(event)
    const [from, to] = kind === 'copy' ? directionOf(lastPart(event.name)) : (['unknown', 'unknown'] as const)
    this.builder.addGpu({
      kind: GPU_KINDS.indexOf(kind),
      from: MEMORY_KINDS.indexOf(from),
      to: MEMORY_KINDS.indexOf(to),
      name: (event.detail === 'none' ? '' : event.detail) || event.name || '(unnamed)',
      device: event.device >>> 0,
      context: 0,
      stream: event.subDevice >>> 0,
      startNs: event.startNs,
      endNs: event.endNs,
      correlationId: this.#launchOf(event, kind, from, launched),
      bytes: event.bytes,
    })
  }

  // A copy's span is the launch itself, since it becomes the row of the copy again. A kernel was launched by the
  // next call of its path; where the file holds no calls, somewhere in the last span of its path.
  #launchOf(event: PaddleEvent, kind: GpuKind, from: MemoryKind, launched: Set<PaddleEvent>): bigint {
    const copy = kind === 'copy' && from !== 'unknown' ? this.#copySpans.get(event.name)?.pop() : undefined
    if (copy !== undefined) {
      launched.add(copy)
      return this.#launch({ ...copy, detail: lastPart(copy.name).includes('Async') ? 'cudaMemcpyAsync' : 'cudaMemcpy' })
    }
    const call = this.#calls.get(`${kind} ${event.name}`)?.pop()
    if (call !== undefined) {
      return call.id
    }
    const span = lastBy(this.#spans.get(event.name) ?? this.#copySpans.get(event.name) ?? [], event.startNs)
    if (span === undefined) {
      return 0n
    }
    this.builder.warn('launches-guessed', 'GPU rows without a call in the file: given to the last span of their path')
    const atNs = Math.max(span.startNs, span.endNs - 1)
    return this.#launch({ ...span, detail: 'launch', startNs: atNs, endNs: atNs })
  }

  #launch({ subDevice, detail, name, startNs, endNs }: PaddleEvent): bigint {
    this.#lastId++
    this.builder.addLaunch(this.#thread(subDevice), detail || name || 'API call', startNs, endNs, this.#lastId)
    return this.#lastId
  }
  #thread(subDevice: number): number {
    let index = this.#threads.get(subDevice)
    if (index === undefined) {
      index = this.builder.addThread(`thread${subDevice}`)
      this.#threads.set(subDevice, index)
    }
    return index
  }
}

/** The parts of a Paddle name that opscope keeps apart. */
function nameParts(leaf: string): { text: string; role: Role; category: Category; instance: string } {
  const instance = /^(.+?)%(.+)%$/.exec(leaf)
  if (instance !== null) {
    return { text: instance[1] as string, role: 'instance', category: 'cpu_op', instance: instance[2] as string }
  }
  const plain = { text: leaf || '(unnamed)', instance: '' }
  if (PHASES.has(leaf)) {
    return { ...plain, role: 'phase', category: 'cpu_op' }
  }
  if (leaf === 'ParallelExecutor::Run') {
    return { ...plain, role: 'special', category: 'section' }
  }
  return isCopyName(leaf)
    ? { ...plain, role: 'copy', category: 'memcpy' }
    : { ...plain, role: 'op', category: 'cpu_op' }
}
function isCopyName(leaf: string): boolean {
  return /^(Gpu|Npu)Memcpy/.test(leaf)
}
function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
function directionOf(copy: string): [MemoryKind, MemoryKind] {
  if (copy.startsWith('GpuMemcpyPeer')) {
    return ['device', 'peer']
  }
  return DIRECTIONS[copy.startsWith('Gpu') ? copy.slice(copy.indexOf(':') + 1) : ''] ?? ['unknown', 'unknown']
}

function kindOf({ detail, name, bytes }: PaddleEvent): 'kernel' | 'copy' | 'fill' {
  const raw = detail || name
  if (raw === 'MEMSET') {
    return 'fill'
  }
  return bytes > 0 || raw.startsWith('MEMCPY') ? 'copy' : 'kernel'
}
function kindOfApi(name: string): 'kernel' | 'copy' | 'fill' {
  return /memcpy/i.test(name) ? 'copy' : /memset/i.test(name) ? 'fill' : 'kernel'
}

/** Of events from the latest to the earliest start, the last that began by then. */
function lastBy(events: PaddleEvent[], atNs: number): PaddleEvent | undefined {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle] as PaddleEvent).startNs <= atNs) {
      high = middle
    } else {
      low = middle + 1
    }
  }
  return events[low]
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list === undefined) {
    map.set(key, [value])
  } else {
    list.push(value)
  }
}
