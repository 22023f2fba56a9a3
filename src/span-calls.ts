import { isMainThread, threadId } from 'node:worker_threads'

import {
  CATEGORIES,
  type Category,
  ROLES,
  type Role,
  SLOT_DEPTH,
  SLOT_GATE,
  SLOT_LIVE_ASYNC,
  SLOT_NAME,
  SLOT_PARENT_HIGH,
  SLOT_PARENT_LOW,
  SLOT_SPAN_HIGH,
  SLOT_SPAN_LOW,
  SLOT_UNSEEN_BRACKETS,
  tryNative,
} from './binding.js'

/**
 * The hot calls of this thread. Ids travel in the control block that JavaScript shares with the
 * native log, so that a call has neither arguments nor a result (15 ns less a pair), and a span that
 * is off makes no call at all. Where no binary fits the platform the block is all zeros: always off.
 */
const native = tryNative()
const slots: Uint32Array = native?.control() ?? new Uint32Array(16)
native?.nameThread(isMainThread ? 'main' : `worker ${threadId}`, threadId)

// V8 folds a module's own constants into its code, imported bindings not: users copy these into
// constants of their own (3 ns a pair), and this module exports them under another name.
export { nativeBegin as begin, nativeEnd as end, slots as controlSlots }

// Called through module-level constants: through an object they cost 7 ns more each.
const nativeBegin: () => void = native?.begin ?? nothing
const nativeEnd: () => void = native?.end ?? nothing
const nativeBeginChild = native?.beginChild ?? nothing
const nativeBeginSpan = native?.beginSpan ?? nothing
const nativeBeginRoot = native?.beginRoot ?? nothing
const nativeOpenRoot = native?.openRoot ?? nothing
const nativeBeginBracket = native?.beginBracket ?? nothing
const nativeEnterContext = native?.enterContext ?? nothing
const nativeExitContext = native?.exitContext ?? nothing
const nativeEndUnseenBracket = native?.endUnseenBracket ?? nothing
const nativeOpenSpan = native?.openSpan ?? nothing
const nativeLeaveSpan = native?.leaveSpan ?? nothing
const nativeEndSpan = native?.endSpan ?? nothing
const nativeFailSpan = native?.failSpan ?? nothing

function nothing(): void {}

const HIGH = 0x1_0000_0000

/** True while spans of this category are recorded. */
export function isOn(category: Category): boolean {
  return (slots[SLOT_GATE]! & (1 << CATEGORIES.indexOf(category))) !== 0
}

/** True when the parent of a new span must come from the async context: nothing is open on the stack. */
export function needsContext(): boolean {
  return slots[SLOT_DEPTH] === 0 && slots[SLOT_LIVE_ASYNC] !== 0
}

/** The number that stands for a name; 0 without a native core. Same arguments, same number, in every thread. */
export function internName(text: string, category: Category, role: Role = 'op', instance = ''): number {
  return native?.internName(text, CATEGORIES.indexOf(category), ROLES.indexOf(role), instance) ?? 0
}

export function beginChild(nameId: number, parentId: number): void {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeBeginChild()
}

/** Opens a span with an id and makes it the innermost one; 0 when it is not recorded. parentId 0: by the stack. */
export function beginSpan(nameId: number, parentId: number): number {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeBeginSpan()
  return slots[SLOT_SPAN_LOW]! + slots[SLOT_SPAN_HIGH]! * HIGH
}

/** As {@link beginSpan}, but not inside what is open on the stack; parentId 0: a root. */
export function beginRoot(nameId: number, parentId: number): number {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeBeginRoot()
  return slots[SLOT_SPAN_LOW]! + slots[SLOT_SPAN_HIGH]! * HIGH
}

/** As {@link openSpan}, likewise. */
export function openRoot(nameId: number, parentId: number): number {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeOpenRoot()
  return slots[SLOT_SPAN_LOW]! + slots[SLOT_SPAN_HIGH]! * HIGH
}

/**
 * As {@link beginSpan}, around a native call: what threads of its own launch on a GPU is given to it
 * while no other bracket is in flight in the process.
 */
export function beginBracket(nameId: number, parentId: number): number {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeBeginBracket()
  return slots[SLOT_SPAN_LOW]! + slots[SLOT_SPAN_HIGH]! * HIGH
}

/**
 * Runs a native call that is not recorded but may launch, so that what it launches is given to no other
 * bracket: a recording may start on another thread while it runs.
 */
export function unseenBracket<T>(body: () => T): T {
  slots[SLOT_UNSEEN_BRACKETS] = slots[SLOT_UNSEEN_BRACKETS]! + 1
  try {
    return body()
  } finally {
    slots[SLOT_UNSEEN_BRACKETS] = slots[SLOT_UNSEEN_BRACKETS]! - 1
    if (slots[SLOT_GATE] !== 0) nativeEndUnseenBracket()
  }
}

/** As {@link beginSpan}, but nothing nests in it by the stack. */
export function openSpan(nameId: number, parentId: number): number {
  slots[SLOT_NAME] = nameId
  setParent(parentId)
  nativeOpenSpan()
  return slots[SLOT_SPAN_LOW]! + slots[SLOT_SPAN_HIGH]! * HIGH
}

/** The synchronous part of the body is over; the span stays open. */
export function leaveSpan(spanId: number): void {
  setSpan(spanId)
  nativeLeaveSpan()
}

export function endSpan(spanId: number, hasFailed: boolean): void {
  setSpan(spanId)
  if (hasFailed) nativeFailSpan()
  else nativeEndSpan()
}

/** What this thread launches from here on with nothing open belongs to the span; 0: to nobody. */
export function enterContext(spanId: number): void {
  setSpan(spanId)
  nativeEnterContext()
}

export function exitContext(): void {
  nativeExitContext()
}

// Storing into the array keeps the lower 32 bits.
function setParent(spanId: number): void {
  slots[SLOT_PARENT_LOW] = spanId
  slots[SLOT_PARENT_HIGH] = spanId / HIGH
}

function setSpan(spanId: number): void {
  slots[SLOT_SPAN_LOW] = spanId
  slots[SLOT_SPAN_HIGH] = spanId / HIGH
}
