// Trace events of Node itself: `node --trace-events-enabled`, `--trace-event-categories`, node:trace_events.
// https://nodejs.org/api/tracing.html Categories `node…` and `v8`; times are µs of the clock of process.hrtime.
// Of async resources (node.async_hooks) b and e tell init and destroy, and `<TYPE>_CALLBACK` the calls of JavaScript,
// which are synchronous: they nest on their thread. Resources that are never destroyed, as most promises at the end of
// a process, are marks at their init: nothing waits for them. Ignored: `tts` and `tdur`.
import { FLAG_ASYNC } from '../binding.js'
import type { Dialect } from './chrome.js'
import { type Args, argsOf, nameOf, type TraceEvent, textOf } from './chrome-event.js'
import type { ChromeRows } from './chrome-rows.js'

const CALLBACK = '_CALLBACK'

interface Edge {
  event: TraceEvent
  atNs: number
}

export class NodeTraceDialect implements Dialect {
  readonly isMonotonic = true
  /** Inits and destroys of a resource; of one id there is one. */
  readonly #inits = new Map<string, Edge>()
  readonly #destroys = new Map<string, Edge>()

  static fits(events: TraceEvent[]): boolean {
    return events.some(event => /^node(,|\.|$)/.test(textOf(event.cat)))
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    if (event.ph !== 'b' && event.ph !== 'e') return false
    const isBegin = event.ph === 'b'
    if (nameOf(event) === 'http.server.request') {
      rows.laneEdge({ ...event, cat: 'request' }, startNs, isBegin)
      return true
    }
    if (!textOf(event.cat).includes('node.async_hooks')) return false
    const flat = { ...event, args: flatArgs(event) }
    if (nameOf(event).endsWith(CALLBACK)) {
      rows.edge(flat, startNs, isBegin)
      return true
    }
    const key = `${textOf(event.pid)} ${textOf(event.id)} ${nameOf(event)}`
    const edges = isBegin ? this.#inits : this.#destroys
    // An id that comes twice is of another environment (a worker), whose ids begin anew.
    const known = edges.get(key)
    edges.set(key, { event: flat, atNs: startNs })
    if (known !== undefined && isBegin) this.#add(known, this.#takeDestroy(key, known), rows)
    return true
  }

  finish(rows: ChromeRows): void {
    for (const [key, init] of this.#inits) this.#add(init, this.#takeDestroy(key, init), rows)
    // A destroy without its init is of a resource that is older than the trace, and tells nothing.
  }

  #takeDestroy(key: string, init: Edge): Edge | undefined {
    const destroy = this.#destroys.get(key)
    if (destroy === undefined || destroy.atNs < init.atNs) return undefined
    this.#destroys.delete(key)
    return destroy
  }
  #add(init: Edge, destroy: Edge | undefined, rows: ChromeRows): void {
    if (destroy === undefined) rows.mark(init.event, init.atNs)
    else rows.span(init.event, init.atNs, destroy.atNs, FLAG_ASYNC)
  }
}

/** Async hooks tell their numbers one level deeper than others. */
function flatArgs(event: TraceEvent): Args {
  const { data, ...args } = argsOf(event)
  return typeof data === 'object' && data !== null ? { ...args, ...(data as Args) } : argsOf(event)
}
