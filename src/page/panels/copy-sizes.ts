// Copies by size and by the memories between which they went. Pure.
import { GPU_COPY, GPU_FILL, type PageRecording } from '../recording.js'
import { type LogClasses, logClasses } from './log-classes.js'
import { directionOf } from './range/range-gpu.js'

export interface SizeClass {
  direction: string
  /** Index of the class; its bytes are from `fromBytes` up to `toBytes`, which is not in it. */
  at: number
  fromBytes: number
  toBytes: number
  count: number
  bytes: number
  gpuNs: number
  bytesPerSecond: number
}
export interface CopySizes {
  classes: LogClasses
  /** The most bytes first. */
  directions: string[]
  rows: SizeClass[]
  /** Of copies, whose size was not recorded. */
  unsized: number
}

/** Undefined where no copy told its size. */
export function copySizes({ gpu }: PageRecording): CopySizes | undefined {
  let smallest = Number.POSITIVE_INFINITY
  let largest = 0
  let unsized = 0
  for (let row = 0; row < gpu.kind.length; row++) {
    const bytes = gpu.bytes[row]!
    if (!isCopy(gpu, row)) continue
    if (bytes === 0) unsized++
    else {
      smallest = Math.min(smallest, bytes)
      largest = Math.max(largest, bytes)
    }
  }
  if (largest === 0) return undefined
  const classes = logClasses(smallest, largest, 1)
  const byKey = new Map<string, SizeClass>()
  const bytesOf = new Map<string, number>()
  for (let row = 0; row < gpu.kind.length; row++) {
    const bytes = gpu.bytes[row]!
    if (!isCopy(gpu, row) || bytes === 0) continue
    const direction = directionOf(gpu, row)
    const at = classes.classOf(bytes)
    const key = `${at} ${direction}`
    let size = byKey.get(key)
    if (size === undefined) {
      const [fromBytes, toBytes] = [classes.edge(at), classes.edge(at + 1)]
      size = { direction, at, fromBytes, toBytes, count: 0, bytes: 0, gpuNs: 0, bytesPerSecond: 0 }
      byKey.set(key, size)
    }
    size.count++
    size.bytes += bytes
    size.gpuNs += gpu.durationNs[row]!
    bytesOf.set(direction, (bytesOf.get(direction) ?? 0) + bytes)
  }
  const list = [...byKey.values()].sort((a, b) => a.at - b.at || b.bytes - a.bytes)
  for (const size of list) size.bytesPerSecond = size.gpuNs > 0 ? (size.bytes * 1e9) / size.gpuNs : 0
  return {
    classes,
    directions: [...bytesOf].sort((a, b) => b[1] - a[1]).map(([direction]) => direction),
    rows: list,
    unsized,
  }
}

const isCopy = ({ kind }: PageRecording['gpu'], row: number): boolean =>
  kind[row] === GPU_COPY || kind[row] === GPU_FILL
