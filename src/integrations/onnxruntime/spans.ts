import { native, SLOT_DETAIL, SLOT_GATE } from '../../binding.js'
import { contextSpanId } from '../../record.js'
import {
  beginBracket,
  endSpan,
  internName as nameId,
  isOn as records,
  controlSlots as slots,
  unseenBracket,
} from '../../span-calls.js'

export { beginBracket, endSpan, nameId, records, unseenBracket }

/** CLOCK_MONOTONIC, ns. */
export interface Interval {
  startNs: bigint
  endNs: bigint
}

/** Asked first on every run: is anything recorded? */
export function isRecordingRuns(): boolean {
  return slots[SLOT_GATE] !== 0 && (records('inference') || records('cpu_op'))
}

/** Does some session want instances (AllOpDetail)? */
export function wantsInstances(): boolean {
  return slots[SLOT_DETAIL] !== 0
}

export function nowNs(): bigint {
  return native().nowNs()
}

/** The user's record() that a call made now belongs to; 0: none. */
export function callerSpanId(): number {
  return contextSpanId()
}

/** Adds a span with both times below another; on a lane where it overlaps others as a matter of course. */
export function addSpan(name: number, at: Interval, parentId: number, isAsync = false): number {
  return native().timedSpan(name, at.startNs, at.endNs, parentId, isAsync)
}

/** A native call that is over, as a bracket with both times. */
export function addCall(name: number, at: Interval, parentId: number): number {
  return native().timedSpan(name, at.startNs, at.endNs, parentId, false, true)
}

/**
 * Runs `body`, a call into the runtime, as one span on this thread's stack; `body` gets its id, 0 while the
 * category is off. A bracket: the runtime may launch GPU work from its own threads.
 */
export function recordCall<T>(name: number, parentId: number, body: (spanId: number) => T): T {
  const spanId = beginBracket(name, parentId)
  if (spanId === 0) return unseenBracket(() => body(0))
  let hasFailed = true
  try {
    const result = body(spanId)
    hasFailed = false
    return result
  } finally {
    endSpan(spanId, hasFailed)
  }
}
