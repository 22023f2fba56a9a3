// The plain rows of buildCapture().
import type { Category, GpuKind, MemoryKind, Role } from './binding.js'
import type { State, TracerOption } from './model/ops.js'

/** A thread of {@link CaptureRows}; a plain string is its name. */
export interface ThreadRow {
  name: string
  /** @default 0, unknown */
  osThreadId?: number
  /** `worker_threads.threadId`. @default -1, not a JavaScript thread */
  jsThreadId?: number
}
/** A timed stretch on a host thread. Times of all rows are whole ns since the session's start. */
export interface SpanRow {
  /** Index into `threads`, or the name of one. Without `threads`, each new name or number makes a thread. */
  thread: number | string
  name: string
  startNs: number
  /** null: still open when the session stopped. */
  endNs: number | null
  /** @default 'op' */
  role?: Role
  /** @default 'user' */
  category?: Category
  /** Which instance of an op this is; only with role 'instance'. */
  instance?: string
  /** Lower-case hex, as in W3C trace context. A `parentId` among the given `spanId`s wins over nesting by time. */
  ids?: { spanId: string; parentId?: string; traceId?: string }
  attributes?: Record<string, string | number | bigint | boolean>
  links?: { traceId: string; spanId: string }[]
  /** Not nested by time; drawn on a lane of its own. @default false */
  isAsync?: boolean
  /** The body threw or rejected. @default false */
  isError?: boolean
  /**
   * Around a native call that may launch from threads of its own: it gets what threads without an open span launch
   * while it is the only bracket in flight. @default false
   */
  isBracket?: boolean
}
/** A CUDA API call on a host thread; a GPU row of the same correlation id is what it caused. */
export interface LaunchRow {
  thread: number | string
  name: string
  startNs: number
  endNs: number
  correlationId: number | bigint
}
/** Something a GPU did. Its time goes to the innermost span open on the launching thread at the launch, else by `isBracket`. */
export interface GpuRow {
  kind: GpuKind
  name: string
  startNs: number
  endNs: number
  /** @default 0 */
  device?: number
  /** @default 0 */
  context?: number
  /** @default 0 */
  stream?: number
  /** @default 0, no launch: an orphan */
  correlationId?: number | bigint
  bytes?: number
  /** Where a copy reads and writes. @default 'unknown' */
  from?: MemoryKind
  to?: MemoryKind
  /** Of a kernel: how it was launched. */
  kernel?: KernelShape
}
/** How a kernel was launched; what is not given is 0. */
export interface KernelShape {
  /** Blocks in x, y and z. */
  grid: [number, number, number]
  /** Threads of a block in x, y and z. */
  block: [number, number, number]
  registersPerThread?: number
  staticSharedBytes?: number
  dynamicSharedBytes?: number
  /** What the driver set aside for a block. */
  executedSharedBytes?: number
  localBytesPerThread?: number
  /** The CUDA graph that the kernel is a node of. */
  graphId?: number
  graphNodeId?: number | bigint
}
/** What is not given is 0 or empty: unknown. */
export interface DeviceRow {
  id: number
  name?: string
  /** 32 hex digits. */
  uuid?: string
  memoryBytes?: number
  memoryBandwidthKBps?: number
  computeMajor?: number
  computeMinor?: number
  multiprocessors?: number
  copyEngines?: number
  maxWarpsPerSm?: number
  maxBlocksPerSm?: number
  maxSharedBytesPerSm?: number
  maxRegistersPerSm?: number
  maxRegistersPerBlock?: number
  maxSharedBytesPerBlock?: number
  coreClockKhz?: number
  /** A part of a GPU (MIG). @default false */
  isMig?: boolean
}
export interface ContextRow {
  id: number
  device: number
  /** Number of the default stream. @default 0 */
  nullStream?: number
}
export interface StreamNameRow {
  context: number
  stream: number
  name: string
}
/** An allocation of GPU memory, or its release. */
export interface GpuMemoryRow {
  atNs: number
  bytes: number
  /** @default 0 */
  address?: number | bigint
  /** @default 0 */
  device?: number
  /** @default 0 */
  context?: number
  /** @default 0 */
  stream?: number
  /** @default 'unknown' */
  kind?: MemoryKind
  /** Of the call that asked for it, one of the launches. @default 0, none */
  correlationId?: number | bigint
  /** @default false */
  isRelease?: boolean
}
/** Time that recording itself cost on the GPU's side. */
export interface GpuOverheadRow {
  startNs: number
  endNs: number
  /** CUPTI's number of the kind of overhead. */
  kind: number
}
export interface MarkRow {
  thread: number | string
  name: string
  atNs: number
  /** @default 'user' */
  category?: Category
}
export interface CounterRow extends MarkRow {
  value: number
}

/** What {@link buildCapture} takes. */
export interface CaptureRows {
  threads?: (string | ThreadRow)[]
  spans?: SpanRow[]
  launches?: LaunchRow[]
  gpu?: GpuRow[]
  devices?: DeviceRow[]
  contexts?: ContextRow[]
  streamNames?: StreamNameRow[]
  gpuMemory?: GpuMemoryRow[]
  gpuOverheads?: GpuOverheadRow[]
  marks?: MarkRow[]
  counters?: CounterRow[]
  /** Stretches in which the session was paused, ascending. */
  pauses?: { startNs: number; endNs: number }[]
  /** What Total means in the report. @default 'All' */
  state?: State
  /** How much op detail the report shows. @default 'Default' */
  tracerOption?: TracerOption
  /** Length of the session. @default up to the last end */
  durationNs?: number
  /** Wall clock at the session's start, ns since the Unix epoch. @default 0n, unknown */
  originEpochNs?: bigint
  /** @default 0, unknown */
  processId?: number
  /** Machine that was recorded. @default unknown */
  host?: string
  /** File that the process ran. @default unknown */
  program?: string
  /** Attributes of the session. */
  attributes?: Record<string, string | number | boolean>
}
