// Recordings of a program that does the same batch again and again, with noise from a seed.
import type { Capture } from '../../src/capture.js'
import { buildCapture, type CaptureRows } from '../../src/index.js'
import { randomNumbers } from '../../src/model/statistics.js'
import type { GpuRow, LaunchRow, SpanRow } from '../../src/row-types.js'

/** An op of a batch; what is inside it follows its own time. */
export interface OpSpec {
  name: string
  /** ns of own time, of each call if there are several. */
  ns: number | readonly number[]
  inside?: readonly OpSpec[]
  spec?: Partial<SpanRow>
  /** ns of a kernel that each call launches, by name. */
  kernels?: Record<string, number>
}
export interface BatchSpec {
  ops: readonly OpSpec[]
  batches?: number
  seed?: number
  /** Standard deviation of each call's time. */
  noise?: number
  /** What else slows a call: factor by batch. */
  load?: (batch: number, op: string) => number
  /** Name of the span around each batch; none: the ops are the outermost. */
  around?: string
  rows?: Partial<CaptureRows>
}

export const CONV: OpSpec = { name: 'conv', ns: 400_000 }
export const NETWORK: readonly OpSpec[] = [
  { name: 'load', ns: 300_000 },
  CONV,
  { name: 'relu', ns: 60_000 },
  { name: 'pool', ns: 90_000 },
  { name: 'dense', ns: 200_000 },
  { name: 'softmax', ns: 40_000 },
]
/** The network with one op changed. */
export function withOp(name: string, change: (op: OpSpec) => OpSpec): OpSpec[] {
  return NETWORK.map(op => (op.name === name ? change(op) : op))
}
export function slowed(name: string, factor: number): OpSpec[] {
  return withOp(name, op => ({ ...op, ns: (op.ns as number) * factor }))
}

export function batchRows({
  ops,
  batches = 60,
  seed = 1,
  noise = 0.02,
  load = () => 1,
  around = 'batch',
  rows = {},
}: BatchSpec): CaptureRows {
  const random = randomNumbers(seed)
  const normal = () => random() + random() + random() + random() - 2
  const spans: SpanRow[] = []
  const launches: LaunchRow[] = []
  const gpu: GpuRow[] = []
  let now = 0
  let gpuFree = 0
  // Async spans do not nest by time.
  const hex = (span: number) => (span + 1).toString(16).padStart(16, '0')
  const idsUnder = (parent: number) => ({
    spanId: hex(spans.length),
    ...(parent < 0 ? {} : { parentId: hex(parent) }),
  })
  const run = (op: OpSpec, batch: number, parent = -1): void => {
    for (const ns of [op.ns].flat()) {
      const own = spans.length
      const ids = idsUnder(parent)
      const span: SpanRow = { thread: 'main', name: op.name, startNs: now, endNs: null, ids, ...op.spec }
      spans.push(span)
      // The sum of four has a standard deviation of 0.58.
      now += Math.round(ns * load(batch, op.name) * Math.max(0.2, 1 + (noise / 0.58) * normal()))
      for (const [name, kernelNs] of Object.entries(op.kernels ?? {})) {
        const correlationId = launches.length + 1
        launches.push({ thread: 'main', name: 'cudaLaunchKernel', startNs: now, endNs: now + 1000, correlationId })
        const startNs = Math.max(gpuFree, now + 2000)
        gpuFree = startNs + Math.round(kernelNs * Math.max(0.2, 1 + (noise / 0.58) * normal()))
        const isCopy = name.startsWith('GpuMemcpy')
        const copy = isCopy ? ({ kind: 'copy', from: 'pinned', to: 'device', bytes: 1 << 20 } as const) : undefined
        gpu.push({ kind: 'kernel', name, startNs, endNs: gpuFree, correlationId, ...copy })
        now += 2000
      }
      for (const inner of op.inside ?? []) run(inner, batch, own)
      span.endNs = now
      now += 100
    }
  }
  for (let batch = 0; batch < batches; batch++) {
    const inside = [...ops]
    if (around === '') for (const op of inside) run(op, batch)
    else run({ name: around, ns: 5000, inside }, batch)
    now += 10_000
  }
  return { spans, launches, gpu, durationNs: Math.max(now, gpuFree) + 1, ...rows }
}
export function batchCapture(spec: BatchSpec): Promise<Capture> {
  return buildCapture(batchRows(spec))
}
