import { COPY_WAYS, type CopyWay, GAP_CAUSES, type GapCause, type NativeDevice } from '../native-tables.js'
import type { ReportSource } from './ops.js'
import { recordedNsOf } from './quality.js'

interface CountAndTotal {
  count: number
  totalNs: number
}
export interface DeviceCopies {
  count: number
  bytes: number
  /** Sum of the copies' durations. */
  gpuNs: number
  bytesPerSecond: number
  /** Of the time in which such a copy ran, the part in which a kernel ran too, 0..1. */
  overlapRatio: number
}
/** What one GPU did. Formulas: docs/gpu.md. */
export interface DeviceRow {
  /**
   * Index as CUDA has it for this process; `uuid` tells the device whatever CUDA_VISIBLE_DEVICES says. A merged capture
   * numbers devices anew.
   */
  device: number
  /** Empty when it was not told; so are the other properties absent then. */
  name: string
  uuid?: string
  computeCapability?: string
  multiprocessors?: number
  memoryBytes?: number
  memoryBandwidthKBps?: number
  copyEngines?: number
  isMig?: boolean
  /** Only in a merged capture: index of a process that used it, whose host has it, and the index that CUDA had there. */
  process?: number
  ordinal?: number
  /** From the first start of work to the last end. */
  windowNs: number
  /** At least one kernel, copy or fill ran. */
  busyNs: number
  /** Of the window, 0..1. */
  busyRatio: number
  /** Of the recorded time, 0..1. */
  busyOfRecordedRatio: number
  streamCount: number
  kernelCount: number
  /** Sum of the kernels' durations. */
  kernelNs: number
  /** Kernels that ran at once, on average over the time in which any ran. */
  concurrency: number
  /** Time with 1, 2, … kernels at once; the eighth: or more. */
  kernelNsByDepth: number[]
  copyCount: number
  fillCount: number
  copyBytes: number
  /** Time in which a copy or fill ran. */
  copyNs: number
  /** Of `copyNs`, the part in which a kernel ran too, 0..1. */
  overlapRatio: number
  copies: Record<CopyWay, DeviceCopies>
  /** Bytes from or to pageable memory, of the bytes copied between host and device, 0..1. */
  pageableRatio: number
  /** From the return of a launch to the start of its kernel. Negative where the kernel began before the return. */
  launchLatency: { count: number; minNs: number; p50Ns: number; p99Ns: number; negativeCount: number }
  /** Kernels that an idle GPU began within 5 µs of the return of their launch, of those with a launch, 0..1. */
  launchBoundRatio: number
  /** Kernels below 5 µs: their share of all kernels, and the host time of their launches. */
  tinyKernels: { count: number; ratio: number; launchNs: number }
  /** Calls in which the host waited for the GPU. */
  syncs: CountAndTotal
  /** Copy calls that returned only when the copy was done. */
  blockingCopies: CountAndTotal
  /** Time in the window without any work. */
  gaps: CountAndTotal & { byCause: Record<GapCause, CountAndTotal> }
  /** Only where memory was recorded. */
  memory?: DeviceMemory
}
export interface DeviceMemory {
  allocations: number
  allocatedBytes: number
  releases: number
  releasedBytes: number
  /** Allocated in the session and not released when it stopped. */
  liveBytes: number
  /** Most of them at one time. */
  peakBytes: number
}

const total = ({ count, ns }: { count: number; ns: number }): CountAndTotal => ({ count, totalNs: ns })
const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** By device. */
export function deviceRows(source: ReportSource): DeviceRow[] {
  const recordedNs = recordedNsOf(source.view)
  return source.gpu.devices.map(device => deviceRow(device, recordedNs))
}

function deviceRow(device: NativeDevice, recordedNs: number): DeviceRow {
  const { name = '', uuid, computeCapability, multiprocessors, memoryBytes } = device
  const { memoryBandwidthKBps, copyEngines, isMig } = device
  const properties = { uuid, computeCapability, multiprocessors, memoryBytes, memoryBandwidthKBps, copyEngines, isMig }
  const windowNs = device.lastNs - device.firstNs
  const toFromHost = [device.ways[0]!, device.ways[1]!].reduce((bytes, way) => bytes + way.bytes, 0)
  const { allocations, allocatedBytes, releases, releasedBytes, liveBytes, peakBytes } = device
  return {
    device: device.device,
    name,
    ...(uuid === undefined ? {} : (properties as Required<typeof properties>)),
    ...(device.process === undefined ? {} : { process: device.process, ordinal: device.ordinal ?? 0 }),
    windowNs,
    busyNs: device.busyNs,
    busyRatio: share(device.busyNs, windowNs),
    busyOfRecordedRatio: share(device.busyNs, recordedNs),
    streamCount: device.streams,
    kernelCount: device.kernels,
    kernelNs: device.kernelSumNs,
    concurrency: share(device.kernelSumNs, device.kernelNs),
    kernelNsByDepth: device.depthNs,
    copyCount: device.copies,
    fillCount: device.fills,
    copyBytes: device.ways.reduce((bytes, way) => bytes + way.bytes, 0),
    copyNs: device.copyNs,
    overlapRatio: share(device.overlapNs, device.copyNs),
    copies: byName(COPY_WAYS, index => {
      const { copies, bytes, gpuNs, unionNs, overlapNs } = device.ways[index]!
      const bytesPerSecond = share(bytes * 1e9, gpuNs)
      return { count: copies, bytes, gpuNs, bytesPerSecond, overlapRatio: share(overlapNs, unionNs) }
    }),
    pageableRatio: share(device.pageableBytes, toFromHost),
    launchLatency: {
      count: device.launches,
      minNs: device.launchMinNs,
      p50Ns: device.launchP50Ns,
      p99Ns: device.launchP99Ns,
      negativeCount: device.earlyLaunches,
    },
    launchBoundRatio: share(device.launchBound, device.launches),
    tinyKernels: {
      count: device.tiny.count,
      ratio: share(device.tiny.count, device.kernels),
      launchNs: device.tiny.ns,
    },
    syncs: total(device.waits),
    blockingCopies: total(device.blockingCopies),
    gaps: {
      count: device.gaps.reduce((count, cause) => count + cause.count, 0),
      totalNs: device.gaps.reduce((ns, cause) => ns + cause.ns, 0),
      byCause: byName(GAP_CAUSES, index => total(device.gaps[index]!)),
    },
    ...(allocations + releases > 0
      ? { memory: { allocations, allocatedBytes, releases, releasedBytes, liveBytes, peakBytes } }
      : {}),
  }
}

function byName<K extends string, V>(names: readonly K[], value: (index: number) => V): Record<K, V> {
  return Object.fromEntries(names.map((name, index) => [name, value(index)])) as Record<K, V>
}
