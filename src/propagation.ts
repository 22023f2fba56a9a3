import { runIn } from './record.js'
import { context, outerScope, scopeOfElsewhere } from './scope.js'
import { sessionParent } from './session-parent.js'
import { Span } from './span.js'
import { formatTraceparent, parseTraceparent, parseTracestate } from './trace-context.js'

/** Trace context on its way to another thread, process or host: headers of a request, a message to a worker. */
export interface TraceCarrier {
  traceparent: string
  tracestate?: string
}

/**
 * The span around the running code, or the one given, as a carrier to send along; undefined where none is known. What
 * extract() was given goes through while nothing is recorded.
 * @example
 * worker.postMessage({ batch, trace: inject() })
 * await fetch(url, { headers: { ...inject() } })
 */
export function inject(span?: Span): TraceCarrier | undefined {
  const scope = span ?? context.getStore() ?? outerScope()
  const known = (scope && Span.contextOf(scope)) ?? (span === undefined ? sessionParent() : undefined)
  if (known === undefined) return undefined
  const traceparent = formatTraceparent(known)
  return known.traceState === undefined ? { traceparent } : { traceparent, tracestate: known.traceState }
}

/**
 * Runs `body` with the sender's span around it: record() and span() in it are its children, in its trace. A carrier
 * without a valid `traceparent` is ignored. `op` and `recordSync` carry no trace of elsewhere.
 * @param carrier what inject() gave, or the headers of a request
 * @throws what the body throws
 * @example
 * server.on('request', (request, response) => extract(request.headers, () => record('serve', () => serve(request, response))))
 */
export function extract<T>(
  carrier: { readonly traceparent?: unknown; readonly tracestate?: unknown } | null | undefined,
  body: () => T,
): T {
  const parent = parseTraceparent(carrier?.traceparent)
  if (parent === undefined) return body()
  return runIn(scopeOfElsewhere({ ...parent, traceState: parseTracestate(carrier?.tracestate) }), body)
}
