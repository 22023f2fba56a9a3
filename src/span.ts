import { SLOT_DEPTH, tryNative } from './binding.js'
import { addWarning } from './hooks.js'
import { nameId } from './name-ids.js'
import { sessionParent } from './session-parent.js'
import { controlSlots, endSpan, isOn } from './span-calls.js'
import { FLAG_RANDOM, FLAG_SAMPLED, type TraceContext } from './trace-context.js'

export type AttributeValue = string | number | bigint | boolean
export type Attributes = Readonly<Record<string, AttributeValue>>
/** Another span, as W3C Trace Context names it: 32 and 16 hex digits. A {@link Span} is one too. */
export interface SpanContext {
  readonly traceId: string
  readonly spanId: string
}

/** What the spans of a trace have in common, and of a span of elsewhere its own id. */
class Trace {
  readonly traceId: string
  readonly traceFlags: number
  readonly traceState: string | undefined
  /** Empty where the span is ours. */
  readonly spanId: string
  /** Open spans on the thread when code of elsewhere began: those above nest by the stack. */
  readonly depth: number

  constructor({ traceId, traceFlags, traceState }: Omit<TraceContext, 'spanId'>, spanId = '', depth = 0) {
    this.traceId = traceId
    this.traceFlags = traceFlags
    this.traceState = traceState
    this.spanId = spanId
    this.depth = depth
  }
}

const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const NUMBER_BITS = 53

/** A span that is open. Everything but its ids is a no-op after end() and while nothing is recorded. */
export class Span implements SpanContext {
  // Two fields, as each costs some ns. What JavaScript has of the id: exact in a double. 0: not recorded in this process;
  // negative: over, or open in another thread.
  #number: number
  // Whose trace it is of, or the trace once that was asked for; undefined: a root whose trace was not. The root and no
  // parent, as a chain of those would never be freed.
  #link: Span | Trace | undefined

  /** @internal */
  constructor(number: number, link?: Span | Trace) {
    this.#number = number
    this.#link = link
  }

