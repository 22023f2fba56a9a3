import { AsyncLocalStorage } from 'node:async_hooks'

import { SLOT_SCOPES } from './binding.js'
import { activeOpenTelemetrySpan } from './open-telemetry.js'
import { Span } from './span.js'
import { controlSlots as slots } from './span-calls.js'
import type { TraceContext } from './trace-context.js'

/**
 * The span around the running code, also across awaits: of the innermost record(), or of elsewhere, in extract().
 * One store for the package: every store more makes `run` dearer.
 */
export const context: AsyncLocalStorage<Span> = new AsyncLocalStorage()

/** Bits of SLOT_SCOPES, so that one test tells a span that there is nothing around it. */
const EXTRACTED = 1
const ASK_OPEN_TELEMETRY = 2

// OpenTelemetry may have been there first.
slots[SLOT_SCOPES] = ASK_OPEN_TELEMETRY

/** A span of elsewhere, for code to run in; spans look for their async context from now on. */
export function scopeOfElsewhere(remote: TraceContext): Span {
  slots[SLOT_SCOPES] = slots[SLOT_SCOPES]! | EXTRACTED
  return Span.ofElsewhere(remote)
}

/** The active span of OpenTelemetry, for code that has none of ours around it. */
export function outerScope(): Span | undefined {
  if ((slots[SLOT_SCOPES]! & ASK_OPEN_TELEMETRY) === 0) return undefined
  const isThere = (is: boolean) => {
    slots[SLOT_SCOPES] = is ? slots[SLOT_SCOPES]! | ASK_OPEN_TELEMETRY : slots[SLOT_SCOPES]! & ~ASK_OPEN_TELEMETRY
  }
  const active = activeOpenTelemetrySpan(isThere)
  return active && Span.ofElsewhere(active)
}
