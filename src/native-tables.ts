// What the native core computes of a finished recording (binding/core/op_table.h, gpu_tables.h). All times in ns.

/** Columns of an op table; one element per row. All times in ns. */
export interface OpColumns {
  parent: Int32Array
  name: Uint32Array
  thread: Int32Array
  isAsync: Uint8Array
  peak: Uint32Array
  calls: Float64Array
  totalNs: Float64Array
  cpuNs: Float64Array
  gpuNs: Float64Array
  selfNs: Float64Array
  minNs: Float64Array
  maxNs: Float64Array
  p50Ns: Float64Array
  p99Ns: Float64Array
  firstStartNs: Float64Array
  firstEndNs: Float64Array
  unfinished: Float64Array
}

/** `OccupancyLimit` of binding/core/occupancy.h. */
export const OCCUPANCY_LIMITS = ['unknown', 'warps', 'blocks', 'registers', 'shared-memory'] as const
export type OccupancyLimit = (typeof OCCUPANCY_LIMITS)[number]
/** `GapCause` of binding/core/gpu_tables.h. */
export const GAP_CAUSES = ['launch', 'sync', 'host', 'pending', 'unknown'] as const
export type GapCause = (typeof GAP_CAUSES)[number]
/** `CopyWay` of binding/core/gpu_tables.h. */
export const COPY_WAYS = ['toDevice', 'toHost', 'onDevice', 'peer', 'other'] as const
export type CopyWay = (typeof COPY_WAYS)[number]

interface CountAndTime {
  count: number
  ns: number
}
/** Fields as in `KernelSums`; `limit` indexes {@link OCCUPANCY_LIMITS}. */
export interface NativeKernel {
  name: string
  device: number
  calls: number
  graphCalls: number
  configurations: number
  totalNs: number
  minNs: number
  maxNs: number
  p50Ns: number
  p99Ns: number
  launchNs: number
  meanOccupancy: number
  limit: number
  blocksPerSm: number
  warpsPerBlock: number
  waves: number
  grid: [number, number, number]
  block: [number, number, number]
  registersPerThread: number
  staticSharedBytes: number
  dynamicSharedBytes: number
}
/** `name` indexes {@link RecordingView.names}, `from` and `to` MEMORY_KINDS. */
export interface NativeCopy {
  name: number
  device: number
  from: number
  to: number
  copies: number
  bytes: number
  gpuNs: number
  peakBytesPerNs: number
  blocking: number
  blockingNs: number
}
/** `span` is a row with the path, -1: no op. */
export interface NativeWait {
  name: string
  span: number
  thread: number
  count: number
  totalNs: number
  maxNs: number
}
/** `kind` indexes MEMORY_KINDS. */
export interface NativeAllocation {
  span: number
  device: number
  kind: number
  allocations: number
  allocatedBytes: number
  releases: number
  releasedBytes: number
}
/** `cause` indexes {@link GAP_CAUSES}; spans are rows, -1: none. */
export interface NativeGap {
  device: number
  startNs: number
  endNs: number
  hostNs: number
  cause: number
  hostSpan: number
  spanBefore: number
  spanAfter: number
  before: string
  after: string
}
export interface NativeDevice {
  device: number
  firstNs: number
  lastNs: number
  busyNs: number
  kernels: number
  copies: number
  fills: number
  kernelSumNs: number
  kernelNs: number
  copyNs: number
  fillSumNs: number
  overlapNs: number
  depthNs: number[]
  /** By {@link COPY_WAYS}. */
  ways: { copies: number; bytes: number; gpuNs: number; unionNs: number; overlapNs: number }[]
  pageableBytes: number
  launches: number
  earlyLaunches: number
  launchMinNs: number
  launchP50Ns: number
  launchP99Ns: number
  launchBound: number
  tiny: CountAndTime
  waits: CountAndTime
  blockingCopies: CountAndTime
  /** By {@link GAP_CAUSES}. */
  gaps: CountAndTime[]
  streams: number
  allocations: number
  allocatedBytes: number
  releases: number
  releasedBytes: number
  peakBytes: number
  liveBytes: number
  /** From here on: absent when the device was not described. */
  name?: string
  uuid?: string
  memoryBytes?: number
  memoryBandwidthKBps?: number
  computeCapability?: string
  multiprocessors?: number
  copyEngines?: number
  isMig?: boolean
  /** Only in merged recordings: the process that calls the device by `ordinal`. */
  process?: number
  ordinal?: number
}
export interface NativeGpuTables {
  rows: number
  orphans: number
  byExclusion: number
  /** On at least one device. */
  busyNs: number
  kernels: NativeKernel[]
  copies: NativeCopy[]
  waits: NativeWait[]
  memory: NativeAllocation[]
  /** The longest first, at most 1,000; all are in the sums of their device. */
  gaps: NativeGap[]
  devices: NativeDevice[]
  overheads: ({ kind: number } & CountAndTime)[]
}
export interface NativeTables {
  merged: OpColumns
  perThread: OpColumns
  gpu: NativeGpuTables
}
