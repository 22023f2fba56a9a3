// What a span costs from JavaScript, beside two native calls that do nothing and beside other ways to measure.
import { createServer } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { op, profile, record, recordSync } from 'opscope'

import { empty, readClock } from './floor-addon.mjs'
import { warmFreeMemory } from './memory.mjs'
import { median, medianNs } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'
import { EXPORTED, MEASURE, openTelemetryPeers, platformPeers } from './span-peers.mjs'

const ROUNDS = 301
const CALLS = 2500 // their records fill 60 kB: memory that is reused, and in the cache

const span = op('span')
const body = () => 1
const calls = (run, count = CALLS) => ({ run, calls: count })

const floor = calls(count => {
  for (let i = 0; i < count; i++) {
    empty()
    empty()
  }
})
const clockReads = calls(count => {
  for (let i = 0; i < count; i++) {
    readClock()
    readClock()
  }
})
const opPair = calls(count => {
  for (let i = 0; i < count; i++) {
    span.begin()
    span.end()
  }
})
function measured(work) {
  span.begin()
  try {
    return work()
  } finally {
    span.end()
  }
}
const opAround = calls(count => {
  for (let i = 0; i < count; i++) measured(body)
})
const recordedSync = calls(count => {
  for (let i = 0; i < count; i++) recordSync('sync', body)
})
const recorded = calls(count => {
  for (let i = 0; i < count; i++) record('record', body)
})
// The same loops again, since code compiled while recording is not the code of a program that never records.
const opPairOff = calls(count => {
  for (let i = 0; i < count; i++) {
    span.begin()
    span.end()
  }
})
const recordedSyncOff = calls(count => {
  for (let i = 0; i < count; i++) recordSync('sync', body)
})
const recordedOff = calls(count => {
  for (let i = 0; i < count; i++) record('record', body)
})
const bodyAlone = calls(count => {
  for (let i = 0; i < count; i++) body()
})

await printOff()
await printOn()
await printCold()
await printThreads()
await printAsync()

async function printOff() {
  const ns = await medianNs({ floor, bodyAlone, opPairOff, recordedSyncOff, recordedOff }, ROUNDS)
  printRow('two empty native calls', ns.floor, 'ns')
  printRow('op begin+end, off', ns.opPairOff, 'ns', { target: 5 })
  printRow('recordSync, off', ns.recordedSyncOff, 'ns', { target: 5 })
  printRow('record, off', ns.recordedOff, 'ns', { target: 5 })
  printRow('an empty function (for the three above)', ns.bodyAlone, 'ns')
}

async function printOn() {
  const peers = { ...platformPeers(), ...(await openTelemetryPeers()) }
  await profile({ print: false }, async session => {
    const before = () => session.reset()
    const paused = { before: () => session.pause(), after: () => session.resume() }
    const subjects = {
      floor,
      ...(readClock === undefined ? {} : { clockReads }),
      opPair: { ...opPair, before },
      opAround: { ...opAround, before },
      recordedSync: { ...recordedSync, before },
      recorded: { ...recorded, before },
      opPaused: { ...opPair, ...paused },
      syncPaused: { ...recordedSync, ...paused },
      recordPaused: { ...recorded, ...paused },
      ...peers,
    }
    const ns = await medianNs(subjects, ROUNDS)
    printRow('op begin+end, hot', ns.opPair, 'ns', { floor: ns.floor, target: 1.8 })
    if (readClock !== undefined) {
      printRow('op begin+end, hot, beside two native calls that read the clock', ns.opPair, 'ns', {
        floor: ns.clockReads,
      })
    }
    printRow('op around a function, with try and finally', ns.opAround, 'ns', { floor: ns.floor })
    printRow('recordSync, hot', ns.recordedSync, 'ns', { floor: ns.floor, target: 2.6 })
    printRow('record of a synchronous body, hot', ns.recorded, 'ns', { floor: ns.floor })
    printRow('op begin+end, paused', ns.opPaused, 'ns', { target: 5 })
    printRow('recordSync, paused', ns.syncPaused, 'ns', { target: 5 })
    printRow('record, paused', ns.recordPaused, 'ns', { target: 5 })
    for (const name of Object.keys(peers)) printRow(`peer: ${name}`, ns[name], 'ns', { floor: ns.floor })
    printRow(`op begin+end beside ${MEASURE}`, ns.opPair, 'ns', { floor: ns[MEASURE], target: 1 / 25 })
    if (ns[EXPORTED] !== undefined) {
      printRow(`op begin+end beside ${EXPORTED}`, ns.opPair, 'ns', { floor: ns[EXPORTED], target: 1 / 40 })
    }
    printHeap({ 'op begin+end': opPair, 'op around a function': opAround, recordSync: recordedSync }, { target: 0 })
    printHeap({ 'record of a synchronous body': recorded, [`peer: ${MEASURE}`]: peers[MEASURE] })
  })
}

