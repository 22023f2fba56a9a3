import type * as OpenTelemetry from '@opentelemetry/api'

import { reasonOf } from '../errors.js'
import { OPEN_TELEMETRY, requireOfProgram } from '../export/optional-package.js'
import type { TraceCarrier } from '../propagation.js'
import { formatTraceparent } from '../trace-context.js'
import { VERSION } from '../version.js'
import { parentContext } from './otel-parent.js'
import { REQUEST_SPAN, type SpanTree, spanTree } from './otel-spans.js'
import type { TracedRequest } from './request.js'
import type { RequestExporter } from './request-exporter.js'
import type { TraceRecord } from './trace-file.js'
import type { TraceTree } from './trace-records.js'
import type { TraceSetting } from './trace-settings.js'
import type { ServingTracerOptions } from './tracer-options.js'
import { trouble } from './trouble.js'
import { epochNs } from './wall-clock.js'

type Api = typeof OpenTelemetry

/** What a request is told by. */
interface Attachment {
  /** Of its span. */
  readonly parent: OpenTelemetry.Context
  /** What was active when it came in. */
  readonly around: OpenTelemetry.Span | undefined
  /** Undefined while it is not traced. */
  begun: { readonly span: OpenTelemetry.Span; readonly startNs: bigint } | undefined
}

// As Triton calls it, so that what looks for its spans finds these.
const TRACER_NAME = 'triton-server'

/**
 * Tells requests to OpenTelemetry, through the SDK that the program has registered: which spans go where, and what becomes
 * of them while a collector is away, is that one's business. It may be registered at any time.
 */
export class OpenTelemetryExporter implements RequestExporter {
  readonly #api: Api
  readonly #isPropagating: boolean
  readonly #hasQueueSpan: boolean
  #hasWarned = false

  /** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING */
  constructor({ propagate = true, queueSpan = false }: Pick<ServingTracerOptions, 'propagate' | 'queueSpan'>) {
    this.#api = requireOfProgram<Api>(OPEN_TELEMETRY)
    this.#isPropagating = propagate
    this.#hasQueueSpan = queueSpan
  }

  begin(request: TracedRequest, setting: TraceSetting | undefined): void {
    attempt(() => {
      const { context, trace } = this.#api
      const attachment = attachmentOf(request) ?? {
        parent: parentContext(this.#api, request.facts, this.#isPropagating),
        around: trace.getSpan(context.active()),
        begun: undefined,
      }
      request.attachment = attachment
      if (setting?.timestamps && setting.modes.includes('opentelemetry')) this.#start(request, attachment)
    })
  }

  within<T>(request: TracedRequest, body: () => T): T {
    const inside = this.#contextInside(request)
    if (inside === undefined) return body()
    // Which of the two has thrown must be known: the body's errors are the program's.
    let outcome: { result: T } | { error: unknown } | undefined
    attempt(() =>
      this.#api.context.with(inside, () => {
        try {
          outcome = { result: body() }
        } catch (error) {
          outcome = { error }
        }
      }),
    )
    if (outcome === undefined) return body()
    if ('error' in outcome) throw outcome.error
    return outcome.result
  }

  carrierOf(request: TracedRequest): TraceCarrier | undefined {
    return attempt(() => {
      const { begun } = attachmentOf(request) ?? {}
      if (begun === undefined) return undefined
      const { traceId, spanId, traceFlags, traceState } = begun.span.spanContext()
      const tracestate = traceState?.serialize()
      return { traceparent: formatTraceparent({ traceId, spanId, traceFlags }), ...(tracestate && { tracestate }) }
    })
  }

  finish(request: TracedRequest, tree: TraceTree, records: readonly TraceRecord[]): void {
    const { parent, begun } = attachmentOf(request) ?? {}
    if (parent === undefined || begun === undefined) return
    const { span, startNs } = begun
    attempt(() => {
      // One that the SDK's sampler has turned down has nothing to tell, and neither has what is inside.
      if (!span.isRecording()) return span.end()
      const whole = spanTree(request, tree, records, startNs, this.#hasQueueSpan)
      const tracer = this.#tracer()
      if (tracer !== undefined) {
        for (const child of whole.children) this.#tell(tracer, child, this.#api.trace.setSpan(parent, span))
      }
      span.setAttributes(whole.attributes)
      this.#end(span, whole)
    })
  }

  #start(request: TracedRequest, attachment: Attachment): void {
    const tracer = this.#tracer()
    if (tracer === undefined) return
    const startNs = request.stamps.ns[0] ?? request.facts.startNs ?? request.now()
    const options = { kind: this.#api.SpanKind.SERVER, startTime: hrTime(startNs) }
    const span = tracer.startSpan(REQUEST_SPAN, options, attachment.parent)
    // Where an instrumentation was told to leave a request alone, the SDK gives out a span of no trace.
    if (this.#api.isSpanContextValid(span.spanContext())) attachment.begun = { span, startNs }
  }

  /** Undefined: nobody would get the spans. */
  #tracer(): OpenTelemetry.Tracer | undefined {
    const provider = this.#api.trace.getTracerProvider()
    const isWaiting = provider instanceof this.#api.ProxyTracerProvider
    if (!isWaiting) return provider.getTracer(TRACER_NAME, VERSION)
    const tracer = provider.getDelegateTracer(TRACER_NAME, VERSION)
    if (tracer === undefined && !this.#hasWarned) {
      this.#hasWarned = true
      trouble('serving-otel-no-sdk', 'requests were traced to OpenTelemetry before an SDK was registered')
    }
    return tracer
  }

  /** Undefined: code of the request runs in it already, or it has no span. */
  #contextInside(request: TracedRequest): OpenTelemetry.Context | undefined {
    const { around, begun } = attachmentOf(request) ?? {}
    if (begun === undefined) return undefined
    return attempt(() => {
      const { context, trace } = this.#api
      const now = context.active()
      const active = trace.getSpan(now)
      // Spans that the program has around this call are inside the request's own.
      const isInside = active !== around && active?.spanContext().traceId === begun.span.spanContext().traceId
      return isInside ? undefined : trace.setSpan(now, begun.span)
    })
  }

  #tell(tracer: OpenTelemetry.Tracer, tree: SpanTree, parent: OpenTelemetry.Context): void {
    attempt(() => {
      const { name, startNs, attributes, children } = tree
      const options = { kind: this.#api.SpanKind.SERVER, startTime: hrTime(startNs), attributes }
      const span = tracer.startSpan(name, options, parent)
      for (const child of children) this.#tell(tracer, child, this.#api.trace.setSpan(parent, span))
      this.#end(span, tree)
    })
  }

  #end(span: OpenTelemetry.Span, { events, endNs, hasFailed }: SpanTree): void {
    for (const { name, ns } of events) span.addEvent(name, hrTime(ns))
    if (hasFailed) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    span.end(hrTime(endNs))
  }
}

function attachmentOf(request: TracedRequest): Attachment | undefined {
  return request.attachment as Attachment | undefined
}

/** Trouble of the SDK, or of what the program has plugged into it, is no reason for a request to fail. */
function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch (error) {
    trouble('serving-otel-failed', `OpenTelemetry failed: ${reasonOf(error)}`)
    return undefined
  }
}

function hrTime(monotonicNs: bigint): OpenTelemetry.HrTime {
  const ns = epochNs(monotonicNs)
  return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)]
}
