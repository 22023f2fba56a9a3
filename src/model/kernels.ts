import { OCCUPANCY_LIMITS, type OccupancyLimit } from '../native-tables.js'
import type { ReportSource } from './ops.js'

/** How much of a multiprocessor a kernel can fill, by its launch shape and the device: not what ran beside it. */
export interface KernelOccupancy {
  /** Warps that fit, of those a multiprocessor holds: the mean over all launch shapes by their time, 0..1. */
  ratio: number
  /** What keeps more blocks off a multiprocessor, for the shape that took most time. */
  limiter: Exclude<OccupancyLimit, 'unknown'>
  blocksPerSm: number
  warpsPerBlock: number
  /** Blocks of the grid over the blocks that the whole device holds at a time; below 1 it is never full. */
  waves: number
}
/** All calls of one kernel on one device. */
export interface KernelRow {
  /** Demangled. */
  name: string
  device: number
  calls: number
  totalNs: number
  aveNs: number
  minNs: number
  maxNs: number
  p50Ns: number
  p99Ns: number
  /** Of the time of all kernels, 0..1. */
  ratio: number
  /** Of the calls, nodes of CUDA graphs. */
  graphCalls: number
  /** Host time of the API calls that launched it. */
  launchNs: number
  /** Different launch shapes; 0 when none was recorded. */
  configurations: number
  /** Of the launch shape that took most time; zeros when none was recorded. */
  grid: [x: number, y: number, z: number]
  block: [x: number, y: number, z: number]
  registersPerThread: number
  staticSharedBytes: number
  dynamicSharedBytes: number
  /** Absent when the device or the shape was not recorded. */
  occupancy?: KernelOccupancy
}

/** The most time first. */
export function kernelRows({ gpu }: ReportSource): KernelRow[] {
  const allNs = gpu.kernels.reduce((ns, kernel) => ns + kernel.totalNs, 0)
  return gpu.kernels.map(({ limit, meanOccupancy, blocksPerSm, warpsPerBlock, waves, ...kernel }) => {
    const limiter = OCCUPANCY_LIMITS[limit]!
    return {
      ...kernel,
      aveNs: kernel.totalNs / kernel.calls,
      ratio: allNs > 0 ? kernel.totalNs / allNs : 0,
      ...(limiter === 'unknown'
        ? {}
        : { occupancy: { ratio: meanOccupancy, limiter, blocksPerSm, warpsPerBlock, waves } }),
    }
  })
}