/** Garbage, and what is left after a collection, in bytes a call. */
function printHeap(subjects, options) {
  for (const [name, subject] of Object.entries(subjects)) {
    const count = 10_000 // of 500 B each they do not fill the young generation: no collection falls in between
    const none = heapGrowth(subject, 0)
    const all = heapGrowth(subject, count)
    const perCall = key => Math.max(Math.round(((all[key] - none[key]) / count) * 100) / 100, 0)
    printRow(`${name}, garbage`, perCall('allocated'), 'B', options)
    printRow(`${name}, kept on the heap`, perCall('kept'), 'B', options)
  }
}

/** The least of some runs: what a call allocates it allocates each time, what V8 does for itself comes and goes. */
function heapGrowth({ run, after }, count) {
  const growth = { allocated: Number.POSITIVE_INFINITY, kept: Number.POSITIVE_INFINITY }
  for (let i = 0; i < 9; i++) {
    run(10_000) // compiles again what the collection threw away
    after?.()
    gc()
    const start = getHeapStatistics().used_heap_size
    run(count)
    growth.allocated = Math.min(growth.allocated, getHeapStatistics().used_heap_size - start)
    gc()
    growth.kept = Math.min(growth.kept, getHeapStatistics().used_heap_size - start)
    after?.()
  }
  return growth
}

async function printCold() {
  // Each sample is the first thousand calls in a new thread: bytecode, empty inline caches, a new log.
  const cold = { floor: [], op: [] }
  for (let i = 0; i < 15; i++) {
    for (const subject of ['floor', 'op']) cold[subject].push(...(await inThread({ subject, rounds: 1, calls: 1000 })))
  }
  const coldFloor = median(cold.floor)
  printRow('two empty native calls, first 1,000 of a thread', coldFloor, 'ns')
  printRow('op begin+end, first 1,000 of a thread', median(cold.op), 'ns', { floor: coldFloor, target: 6 })
  // Memory that no span was written to before: as long as a recording lasts, that is all of it.
  const { floor: warmFloor } = await medianNs({ floor }, ROUNDS)
  const fresh = []
  for (let i = 0; i < 7; i++) {
    await warmFreeMemory(64 << 20)
    await profile({ print: false }, () => {
      const start = performance.now()
      opPair.run(1e6)
      fresh.push(performance.now() - start)
    })
  }
  printRow('op begin+end, 1e6 in a row into fresh memory', median(fresh), 'ns', { floor: warmFloor, target: 6 })
}

async function printThreads() {
  const one = []
  const two = []
  for (let i = 0; i < 7; i++) {
    one.push(median(await inThread({ subject: 'op', rounds: ROUNDS, calls: CALLS })))
    const gate = new SharedArrayBuffer(8)
    new Int32Array(gate)[1] = 2
    const work = { subject: 'op', rounds: ROUNDS, calls: CALLS, gate }
    const medians = (await Promise.all([inThread(work), inThread(work)])).map(median)
    two.push(Math.max(...medians))
  }
  printRow('op begin+end, two threads beside one', median(two), 'ns', { floor: median(one), target: 1.05 })
}

async function printAsync() {
  const samples = { storeRun: [], recordAsync: [] }
  for (let i = 0; i < 7; i++) {
    for (const subject of ['storeRun', 'recordAsync']) {
      samples[subject].push(median(await inThread({ subject, rounds: 100, calls: 1000 })))
    }
  }
  const storeRun = median(samples.storeRun)
  const target = (storeRun + 100) / storeRun
  printRow('record of an async body, beside AsyncLocalStorage.run', median(samples.recordAsync), 'ns', {
    floor: storeRun,
    target,
  })
  if ((await importPeer('dd-trace')) !== undefined) await printDdTrace()
}

async function printDdTrace() {
  const agent = createServer((request, response) => request.resume().on('end', () => response.end('{}'))).listen(0)
  await new Promise(resolve => agent.once('listening', resolve))
  const env = {
    ...process.env,
    DD_TRACE_AGENT_URL: `http://127.0.0.1:${agent.address().port}`,
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  }
  const samples = await inThread({ subject: 'ddTrace', rounds: 40, calls: 250 }, env)
  const { floor: floorNs } = await medianNs({ floor }, ROUNDS)
  printRow('peer: dd-trace span', median(samples), 'ns', { floor: floorNs })
  agent.close()
}

function inThread(workerData, env) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('span-thread.mjs', import.meta.url), { workerData, ...(env && { env }) })
    worker.once('message', samples => worker.once('exit', () => resolve(samples)))
    worker.once('error', reject)
  })
}
