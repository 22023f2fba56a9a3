import { CATEGORIES } from '../binding.js'
import { DELAY_COUNTER, MEMORY_COUNTERS, UTILIZATION_COUNTER } from './loop-counters.js'
import type { ReportSource } from './ops.js'
import { percentile } from './percentiles.js'

export interface GcFigures {
  /** `minor`, `major`, …; as recorded. */
  name: string
  count: number
  totalNs: number
  maxNs: number
}
/** A counter in bytes over the recording. */
export interface MemoryFigures {
  name: string
  firstBytes: number
  lastBytes: number
  peakBytes: number
}
/** What the event loop of one JavaScript thread did while ops ran. */
export interface LoopFigures {
  /** Index into `view.threads`. */
  thread: number
  delay?: { samples: number; p50Ns: number; p99Ns: number; maxNs: number }
  /** 0..1. */
  utilization?: { mean: number; max: number }
  memory: MemoryFigures[]
}
export interface EventLoop {
  loops: LoopFigures[]
  gc: { count: number; totalNs: number; maxNs: number; kinds: GcFigures[] }
}

/** Event-loop counters and garbage collections; empty lists where nothing was recorded. */
export function eventLoop(source: ReportSource): EventLoop {
  return { loops: loopFigures(source), gc: gcFigures(source) }
}

function loopFigures({ view }: ReportSource): LoopFigures[] {
  const series = new Map<number, Map<string, number[]>>()
  const known = new Set<string>([DELAY_COUNTER, UTILIZATION_COUNTER, ...MEMORY_COUNTERS])
  for (let row = 0; row < view.counters.name.length; row++) {
    const name = view.names[view.counters.name[row]!]!.text
    if (!known.has(name)) continue
    const thread = view.counters.thread[row]!
    const ofThread = series.get(thread) ?? new Map<string, number[]>()
    series.set(thread, ofThread)
    const values = ofThread.get(name) ?? []
    ofThread.set(name, values)
    values.push(view.counters.value[row]!)
  }
  return [...series]
    .sort(([a], [b]) => a - b)
    .map(([thread, values]) => {
      const delays = values.get(DELAY_COUNTER)?.toSorted((a, b) => a - b)
      const utilization = values.get(UTILIZATION_COUNTER)
      return {
        thread,
        ...(delays && {
          delay: {
            samples: delays.length,
            p50Ns: percentile(delays, 0.5),
            p99Ns: percentile(delays, 0.99),
            maxNs: delays.at(-1)!,
          },
        }),
        ...(utilization && {
          utilization: { mean: utilization.reduce((a, b) => a + b, 0) / utilization.length, max: largest(utilization) },
        }),
        memory: MEMORY_COUNTERS.flatMap(name => {
          const bytes = values.get(name)
          return bytes ? [{ name, firstBytes: bytes[0]!, lastBytes: bytes.at(-1)!, peakBytes: largest(bytes) }] : []
        }),
      }
    })
}

// Not Math.max(...values): a long recording has more samples than a call takes arguments.
const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)

function gcFigures({ merged, view, meta }: ReportSource): EventLoop['gc'] {
  const kinds = new Map<string, GcFigures>()
  for (let row = 0; row < merged.name.length; row++) {
    const { text, category } = view.names[merged.name[row]!]!
    if (CATEGORIES[category] !== 'gc') continue
    const kind = kinds.get(text) ?? { name: text, count: 0, totalNs: 0, maxNs: 0 }
    kind.count += merged.calls[row]!
    kind.totalNs += merged.cpuNs[row]!
    // With state GPU the extremes are of GPU time, which a collection has none of: the mean is all that is known.
    const maxNs = meta.state === 'GPU' ? merged.cpuNs[row]! / merged.calls[row]! : merged.maxNs[row]!
    if (merged.calls[row]! > 0) kind.maxNs = Math.max(kind.maxNs, maxNs)
    kinds.set(text, kind)
  }
  const list = [...kinds.values()].sort((a, b) => b.totalNs - a.totalNs)
  return {
    count: list.reduce((count, kind) => count + kind.count, 0),
    totalNs: list.reduce((ns, kind) => ns + kind.totalNs, 0),
    maxNs: list.reduce((ns, kind) => Math.max(ns, kind.maxNs), 0),
    kinds: list,
  }
}
