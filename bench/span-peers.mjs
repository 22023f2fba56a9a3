// Other ways to measure a stretch of code from JavaScript, as subjects of medianNs().
import { Console } from 'node:console'
import { tracingChannel } from 'node:diagnostics_channel'
import { Writable } from 'node:stream'

import { importPeer } from './rows.mjs'

export const MEASURE = 'performance.mark x2 + measure'
export const EXPORTED = 'OpenTelemetry span, batched and exported'

const CALLS = 2500
const SLOW_CALLS = 250
const body = () => 1

export function platformPeers() {
  return {
    'performance.now x2 into an array': nowIntoArray(),
    'diagnostics_channel traceSync, subscribed': tracedChannel(),
    // All are kept until the round ends, as in a program that reads them when its work is done.
    [MEASURE]: {
      calls: 10_000,
      run(count) {
        for (let i = 0; i < count; i++) {
          performance.mark('start')
          performance.mark('end')
          performance.measure('span', 'start', 'end')
        }
      },
      after() {
        performance.clearMarks()
        performance.clearMeasures()
      },
    },
    'console.time + timeEnd, no output': consoleTime(),
  }
}

function nowIntoArray() {
  let times = []
  return {
    calls: CALLS,
    run(count) {
      for (let i = 0; i < count; i++) {
        times.push(performance.now())
        times.push(performance.now())
      }
    },
    after() {
      times = []
    },
  }
}

function tracedChannel() {
  const channel = tracingChannel('opscope.bench')
  let count = 0
  const noop = () => count++
  channel.subscribe({ start: noop, end: noop, asyncStart: noop, asyncEnd: noop, error: noop })
  const context = {}
  return {
    calls: CALLS,
    run(calls) {
      for (let i = 0; i < calls; i++) channel.traceSync(body, context)
    },
  }
}

function consoleTime() {
  const nowhere = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }))
  return {
    calls: SLOW_CALLS,
    run(count) {
      for (let i = 0; i < count; i++) {
        nowhere.time('span')
        nowhere.timeEnd('span')
      }
    },
  }
}

/** Exported to a sink that drops the spans: a real exporter adds its encoding to that. */
export async function openTelemetryPeers() {
  const sdk = await importPeer('@opentelemetry/sdk-trace-base')
  if (sdk === undefined) return {}
  const sink = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} }
  const batch = new sdk.BatchSpanProcessor(sink)
  const exported = new sdk.BasicTracerProvider({ spanProcessors: [batch] }).getTracer('bench')
  const dropped = new sdk.BasicTracerProvider().getTracer('bench')
  return {
    [EXPORTED]: {
      calls: SLOW_CALLS,
      async run(count) {
        for (let i = 0; i < count; i++) exported.startSpan('span').end()
        await batch.forceFlush()
      },
    },
    'OpenTelemetry span, no processor': {
      calls: SLOW_CALLS,
      run(count) {
        for (let i = 0; i < count; i++) dropped.startSpan('span').end()
      },
    },
  }
}
