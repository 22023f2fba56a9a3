// node bench/serving-soak.mjs [REQUESTS]: a million requests, some of which fail, are turned away, or are given up by
// their clients. Then: is the number of traces what the rate says, is every stage in its order, is every file whole at
// any moment, does memory stay. Both are processes of their own; the server counts its requests past the tracer.
import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { servingTracer } from 'opscope/serving'

import { HTTP_STAMPS } from './http-stamps.mjs'

const RATE = 7
const CONNECTIONS = 16
const QUARTERS = 4

if (process.send !== undefined) serve(process.argv[2])
else await drive(Number(process.argv[2] ?? 1_000_000))

function serve(file) {
  const tracer = servingTracer({ file, rate: RATE, maxFileMB: 32 })
  let seen = 0
  const server = createServer(async (request, response) => {
    const what = request.url.slice(1)
    try {
      await tracer.infer(
        { model: what },
        {
          queue: () => what === 'rejected' && Promise.reject(new Error('full')),
          input: () => 1,
          infer: async input => {
            if (what === 'failed') throw new Error('no')
            if (what === 'given-up') await new Promise(resolve => response.on('close', resolve))
            return input
          },
          output: String,
        },
      )
      response.end('ok')
    } catch {
      response.writeHead(what === 'rejected' ? 503 : 500).end()
    }
  })
  tracer.http(server)
  server.prependListener('request', () => seen++)
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
  process.on('message', async message => {
    if (message === 'close') await tracer.close()
    global.gc?.()
    process.send({ seen, rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20), ...tracer.counts })
  })
  process.on('disconnect', () => process.exit())
}

async function drive(total) {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-soak-'))
  const file = join(folder, 'trace.json')
  const child = fork(new URL(import.meta.url), [file], { execArgv: ['--expose-gc'] })
  const answer = message => {
    const told = new Promise(resolve => child.once('message', resolve))
    if (message !== undefined) child.send(message)
    return told
  }
  const port = await answer()
  const rssMiB = []
  let reads = 0
  const reader = setInterval(() => {
    reads += wholeFiles(folder, 1)
  }, 2000)
  const start = performance.now()
  for (let quarter = 0; quarter < QUARTERS; quarter++) {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => client(port, total / QUARTERS / CONNECTIONS)))
    rssMiB.push((await answer('state')).rssMiB)
  }
  clearInterval(reader)
  const seconds = (performance.now() - start) / 1000
  const { seen, traced, open } = await answer('close')
  child.disconnect()
  const { traces, disordered, outcomes } = check(folder)
  console.log(`${seen} requests in ${seconds.toFixed(0)} s; rate ${RATE}: ${Math.floor(seen / RATE)} traces due`)
  console.log(
    `${traces} traces in ${readdirSync(folder).length} files, ${traced} counted, ${open} open, ${disordered} out of order`,
  )
  console.log(`ended otherwise: ${JSON.stringify(outcomes)}; files read whole while they grew: ${reads}`)
  console.log(`RSS after each quarter: ${rssMiB.join(' ')} MiB`)
  rmSync(folder, { recursive: true })
  const isRight = traces === Math.floor(seen / RATE) && traces === traced && open === 0 && disordered === 0
  process.exitCode = isRight ? 0 : 1
}

/** One connection after another, each with many requests, sent one after the other; a client that gives up ends its. */
async function client(port, count) {
  for (let sent = 0; sent < count; ) {
    const socket = connect(port, '127.0.0.1')
    const failed = new Promise((_, reject) => socket.on('error', reject))
    const answered = () => Promise.race([failed, new Promise(resolve => socket.once('data', resolve))])
    let isOver = false
    while (!isOver && sent < count) {
      const what = kindOf(sent++)
      socket.write(`GET /${what} HTTP/1.1\r\nHost: soak\r\n\r\n`)
      isOver = what === 'given-up'
      if (!isOver) await answered()
      // The request must have left: a client that takes everything back was never there.
      else await new Promise(resolve => socket.write('', resolve))
    }
    socket.destroy()
  }
}
function kindOf(index) {
  if (index % 101 === 100) return 'failed'
  if (index % 103 === 102) return 'rejected'
  return index % 211 === 210 ? 'given-up' : 'answered'
}

/** Of the newest files, those that could be read as JSON: all, or this throws. */
function wholeFiles(folder, newest = Number.POSITIVE_INFINITY) {
  const names = readdirSync(folder).filter(name => name.startsWith('trace.json'))
  const read = names.slice(-newest)
  for (const name of read) JSON.parse(readFileSync(join(folder, name), 'utf8'))
  return read.length
}

function check(folder) {
  let traces = 0
  let disordered = 0
  const outcomes = {}
  for (const name of readdirSync(folder)) {
    for (const { timestamps } of JSON.parse(readFileSync(join(folder, name), 'utf8'))) {
      if (timestamps === undefined) continue
      traces++
      const at = Object.fromEntries(timestamps.map(({ name: stamp, ns }) => [stamp, ns]))
      for (const stamp of Object.keys(at))
        if (stamp.startsWith('OPSCOPE_')) outcomes[stamp] = (outcomes[stamp] ?? 0) + 1
      const times = HTTP_STAMPS.flatMap(stamp => at[stamp] ?? [])
      const isOrdered = times.every((ns, index) => index === 0 || ns >= times[index - 1])
      if (!isOrdered) disordered++
    }
  }
  return { traces, disordered, outcomes }
}
