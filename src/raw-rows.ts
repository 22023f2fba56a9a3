import type { NameEntry, NativeBinding, NativeWarning, ProcessEntry } from './binding.js'

/** Plain rows for {@link NativeBinding.build}: names and strings are indices, absent ids are 0. */
export interface RawRows {
  /** Only of a merged recording; what names none is the first's. */
  processes?: ProcessEntry[]
  threads: { name: string; osThreadId: number; jsThreadId: number; process?: number }[]
  names: NameEntry[]
  strings: string[]
  spans: {
    thread: Uint32Array
    name: Uint32Array
    /** Relative to session start; finite. */
    startNs: Float64Array
    /** NaN: unfinished. */
    endNs: Float64Array
    /** FLAG_ASYNC: parent of nothing by time; FLAG_ERROR and FLAG_BRACKET as they are. */
    flags: Uint8Array
    /** All three empty when no span has an id. A parent id found among the ids wins over nesting by time. */
    spanId: BigUint64Array
    parentId: BigUint64Array
    traceIdHigh: BigUint64Array
    traceIdLow: BigUint64Array
    /**
     * Of capture files: the parent's row as given, -1 none. Nothing is nested by time then, rows keep their order,
     * and a parent id is a parent outside.
     */
    parent?: Int32Array
  }
  /** When the synchronous part of an async span returned. */
  returns?: { row: Uint32Array; returnNs: Float64Array }
  pauses?: { startNs: number; endNs: number; process?: number }[]
  originClockNs?: bigint
  /** `span` indexes `spans` as given. `type` indexes string, double, int, bool. */
  attributes: { span: number; key: number; type: 0 | 1 | 2 | 3; value: number }[]
  links: { span: number; traceIdHigh: bigint; traceIdLow: bigint; spanId: bigint }[]
  /** `span` only beside `spans.parent`. */
  marks: { thread: Uint32Array; name: Uint32Array; atNs: Float64Array; span?: Int32Array }
  counters: { thread: Uint32Array; name: Uint32Array; atNs: Float64Array; value: Float64Array }
  launches: {
    thread: Uint32Array
    name: Uint32Array
    startNs: Float64Array
    endNs: Float64Array
    correlationId: BigUint64Array
  }
  gpu: {
    kind: Uint8Array
    from: Uint8Array
    to: Uint8Array
    name: Uint32Array
    device: Uint32Array
    context: Uint32Array
    stream: Uint32Array
    startNs: Float64Array
    endNs: Float64Array
    correlationId: BigUint64Array
    bytes: Float64Array
  }
  gpuDetails: {
    /** `row` indexes `gpu` as given, and ascends. */
    kernels: Record<
      | 'row'
      | `${'grid' | 'block'}${'X' | 'Y' | 'Z'}`
      | 'registersPerThread'
      | 'staticSharedBytes'
      | 'dynamicSharedBytes'
      | 'executedSharedBytes'
      | 'localBytesPerThread'
      | 'graphId',
      Uint32Array
    > &
      Record<'graphNodeId' | 'queuedNs' | 'submittedNs', BigUint64Array>
    overheads: { startNs: Float64Array; endNs: Float64Array; kind: Uint32Array; process: Uint32Array }
    memory: {
      atNs: Float64Array
      bytes: Float64Array
      address: BigUint64Array
      correlationId: BigUint64Array
      device: Uint32Array
      context: Uint32Array
      stream: Uint32Array
      /** Index into {@link MEMORY_KINDS}. */
      kind: Uint8Array
      isRelease: Uint8Array
    }
    devices: GpuDeviceFields[]
    contexts: { id: number; device: number; nullStream: number }[]
    streamNames: { context: number; stream: number; name: string }[]
  }
  durationNs: number
  originEpochNs: bigint
  processId: number
  dropped: number
  warnings: NativeWarning[]
  metaJson: string
}
/** `GpuDevice` of binding/core/columns.h; 0 and empty: unknown. */
export interface GpuDeviceFields {
  id: number
  name: string
  uuid: string
  memoryBytes: number
  memoryBandwidthKBps: number
  computeMajor: number
  computeMinor: number
  multiprocessors: number
  copyEngines: number
  maxWarpsPerSm: number
  maxBlocksPerSm: number
  maxSharedBytesPerSm: number
  maxRegistersPerSm: number
  maxRegistersPerBlock: number
  maxSharedBytesPerBlock: number
  coreClockKhz: number
  isMig: boolean
  /** Of a merged recording: the process that calls the device by `ordinal`. */
  process?: number
  ordinal?: number
}
