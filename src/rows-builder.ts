import { CATEGORIES, type Category, type NameEntry, type NativeWarning, ROLES, type Role } from './binding.js'
import { float64, type Growing, uint8, uint32, uint64, valuesOf } from './columns.js'
import { type GpuFields, GpuRowColumns } from './gpu-row-columns.js'
import type { RawRows } from './raw-rows.js'

/** Ids of a span; absent ones are 0. */
export interface SpanIds {
  spanId: bigint
  parentId: bigint
  traceIdHigh: bigint
  traceIdLow: bigint
}

type MarkTable = {
  thread: Growing<Uint32Array>
  name: Growing<Uint32Array>
  atNs: Growing<Float64Array>
}
type SpanTable = {
  thread: Growing<Uint32Array>
  name: Growing<Uint32Array>
  startNs: Growing<Float64Array>
  endNs: Growing<Float64Array>
  flags: Growing<Uint8Array>
}

/**
 * Collects rows for NativeBinding.build(): interns names and strings, keeps columns. Nothing is
 * checked here; buildCapture() checks what callers give, importers what files hold.
 */
export class RowsBuilder {
  durationNs = 0
  originEpochNs = 0n
  processId = 0
  dropped = 0
  metaJson = '{}'
  pauses: { startNs: number; endNs: number; process?: number }[] = []

  readonly #threads: RawRows['threads'] = []
  readonly #names: NameEntry[] = []
  readonly #nameIndex = new Map<string, number>()
  readonly #strings: string[] = []
  readonly #stringIndex = new Map<string, number>()
  readonly #warnings = new Map<string, NativeWarning>()
  protected readonly span: SpanTable = {
    thread: uint32(),
    name: uint32(),
    startNs: float64(),
    endNs: float64(),
    flags: uint8(),
  }
  protected readonly ids: Record<keyof SpanIds, Growing<BigUint64Array>> = {
    spanId: uint64(),
    parentId: uint64(),
    traceIdHigh: uint64(),
    traceIdLow: uint64(),
  }
  protected readonly attributes: RawRows['attributes'] = []
  protected readonly links: RawRows['links'] = []
  protected readonly mark: MarkTable = { thread: uint32(), name: uint32(), atNs: float64() }
  readonly #counter = { thread: uint32(), name: uint32(), atNs: float64(), value: float64() }
  readonly #launch = { thread: uint32(), name: uint32(), startNs: float64(), endNs: float64(), correlationId: uint64() }
  readonly gpu: GpuRowColumns = new GpuRowColumns()

  get spanCount(): number {
    return this.span.thread.length
  }
  get threadCount(): number {
    return this.#threads.length
  }
  get launchCount(): number {
    return this.#launch.thread.length
  }
  get gpuCount(): number {
    return this.gpu.rowCount
  }
  get rowCount(): number {
    return this.spanCount + this.launchCount + this.gpu.allRowCount + this.mark.name.length + this.#counter.name.length
  }

  addThread(name: string, osThreadId = 0, jsThreadId = -1, process = 0): number {
    return this.#threads.push({ name, osThreadId, jsThreadId, ...(process === 0 ? {} : { process }) }) - 1
  }
  /** Files tell the name of a thread anywhere, often after its first event. */
  renameThread(thread: number, name: string, jsThreadId?: number): void {
    const entry = this.#threads[thread]
    if (entry !== undefined) {
      entry.name = name
      entry.jsThreadId = jsThreadId ?? entry.jsThreadId
    }
  }

  name(text: string, category: Category = 'user', role: Role = 'op', instance = ''): number {
    const roleIndex = ROLES.indexOf(role)
    const categoryIndex = CATEGORIES.indexOf(category)
    const key = `${roleIndex} ${categoryIndex} ${instance.length} ${instance}${text}`
    let index = this.#nameIndex.get(key)
    if (index === undefined) {
      index = this.#names.push({ text, instance, category: categoryIndex, role: roleIndex }) - 1
      this.#nameIndex.set(key, index)
    }
    return index
  }
  string(text: string): number {
    let index = this.#stringIndex.get(text)
    if (index === undefined) {
      index = this.#strings.push(text) - 1
      this.#stringIndex.set(text, index)
    }
    return index
  }

