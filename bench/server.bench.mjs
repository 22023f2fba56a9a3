// A node:http server under load: throughput and p99 with opscope beside the same server without, and beside peers.
// Needs two cores, one for the server and one for the load.
import { fork } from 'node:child_process'

import { median, quantile } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const ROUNDS = Number(process.argv[2] ?? 15)
const ROUND_S = 1
const CONNECTIONS = 10

const module = await importPeer('autocannon')
if (module !== undefined) await run(module.default)

async function run(autocannon) {
  const names = ['nothing', 'armed', 'recorded', 'performanceMeasure']
  if ((await importPeer('@opentelemetry/sdk-trace-base')) !== undefined) names.push('openTelemetry')
  const servers = []
  for (const name of names) servers.push(await startServer(name))
  try {
    for (const server of servers) await load(autocannon, server.url) // compiles the handler
    const results = names.map(() => ({ perSecond: [], p99: [] }))
    for (let round = 0; round < ROUNDS; round++) {
      // In turn from the front and from the back, so that none always follows the same one.
      const order = [...servers.keys()]
      if (round % 2 === 1) order.reverse()
      for (const index of order) {
        const { perSecond, p99 } = await load(autocannon, servers[index].url)
        results[index].perSecond.push(perSecond)
        results[index].p99.push(p99)
      }
    }
    printResults(Object.fromEntries(names.map((name, index) => [name, results[index]])))
  } finally {
    for (const { child } of servers) child.disconnect()
  }
}

function printResults({ nothing, armed, recorded, performanceMeasure, openTelemetry }) {
  const throughput = (name, { perSecond }, target) =>
    printRow(`server throughput, ${name}`, median(perSecond), 'requests/s', {
      floor: median(nothing.perSecond),
      target,
    })
  const p99 = (name, { p99 }, target) =>
    printRow(`server p99, ${name}`, median(p99), 'ms', { floor: median(nothing.p99), target })
  printRow('server throughput, nothing', median(nothing.perSecond), 'requests/s')
  printRow('server p99, nothing', median(nothing.p99), 'ms')
  throughput('opscope armed (paused)', armed, 0.995)
  p99('opscope armed (paused)', armed)
  throughput('opscope, every request with 20 ops', recorded, 0.97)
  p99('opscope, every request with 20 ops', recorded, 1.05)
  throughput('peer: performance.mark x2 + measure', performanceMeasure)
  p99('peer: performance.mark x2 + measure', performanceMeasure)
  if (openTelemetry !== undefined) {
    throughput('peer: OpenTelemetry SDK, batched', openTelemetry)
    p99('peer: OpenTelemetry SDK, batched', openTelemetry)
  }
}

function startServer(name) {
  const child = fork(new URL('server-variants.mjs', import.meta.url), [name])
  return new Promise((resolve, reject) => {
    child.once('message', port => resolve({ child, url: `http://127.0.0.1:${port}` }))
    child.once('exit', status => reject(new Error(`the server "${name}" ended with status ${status}`)))
  })
}

/** autocannon's own percentiles are whole milliseconds, too coarse here. */
function load(autocannon, url) {
  return new Promise((resolve, reject) => {
    const times = []
    const load = autocannon({ url, connections: CONNECTIONS, duration: ROUND_S }, (error, result) => {
      if (error) return reject(error)
      if (result.non2xx + result.errors > 0)
        return reject(new Error(`${result.errors} errors, ${result.non2xx} not 2xx`))
      resolve({ perSecond: times.length / result.duration, p99: quantile(times, 0.99) })
    })
    load.on('response', (_client, _status, _bytes, time) => times.push(time))
  })
}
