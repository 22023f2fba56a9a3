// What span.bench.mjs runs in a thread of its own: code that was never called before, two threads at once, and
// async contexts without each other's stores. Posts nanoseconds a call, one figure a round.
import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { op, profiler, record } from 'opscope'

import { empty } from './floor-addon.mjs'

const { subject, rounds, calls, gate } = workerData
const span = op('span')
const store = new AsyncLocalStorage()
const asyncBody = async () => {}

const SUBJECTS = {
  floor(count) {
    for (let i = 0; i < count; i++) {
      empty()
      empty()
    }
  },
  op(count) {
    for (let i = 0; i < count; i++) {
      span.begin()
      span.end()
    }
  },
  async storeRun(count) {
    for (let i = 0; i < count; i++) await store.run(i, asyncBody)
  },
  async recordAsync(count) {
    for (let i = 0; i < count; i++) await record('async', asyncBody)
  },
  async ddTrace(count) {
    for (let i = 0; i < count; i++) tracer.startSpan('span').finish()
  },
}

let tracer
if (subject === 'ddTrace') {
  const { default: ddTrace } = await import('dd-trace')
  tracer = ddTrace.init({ startupLogs: false, runtimeMetrics: false, profiling: false })
} else {
  profiler.startProfiler({ print: false })
}

// All threads that share the gate start together.
if (gate !== undefined) {
  const arrived = new Int32Array(gate)
  Atomics.add(arrived, 0, 1)
  while (Atomics.load(arrived, 0) < arrived[1]) {}
}
const run = SUBJECTS[subject]
const samples = []
for (let round = 0; round < rounds; round++) {
  // Memory that was used just before, as in a program whose recording is short.
  if (subject !== 'ddTrace') profiler.resetProfiler()
  const start = performance.now()
  const done = run(calls)
  if (done !== undefined) await done
  samples.push(((performance.now() - start) * 1e6) / calls)
}
if (subject !== 'ddTrace') profiler.stopProfilerSync({ print: false })
parentPort.postMessage(samples)
parentPort.close()
