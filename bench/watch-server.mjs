// The server that watch.bench.mjs loads, and watches or not: a request is twenty ops of some microseconds.
import { createServer } from 'node:http'
import { op, record } from 'opscope'
import { startCaptureServer } from 'opscope/capture'

const OPS = Array.from({ length: 20 }, (_, index) => op(`op ${index}`))

function work(step) {
  let sum = step
  for (let i = 0; i < 2000; i++) sum = (sum * 31 + i) | 0
  return sum
}

const capture = await startCaptureServer({ port: 0, host: '127.0.0.1' })
const server = createServer(async (_request, response) => {
  const sum = await record('request', { category: 'request' }, async () => {
    let result = 0
    for (const [step, each] of OPS.entries()) {
      each.begin()
      result ^= work(step)
      each.end()
    }
    return result
  })
  response.end(String(sum))
}).listen(0, '127.0.0.1', () => process.send({ port: server.address().port, capturePort: capture.port }))

// Answers with the µs of CPU that the process has taken.
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
