import type { TraceContext } from './trace-context.js'

// api/src/internal/global-utils.ts and api/src/trace/context-utils.ts of opentelemetry-js: every copy of the API of
// this major version finds the others here.
const API = Symbol.for('opentelemetry.js.api.1')
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')

interface ContextManager {
  active?(): { getValue?(key: symbol): { spanContext?(): Record<string, unknown> } | undefined } | undefined
}
interface Api {
  context?: ContextManager
}

let api: Api | undefined
let isWatched = false

/**
 * The span that OpenTelemetry has active, without a dependency on it. `isThere` is told whether there is anything to
 * ask: now, and when the API registers itself later.
 */
export function activeOpenTelemetrySpan(isThere: (is: boolean) => void): TraceContext | undefined {
  if (!isWatched) watch(isThere)
  if (api === undefined) {
    isThere(false)
    return undefined
  }
  try {
    return contextOf(api.context?.active?.()?.getValue?.(SPAN)?.spanContext?.())
  } catch {
    return undefined // a context manager that fails is no reason for a span to
  }
}

/**
 * Reading the global at every span would cost 8 ns, so it is read once; where it is not there yet, an accessor waits
 * for it to be set and gives way to a plain property then.
 */
function watch(isThere: (is: boolean) => void): void {
  isWatched = true
  const realm = globalThis as { [API]?: Api }
  api = realm[API]
  if (api !== undefined) return
  const set = (value: Api) => {
    Object.defineProperty(globalThis, API, { value, writable: true, enumerable: true, configurable: true })
    api = value
    isThere(true)
  }
  try {
    Object.defineProperty(globalThis, API, { get: () => undefined, set, enumerable: false, configurable: true })
  } catch {
    // A frozen global object: then nobody registers there either.
  }
}

const TRACE_ID = /^(?!0{32})[\da-f]{32}$/i
const SPAN_ID = /^(?!0{16})[\da-f]{16}$/i

function contextOf(found: Record<string, unknown> | undefined): TraceContext | undefined {
  const { traceId, spanId, traceFlags, traceState } = found ?? {}
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return undefined
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined
  const text: unknown = (traceState as { serialize?(): unknown } | undefined)?.serialize?.()
  return {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    traceFlags: Number(traceFlags) || 0,
    traceState: typeof text === 'string' && text !== '' ? text : undefined,
  }
}
