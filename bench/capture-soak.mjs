// node bench/capture-soak.mjs [CAPTURES]: a thousand captures in a row of a process under load. Is every reply whole, does
// memory stay, is no handle left. Then one capture of a million events: what its event loop feels of it. Then what
// spans cost while nobody captures. The captured process is one of its own.
import { fork } from 'node:child_process'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import { Client, credentials } from '@grpc/grpc-js'
import { op } from 'opscope'
import { startCaptureServer } from 'opscope/capture'
import protobuf from 'protobufjs'

const QUARTERS = 4
const CAPTURE_MS = 20
const MILLION_MS = 2000
// Of each request; with one a ms, 50,000 spans a second.
const OPS_PER_REQUEST = 49
const COST_ROUNDS = 15
const COST_SPANS = 2_000_000

if (process.send !== undefined) await serve()
else await drive(Number(process.argv[2] ?? 1000))

async function serve() {
  const request = op('request', { category: 'request' })
  const layer = op('layer')
  let count = 0
  let served = 0
  const work = () => {
    request.begin()
    for (let i = 0; i < count; i++) {
      layer.begin()
      layer.end()
    }
    request.end()
    served++
  }
  let timer
  const delay = monitorEventLoopDelay({ resolution: 1 })
  let server
  const answers = {
    cost: () => spanCost(layer),
    async start() {
      server = await startCaptureServer({ port: 0, maxPerMinute: 6000 })
      return server.port
    },
    load(ops) {
      count = ops
      clearInterval(timer)
      timer = setInterval(work, 1)
    },
    watch() {
      delay.reset()
      delay.enable()
      served = 0
    },
    delay() {
      delay.disable()
      const ms = ns => ns / 1e6
      return { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max), served }
    },
    state() {
      global.gc()
      global.gc()
      const { rss, external } = process.memoryUsage()
      return { rssMiB: Math.round(rss / 2 ** 20), externalMiB: Math.round(external / 2 ** 20) }
    },
    async close() {
      clearInterval(timer)
      await server.close()
      await new Promise(resolve => setImmediate(resolve))
      return process.getActiveResourcesInfo().filter(name => name !== 'PipeWrap')
    },
  }
  process.on('message', async ([name, ...args]) => process.send({ value: await answers[name](...args) }))
  process.on('disconnect', () => process.exit())
}

/** ns for begin and end where nothing is recorded, the median of many rounds. */
function spanCost(span) {
  const rounds = Array.from({ length: COST_ROUNDS }, () => {
    const start = performance.now()
    for (let i = 0; i < COST_SPANS; i++) {
      span.begin()
      span.end()
    }
    return ((performance.now() - start) * 1e6) / COST_SPANS
  })
  return rounds.sort((a, b) => a - b)[COST_ROUNDS >> 1]
}

async function drive(total) {
  const child = fork(new URL(import.meta.url), { execArgv: ['--expose-gc'] })
  const ask = (...message) => {
    const answered = new Promise(resolve => child.once('message', ({ value }) => resolve(value)))
    child.send(message)
    return answered
  }
  const bareNs = await ask('cost')
  const port = await ask('start')
  const armedNs = await ask('cost')
  const { Reply, Request, Space } = types()
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 2 ** 31 - 1,
  })
  const capture = durationMs =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        '/tensorflow.ProfilerService/Profile',
        bytes => bytes,
        bytes => bytes,
        Buffer.from(Request.encode({ durationMs }).finish()),
        (error, bytes) => (error === null ? resolve(Reply.decode(bytes).toolData[0].data) : reject(error)),
      ),
    )
  const afterMs = await ask('cost')

  await ask('load', OPS_PER_REQUEST)
  const states = []
  let wrong = 0
  let events = 0
  const start = performance.now()
  for (let quarter = 0; quarter < QUARTERS; quarter++) {
    for (let i = 0; i < total / QUARTERS; i++) {
      const { names, unpaired, warnings } = figuresOf(Space.decode(await capture(CAPTURE_MS)))
      events += (names.get('request') ?? 0) + (names.get('layer') ?? 0)
      // At the edges of the window a request may have begun before, or not have ended.
      if (!names.has('request') || unpaired > OPS_PER_REQUEST || warnings.some(text => /dropped|left-out/.test(text)))
        wrong++
    }
    states.push(await ask('state'))
  }
  const seconds = (performance.now() - start) / 1000
  console.log(`${total} captures of ${CAPTURE_MS} ms in ${seconds.toFixed(0)} s, ${events} events, ${wrong} not whole`)
  console.log(`RSS after each quarter: ${states.map(({ rssMiB }) => rssMiB).join(' ')} MiB`)
  console.log(`outside of the heap: ${states.map(({ externalMiB }) => externalMiB).join(' ')} MiB`)

  // A timer of 1 ms fires less often on a machine that has other work.
  const watched = async ops => {
    await ask('load', ops)
    await ask('watch')
    await new Promise(resolve => setTimeout(resolve, MILLION_MS))
    return ask('delay')
  }
  const { served } = await watched(Math.round(1_000_000 / MILLION_MS))
  const quiet = await watched(Math.round(1_000_000 / served))
  await ask('watch')
  const begin = performance.now()
  const bytes = await capture(MILLION_MS)
  const tookMs = performance.now() - begin
  const busy = await ask('delay')
  const { names } = figuresOf(Space.decode(bytes))
  const text = ({ p50, p99, max }) => `p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} max ${max.toFixed(1)} ms`
  console.log(
    `a capture of ${(names.get('layer') + names.get('request')).toLocaleString('en')} events: ${(bytes.length / 2 ** 20).toFixed(1)} MiB, ` +
      `${(tookMs - MILLION_MS).toFixed(0)} ms from its end to the whole reply`,
  )
  console.log(`event loop delay without a capture: ${text(quiet)}; during it: ${text(busy)}`)
  const costs = [bareNs, armedNs, afterMs].map(ns => ns.toFixed(1))
  console.log(
    `a span that is not recorded: ${costs[0]} ns; with a server that waits: ${costs[1]} ns, again ${costs[2]} ns`,
  )
  client.close()
  const left = await ask('close')
  console.log(`handles after close(): ${left.join(', ') || 'none'}`)
  child.disconnect()
  process.exitCode = wrong === 0 && left.length === 0 ? 0 : 1
}

function figuresOf({ planes, warnings }) {
  const names = new Map()
  for (const { lines, eventMetadata } of planes) {
    const nameOf = new Map(eventMetadata.map(({ key, value }) => [Number(key), value.displayName || value.name]))
    for (const { events } of lines) {
      for (const { metadataId } of events) {
        const name = (nameOf.get(Number(metadataId)) ?? '').replace(/:.*/, '')
        names.set(name, (names.get(name) ?? 0) + 1)
      }
    }
  }
  const unpaired = Math.abs((names.get('layer') ?? 0) - OPS_PER_REQUEST * (names.get('request') ?? 0))
  return { names, unpaired, warnings }
}

function types() {
  const { root } = protobuf.parse(`syntax = "proto3";
    message Request { uint64 duration_ms = 1; }
    message Tool { string name = 1; bytes data = 2; }
    message Reply { repeated Tool tool_data = 6; }`)
  const spaces = protobuf.loadSync(fileURLToPath(new URL('../test/format/xplane.proto', import.meta.url)))
  return {
    Request: root.lookupType('Request'),
    Reply: root.lookupType('Reply'),
    Space: spaces.lookupType('tensorflow.profiler.XSpace'),
  }
}
