import { AsyncLocalStorage } from 'node:async_hooks'

import type { Batch } from './batch.js'
import type { Inference } from './inference.js'
import type { TracedRequest } from './request.js'

/** What the running code works for. */
export type Scope = TracedRequest | Inference | Batch

/**
 * A store of its own, beside that of spans: most requests are not traced and do not touch it.
 *
 * Before Node 24 a store that was used once makes Node follow every async call of the process, which costs a server 3 to
 * 6 % (bench/serving). So it is switched off while no request is traced; what is left of earlier ones has nothing to
 * trace any more.
 */
export const scopes: AsyncLocalStorage<Scope> = new AsyncLocalStorage()

// Switching is dear too: a server that traces one request after another stays on.
const REST_MS = 10
let openCount = 0
let timer: NodeJS.Timeout | undefined

/** A request begins to be traced. */
export function openScope(): void {
  openCount++
}
/** It is over. */
export function closeScope(): void {
  openCount--
  if (openCount > 0 || timer !== undefined) return
  timer = setTimeout(rest, REST_MS).unref()
}
function rest(): void {
  timer = undefined
  if (openCount === 0) scopes.disable()
}
