/**
 * W3C Trace Context (w3.org/TR/trace-context-2): the headers `traceparent` and `tracestate`. A `traceparent` that breaks
 * the rules is ignored as a whole; of a version above 00 the first four fields are read.
 */

/** A span as W3C Trace Context names it. */
export interface TraceContext {
  /** 32 lowercase hex digits, not all zeros. */
  traceId: string
  /** 16 lowercase hex digits, not all zeros. */
  spanId: string
  /** Bit 0: sampled; bit 1: the trace id is random. */
  traceFlags: number
  traceState?: string | undefined
}

export const FLAG_SAMPLED = 1
export const FLAG_RANDOM = 2
/** Other bits must not be handed on. */
const KNOWN_FLAGS: number = FLAG_SAMPLED | FLAG_RANDOM

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
const ZEROS = /^0+$/

/** Undefined for a header that is to be ignored. */
export function parseTraceparent(header: unknown): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] =
    (typeof header === 'string' && TRACEPARENT.exec(header)) || []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) }
}

export function formatTraceparent({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & KNOWN_FLAGS).toString(16).padStart(2, '0')}`
}

const MAX_MEMBERS = 32
// key=value; a value has no comma, no equals sign and no space at its end.
const MEMBER = /^[a-z\d][a-z\d_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/** As it is handed on; undefined when there is none, or it breaks the rules: the `traceparent` beside it still holds. */
export function parseTracestate(header: unknown): string | undefined {
  const text = Array.isArray(header) ? header.join(',') : header
  if (typeof text !== 'string') return undefined
  const members = text.split(',').flatMap(member => member.trim() || [])
  const isValid = members.length > 0 && members.length <= MAX_MEMBERS && members.every(member => MEMBER.test(member))
  return isValid ? members.join(',') : undefined
}
