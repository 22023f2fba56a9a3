// An OTLP/JSON file as a collector reads it that knows OpenTelemetry's protos and nothing of opscope:
// test/format/otlp.proto through protobufjs, after what its JSON mapping says of ids, 64-bit numbers and enums.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = protobuf.loadSync(fileURLToPath(new URL('../format/otlp.proto', import.meta.url)))
const REQUEST = root.lookupType('opentelemetry.proto.ExportTraceServiceRequest')

export type OtlpValue = string | number | bigint | boolean
export interface OtlpSpan {
  traceId: string
  spanId: string
  /** Empty: a root. */
  parentSpanId: string
  name: string
  kind: number
  start: bigint
  end: bigint
  attributes: Record<string, OtlpValue>
  events: { at: bigint; name: string; attributes: Record<string, OtlpValue> }[]
  links: { traceId: string; spanId: string }[]
  status: number
}
export interface OtlpTrace {
  resource: Record<string, OtlpValue>
  scope: { name: string; version: string }
  spans: OtlpSpan[]
}

type Json = Record<string, unknown>

/** The object that protobufjs takes; throws where the JSON is not what the mapping allows. */
function plain(type: protobuf.Type, json: Json): Json {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const field = type.fields[key]?.resolve()
      if (field === undefined) throw new Error(`${type.name} has no field ${key}`)
      if (field.repeated !== Array.isArray(value)) throw new Error(`${type.name}.${key} is a list, or should be none`)
      const one = (item: unknown) => converted(field, item)
      return [key, Array.isArray(value) ? value.map(one) : one(value)]
    }),
  )
}
function converted(field: protobuf.Field, value: unknown): unknown {
  const wrong = () => new Error(`${field.fullName} is ${JSON.stringify(value)}`)
  if (field.resolvedType instanceof protobuf.Type) return plain(field.resolvedType, value as Json)
  switch (field.type) {
    case 'bytes':
      if (!/^(?:[\da-f]{16}){1,2}$/.test(value as string)) throw wrong()
      return Buffer.from(value as string, 'hex')
    case 'fixed64':
    case 'int64':
      if (typeof value !== 'string' || !/^-?\d+$/.test(value)) throw wrong()
      return value
    case 'double':
      if (typeof value !== 'number' && !['NaN', 'Infinity', '-Infinity'].includes(value as string)) throw wrong()
      return Number(value)
    case 'string':
      if (typeof value !== 'string') throw wrong()
      return value
    case 'bool':
      if (typeof value !== 'boolean') throw wrong()
      return value
    default:
      if (typeof value !== 'number') throw wrong() // an enum
      return value
  }
}

const hex = (bytes: unknown) => Buffer.from((bytes ?? []) as Uint8Array).toString('hex')
function attributesOf(list: unknown): Record<string, OtlpValue> {
  const pairs = ((list ?? []) as { key: string; value: Record<string, OtlpValue> }[]).map(({ key, value }) => {
    const [[type, given]] = Object.entries(value) as [[string, OtlpValue]]
    return [key, type === 'intValue' ? BigInt(given) : given] as const
  })
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error('a key is there twice')
  return Object.fromEntries(pairs)
}

export function decodeOtlp(bytes: Uint8Array): OtlpTrace {
  const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json
  const message = REQUEST.encode(REQUEST.fromObject(plain(REQUEST, json))).finish()
  const { resourceSpans } = REQUEST.toObject(REQUEST.decode(message), { longs: String }) as {
    resourceSpans: { resource: Json; scopeSpans: { scope: Json; spans?: Json[] }[] }[]
  }
  const { resource, scopeSpans } = resourceSpans[0]!
  const { scope, spans = [] } = scopeSpans[0]!
  return {
    resource: attributesOf(resource.attributes),
    scope: { name: String(scope.name), version: String(scope.version ?? '') },
    spans: spans.map(span => ({
      traceId: hex(span.traceId),
      spanId: hex(span.spanId),
      parentSpanId: hex(span.parentSpanId),
      name: String(span.name),
      kind: Number(span.kind ?? 0),
      start: BigInt((span.startTimeUnixNano ?? 0) as string),
      end: BigInt((span.endTimeUnixNano ?? 0) as string),
      attributes: attributesOf(span.attributes),
      events: ((span.events ?? []) as Json[]).map(event => ({
        at: BigInt((event.timeUnixNano ?? 0) as string),
        name: String(event.name),
        attributes: attributesOf(event.attributes),
      })),
      links: ((span.links ?? []) as Json[]).map(link => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
      status: Number((span.status as Json | undefined)?.code ?? 0),
    })),
  }
}
export const readOtlp = (path: string): OtlpTrace => decodeOtlp(readFileSync(path))
