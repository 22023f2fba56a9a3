import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'

import { followContexts } from './async-contexts.js'
import {
  CATEGORIES,
  type Category,
  type Role,
  SLOT_DEPTH,
  SLOT_DETAIL,
  SLOT_EXACT,
  SLOT_GATE,
  SLOT_NAME,
  tryNative,
} from './binding.js'
import { OpscopeError } from './errors.js'
import { addWarning } from './hooks.js'
import { nameHint } from './nearest-name.js'
import { checkKeys } from './option-checks.js'
import { type Attributes, Span, type SpanContext, setDetails } from './span.js'
import {
  begin,
  beginChild,
  beginSpan,
  controlSlots,
  end,
  endSpan,
  internName,
  leaveSpan,
  needsContext,
  openSpan,
} from './span-calls.js'

export { type Attributes, type AttributeValue, Span, type SpanContext } from './span.js'

export interface RecordOptions {
  /** @default 'section' */
  category?: Category
  attributes?: Attributes
  /** Spans that this one has to do with without being inside them: the requests of a batch, say. */
  links?: readonly SpanContext[]
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

/** The span id of the innermost record() around the running code. One for the package: every store more makes `run` dearer. */
const context = new AsyncLocalStorage<number>()
const INACTIVE = new Span(0)

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
      beginChild(this.#nameId, context.getStore() ?? 0)
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
  const nameId = sectionId(name, options?.category)
  const spanId = beginSpan(nameId, needsContext() ? (context.getStore() ?? 0) : 0)
  if (spanId === 0) return body(INACTIVE)
  if (options !== undefined) setDetails(spanId, options.attributes, options.links)
  if (slots[SLOT_EXACT] !== 0) followContexts(contextSpanId)
  let result: T
  try {
    result = context.run(spanId, body, new Span(spanId))
  } catch (error) {
    endSpan(spanId, true)
    throw error
  }
  if (!isPromise(result)) {
    endSpan(spanId, false)
    return result
  }
  leaveSpan(spanId)
  // The derived promise is returned: a side branch would hide an unhandled rejection.
  return result.then(
    value => {
      endSpan(spanId, false)
      return value
    },
    error => {
      endSpan(spanId, true)
      throw error
    },
  ) as T
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
    beginChild(nameId, context.getStore() ?? 0)
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
  if (slots[SLOT_GATE] === 0) return new Span(0)
  const spanId = openSpan(sectionId(name, options.category), needsContext() ? (context.getStore() ?? 0) : 0)
  if (spanId !== 0) setDetails(spanId, options.attributes, options.links)
  return new Span(spanId)
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
  checkOptions(options, ['category', 'attributes', 'links'])
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
  return context.getStore() ?? 0
}

// A category has few names in a healthy program; one with ids in its names must not grow without bound.
const MAX_CACHED_NAMES = 100_000
const idsByCategory = new Map<Category, Map<string, number>>()
const sectionIds = idsOf('section')

function idsOf(category: Category): Map<string, number> {
  let ids = idsByCategory.get(category)
  if (ids === undefined) {
    ids = new Map()
    idsByCategory.set(category, ids)
  }
  return ids
}

function sectionId(name: string, category: Category | undefined): number {
  if (category === undefined) {
    const known = sectionIds.get(name)
    if (known !== undefined) return known
  }
  return nameId(name, category ?? 'section')
}

function nameId(name: string, category: Category): number {
  const ids = idsOf(category)
  let id = ids.get(name)
  if (id === undefined) {
    checkName(name)
    checkCategory(category)
    if (ids.size >= MAX_CACHED_NAMES) ids.clear()
    id = internName(name, category)
    ids.set(name, id)
  }
  return id
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected a name to be a string, got ${name === null ? 'null' : typeof name}.`,
    )
  }
}

function checkCategory(category: unknown): void {
  if (!CATEGORIES.includes(category as Category)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Unknown category ${JSON.stringify(category)}.`,
      nameHint(String(category), CATEGORIES),
    )
  }
}

function checkOptions(options: { category?: unknown }, known: readonly string[]): void {
  checkKeys(options, known)
  if (options.category !== undefined) checkCategory(options.category)
}
