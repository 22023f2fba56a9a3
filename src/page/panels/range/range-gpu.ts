// What GPUs did in a range: kernels by name, copies by the kinds of memory between which they went.
import type { TimeRange } from '../../page-state.js'
import { GPU_COPY, GPU_FILL, GPU_KERNEL, MEMORY_KINDS, type PageRecording } from '../../recording.js'
import { isInside } from './range-sums.js'

/** Times are those parts that lie in the range. */
export interface RangeKernel {
  name: string
  device: number
  calls: number
  totalNs: number
  minNs: number
  maxNs: number
  /** Of all kernels in the range, 0..1. */
  ratio: number
}
export interface RangeCopy {
  /** `pinned → device`, or `fill`. */
  direction: string
  device: number
  count: number
  /** Of copies that lie in the range with at least a part. */
  bytes: number
  gpuNs: number
  /** Of the whole copies, bytes over their whole time. */
  bytesPerSecond: number
}

/** The most time first. */
export function rangeKernels({ gpu, strings }: PageRecording, range: TimeRange): RangeKernel[] {
  const kernels = new Map<number, RangeKernel>()
  let allNs = 0
  forEachRow(gpu, range, (row, insideNs) => {
    if (gpu.kind[row] !== GPU_KERNEL) return
    const device = gpu.device[row]!
    const key = device * strings.length + gpu.name[row]!
    let kernel = kernels.get(key)
    if (kernel === undefined) {
      const name = strings[gpu.name[row]!]!
      kernel = { name, device, calls: 0, totalNs: 0, minNs: Number.POSITIVE_INFINITY, maxNs: 0, ratio: 0 }
      kernels.set(key, kernel)
    }
    kernel.calls++
    kernel.totalNs += insideNs
    kernel.minNs = Math.min(kernel.minNs, insideNs)
    kernel.maxNs = Math.max(kernel.maxNs, insideNs)
    allNs += insideNs
  })
  const list = [...kernels.values()].sort((a, b) => b.totalNs - a.totalNs)
  for (const kernel of list) kernel.ratio = allNs > 0 ? kernel.totalNs / allNs : 0
  return list
}

/** The most time first. */
export function rangeCopies({ gpu }: PageRecording, range: TimeRange): RangeCopy[] {
  const copies = new Map<string, RangeCopy & { wholeNs: number }>()
  forEachRow(gpu, range, (row, insideNs) => {
    const kind = gpu.kind[row]!
    if (kind !== GPU_COPY && kind !== GPU_FILL) return
    const device = gpu.device[row]!
    const direction = directionOf(gpu, row)
    const key = `${device} ${direction}`
    let copy = copies.get(key)
    if (copy === undefined) {
      copy = { direction, device, count: 0, bytes: 0, gpuNs: 0, bytesPerSecond: 0, wholeNs: 0 }
      copies.set(key, copy)
    }
    copy.count++
    copy.bytes += gpu.bytes[row]!
    copy.gpuNs += insideNs
    copy.wholeNs += gpu.durationNs[row]!
  })
  const list = [...copies.values()].sort((a, b) => b.gpuNs - a.gpuNs)
  return list.map(({ wholeNs, ...copy }) => ({
    ...copy,
    bytesPerSecond: wholeNs > 0 ? (copy.bytes * 1e9) / wholeNs : 0,
  }))
}

/** Between which memories a copy went; a fill went to one. */
export function directionOf(gpu: PageRecording['gpu'], row: number): string {
  if (gpu.kind[row] === GPU_FILL) return 'fill'
  return `${MEMORY_KINDS[gpu.from[row]!]} → ${MEMORY_KINDS[gpu.to[row]!]}`
}

function forEachRow(gpu: PageRecording['gpu'], range: TimeRange, visit: (row: number, insideNs: number) => void): void {
  for (let row = 0; row < gpu.startNs.length; row++) {
    const start = gpu.startNs[row]!
    if (start > range.endNs) return
    const end = start + gpu.durationNs[row]!
    if (!isInside(start, end, range)) continue
    visit(row, Math.max(0, Math.min(end, range.endNs) - Math.max(start, range.startNs)))
  }
}
