import {
  CATEGORIES,
  FLAG_ERROR,
  FLAG_UNFINISHED,
  GPU_KINDS,
  type GpuKind,
  type NameEntry,
  type RecordingView,
  ROLES,
  type ThreadEntry,
} from '../binding.js'
import type { Interval } from './intervals.js'
import { processOfContext } from './processes.js'
import { RowIds } from './row-ids.js'
import { type ColumnType, exact, type TableColumn, type Value } from './table.js'

const INFERENCE = CATEGORIES.indexOf('inference')
const CPU_OP = CATEGORIES.indexOf('cpu_op')
const DEVICE = CATEGORIES.indexOf('device')
const MEMCPY = CATEGORIES.indexOf('memcpy')
const SYNC = CATEGORIES.indexOf('sync')
const OP = ROLES.indexOf('op')

const CATEGORY_OF: Record<GpuKind, number> = { kernel: DEVICE, copy: MEMCPY, fill: MEMCPY, sync: SYNC }

// Whole numbers that callers give to spans as attributes; GPU rows have some of them by themselves. With their widths:
// 32 bits are enough for an index, and data frames for JavaScript show wider ones inexactly.
const NUMBER_KEYS: Record<NumberKey, ColumnType> = {
  device_index: 'i32',
  stream: 'i32',
  context: 'i32',
  execution_index: 'i64',
  instruction_index: 'i32',
  operator_index: 'i32',
  correlation_id: 'i64',
  bytes: 'i64',
}
type NumberKey =
  | 'device_index'
  | 'stream'
  | 'context'
  | 'execution_index'
  | 'instruction_index'
  | 'operator_index'
  | 'correlation_id'
  | 'bytes'

type Attributes = Map<string, string | number | bigint | boolean>

/**
 * A recording as rows of one kind: its spans in their order, then what the GPU did. What a row has from those around
 * it is found once for all; ids and attributes are read when first asked for.
 */
export class TraceRows {
  readonly #view: RecordingView
  readonly #spanCount: number
  readonly startNs: Float64Array
  /** Of an unfinished span, the end of the session. */
  readonly endNs: Float64Array
  /** Row of the span around it, or in which it was launched; -1: none. */
  readonly parent: Int32Array
  /** Row of the innermost span of category inference that is this row or around it; -1: none. */
  readonly inference: Int32Array
  /** All rows, by start; of two at once the longer first, then by id. */
  readonly inOrder: readonly number[]

  #ids: RowIds | undefined
  #threads: Int32Array | undefined
  #attributes: Map<number, Attributes> | undefined

  constructor(view: RecordingView) {
    const { spans, gpu } = view
    const spanCount = spans.parent.length
    const length = spanCount + gpu.kind.length
    this.#view = view
    this.#spanCount = spanCount
    this.startNs = new Float64Array(length)
    this.endNs = new Float64Array(length)
    for (let row = 0; row < spanCount; row++) {
      this.startNs[row] = Number(spans.startNs[row])
      this.endNs[row] = this.startNs[row]! + Number(spans.durationNs[row])
    }
    this.startNs.set(gpu.startNs, spanCount)
    this.endNs.set(gpu.endNs, spanCount)
    this.parent = new Int32Array(length)
    this.parent.set(spans.parent)
    this.parent.set(gpu.span, spanCount)
    this.inference = this.nearest(row => this.isInference(row))
    this.inOrder = this.#sorted()
  }

