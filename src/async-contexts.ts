import { type AsyncHook, createHook } from 'node:async_hooks'

import { SLOT_CONTEXTS, SLOT_EXACT, SLOT_GATE } from './binding.js'
import { enterContext, exitContext, controlSlots as slots } from './span-calls.js'

/**
 * Follows the async contexts of this thread for `attribution: 'exact'`: whatever runs in the context of an
 * async record() is noted in the thread's log, so that a launch after an await finds its span. A hook on
 * every callback and every promise is dear, so there is none before the first record() of such a recording, and
 * it goes with the recording.
 */
let hook: AsyncHook | undefined
let spanIdOfContext: () => number

// The callbacks that run now, the innermost last, and the contexts entered around each.
const callbacks: number[] = []
const outerCounts: number[] = []

/**
 * Called before the body of a record() runs: V8 tells no hook of the end of an await that began without one (seen on
 * Node 24; earlier ones have a hook for AsyncLocalStorage). `spanId` tells the span of the context that runs.
 */
export function followContexts(spanId: () => number): void {
  if (hook !== undefined) return
  spanIdOfContext = spanId
  hook = createHook({ before, after }).enable()
}

function before(asyncId: number): void {
  if (slots[SLOT_EXACT] === 0) {
    unfollow()
    return
  }
  const outer = slots[SLOT_CONTEXTS]!
  callbacks.push(asyncId)
  outerCounts.push(outer)
  if ((slots[SLOT_GATE]! | outer) === 0) return
  const spanId = spanIdOfContext()
  // A callback of no span inside that of one: nobody's.
  if (spanId !== 0 || outer !== 0) enterContext(spanId)
}

function after(asyncId: number): void {
  // Not there: it began before the hook. Deeper: those above it were left by an exception.
  const index = callbacks.lastIndexOf(asyncId)
  if (index === -1) return
  exitTo(outerCounts[index]!)
  callbacks.length = index
  outerCounts.length = index
}

function unfollow(): void {
  hook?.disable()
  hook = undefined
  if (outerCounts.length > 0) exitTo(outerCounts[0]!)
  callbacks.length = 0
  outerCounts.length = 0
}

function exitTo(count: number): void {
  while (slots[SLOT_CONTEXTS]! > count) exitContext()
}
