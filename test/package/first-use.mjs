// node first-use.mjs <folder of the installed package>: loads its binary, records, stops, exports, loads again, and
// compares. For systems where the whole test suite cannot run. Throws if something is not as it should be.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const [installed = ''] = process.argv.slice(2)
const { loadCapture, op, profile, record, recordSync } = createRequire(join(installed, 'x'))(installed)
const { native } = await import(join(installed, 'lib/binding.js'))
const folder = mkdtempSync(join(tmpdir(), 'opscope-first-use-'))

const IN_WORKER = `const { op } = require(${JSON.stringify(installed)})
  const inWorker = op('in worker')
  for (let i = 0; i < 100; i++) { inWorker.begin(); inWorker.end() }`
const inside = { ns: 0 }
const around = { ns: 0 }
const capture = await profile({ state: 'All' }, async () => {
  await timed(around, () =>
    record('outer', () =>
      timed(inside, async () => {
        for (let i = 0; i < 3; i++) recordSync('inner', () => Math.sqrt(i))
        await new Promise(resolve => setTimeout(resolve, 50))
      }),
    ),
  )
  const matmul = op('matmul')
  for (let i = 0; i < 1000; i++) {
    matmul.begin()
    matmul.end()
  }
  const worker = new Worker(IN_WORKER, { eval: true })
  await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve))
})
const CALLS = { 'in worker': 100, matmul: 1000, 'outer/inner': 3 }
const callsOf = some =>
  Object.fromEntries(
    some
      .ops()
      .map(row => [row.path.join('/'), row.calls])
      .sort(),
  )

assert.deepEqual(capture.warnings, [])
assert.equal(capture.gpu.reason, 'no-driver')
assert.deepEqual(callsOf(capture), CALLS)
assert.match(capture.report(), /matmul/)
// The span is around what we measured inside of it and inside what we measured around it: the clocks agree.
const { name: names, durationNs, names: texts } = capture.spans
const outerNs = Number(durationNs[names.findIndex(name => texts[name].text === 'outer')])
assert(inside.ns <= outerNs && outerNs <= around.ns, `${inside.ns} <= ${outerNs} <= ${around.ns}`)
for (const name of ['a.pftrace', 'a.json', 'a.json.gz']) {
  await capture.export(join(folder, name))
  const loaded = await loadCapture(join(folder, name))
  assert.deepEqual(callsOf(loaded), CALLS)
  assert.equal(loaded.durationNs, capture.durationNs)
}
rmSync(folder, { recursive: true })
const { glibcVersionRuntime } = process.report.getReport().header
console.log(
  `${process.arch}, glibc ${glibcVersionRuntime}, clock ${native().recorderStats().clock}: recorded, exported and loaded`,
)

async function timed(into, body) {
  const start = process.hrtime.bigint()
  await body()
  into.ns = Number(process.hrtime.bigint() - start)
}