  /** A span of the host's side; false: what the GPU did. */
  isSpan(row: number): boolean {
    return row < this.#spanCount
  }
  isFinished(row: number): boolean {
    return !this.isSpan(row) || (this.#view.spans.flags[row]! & FLAG_UNFINISHED) === 0
  }
  isInference(row: number): boolean {
    return this.#category(row) === INFERENCE
  }
  /** One run of a model on a device, as told by who recorded it. */
  isExecution(row: number): boolean {
    if (this.#category(row) !== DEVICE || !this.isFinished(row)) return false
    return this.number(row, 'execution_index') !== null && this.number(row, 'instruction_index') === null
  }
  /** What a device computed: a kernel, or a span of category device that is no execution. */
  isDeviceOperator(row: number): boolean {
    return this.#category(row) === DEVICE && this.isFinished(row) && !this.isExecution(row)
  }
  /** What a device did: computed, copied or filled. */
  isDeviceWork(row: number): boolean {
    return this.isDeviceOperator(row) || (!this.isSpan(row) && this.#category(row) === MEMCPY)
  }
  /** What the host computed: a span with an operator_index, or an op of category cpu_op in an inference. */
  isCpuOperator(row: number): boolean {
    if (!this.isSpan(row) || !this.isFinished(row)) return false
    const { category, role } = this.#nameOf(row)
    // Phases and instances are parts of their op, not operators beside it.
    if (category === CPU_OP && role === OP && this.inference[row]! >= 0) return true
    return ![DEVICE, MEMCPY, SYNC].includes(category) && this.number(row, 'operator_index') !== null
  }

  interval(row: number): Interval {
    return { startNs: this.startNs[row]!, endNs: this.endNs[row]! }
  }
  durationNs(row: number): number {
    return this.endNs[row]! - this.startNs[row]!
  }
  /** How much of the row lies in pauses of its session. */
  pausedNs(row: number): number {
    const [start, end] = [this.startNs[row]!, this.endNs[row]!]
    if (this.#view.pauses.length === 0) return 0
    const process = this.#process(row)
    return this.#view.pauses.reduce((ns, pause) => {
      if (pause.process !== process) return ns
      return ns + Math.max(0, Math.min(end, pause.endNs) - Math.max(start, pause.startNs))
    }, 0)
  }
  name(row: number): string {
    return this.isSpan(row) ? this.#nameOf(row).text : this.#view.strings[this.#view.gpu.name[row - this.#spanCount]!]!
  }
  spanId(row: number): string {
    return this.#idsOf().spanId(row)
  }
  /** As given to it or one around it, else made for its root; null: GPU work whose span is not known. */
  traceId(row: number): string | null {
    return this.#idsOf().traceId(row)
  }
  inferenceSpanId(row: number): string | null {
    const span = this.inference[row]!
    return span < 0 ? null : this.spanId(span)
  }
  /** What the GPU row knows, or the attribute of this name if it is a whole number that its column has room for. */
  number(row: number, key: NumberKey): number | bigint | null {
    if (this.isSpan(row)) return wholeNumber(key, this.#attributesOf(row)?.get(key))
    const { gpu } = this.#view
    const at = row - this.#spanCount
    switch (key) {
      case 'device_index':
        return wholeNumber(key, gpu.device[at]!)
      case 'stream':
        return wholeNumber(key, gpu.stream[at]!)
      case 'context':
        return wholeNumber(key, gpu.context[at]!)
      case 'correlation_id':
        return gpu.correlationId[at] === 0n ? null : exact(gpu.correlationId[at]!)
      case 'bytes':
        return this.#category(row) === MEMCPY ? gpu.bytes[at]! : null
      default:
        return null
    }
  }

  /** For each row the nearest, of itself and those around it, of which `isOne` holds; -1: none. */
  nearest(isOne: (row: number) => boolean): Int32Array {
    const UNKNOWN = -2
    const found = new Int32Array(this.parent.length).fill(UNKNOWN)
    const path: number[] = []
    for (let row = 0; row < found.length; row++) {
      // Upwards to a row that is known, since parents on other threads may come later; not recursive, trees are deep.
      let top = row
      while (top >= 0 && found[top] === UNKNOWN) {
        if (isOne(top)) found[top] = top
        else {
          path.push(top)
          top = this.parent[top]!
        }
      }
      const answer = top < 0 ? -1 : found[top]!
      for (const below of path) found[below] = answer
      path.length = 0
    }
    return found
  }

  /** All that is told of a row. */
  columns(): TableColumn[] {
    const ifFinished = (figure: (row: number) => number) => (row: number) => (this.isFinished(row) ? figure(row) : null)
    return [
      { name: 'trace_id', type: 'str', at: row => this.traceId(row) },
      { name: 'span_id', type: 'str', at: row => this.spanId(row) },
      { name: 'parent_span_id', type: 'str', at: row => this.#parentSpanId(row) },
      { name: 'inference_span_id', type: 'str', at: row => this.inferenceSpanId(row) },
      { name: 'start', type: 'i64', at: row => this.startNs[row]! },
      { name: 'end', type: 'i64', at: ifFinished(row => this.endNs[row]!) },
      { name: 'dur', type: 'i64', at: ifFinished(row => this.durationNs(row)) },
      { name: 'cat', type: 'str', at: row => CATEGORIES[this.#category(row)]! },
      { name: 'name', type: 'str', at: row => this.name(row) },
      { name: 'status', type: 'str', at: row => this.#status(row) },
      ...this.#processColumns(),
      { name: 'thread.id', type: 'i64', at: row => this.#threadOf(row)?.osThreadId || null },
      { name: 'node.thread', type: 'i32', at: row => this.#nodeThreadId(row) },
      ...Object.entries(NUMBER_KEYS).map(([key, type]) => {
        return { name: key, type, at: (row: number) => this.number(row, key as NumberKey) }
      }),
      { name: 'paused_ns', type: 'i64', at: ifFinished(row => this.pausedNs(row)) },
      { name: 'attrs', type: 'str', at: row => this.#otherAttributes(row) },
    ]
  }

  columnsNamed(names: readonly string[]): TableColumn[] {
    const all = this.columns()
    return names.map(name => all.find(column => column.name === name)!)
  }

  #sorted(): number[] {
    const end = (row: number) => (this.isFinished(row) ? this.endNs[row]! : Number.MAX_VALUE)
    return [...this.parent.keys()].sort((a, b) => {
      const difference = this.startNs[a]! - this.startNs[b]! || end(b) - end(a)
      return difference || (this.spanId(a) < this.spanId(b) ? -1 : 1)
    })
  }
  #nameOf(row: number): NameEntry {
    return this.#view.names[this.#view.spans.name[row]!]!
  }
  /** Index into {@link CATEGORIES}. */
  #category(row: number): number {
    if (this.isSpan(row)) return this.#nameOf(row).category
    return CATEGORY_OF[GPU_KINDS[this.#view.gpu.kind[row - this.#spanCount]!]!]
  }
  #status(row: number): string {
    if (!this.isFinished(row)) return 'unfinished'
    return this.isSpan(row) && (this.#view.spans.flags[row]! & FLAG_ERROR) !== 0 ? 'error' : 'ok'
  }
  #idsOf(): RowIds {
    this.#ids ??= new RowIds(this.#view)
    return this.#ids
  }
  /** All zeros: a root. null: GPU work whose span is not known. */
  #parentSpanId(row: number): string | null {
    return this.parent[row]! >= 0 || this.isSpan(row) ? this.#idsOf().parentId(row) : null
  }
  /** Only where there are several: a plain recording says once what process it is of. */
  #processColumns(): TableColumn[] {
    const { processes } = this.#view
    if (processes.length === 0) return []
    return [
      { name: 'host', type: 'str', at: row => processes[this.#process(row)]!.host || null },
      { name: 'pid', type: 'i64', at: row => processes[this.#process(row)]!.id || null },
    ]
  }
  /** Index into the processes; 0 in a plain recording. */
  #process(row: number): number {
    const { processes, threads, gpu } = this.#view
    if (processes.length === 0) return 0
    const thread = this.#thread(row)
    if (thread !== undefined) return threads[thread]!.process
    return processOfContext(processes, gpu.context[row - this.#spanCount]!)
  }
  /** Of GPU work, the thread that launched it; undefined: not known. */
  #threadOf(row: number): ThreadEntry | undefined {
    const thread = this.#thread(row)
    return thread === undefined ? undefined : this.#view.threads[thread]
  }
  /** null: no thread of JavaScript. */
  #nodeThreadId(row: number): number | null {
    const id = this.#threadOf(row)?.jsThreadId ?? -1
    return id < 0 ? null : id
  }
  #thread(row: number): number | undefined {
    if (this.#threads === undefined) {
      const threads = new Int32Array(this.#spanCount)
      for (const [thread, { firstRow, rowCount }] of this.#view.threads.entries()) {
        threads.fill(thread, firstRow, firstRow + rowCount)
      }
      this.#threads = threads
    }
    const { gpu, launches } = this.#view
    return this.isSpan(row) ? this.#threads[row] : launches.thread[gpu.launch[row - this.#spanCount]!]
  }
  #attributesOf(row: number): Attributes | undefined {
    if (this.#attributes === undefined) {
      this.#attributes = new Map()
      for (const { row: span, key, value } of this.#view.attributes) {
        const known = this.#attributes.get(span)
        if (known === undefined) this.#attributes.set(span, new Map([[key, value]]))
        else known.set(key, value)
      }
    }
    return this.#attributes.get(row)
  }
  /** What no column shows, as JSON. */
  #otherAttributes(row: number): Value {
    const own = this.isSpan(row) ? [...(this.#attributesOf(row) ?? [])] : []
    const others = own.filter(([key, value]) => !isNumberKey(key) || wholeNumber(key, value) === null)
    if (others.length === 0) return null
    return JSON.stringify(Object.fromEntries(others), (_, value: unknown) => {
      const number = typeof value === 'bigint' ? exact(value) : value
      return typeof number === 'bigint' ? String(number) : number
    })
  }
}

function isNumberKey(key: string): key is NumberKey {
  return Object.hasOwn(NUMBER_KEYS, key)
}
/** null: no whole number, or too large for the column. */
function wholeNumber(key: NumberKey, value: unknown): number | bigint | null {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!isWhole) return null
  if (NUMBER_KEYS[key] === 'i32' && Number(value) !== (Number(value) | 0)) return null
  return typeof value === 'bigint' ? exact(value) : (value as number)
}
