import type { ProfilerOptions } from '../options.js'
import { CallFailure } from './call-failure.js'
import type { ProfileOptions, ProfileRequest } from './messages.js'

/** When a capture is made, and what the reply has to say about that. */
export interface CapturePlan {
  durationMs: number
  /** As `Date.now()` counts. */
  startMs: number
  notes: string[]
}

// Of what is left until the client stops waiting, this much is for making the reply and sending it.
const RESERVED_PART = 0.2
const LEAST_RESERVE_MS = 250
const MOST_RESERVE_MS = 10_000
/** Hosts that are captured together begin within seconds. */
const MAX_WAIT_MS = 60_000
// Clients name the moment at which they asked, and hosts have clocks that differ by less.
const NOTABLE_MS = 250

/**
 * @param deadlineMs when the client stops waiting; Infinity when it does not
 * @param nowMs `Date.now()`
 */
export function planCapture(
  { durationMs: asked, options }: ProfileRequest,
  { maxDurationMs, deadlineMs, nowMs }: { maxDurationMs: number; deadlineMs: number; nowMs: number },
): CapturePlan {
  const notes: string[] = []
  // TensorFlow's own server reads the options alone; clients before 2.4 fill in the other.
  const wantedMs = options.durationMs || asked
  let durationMs = Math.max(1, wantedMs)
  if (durationMs > maxDurationMs) {
    durationMs = maxDurationMs
    notes.push(`${wantedMs} ms were asked for; this process lets a capture last ${maxDurationMs} ms.`)
  }
  const leftMs = deadlineMs - nowMs
  const reserveMs = Math.min(MOST_RESERVE_MS, Math.max(LEAST_RESERVE_MS, leftMs * RESERVED_PART))
  const roomMs = Math.max(1, Math.floor(leftMs - reserveMs))
  if (durationMs > roomMs) {
    durationMs = roomMs
    notes.push(`The capture ended after ${roomMs} ms: its client waits for the reply only ${Math.floor(leftMs)} ms.`)
  }
  const startMs = Number(options.startTimestampNs / 1_000_000n)
  if (startMs === 0) return { durationMs, startMs: nowMs, notes }
  const latestMs = nowMs + Math.min(MAX_WAIT_MS, Math.max(0, roomMs - durationMs))
  if (startMs > latestMs) notes.push(`The capture began ${Math.ceil(startMs - latestMs)} ms before it was to.`)
  const lateMs = nowMs - startMs
  if (lateMs >= NOTABLE_MS) notes.push(`The capture began ${lateMs} ms after its client asked, by the client's clock.`)
  return { durationMs, startMs: Math.min(startMs, latestMs), notes }
}

/**
 * What the tracer levels of TensorFlow ask for. Level 1 of the host is what users mark themselves, 2 all, 3 instances of
 * ops apart; 0 nothing of it.
 * @throws CallFailure INVALID_ARGUMENT when nothing is asked for
 */
export function optionsOfLevels({ version, hostTracerLevel, deviceTracerLevel }: ProfileOptions): ProfilerOptions {
  if (version === 0) return {}
  if (hostTracerLevel === 0 && deviceTracerLevel === 0) {
    throw new CallFailure('INVALID_ARGUMENT', 'With host_tracer_level and device_tracer_level 0 nothing is recorded.')
  }
  const gpu: ProfilerOptions = deviceTracerLevel === 0 ? { gpu: 'off' } : {}
  if (hostTracerLevel === 0) return { ...gpu, categories: ['device'] }
  // The calls of the GPU's driver belong to what the GPU did.
  if (hostTracerLevel === 1) {
    return { ...gpu, categories: ['user', 'section', 'inference', 'request', 'runtime_api', 'device'] }
  }
  return hostTracerLevel === 2 ? gpu : { ...gpu, tracerOption: 'AllOpDetail' }
}