  /** True while the span is being recorded. */
  get isRecording(): boolean {
    return this.#number > 0
  }
  /**
   * 32 hex digits, the same for all spans of a trace; zeros for a span that is not recorded. A trace has none before
   * it is asked for: each costs a microsecond.
   */
  get traceId(): string {
    return this.#traceOf()?.traceId ?? NO_TRACE
  }
  /** 16 hex digits; zeros for a span that is not recorded. */
  get spanId(): string {
    if (this.#link instanceof Trace && this.#link.spanId !== '') return this.#link.spanId
    return this.#number === 0 ? NO_SPAN : spanIdOf(Math.abs(this.#number))
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.isRecording) setAttribute(this.#number, key, value)
    return this
  }

  /** Says that another span, maybe of another process, has to do with this one. */
  addLink(context: SpanContext): this {
    if (this.isRecording) addLink(this.#number, context)
    return this
  }

  /** A moment of this span, as mark() is of a thread. */
  event(name: string): this {
    if (this.isRecording && isOn('user')) tryNative()?.spanMark(nameId(name, 'user'), this.#number)
    return this
  }

  /** Ends the span; with an error given, as a failed one. */
  end(error?: unknown): void {
    Span.end(this, error !== undefined)
  }

  [Symbol.dispose](): void {
    this.end()
  }

  /** @internal */
  static end(span: Span, hasFailed: boolean): void {
    const number = span.#number
    if (number <= 0) return
    span.#number = -number
    endSpan(number, hasFailed)
  }
  /** For the native calls; 0: none of this process. @internal */
  static numberOf(span: Span | undefined): number {
    return span === undefined ? 0 : Math.abs(span.#number)
  }
  /** What spans inside this one are made with. @internal */
  static rootOf(span: Span): Span {
    return span.#link instanceof Span ? span.#link : span
  }
  /** A span inside another, or inside one of elsewhere: then it carries the trace. @internal */
  static inside(number: number, around: Span | undefined): Span {
    if (around === undefined) return new Span(number)
    if (!(around.#link instanceof Trace) || around.#link.spanId === '') return new Span(number, Span.rootOf(around))
    writeTrace(number, around.#link.traceId, around.#link.spanId)
    return new Span(number, new Trace(around.#link))
  }
  /** A span without a parent. @internal */
  static ofRoot(number: number): Span {
    return sessionParent() === undefined ? new Span(number) : Span.ofNewTrace(number)
  }
  /** A span whose trace begins with it. @internal */
  static ofNewTrace(number: number): Span {
    const trace = newTrace()
    writeTrace(number, trace.traceId, NO_SPAN)
    return new Span(number, trace)
  }
  /** A span that others record, or this process in another thread. @internal */
  static ofElsewhere(remote: TraceContext): Span {
    const trace = new Trace(remote, remote.spanId, controlSlots[SLOT_DEPTH]!)
    return new Span(-localNumber(remote.spanId), trace)
  }
  /** @internal */
  static isElsewhere(span: Span | undefined): span is Span {
    return span !== undefined && span.#link instanceof Trace && span.#link.spanId !== ''
  }
  /** Of a span of elsewhere: how many were open on the thread when its code began. @internal */
  static depthOf(span: Span): number {
    return span.#link instanceof Trace ? span.#link.depth : 0
  }
  /** As others know it; undefined when it is not recorded. @internal */
  static contextOf(span: Span): TraceContext | undefined {
    const trace = span.#traceOf()
    if (trace === undefined) return undefined
    const { traceId, traceFlags, traceState } = trace
    return { traceId, spanId: span.spanId, traceFlags, traceState }
  }

  #traceOf(): Trace | undefined {
    if (this.#link instanceof Trace) return this.#link
    if (this.#number === 0) return undefined
    const number = Math.abs(this.#number)
    if (this.#link === undefined) {
      const parent = sessionParent()
      this.#link = parent === undefined ? newTrace() : new Trace(parent)
      writeTrace(number, this.#link.traceId, parent?.spanId ?? NO_SPAN)
    } else {
      this.#link = this.#link.#traceOf()!
      // Its root may be in no row of the recording: what was asked for must be.
      writeTrace(number, this.#link.traceId, NO_SPAN)
    }
    return this.#link
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

export function setAttribute(spanId: number, key: string, value: AttributeValue): void {
  const type = typeof value
  const isKnown = type === 'string' || type === 'number' || type === 'bigint' || type === 'boolean'
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
  // A span that was not recorded: nobody's mistake.
  if (traceId === NO_TRACE && linkedId === NO_SPAN) return
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(linkedId)) {
    addWarning('invalid-links', 'links whose ids are not 32 and 16 hex digits were left out')
    return
  }
  const [high, low] = halves(traceId)
  tryNative()?.link(spanId, high, low, BigInt(`0x${linkedId}`))
}

function newTrace(): Trace {
  const traceId = tryNative()?.newTraceId() ?? NO_TRACE
  return new Trace({ traceId, traceFlags: FLAG_SAMPLED | FLAG_RANDOM })
}
function writeTrace(number: number, traceId: string, parentId: string): void {
  const [high, low] = halves(traceId)
  tryNative()?.traceId(number, high, low, BigInt(`0x${parentId}`))
}
function halves(traceId: string): [high: bigint, low: bigint] {
  return [BigInt(`0x${traceId.slice(0, 16)}`), BigInt(`0x${traceId.slice(16)}`)]
}

let processBits: bigint | undefined
function bitsOfProcess(): bigint {
  processBits ??= tryNative()?.processBits() ?? 0n
  return processBits
}
function spanIdOf(number: number): string {
  return (bitsOfProcess() | BigInt(number)).toString(16).padStart(16, '0')
}
/** 0: of another process. A span of another process that has our bits by chance is found in no recording of ours. */
function localNumber(spanId: string): number {
  const id = BigInt(`0x${spanId}`)
  return id >> BigInt(NUMBER_BITS) === bitsOfProcess() >> BigInt(NUMBER_BITS)
    ? Number(BigInt.asUintN(NUMBER_BITS, id))
    : 0
}
