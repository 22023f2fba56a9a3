import { tryNative } from './binding.js'
import { addWarning } from './hooks.js'
import { endSpan } from './span-calls.js'

export type AttributeValue = string | number | bigint | boolean
export type Attributes = Readonly<Record<string, AttributeValue>>
/** Another span, as W3C Trace Context names it: 32 and 16 hex digits. */
export interface SpanContext {
  traceId: string
  spanId: string
}

/** A span that is open. Everything is a no-op after end() and while nothing is recorded. */
export class Span {
  #id: number

  /** @internal */
  constructor(id: number) {
    this.#id = id
  }

  /** True while the span is being recorded. */
  get isRecording(): boolean {
    return this.#id !== 0
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.#id !== 0) setAttribute(this.#id, key, value)
    return this
  }

  /** Says that another span, maybe of another process, has to do with this one. */
  addLink(context: SpanContext): this {
    if (this.#id !== 0) addLink(this.#id, context)
    return this
  }

  /** Ends the span; with an error given, as a failed one. */
  end(error?: unknown): void {
    if (this.#id === 0) return
    endSpan(this.#id, error !== undefined)
    this.#id = 0
  }

  [Symbol.dispose](): void {
    this.end()
  }
}

export function setDetails(
  spanId: number,
  attributes: Attributes | undefined,
  links: readonly SpanContext[] | undefined,
): void {
  for (const key in attributes) setAttribute(spanId, key, attributes[key]!)
  if (links !== undefined) for (const link of links) addLink(spanId, link)
}

function setAttribute(spanId: number, key: string, value: AttributeValue): void {
  const isKnown = ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
  if (!isKnown)
    addWarning(
      'attribute-as-text',
      'attributes of other types than string, number, bigint and boolean were stored as text',
    )
  tryNative()?.attribute(spanId, String(key), isKnown ? value : textOf(value))
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return '(unprintable)'
  }
}

const TRACE_ID = /^[0-9a-f]{32}$/i
const SPAN_ID = /^[0-9a-f]{16}$/i

function addLink(spanId: number, { traceId, spanId: linkedId }: SpanContext): void {
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(linkedId)) {
    addWarning('invalid-links', 'links whose ids are not 32 and 16 hex digits were left out')
    return
  }
  const high = BigInt(`0x${traceId.slice(0, 16)}`)
  const low = BigInt(`0x${traceId.slice(16)}`)
  tryNative()?.link(spanId, high, low, BigInt(`0x${linkedId}`))
}
