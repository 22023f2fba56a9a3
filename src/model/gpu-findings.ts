// What a reader should do about the GPU. Below its threshold a finding is not made.
import { copySummary } from './copies.js'
import { type DeviceRow, deviceRows } from './devices.js'
import { bytesText, countText, durationText, percentText, plural } from './figure-text.js'
import type { Finding } from './findings.js'
import { type GapGroup, gapGroups } from './gaps.js'
import { kernelRows } from './kernels.js'
import type { ReportSource } from './ops.js'
import { recordedNsOf } from './quality.js'

export const GPU_THRESHOLDS = {
  /** A GPU that idles for half of the time would do the same work on half of its price. */
  busyRatio: 0.5,
  /** A handful of kernels says nothing about the rest. */
  kernels: 20,
  /** When most kernels find the GPU idle, the host's launches are what it waits for. */
  launchBoundRatio: 0.5,
  /** Pageable memory is staged through a buffer of the driver: about half of the rate. */
  pageableRatio: 0.5,
  /** Below this the start-up of a copy takes longer than the transfer, on any link. */
  smallBytes: 65_536,
  smallCopies: 100,
  /** Of the recorded time: what a remedy would gain at most. */
  worthRatio: 0.05,
  /** Less than a quarter of the warps hides little of the memory's latency. */
  occupancy: 0.25,
  /** Of all kernel time. */
  kernelShare: 0.2,
} as const

const isOver = (ratio: number): boolean => ratio >= GPU_THRESHOLDS.worthRatio

export function gpuFindings(source: ReportSource): Finding[] {
  if (source.gpu.rows === 0) return []
  const recordedNs = recordedNsOf(source.view)
  const ofRecorded = (ns: number): number => (recordedNs > 0 ? ns / recordedNs : 0)
  const devices = deviceRows(source)
  return [
    ...devices.flatMap(device => idleGpu(source, device, ofRecorded)),
    ...devices.flatMap(launchBound),
    ...devices.flatMap(device => blockingCopies(device, ofRecorded)),
    ...devices.flatMap(device => pageableCopies(device, ofRecorded)),
    ...smallCopies(source, ofRecorded),
    ...lowOccupancy(source),
  ]
}

const REMEDIES: Record<GapGroup['cause'], string> = {
  host: 'Do this on another thread, or launch the next work before it: the GPU takes launches ahead of time.',
  sync: 'Wait later: launch the next work first, read results of the one before, wait on an event instead of the device.',
  pending:
    'Streams wait for each other or for copies here: look at their events, or put independent work on more streams.',
  launch: 'Launch less and larger: fuse kernels, use a larger batch or a CUDA graph.',
  unknown: 'The launches after these gaps were not recorded; start recording before the first launch.',
}

function idleGpu(source: ReportSource, device: DeviceRow, ofRecorded: (ns: number) => number): Finding[] {
  const { busyRatio, windowNs, gaps, kernelCount } = device
  if (kernelCount < GPU_THRESHOLDS.kernels || busyRatio >= GPU_THRESHOLDS.busyRatio) return []
  if (!isOver(ofRecorded(gaps.totalNs))) return []
  const worst = gapGroups(source).find(group => group.device === device.device)
  const where =
    worst === undefined
      ? ''
      : `; ${durationText(worst.totalNs)} of it ` +
        (worst.cause === 'host' || worst.cause === 'sync'
          ? `while the host ${worst.hostPath.length > 0 ? 'is here' : 'is in no op'}`
          : `before ${worst.next}`)
  return [
    {
      code: 'gpu-idle',
      severity: busyRatio < GPU_THRESHOLDS.busyRatio / 2 ? 'high' : 'medium',
      op: worst?.hostPath ?? [],
      figure: `GPU ${device.device} idles for ${percentText(1 - busyRatio)} of the ${durationText(windowNs)} that it has work${where}`,
      remedy: REMEDIES[worst?.cause ?? 'unknown'],
      weight: 1 - busyRatio,
      ...(worst === undefined ? {} : { range: worst.longest }),
    },
  ]
}

