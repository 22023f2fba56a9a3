import type * as OpenTelemetry from '@opentelemetry/api'

import { FLAG_SAMPLED, parseTraceparent, parseTracestate, type TraceContext } from '../trace-context.js'
import type { RequestFacts } from './request.js'

type Api = typeof OpenTelemetry

/**
 * What a request's span begins in: the span that is active around it, as that of an instrumentation which has read the
 * headers, or else the span that the headers name. An instrumentation knows more than we do of where a trace may go on.
 */
export function parentContext(api: Api, facts: RequestFacts, isPropagating: boolean): OpenTelemetry.Context {
  const around = api.context.active()
  const caller = isPropagating ? parseTraceparent(facts.traceparent) : undefined
  const active = api.trace.getSpan(around)
  if (active !== undefined && isParent(active, caller)) return around
  if (caller === undefined) return active === undefined ? around : api.trace.deleteSpan(around)
  const tracestate = parseTracestate(facts.tracestate)
  return api.trace.setSpanContext(around, {
    ...caller,
    isRemote: true,
    traceState: tracestate === undefined ? undefined : api.createTraceState(tracestate),
  } as OpenTelemetry.SpanContext)
}

/**
 * A span that is over stays active in what was made inside it: a server that was set up in one has it around each of its
 * requests. A sampled span of this process that does not record is such a one; of one that is not sampled, nobody can
 * tell, so the headers decide.
 */
function isParent(active: OpenTelemetry.Span, caller: TraceContext | undefined): boolean {
  if (active.isRecording()) return true
  const { traceId, traceFlags, isRemote } = active.spanContext()
  if (isRemote) return true
  if ((traceFlags & FLAG_SAMPLED) !== 0) return false
  return caller === undefined || caller.traceId === traceId
}
