import { tracingChannel } from 'node:diagnostics_channel'
import { type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks'

import { CATEGORIES, type Category, native } from '../binding.js'
import { beforeSessionStop } from '../hooks.js'
import { nameId } from '../name-ids.js'
import { beginOnStack } from '../record.js'
import { context } from '../scope.js'
import { type Attributes, Span } from '../span.js'
import { leaveSpan } from '../span-calls.js'

/** What a package publishes to the tracing channel `opscope:span`; Node adds `result` and `error`. */
interface Message {
  name?: unknown
  category?: unknown
  attributes?: unknown
  result?: unknown
  error?: unknown
}

/** Records what packages tell of themselves, without knowing opscope, on this thread. */
export function installOptIns(): void {
  recordChannel()
  recordUserTimings()
}

/** The store goes with the start of a call, so that what it does is inside its span. */
function recordChannel(): void {
  const channel = tracingChannel<Message, Message>('opscope:span')
  const spans = new WeakMap<object, Span>()
  const begin = (message: Message): Span | undefined => {
    try {
      const span = beginOnStack(nameOf(message), { category: categoryOf(message), attributes: attributesOf(message) })
      if (!span.isRecording) return context.getStore()
      spans.set(message, span)
      return span
    } catch {
      return context.getStore() // a message that throws when it is read: from here it would end the program
    }
  }
  channel.start.bindStore(context as never, begin as never)
  channel.subscribe({
    start: () => {},
    end: message => {
      const span = spans.get(message)
      if (span === undefined) return
      // A call that is over has its result; one that goes on has none yet.
      if ('result' in message || 'error' in message) Span.end(span, 'error' in message)
      else leaveSpan(Span.numberOf(span))
    },
    asyncStart: () => {},
    asyncEnd: message => {
      const span = spans.get(message)
      if (span !== undefined) Span.end(span, 'error' in message)
    },
    error: () => {},
  })
}

function nameOf({ name }: Message): string {
  return typeof name === 'string' ? name : 'opscope:span'
}
function categoryOf({ category }: Message): Category {
  return CATEGORIES.find(each => each === category) ?? 'section'
}
function attributesOf({ attributes }: Message): Attributes {
  return typeof attributes === 'object' && attributes !== null ? (attributes as Attributes) : {}
}

/** Marks and measures of `performance`: moments, and spans that overlap as they like. */
function recordUserTimings(): void {
  // Both clocks are CLOCK_MONOTONIC, a constant apart.
  const offsetNs = native().nowNs() - BigInt(Math.round(performance.now() * 1e6))
  const nsOf = (ms: number) => BigInt(Math.round(ms * 1e6)) + offsetNs
  const take = (entries: PerformanceEntry[]) => {
    for (const { entryType, name, startTime, duration } of entries) {
      const id = nameId(name, 'user')
      if (entryType === 'mark') native().timedMark(id, nsOf(startTime))
      else native().timedSpan(id, nsOf(startTime), nsOf(startTime + duration), 0, true)
    }
  }
  const observer = new PerformanceObserver(list => take(list.getEntries()))
  observer.observe({ entryTypes: ['mark', 'measure'] })
  beforeSessionStop(() => take(observer.takeRecords()))
}
