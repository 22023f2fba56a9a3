// Counters that opscope itself samples of an event loop and its process: what they are called, and what they count.
import { bytesText, durationText, percentText } from './figure-text.js'

export const DELAY_COUNTER = 'event loop delay'
export const UTILIZATION_COUNTER = 'event loop utilization'
export const MEMORY_COUNTERS = ['rss', 'heap used', 'external'] as const

/** A value of one of them with its unit; undefined: the counter is somebody else's. */
export function loopCounterText(name: string, value: number): string | undefined {
  if (name === DELAY_COUNTER) return durationText(value)
  if (name === UTILIZATION_COUNTER) return percentText(value)
  return (MEMORY_COUNTERS as readonly string[]).includes(name) ? bytesText(value) : undefined
}