function launchBound({ device, launchBoundRatio, launchLatency, tinyKernels }: DeviceRow): Finding[] {
  if (launchLatency.count < GPU_THRESHOLDS.kernels || launchBoundRatio < GPU_THRESHOLDS.launchBoundRatio) return []
  const tiny =
    tinyKernels.count > 0
      ? `; ${countText(tinyKernels.count)} run below 5 µs, and launching those took ${durationText(tinyKernels.launchNs)} of host time`
      : ''
  return [
    {
      code: 'launch-bound',
      severity: 'medium',
      op: [],
      figure: `GPU ${device} waits for launches: ${percentText(launchBoundRatio)} of ${plural(launchLatency.count, 'kernel')} found it idle${tiny}`,
      remedy: REMEDIES.launch,
      weight: launchBoundRatio,
    },
  ]
}

function blockingCopies({ device, blockingCopies }: DeviceRow, ofRecorded: (ns: number) => number): Finding[] {
  const ratio = ofRecorded(blockingCopies.totalNs)
  if (!isOver(ratio)) return []
  return [
    {
      code: 'blocking-copies',
      severity: ratio >= 0.2 ? 'high' : 'medium',
      op: [],
      figure: `the host waited ${durationText(blockingCopies.totalNs)} in ${plural(blockingCopies.count, 'copy call')} of GPU ${device} that returned only when the copy was done`,
      remedy:
        'Copy asynchronously, from and to pinned memory: an async copy of pageable memory blocks as a sync one does.',
      weight: ratio,
    },
  ]
}

function pageableCopies({ device, pageableRatio, copies }: DeviceRow, ofRecorded: (ns: number) => number): Finding[] {
  const { toDevice, toHost } = copies
  const ratio = ofRecorded(toDevice.gpuNs + toHost.gpuNs)
  if (pageableRatio < GPU_THRESHOLDS.pageableRatio || !isOver(ratio)) return []
  return [
    {
      code: 'pageable-copies',
      severity: 'medium',
      op: [],
      figure: `${percentText(pageableRatio)} of the ${bytesText(toDevice.bytes + toHost.bytes)} between host and GPU ${device} came from or went to pageable memory`,
      remedy: 'Pin these buffers (cudaHostAlloc, cudaHostRegister) and reuse them.',
      weight: ratio,
    },
  ]
}

function smallCopies(source: ReportSource, ofRecorded: (ns: number) => number): Finding[] {
  return copySummary(source).rows.flatMap((row): Finding[] => {
    const isSmall = row.bytes > 0 && row.bytes < GPU_THRESHOLDS.smallBytes * row.calls
    const ratio = ofRecorded(row.totalNs)
    if (!isSmall || row.calls < GPU_THRESHOLDS.smallCopies || !isOver(ratio)) return []
    return [
      {
        code: 'small-copies',
        severity: 'medium',
        op: [row.name],
        figure: `${plural(row.calls, 'copy call')} of ${bytesText(row.bytes / row.calls)} on average took ${durationText(row.totalNs)}`,
        remedy: 'Put small tensors into one buffer and copy that once, or compute them where they are needed.',
        weight: ratio,
      },
    ]
  })
}

function lowOccupancy(source: ReportSource): Finding[] {
  const [kernel] = kernelRows(source).filter(
    ({ ratio, occupancy, calls }) =>
      ratio >= GPU_THRESHOLDS.kernelShare &&
      calls >= GPU_THRESHOLDS.kernels &&
      occupancy !== undefined &&
      // A grid that does not fill the device once is limited by its size, whatever fits on a multiprocessor.
      (occupancy.ratio < GPU_THRESHOLDS.occupancy || occupancy.waves < 1),
  )
  if (kernel?.occupancy === undefined) return []
  const { ratio, limiter, waves } = kernel.occupancy
  const isSmallGrid = waves < 1
  return [
    {
      code: 'low-occupancy',
      severity: 'low',
      op: [kernel.name],
      figure:
        `${percentText(kernel.ratio)} of the kernel time; ` +
        (isSmallGrid
          ? `its grid fills ${percentText(waves)} of the GPU`
          : `${percentText(ratio)} of the warps fit, limited by ${limiter.replace('-', ' ')}`),
      remedy: isSmallGrid
        ? 'Give it more work per launch (a larger batch), or run independent kernels beside it on other streams.'
        : 'Look at its launch shape: smaller blocks, fewer registers per thread or less shared memory per block.',
      weight: kernel.ratio,
    },
  ]
}
