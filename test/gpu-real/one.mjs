// Runs one test in this process, which run.mjs started for it: a crash or a hang costs no other test.
// node one.mjs NUMBER RESULT-FILE
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

import { openGpu } from './backend.mjs'
import { Checks } from './checks.mjs'
import { openHost } from './host.mjs'
import { testOf } from './suite.mjs'

const [number, resultFile] = process.argv.slice(2)
const scratch = dirname(resultFile)
mkdirSync(scratch, { recursive: true })
const check = new Checks()
let failure
let device
const begin = performance.now()
try {
  const { run } = await testOf(Number(number))
  const gpu = await openGpu()
  device = gpu.device()
  const isFull = process.env.GPU_SUITE_SIZE !== 'small'
  await run({
    gpu,
    host: openHost(),
    check,
    scratch,
    isFake: process.env.GPU_SUITE_BACKEND === 'fake',
    size: (full, small) => (isFull ? full : small),
  })
} catch (error) {
  failure = error.stack
}
const result = {
  rows: check.rows,
  verdict: failure === undefined ? check.verdict : 'FAIL',
  failure,
  device,
  seconds: (performance.now() - begin) / 1000,
}
writeFileSync(resultFile, JSON.stringify(result))
// Threads of the GPU's libraries would keep the process alive.
process.exit(0)
