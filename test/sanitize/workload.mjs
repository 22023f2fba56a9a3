// Drives every native call once or more, for a run under AddressSanitizer: npm run test:sanitize -- test/sanitize/workload.mjs
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import {
  buildCapture,
  counter,
  extract,
  inject,
  loadCapture,
  mark,
  op,
  profile,
  record,
  recordIterator,
  recordSync,
  span,
  startProfiler,
  startSession,
  stopProfilerSync,
} from 'opscope'

const folder = mkdtempSync(join(tmpdir(), 'opscope-sanitize-'))
const work = op('work', { instance: 'one' })
const run = count => {
  for (let i = 0; i < count; i++) {
    work.begin()
    work.phase('compute').begin()
    work.phase('compute').end()
    work.end()
  }
}
const worker = ending =>
  new Promise(resolve => {
    const url = JSON.stringify(import.meta.resolve('opscope'))
    const body = `import(${url}).then(({ op, profile }) => {
      const w = op('worker op')
      const spans = () => { for (let i = 0; i < 20000; i++) { w.begin(); w.end() } }
      profile({}, spans).then(() => { ${ending} })
    })`
    const thread = new Worker(body, { eval: true })
    thread.on('message', () => thread.terminate())
    thread.on('exit', resolve)
  })

for (let round = 0; round < 3; round++) {
  const capture = await profile({ tracerOption: 'AllOpDetail', attributes: { round } }, async session => {
    const threads = [
      worker(''),
      worker('process.exit(0)'),
      worker("require('node:worker_threads').parentPort.postMessage(1); for (;;) spans()"),
    ]
    run(30_000)
    session.pause()
    run(10)
    session.resume()
    await Promise.all(
      [1, 2, 3].map(id =>
        record('request', { attributes: { id, text: 'x'.repeat(5000), big: 2n ** 60n, yes: true } }, async inner => {
          await new Promise(resolve => setImmediate(resolve))
          recordSync('after await', () => {})
          inner.addLink({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' })
        }),
      ),
    )
    const beside = startSession({ categories: ['section', 'user'], delayMs: 1, durationMs: 50 })
    await extract({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }, () =>
      record('remote', async inner => {
        inner.event('event')
        record('root', { root: true, links: [inner] }, () => inject())
        record('new trace', { newTrace: true }, () => {})
        span('root by hand', { root: true }).end()
      }),
    )
    for await (const item of recordIterator(
      'items',
      (async function* () {
        yield 1
      })(),
      { itemEvent: 'item' },
    ))
      counter('item', item)
    await beside.stop()
    span('left open')
    mark('mark')
    counter('counter', round)
    for (let i = 0; i < 4000; i++) work.begin()
    for (let i = 0; i < 4000; i++) work.end()
    session.reset()
    run(100)
    await Promise.all(threads)
  })
  capture.report()
  for (const name of ['a.pftrace', 'a.json', 'a.json.gz', 'a.paddle.pb']) {
    await capture.export(join(folder, name))
    ;(await loadCapture(join(folder, name))).report({ style: 'paddle' })
  }
  for (const name of ['a.arrow', 'a.csv']) await capture.export(join(folder, name), { absolute: true })
  await capture.toArrow()
  // A file cut anywhere, and one with any byte changed, must never be more than an error.
  const bytes = readFileSync(join(folder, 'a.pftrace'))
  for (let i = 0; i < 40; i++) {
    const damaged = Buffer.from(bytes.subarray(0, Math.floor((bytes.length * (i + 1)) / 40)))
    damaged[Math.floor(damaged.length / 2)] ^= 1 << (i % 8)
    writeFileSync(join(folder, 'damaged.pftrace'), damaged)
    await loadCapture(join(folder, 'damaged.pftrace')).catch(() => {})
  }
}
startProfiler()
run(1000)
stopProfilerSync({ print: false })
await buildCapture({
  spans: [{ thread: 'main', name: 'copy', startNs: 0, endNs: 100 }],
  launches: [{ thread: 'main', name: 'cudaMemcpyAsync', startNs: 10, endNs: 20, correlationId: 1 }],
  gpu: [
    {
      kind: 'copy',
      name: 'HtoD',
      device: 0,
      context: 1,
      stream: 7,
      startNs: 30,
      endNs: 60,
      correlationId: 1,
      bytes: 64,
      from: 'pinned',
      to: 'device',
    },
  ],
})
rmSync(folder, { recursive: true })
console.log('done')