  /** `endNs` NaN: unfinished. Returns the row, for addAttribute() and addLink(). */
  addSpan(thread: number, name: number, startNs: number, endNs: number, flags = 0, ids?: SpanIds): number {
    const row = this.spanCount
    this.span.thread.push(thread)
    this.span.name.push(name)
    this.span.startNs.push(startNs)
    this.span.endNs.push(endNs)
    this.span.flags.push(flags)
    if (ids !== undefined) {
      this.padIds(row)
      this.ids.spanId.push(ids.spanId)
      this.ids.parentId.push(ids.parentId)
      this.ids.traceIdHigh.push(ids.traceIdHigh)
      this.ids.traceIdLow.push(ids.traceIdLow)
    }
    return row
  }
  addAttribute(span: number, key: string, value: string | number | bigint | boolean): void {
    const row = { span, key: this.string(key) }
    if (typeof value === 'string') {
      this.attributes.push({ ...row, type: 0, value: this.string(value) })
    } else if (typeof value === 'boolean') {
      this.attributes.push({ ...row, type: 3, value: value ? 1 : 0 })
    } else if (typeof value === 'bigint') {
      // The raw table holds numbers: what is not exact as one travels as text.
      const isExact = BigInt.asIntN(54, value) === value
      this.attributes.push(
        isExact ? { ...row, type: 2, value: Number(value) } : { ...row, type: 0, value: this.string(String(value)) },
      )
    } else {
      this.attributes.push({ ...row, type: 1, value })
    }
  }
  addLink(span: number, traceIdHigh: bigint, traceIdLow: bigint, spanId: bigint): void {
    this.links.push({ span, traceIdHigh, traceIdLow, spanId })
  }
  addMark(thread: number, name: number, atNs: number): void {
    this.mark.thread.push(thread)
    this.mark.name.push(name)
    this.mark.atNs.push(atNs)
  }
  addCounter(thread: number, name: number, atNs: number, value: number): void {
    this.#counter.thread.push(thread)
    this.#counter.name.push(name)
    this.#counter.atNs.push(atNs)
    this.#counter.value.push(value)
  }
  addLaunch(thread: number, name: string, startNs: number, endNs: number, correlationId: bigint): void {
    this.#launch.thread.push(thread)
    this.#launch.name.push(this.string(name))
    this.#launch.startNs.push(startNs)
    this.#launch.endNs.push(endNs)
    this.#launch.correlationId.push(correlationId)
  }
  addGpu(row: Omit<GpuFields, 'name'> & { name: string }): void {
    this.gpu.addRow({ ...row, name: this.string(row.name) })
  }
  /** Warnings of one code are one warning; the detail is the first one's. */
  warn(code: string, detail: string, count = 1): void {
    const known = this.#warnings.get(code)
    if (known === undefined) {
      this.#warnings.set(code, { code, detail, count })
    } else {
      known.count += count
    }
  }

  /** Moves every time, so that the earliest becomes the session's start. */
  shiftBy(deltaNs: number): void {
    const columns = [this.span.startNs, this.span.endNs, this.mark.atNs, this.#counter.atNs]
    columns.push(this.#launch.startNs, this.#launch.endNs)
    for (const { values } of [...columns, ...this.gpu.starts, ...this.gpu.ends]) {
      for (let i = 0; i < values.length; i++) {
        values[i] = (values[i] as number) + deltaNs
      }
    }
  }
  /** Earliest and latest time of any row; both 0 without rows. */
  timeRange(): { startNs: number; endNs: number } {
    let startNs = Number.POSITIVE_INFINITY
    let endNs = Number.NEGATIVE_INFINITY
    for (const column of [
      this.span.startNs,
      this.mark.atNs,
      this.#counter.atNs,
      this.#launch.startNs,
      ...this.gpu.starts,
    ]) {
      for (const value of column.values) {
        startNs = Math.min(startNs, value)
        endNs = Math.max(endNs, value)
      }
    }
    for (const column of [this.span.endNs, this.#launch.endNs, ...this.gpu.ends]) {
      for (const value of column.values) {
        if (value > endNs) {
          endNs = value
        }
      }
    }
    return this.rowCount === 0 ? { startNs: 0, endNs: 0 } : { startNs, endNs }
  }

  rows(): RawRows {
    if (this.ids.spanId.length > 0) {
      this.padIds(this.spanCount)
    }
    return {
      threads: this.#threads,
      names: this.#names,
      strings: this.#strings,
      spans: { ...valuesOf(this.span), ...valuesOf(this.ids) },
      attributes: this.attributes,
      links: this.links,
      marks: valuesOf(this.mark),
      counters: valuesOf(this.#counter),
      launches: valuesOf(this.#launch),
      pauses: this.pauses,
      ...this.gpu.rows(),
      durationNs: this.durationNs,
      originEpochNs: this.originEpochNs,
      processId: this.processId,
      dropped: this.dropped,
      warnings: [...this.#warnings.values()],
      metaJson: this.metaJson,
    }
  }

  // The id columns are empty until the first span with ids, and as long as the span columns after it.
  protected padIds(size: number): void {
    for (const column of Object.values(this.ids)) {
      while (column.length < size) {
        column.push(0n)
      }
    }
  }
}
