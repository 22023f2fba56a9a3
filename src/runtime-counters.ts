import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

import { native } from './binding.js'
import { DELAY_COUNTER, MEMORY_COUNTERS, UTILIZATION_COUNTER } from './model/loop-counters.js'
import { internName } from './span-calls.js'

// Ten samples a second cost 0.03 % of a core and still show a stall of a tenth of a second.
const SAMPLE_MS = 100
// The histogram's timer: what it measures beyond its own period is the loop's delay.
const DELAY_RESOLUTION_MS = 10

const GC_NAMES = new Map<number, string>([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'gc minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'gc major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'gc incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'gc weak callbacks'],
])

interface Sampling {
  /** Records what there is up to now. */
  flush(): void
  end(): void
}
// One for all sessions of this thread: what it records, each of them sees.
let sampling: Sampling | undefined
let userCount = 0

/**
 * Samples this thread's event loop and heap and the process's memory as counters, and records
 * garbage collections as spans, from now until the returned function is called.
 */
export function startRuntimeCounters(): () => void {
  if (userCount === 0) sampling = startSampling()
  else sampling?.flush()
  userCount += 1
  return () => {
    userCount -= 1
    sampling?.flush()
    if (userCount > 0) return
    sampling?.end()
    sampling = undefined
  }
}

function startSampling(): Sampling {
  const ids = {
    delay: internName(DELAY_COUNTER, 'event_loop'),
    utilization: internName(UTILIZATION_COUNTER, 'event_loop'),
    memory: MEMORY_COUNTERS.map(name => internName(name, 'gc')),
  }
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  delay.enable()
  let utilization = performance.eventLoopUtilization()
  const sample = () => {
    const { counter } = native()
    if (delay.count > 0) counter(ids.delay, Math.max(delay.max - DELAY_RESOLUTION_MS * 1e6, 0))
    delay.reset()
    counter(ids.utilization, performance.eventLoopUtilization(utilization).utilization)
    utilization = performance.eventLoopUtilization()
    const heap = getHeapStatistics()
    const values = [process.memoryUsage.rss(), heap.used_heap_size, heap.external_memory]
    for (const [index, id] of ids.memory.entries()) counter(id, values[index]!)
  }
  // Entries come with performance.now() times; both clocks are CLOCK_MONOTONIC, a constant apart.
  const clockOffsetNs = native().nowNs() - BigInt(Math.round(performance.now() * 1e6))
  const recordGc = (entries: PerformanceEntry[]) => {
    for (const entry of entries) {
      const kind = (entry as { detail?: { kind?: number } }).detail?.kind ?? 0
      const startNs = BigInt(Math.round(entry.startTime * 1e6)) + clockOffsetNs
      const endNs = startNs + BigInt(Math.round(entry.duration * 1e6))
      native().timedSpan(internName(GC_NAMES.get(kind) ?? 'gc', 'gc'), startNs, endNs, 0, false)
    }
  }
  const observer = new PerformanceObserver(list => recordGc(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const timer = setInterval(sample, SAMPLE_MS).unref()
  sample()
  return {
    flush: () => {
      recordGc(observer.takeRecords())
      sample()
    },
    end: () => {
      clearInterval(timer)
      observer.disconnect()
      delay.disable()
    },
  }
}
