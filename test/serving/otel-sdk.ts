// The program's side of OpenTelemetry: an SDK, and what it was told.
import { createServer } from 'node:http'

import { context, type HrTime, propagation, SpanKind, trace } from '@opentelemetry/api'
import {
  type BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { onTestFinished } from 'vitest'

import { type ServingTracer, type ServingTracerOptions, servingTracer } from '../../src/serving/index.js'
import { until } from '../until.js'
import { httpServer, listen } from './servers.js'

export interface Sdk {
  provider: NodeTracerProvider
  /** What was exported so far. */
  spans(): ReadableSpan[]
}

/** Registers an SDK, as a program does, until the test is over. */
export function registerSdk({
  exporter = new InMemorySpanExporter(),
  processors = [new SimpleSpanProcessor(exporter)],
  sampler,
}: {
  exporter?: InMemorySpanExporter
  processors?: (SpanProcessor | BatchSpanProcessor)[]
  sampler?: Sampler
} = {}): Sdk {
  const provider = new NodeTracerProvider({ spanProcessors: processors, ...(sampler && { sampler }) })
  provider.register()
  onTestFinished(async () => {
    for (const api of [trace, context, propagation]) api.disable()
    // It tells what a collector did not take.
    await provider.shutdown().catch(() => {})
  })
  return { provider, spans: () => exporter.getFinishedSpans() }
}

export function nsOf([seconds, ns]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(ns)
}

/** Spans as lines, each below its parent: `InferRequest > m > compute`. Those of one parent by their start. */
export function pathsOf(spans: readonly ReadableSpan[]): string[] {
  const byId = new Map(spans.map(each => [each.spanContext().spanId, each]))
  const pathOf = (span: ReadableSpan): string => {
    const parent = byId.get(span.parentSpanContext?.spanId ?? '')
    return parent === undefined ? span.name : `${pathOf(parent)} > ${span.name}`
  }
  return spans.map(pathOf).sort()
}
export function spanNamed(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const [found, ...others] = spans.filter(each => each.name === name)
  if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} spans are named ${name}`)
  return found
}
export function eventsOf({ events }: ReadableSpan): string[] {
  return events.map(({ name }) => name)
}
export const SERVER: SpanKind = SpanKind.SERVER

/** Answers with the path of the models that it goes through, each a step of the one before. */
export function inferChain(tracer: ServingTracer, [model, ...steps]: readonly string[]): Promise<string> {
  const next = async () => `${model} ${await inferChain(tracer, steps)}`
  if (steps.length > 0) return tracer.infer({ model: model! }, next)
  return tracer.infer({ model: model!, version: 3 }, { input: () => 1, infer: async () => model!, output: x => x })
}

export function otelTracer(options: ServingTracerOptions = {}): ServingTracer {
  const tracer = servingTracer({ mode: 'opentelemetry', rate: 1, ...options })
  onTestFinished(() => tracer.close())
  return tracer
}
/** A server that infers with the models in the path of the URL, each a step of the one before. */
export function chainServer(tracer: ServingTracer): Promise<string> {
  return httpServer(tracer, async (request, response) => {
    for await (const _ of request);
    response.end(await inferChain(tracer, request.url!.slice(1).split('/')))
  })
}
export async function get(url: string, headers: Record<string, string> = {}): Promise<string> {
  return (await fetch(url, { headers })).text()
}
export function isOver(tracer: ServingTracer): Promise<void> {
  return until('the end of requests', () => tracer.counts.open === 0)
}

/** A span as OTLP/JSON has it. */
export interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, unknown> }[]
  events: { name: string; timeUnixNano: string }[]
}
export interface Sink {
  url: string
  /** Requests that came in. */
  requestCount(): number
  /** Spans by name of their tracer. */
  spans(scope: string): OtlpSpan[]
}

/** A collector on loopback; `answer` says what becomes of a request once it is here. */
export async function otlpSink(answer: 'take' | 'refuse' | 'hang' | 'garble' = 'take'): Promise<Sink> {
  const received: { resourceSpans: { scopeSpans: { scope: { name: string }; spans: OtlpSpan[] }[] }[] }[] = []
  let requestCount = 0
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    requestCount += 1
    if (answer === 'hang') return
    if (answer === 'refuse') {
      response.writeHead(500).end('no')
      return
    }
    if (answer === 'garble') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":[[[')
      return
    }
    received.push(JSON.parse(Buffer.concat(parts).toString()))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const url = await listen(server)
  return {
    url: `${url}/v1/traces`,
    requestCount: () => requestCount,
    spans: scope =>
      received
        .flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
        .flatMap(each => (each.scope.name === scope ? each.spans : [])),
  }
}
