// What one watcher costs (docs/top.md): a server under load with and without it, and a process that does nothing.
// Needs two cores, one for the server and one for the load.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { watchLive } from 'opscope/capture'

import { median, quantile } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const ROUNDS = Number(process.argv[2] ?? 10)
const ROUND_S = 3
const CONNECTIONS = 10
const IDLE_MS = 10_000

const autocannon = (await importPeer('autocannon'))?.default
if (autocannon !== undefined) await run()

async function run() {
  const child = fork(new URL('watch-server.mjs', import.meta.url))
  const [{ port, capturePort }] = await once(child, 'message')
  const subjects = { unwatched: () => () => {}, watched: () => startWatch(`127.0.0.1:${capturePort}`) }
  const results = { unwatched: [], watched: [] }
  try {
    await load(`http://127.0.0.1:${port}`) // compiles the handler
    for (let round = 0; round < ROUNDS; round++) {
      const names = round % 2 === 0 ? ['unwatched', 'watched'] : ['watched', 'unwatched']
      for (const name of names) {
        const stop = await subjects[name]()
        const before = await cpuUsOf(child)
        const { perSecond, p99, requests } = await load(`http://127.0.0.1:${port}`)
        results[name].push({ perSecond, p99, cpuUs: ((await cpuUsOf(child)) - before) / requests })
        await stop()
      }
    }
    const of = (name, key) => median(results[name].map(each => each[key]))
    printRow('server throughput, not watched', of('unwatched', 'perSecond'), 'requests/s')
    printRow('server throughput, watched', of('watched', 'perSecond'), 'requests/s', {
      floor: of('unwatched', 'perSecond'),
      target: 0.95,
    })
    printRow('CPU of a request with 20 ops, not watched', of('unwatched', 'cpuUs'), 'µs')
    printRow('CPU of a request with 20 ops, watched', of('watched', 'cpuUs'), 'µs', { floor: of('unwatched', 'cpuUs') })
    printRow('server p99, not watched', of('unwatched', 'p99'), 'ms')
    printRow('server p99, watched', of('watched', 'p99'), 'ms', { floor: of('unwatched', 'p99') })
    const stop = await startWatch(`127.0.0.1:${capturePort}`)
    const before = await cpuUsOf(child)
    await wait(IDLE_MS)
    const cpuUs = (await cpuUsOf(child)) - before
    await stop()
    printRow('one watcher of a process that does nothing', cpuUs / IDLE_MS / 10, '% of a core', { target: 1 })
  } finally {
    child.disconnect()
  }
}

/** Watches from its first frame on, until the returned function is called. */
async function startWatch(address) {
  const end = new AbortController()
  const frames = watchLive(address, { signal: end.signal })
  await frames.next()
  const rest = (async () => {
    for await (const _ of frames);
  })()
  return () => {
    end.abort()
    return rest
  }
}

async function cpuUsOf(child) {
  child.send('cpu')
  const [{ cpuUs }] = await once(child, 'message')
  return cpuUs
}

function load(url) {
  return new Promise((resolve, reject) => {
    const times = []
    const load = autocannon({ url, connections: CONNECTIONS, duration: ROUND_S }, (error, result) => {
      if (error) return reject(error)
      resolve({ perSecond: times.length / result.duration, p99: quantile(times, 0.99), requests: times.length })
    })
    load.on('response', (_client, _status, _bytes, time) => times.push(time))
  })
}
