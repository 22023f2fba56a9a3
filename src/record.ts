import { types } from 'node:util'

import { followContexts } from './async-contexts.js'
import {
  type Category,
  type Role,
  SLOT_DEPTH,
  SLOT_DETAIL,
  SLOT_EXACT,
  SLOT_GATE,
  SLOT_LIVE_ASYNC,
  SLOT_NAME,
  SLOT_SCOPES,
  tryNative,
} from './binding.js'
import { addWarning } from './hooks.js'
import { checkCategory, checkName, idsOf, nameId } from './name-ids.js'
import { checkKeys } from './option-checks.js'
import { context, outerScope } from './scope.js'
import { type Attributes, Span, type SpanContext, setAttribute, setDetails } from './span.js'
import {
  begin,
  beginChild,
  beginRoot,
  beginSpan,
  controlSlots,
  end,
  internName,
  leaveSpan,
  needsContext,
  openRoot,
  openSpan,
} from './span-calls.js'

export { type Attributes, type AttributeValue, Span, type SpanContext } from './span.js'

export interface RecordOptions {
  /** @default 'section' */
  category?: Category
  attributes?: Attributes
  /** Spans that this one has to do with without being inside them: the requests of a batch, say. */
  links?: readonly SpanContext[]
  /** Which operator of its inference this is; it is then in the table of operators. */
  operatorIndex?: number
  /** It has no parent, whatever is around it, and begins a trace of its own. @default false */
  root?: boolean
  /** It has the parent it would have, but it and what is inside belong to a trace of their own. @default false */
  newTrace?: boolean
}
export interface OpOptions {
  /** Which of several ops of this name: an output or a node. A row of its own with `tracerOption: 'AllOpDetail'`. */
  instance?: string
  /** @default 'cpu_op' */
  category?: Category
}

// Own constants: see span-calls.ts.
const slots = controlSlots
const nativeBegin = begin
const nativeEnd = end
const store = context
/** Root of the trace that the record() on the stack is in. Asking the async context there would cost up to 16 ns. */
let syncRoot: Span | undefined

const INACTIVE = new Span(0)
const RECORD_KEYS = ['category', 'attributes', 'links', 'operatorIndex', 'root', 'newTrace']

/** An op of a fixed name; make it once, outside the hot path. */
export class Op {
  readonly #nameId: number
  readonly #instanceId: number
  readonly #name: string
  readonly #category: Category
  readonly #phases = new Map<string, Op>()
  #openInstances = 0

  /** @internal */
  constructor(name: string, category: Category, role: Role, instance: string | undefined) {
    this.#name = name
    this.#category = category
    this.#nameId = internName(name, category, role)
    this.#instanceId = instance === undefined ? 0 : internName(name, category, 'instance', instance)
  }

