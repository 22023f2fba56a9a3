import { float64, uint8, uint32, uint64, valuesOf } from './columns.js'
import type { RawRows } from './raw-rows.js'

export interface KernelFields {
  grid: readonly [number, number, number]
  block: readonly [number, number, number]
  registersPerThread: number
  staticSharedBytes: number
  dynamicSharedBytes: number
  executedSharedBytes: number
  localBytesPerThread: number
  graphId: number
  graphNodeId: bigint
  /** On CUPTI's own clock; absent: not recorded. */
  queuedNs?: bigint
  submittedNs?: bigint
}
export interface GpuFields {
  /** Index into GPU_KINDS. */
  kind: number
  /** Indices into MEMORY_KINDS. */
  from: number
  to: number
  /** Index into the strings. */
  name: number
  device: number
  context: number
  stream: number
  startNs: number
  endNs: number
  correlationId: bigint
  bytes: number
  kernel?: KernelFields | undefined
}
export interface MemoryFields {
  atNs: number
  bytes: number
  address: bigint
  device: number
  context: number
  stream: number
  /** Index into MEMORY_KINDS. */
  kind: number
  correlationId: bigint
  isRelease: boolean
}

const GPU_COLUMNS = ['kind', 'from', 'to', 'name', 'device', 'context', 'stream', 'startNs', 'endNs', 'bytes'] as const
const KERNEL_COLUMNS = [
  'registersPerThread',
  'staticSharedBytes',
  'dynamicSharedBytes',
  'executedSharedBytes',
  'localBytesPerThread',
  'graphId',
] as const
const MEMORY_COLUMNS = ['atNs', 'bytes', 'device', 'context', 'stream', 'kind'] as const

/** The GPU's part of plain rows: what a RowsBuilder keeps beside the host's spans. */
export class GpuRowColumns {
  readonly devices: RawRows['gpuDetails']['devices'] = []
  readonly contexts: RawRows['gpuDetails']['contexts'] = []
  readonly streamNames: RawRows['gpuDetails']['streamNames'] = []
  readonly #gpu = {
    kind: uint8(),
    from: uint8(),
    to: uint8(),
    name: uint32(),
    device: uint32(),
    context: uint32(),
    stream: uint32(),
    startNs: float64(),
    endNs: float64(),
    correlationId: uint64(),
    bytes: float64(),
  }
  readonly #kernel = {
    row: uint32(),
    gridX: uint32(),
    gridY: uint32(),
    gridZ: uint32(),
    blockX: uint32(),
    blockY: uint32(),
    blockZ: uint32(),
    registersPerThread: uint32(),
    staticSharedBytes: uint32(),
    dynamicSharedBytes: uint32(),
    executedSharedBytes: uint32(),
    localBytesPerThread: uint32(),
    graphId: uint32(),
    graphNodeId: uint64(),
    queuedNs: uint64(),
    submittedNs: uint64(),
  }
  readonly #overhead = { startNs: float64(), endNs: float64(), kind: uint32(), process: uint32() }
  readonly #memory = {
    atNs: float64(),
    bytes: float64(),
    device: uint32(),
    context: uint32(),
    stream: uint32(),
    kind: uint8(),
    isRelease: uint8(),
    address: uint64(),
    correlationId: uint64(),
  }

  get rowCount(): number {
    return this.#gpu.kind.length
  }
  get allRowCount(): number {
    return this.rowCount + this.#overhead.kind.length + this.#memory.kind.length
  }
  get starts(): readonly { values: Float64Array }[] {
    return [this.#gpu.startNs, this.#overhead.startNs, this.#memory.atNs]
  }
  get ends(): readonly { values: Float64Array }[] {
    return [this.#gpu.endNs, this.#overhead.endNs]
  }

  addRow(row: GpuFields): void {
    if (row.kernel !== undefined) {
      this.#addKernel(row.kernel)
    }
    for (const column of GPU_COLUMNS) {
      this.#gpu[column].push(row[column])
    }
    this.#gpu.correlationId.push(row.correlationId)
  }
  addOverhead(startNs: number, endNs: number, kind: number, process = 0): void {
    this.#overhead.process.push(process)
    this.#overhead.startNs.push(startNs)
    this.#overhead.endNs.push(endNs)
    this.#overhead.kind.push(kind)
  }
  addMemory(row: MemoryFields): void {
    for (const column of MEMORY_COLUMNS) {
      this.#memory[column].push(row[column])
    }
    this.#memory.isRelease.push(row.isRelease ? 1 : 0)
    this.#memory.address.push(row.address)
    this.#memory.correlationId.push(row.correlationId)
  }

  rows(): Pick<RawRows, 'gpu' | 'gpuDetails'> {
    return {
      gpu: valuesOf(this.#gpu),
      gpuDetails: {
        kernels: valuesOf(this.#kernel),
        overheads: valuesOf(this.#overhead),
        memory: valuesOf(this.#memory),
        devices: this.devices,
        contexts: this.contexts,
        streamNames: this.streamNames,
      },
    }
  }

  // Of the row that is added next.
  #addKernel(kernel: KernelFields): void {
    const table = this.#kernel
    table.row.push(this.rowCount)
    for (const [column, value] of [
      [table.gridX, kernel.grid[0]],
      [table.gridY, kernel.grid[1]],
      [table.gridZ, kernel.grid[2]],
      [table.blockX, kernel.block[0]],
      [table.blockY, kernel.block[1]],
      [table.blockZ, kernel.block[2]],
    ] as const) {
      column.push(value)
    }
    for (const column of KERNEL_COLUMNS) {
      table[column].push(kernel[column])
    }
    table.graphNodeId.push(kernel.graphNodeId)
    table.queuedNs.push(kernel.queuedNs ?? 0n)
    table.submittedNs.push(kernel.submittedNs ?? 0n)
  }
}
