import { AsyncLocalStorage } from 'node:async_hooks'

import type { Batch } from './batch.js'
import type { Inference } from './inference.js'
import type { TracedRequest } from './request.js'

/** What the running code works for. */
export type Scope = TracedRequest | Inference | Batch

/**
 * A store of its own, beside that of spans: most requests are not traced and do not touch it, and before the first one
 * that is, Node need not follow async contexts at all.
 */
export const scopes: AsyncLocalStorage<Scope> = new AsyncLocalStorage()
