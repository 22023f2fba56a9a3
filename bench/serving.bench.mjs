// Tracing under load: throughput, p50, p99 and CPU time a request of two servers, traced in each way, beside the same
// servers without opscope and with OpenTelemetry's instrumentation of http. Needs two cores, one of them for the load.
//   node bench/serving.bench.mjs [ROUNDS] [KIND]
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { demoImages } from '../examples/demo/demo-network.mjs'
import { median, quantile } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const ROUNDS = Number(process.argv[2] ?? 15)
const KINDS = process.argv[3] === undefined ? ['steps', 'example'] : [process.argv[3]]
const ROUND_S = 1
const CONNECTIONS = 10
// Requests until a server's code is compiled and its heap has its size.
const WARM_UP = { steps: 8000, example: 1000 }

const TITLES = {
  off: 'traced: off',
  rate1000: 'traced: rate 1000',
  rate1: 'traced: rate 1',
  recorded: 'traced: rate 1, recorded',
  openTelemetry: 'traced: rate 1, to OpenTelemetry',
  openTelemetryHttp: 'peer: OpenTelemetry http, a span each',
}
/** What a variant needs beside opscope. */
const PEERS = {
  openTelemetry: '@opentelemetry/sdk-trace-node',
  openTelemetryHttp: '@opentelemetry/instrumentation-http',
}
// The stages of every request, and the twenty ops of `steps`: what `recorded` adds up to.
const TARGETS = {
  off: { perSecond: 0.995 },
  rate1000: { perSecond: 0.995 },
  rate1: { perSecond: 0.97, p99: 1.05 },
  recorded: { perSecond: 0.97, p99: 1.05 },
}
const pixels = Array.from(demoImages(1).data, value => Math.max(0, Math.min(255, Math.round(value * 50 + 128))))
const REQUESTS = {
  steps: { path: '/' },
  example: {
    path: '/v2/models/demo/infer',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'image', shape: [1, 3, 64, 64], datatype: 'UINT8', data: pixels }] }),
  },
}

const module = await importPeer('autocannon')
if (module !== undefined) for (const kind of KINDS) await run(module.default, kind)

async function run(autocannon, kind) {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))
  const names = ['nothing', ...Object.keys(TITLES)]
  for (const [name, peer] of Object.entries(PEERS)) {
    if ((await importPeer(peer)) === undefined) names.splice(names.indexOf(name), 1)
  }
  const servers = []
  for (const name of names) servers.push(await startServer(kind, name, join(folder, `${name}.json`)))
  try {
    for (const server of servers) await load(autocannon, kind, server, { amount: WARM_UP[kind] })
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) {
      // In turn from the front and from the back, so that none always follows the same one.
      const order = [...servers.keys()]
      if (round % 2 === 1) order.reverse()
      const results = {}
      for (const index of order) results[names[index]] = await load(autocannon, kind, servers[index])
      rounds.push(results)
    }
    printResults(kind, names, rounds)
  } finally {
    for (const { child } of servers) child.disconnect()
    rmSync(folder, { recursive: true })
  }
}

function printResults(kind, names, rounds) {
  const measures = [
    ['throughput', 'perSecond', 'requests/s'],
    ['p50', 'p50', 'ms'],
    ['p99', 'p99', 'ms'],
    ['CPU a request', 'cpuUs', 'us'],
  ]
  for (const [title, measure, unit] of measures) {
    const floor = median(rounds.map(results => results.nothing[measure]))
    printRow(`${kind} ${title}, nothing`, floor, unit)
    for (const name of names.slice(1)) {
      // Within a round, so that a slow minute of the machine is in both.
      const ratio = median(rounds.map(results => results[name][measure] / results.nothing[measure]))
      printRow(`${kind} ${title}, ${TITLES[name]}`, floor * ratio, unit, { floor, target: TARGETS[name]?.[measure] })
    }
  }
}

async function startServer(kind, name, file) {
  const child = fork(new URL('serving-variants.mjs', import.meta.url), [kind, name, file])
  const failed = new Promise((_, reject) => {
    child.once('exit', status => reject(new Error(`the server "${kind} ${name}" ended with status ${status}`)))
  })
  const answer = () => Promise.race([failed, new Promise(resolve => child.once('message', resolve))])
  failed.catch(() => {})
  const { port } = await answer()
  return {
    child,
    url: `http://127.0.0.1:${port}`,
    cpuUs() {
      child.send('cpu')
      return answer().then(({ cpuUs }) => cpuUs)
    },
  }
}

/** autocannon's own percentiles are whole milliseconds, too coarse here. */
async function load(autocannon, kind, { url, cpuUs }, extent = { duration: ROUND_S }) {
  const before = await cpuUs()
  const { times, duration } = await new Promise((resolve, reject) => {
    const times = []
    const { path, ...request } = REQUESTS[kind]
    const options = { url: url + path, ...request, connections: CONNECTIONS, ...extent }
    const load = autocannon(options, (error, result) => {
      if (error) return reject(error)
      if (result.non2xx + result.errors > 0)
        return reject(new Error(`${result.errors} errors, ${result.non2xx} not 2xx`))
      resolve({ times, duration: result.duration })
    })
    load.on('response', (_client, _status, _bytes, time) => times.push(time))
  })
  return {
    perSecond: times.length / duration,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    cpuUs: ((await cpuUs()) - before) / times.length,
  }
}