  /** Opens the op inside whatever is open on this thread. Costs nothing while nothing is recorded. */
  begin(): void {
    if ((slots[SLOT_GATE]! | slots[SLOT_DEPTH]!) === 0) return
    if (needsContext()) {
      beginChild(this.#nameId, contextSpanId())
    } else {
      slots[SLOT_NAME] = this.#nameId
      nativeBegin()
    }
    if (this.#instanceId !== 0 && slots[SLOT_DETAIL] !== 0) {
      slots[SLOT_NAME] = this.#instanceId
      nativeBegin()
      this.#openInstances += 1
    }
  }

  /** Ends the op; one end() for each begin(), on the same thread. */
  end(): void {
    if ((slots[SLOT_GATE]! | slots[SLOT_DEPTH]!) === 0) return
    if (this.#openInstances !== 0) {
      slots[SLOT_NAME] = this.#instanceId
      nativeEnd()
      this.#openInstances -= 1
    }
    slots[SLOT_NAME] = this.#nameId
    nativeEnd()
  }

  /** A phase inside the op: `compute` is what counts as computation, all else of the op as framework overhead. */
  phase(name: 'compute' | 'infer_shape' | 'prepare_data' | (string & {})): Op {
    let phase = this.#phases.get(name)
    if (phase === undefined) {
      checkName(name)
      phase = new Op(name, this.#category, 'phase', undefined)
      this.#phases.set(name, phase)
    }
    return phase
  }

  get name(): string {
    return this.#name
  }
}

/**
 * Makes an op: the cheapest way to record, for synchronous code that runs often.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_OPTION_UNKNOWN
 * @example
 * const matmul = op('matmul')
 * matmul.begin()
 * try {
 *   multiply(a, b)
 * } finally {
 *   matmul.end()
 * }
 */
export function op(name: string, options: OpOptions = {}): Op {
  checkName(name)
  checkOptions(options, ['instance', 'category'])
  if (options.instance !== undefined) checkName(options.instance)
  return new Op(name, options.category ?? 'cpu_op', 'op', options.instance)
}

/**
 * Records a body, synchronous or async, and returns what it returns. The body runs in an async context
 * of its own, so that spans inside it find their parent across awaits too.
 * A thenable that is no promise is returned untouched: calling its `then` could start its work.
 * @throws what the body throws, unchanged; OpscopeError ERR_OPSCOPE_OPTION_VALUE for a name that is no string
 * @example
 * const output = await record('predict', () => session.run(feeds))
 */
export function record<T>(name: string, body: (span: Span) => T): T
export function record<T>(name: string, options: RecordOptions, body: (span: Span) => T): T
export function record<T>(
  name: string,
  optionsOrBody: RecordOptions | ((span: Span) => T),
  maybeBody?: (span: Span) => T,
): T {
  const isShort = typeof optionsOrBody === 'function'
  const body = (isShort ? optionsOrBody : maybeBody) as (span: Span) => T
  const options = isShort ? undefined : optionsOrBody
  if (slots[SLOT_GATE] === 0) return body(INACTIVE)
  const nameId = sectionId(name, options === undefined ? undefined : options.category)
  // What is rarer has a function of its own: with it in here, V8 inlines less, and this costs 30 ns more on Node 24.
  if (slots[SLOT_SCOPES] !== 0 || options !== undefined) return recordWith(nameId, options, body)
  const outer = syncRoot
  let root = outer
  let parentId = 0
  if (slots[SLOT_LIVE_ASYNC] !== 0 && (slots[SLOT_DEPTH] === 0 || outer === undefined)) {
    const scope = store.getStore()
    root = scope && Span.rootOf(scope)
    if (slots[SLOT_DEPTH] === 0) parentId = Span.numberOf(scope)
  }
  const spanId = beginSpan(nameId, parentId)
  if (spanId === 0) return body(INACTIVE)
  const span = new Span(spanId, root)
  if (slots[SLOT_EXACT] !== 0) followContexts(contextSpanId)
  syncRoot = root ?? span
  let result: T
  try {
    result = store.run(span, body, span)
  } catch (error) {
    syncRoot = outer
    Span.end(span, true)
    throw error
  }
  syncRoot = outer
  if (!isPromise(result)) {
    Span.end(span, false)
    return result
  }
  return endLater(span, spanId, result) as T
}

/** The derived promise is returned: a side branch would hide an unhandled rejection. */
function endLater<T>(span: Span, spanId: number, promise: Promise<T>): Promise<T> {
  if (span.isRecording) leaveSpan(spanId)
  return promise.then(
    value => {
      Span.end(span, false)
      return value
    },
    error => {
      Span.end(span, true)
      throw error
    },
  )
}

/** record() with options, or where a span may be around that is elsewhere. */
function recordWith<T>(nameId: number, given: RecordOptions | undefined, body: (span: Span) => T): T {
  const options = given ?? {}
  const scope = scopeAround()
  const isOff = isOffStack(options, scope)
  // What runs in an open span and is not inside it would count twice there: it gets a lane, as an async span.
  const mustLeave = isOff && slots[SLOT_DEPTH] !== 0
  const span = beginWith(nameId, options, scope, isOff)
  if (span === INACTIVE) return body(span)
  const spanId = Span.numberOf(span)
  setOptions(spanId, options)
  if (slots[SLOT_EXACT] !== 0) followContexts(contextSpanId)
  let result: T
  try {
    result = runIn(span, body)
  } catch (error) {
    if (mustLeave && span.isRecording) leaveSpan(spanId)
    Span.end(span, true)
    throw error
  }
  if (isPromise(result)) return endLater(span, spanId, result) as T
  if (mustLeave && span.isRecording) leaveSpan(spanId)
  Span.end(span, false)
  return result
}

/**
 * Opens a span as record() does, runs the first part of its work in it, and leaves it open. In `context` the rest can run
 * inside it.
 * @internal
 */
export function beginRecord<T>(name: string, options: RecordOptions, body: () => T): { span: Span; result: T } {
  if (slots[SLOT_GATE] === 0) return { span: INACTIVE, result: body() }
  const scope = scopeAround()
  const span = beginWith(sectionId(name, options.category), options, scope, isOffStack(options, scope))
  if (span === INACTIVE) return { span, result: body() }
  setOptions(Span.numberOf(span), options)
  if (slots[SLOT_EXACT] !== 0) followContexts(contextSpanId)
  try {
    return { span, result: runIn(span, body) }
  } finally {
    leaveSpan(Span.numberOf(span))
  }
}

/**
 * Opens a span as record() does, for who runs the body in `context` himself: leave it with leaveSpan() when the body
 * returns, and end it.
 * @internal
 */
export function beginOnStack(name: string, options: RecordOptions): Span {
  if (slots[SLOT_GATE] === 0) return INACTIVE
  const scope = scopeAround()
  const span = beginWith(sectionId(name, options.category), options, scope, isOffStack(options, scope))
  if (span !== INACTIVE) setOptions(Span.numberOf(span), options)
  return span
}

function beginWith(nameId: number, options: RecordOptions, scope: Span | undefined, isOff: boolean): Span {
  const parentId = options.root || !(isOff || needsContext()) ? 0 : Span.numberOf(scope)
  const spanId = isOff ? beginRoot(nameId, parentId) : beginSpan(nameId, parentId)
  return spanId === 0 ? INACTIVE : spanApart(spanId, options, scope)
}

/** Whether the span is not inside what is open on the stack: that is none of its business, or older than its parent. */
function isOffStack(options: RecordOptions, scope: Span | undefined): boolean {
  return options.root === true || (Span.isElsewhere(scope) && slots[SLOT_DEPTH]! <= Span.depthOf(scope))
}
function spanApart(spanId: number, options: RecordOptions, scope: Span | undefined): Span {
  if (options.newTrace) return Span.ofNewTrace(spanId)
  return options.root ? Span.ofRoot(spanId) : Span.inside(spanId, scope)
}

function setOptions(spanId: number, { attributes, links, operatorIndex }: RecordOptions): void {
  setDetails(spanId, attributes, links)
  if (operatorIndex !== undefined) setAttribute(spanId, 'operator_index', operatorIndex)
}

/** The span around the running code. Read only where there may be one: it costs 4 to 16 ns. */
function scopeAround(): Span | undefined {
  if ((slots[SLOT_DEPTH]! | slots[SLOT_LIVE_ASYNC]! | slots[SLOT_SCOPES]!) === 0) return undefined
  return store.getStore() ?? (slots[SLOT_DEPTH] === 0 ? outerScope() : undefined)
}

/** Runs the synchronous part of `body` inside a span, and all that follows from it. @internal */
export function runIn<T>(span: Span, body: (span: Span) => T): T {
  const outer = syncRoot
  syncRoot = Span.rootOf(span)
  try {
    return store.run(span, body, span)
  } finally {
    syncRoot = outer
  }
}

// types.isPromise alone tells promises of other realms too, and costs 17 ns: primitives need not pay it.
function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise || (typeof value === 'object' && value !== null && types.isPromise(value))
}

/**
 * Records a synchronous body, without an async context: cheaper than {@link record}. A body that
 * returns a promise is recorded up to its return, and a warning counts it.
 * @throws what the body throws, unchanged
 */
export function recordSync<T>(name: string, body: () => T): T
export function recordSync<T>(name: string, options: Pick<RecordOptions, 'category'>, body: () => T): T
export function recordSync<T>(
  name: string,
  optionsOrBody: Pick<RecordOptions, 'category'> | (() => T),
  maybeBody?: () => T,
): T {
  const isShort = typeof optionsOrBody === 'function'
  const body = (isShort ? optionsOrBody : maybeBody) as () => T
  if ((slots[SLOT_GATE]! | slots[SLOT_DEPTH]!) === 0) return body()
  const nameId = sectionId(name, isShort ? undefined : optionsOrBody.category)
  if (needsContext()) {
    beginChild(nameId, contextSpanId())
  } else {
    slots[SLOT_NAME] = nameId
    nativeBegin()
  }
  try {
    const result = body()
    // Only a warning hangs on it: a promise of another realm may slip through, types.isPromise would cost 17 ns.
    if (result instanceof Promise)
      addWarning(
        'promise-in-record-sync',
        'bodies of recordSync() returned a promise and were recorded up to their return; use record()',
      )
    return result
  } finally {
    slots[SLOT_NAME] = nameId
    nativeEnd()
  }
}

/**
 * Opens a span by hand, for work that no function body encloses. It is never the parent of other
 * spans. End it, or declare it with `using`.
 */
export function span(name: string, options: RecordOptions = {}): Span {
  checkName(name)
  if (slots[SLOT_GATE] === 0) return INACTIVE
  const nameId = sectionId(name, options.category)
  const scope = scopeAround()
  const mayBeOff = options.root || options.newTrace || Span.isElsewhere(scope)
  const isOff = mayBeOff && isOffStack(options, scope)
  const parentId = options.root || !(isOff || needsContext()) ? 0 : Span.numberOf(scope)
  const spanId = isOff ? openRoot(nameId, parentId) : openSpan(nameId, parentId)
  if (spanId === 0) return INACTIVE
  setOptions(spanId, options)
  return mayBeOff ? spanApart(spanId, options, scope) : Span.inside(spanId, scope)
}

/**
 * A function that does what `body` does and is recorded at each call, failing calls too.
 * @example
 * const tokenize = wrap('tokenize', text => encoder.encode(text))
 */
export function wrap<This, Arguments extends unknown[], Result>(
  name: string,
  body: (this: This, ...args: Arguments) => Result,
  options: RecordOptions = {},
): (this: This, ...args: Arguments) => Result {
  checkName(name)
  checkOptions(options, RECORD_KEYS)
  const wrapped = function (this: This, ...args: Arguments): Result {
    return record(name, options, () => body.apply(this, args))
  }
  return Object.defineProperties(wrapped, {
    name: { value: body.name, configurable: true },
    length: { value: body.length, configurable: true },
  })
}

/** A moment on this thread's track. */
export function mark(name: string, options: Pick<RecordOptions, 'category'> = {}): void {
  if (slots[SLOT_GATE] !== 0) tryNative()?.mark(nameId(name, options.category ?? 'user'))
}

/** A value that changes over time: a queue's length, bytes in use. */
export function counter(name: string, value: number, options: Pick<RecordOptions, 'category'> = {}): void {
  if (slots[SLOT_GATE] !== 0) tryNative()?.counter(nameId(name, options.category ?? 'user'), Number(value))
}

/** The id of the innermost record() around the running code, also across awaits; 0: none. @internal */
export function contextSpanId(): number {
  return Span.numberOf(store.getStore())
}

const sectionIds = idsOf('section')

function sectionId(name: string, category: Category | undefined): number {
  if (category === undefined) {
    const known = sectionIds.get(name)
    if (known !== undefined) return known
  }
  return nameId(name, category ?? 'section')
}

function checkOptions(options: { category?: unknown }, known: readonly string[]): void {
  checkKeys(options, known)
  if (options.category !== undefined) checkCategory(options.category)
}
