// npm run test:gpu -- [options]     what opscope records of a GPU, held against what is known without it
//   --only 1,2,3     these tests (default: all of suite.mjs)
//   --out FOLDER     where results.json and results.md go, added to what is there (default: build/gpu-suite/results)
//   --required       no GPU is a failure
//   --seconds N      ends after so long; the tests that were not run are named
//   --each N         seconds that one test may take (default: 240)
//   --small          small counts
//   --fake           the scripted GPU of the C++ tests instead, for the suite's own test
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { buildCuda, buildHost } from '../../scripts/gpu-libraries.mjs'
import { HOST, hasKoffi, KERNELS } from './libraries.mjs'
import { resultsText } from './report.mjs'
import { NUMBERS, testOf } from './suite.mjs'

// What a test takes at least on a GPU: its process, CUDA's context, CUPTI's first start.
const LEAST_SECONDS = 15
const root = fileURLToPath(new URL('../..', import.meta.url))

const options = parse()
const out = resolve(options.out)
const chosen = options.only === undefined ? NUMBERS : numbers(options.only)
const facts = lookAround()
if (facts.reason !== undefined) {
  console.log(`GPU suite skipped: ${facts.reason}`)
  process.exit(options.required ? 1 : 0)
}
// A folder that cannot be written fails before the first test, not after the last.
mkdirSync(out, { recursive: true })
const file = join(out, 'results.json')
const results = loadResults()
save()

const begin = performance.now()
const left = []
for (const number of chosen) {
  if (secondsLeft() < LEAST_SECONDS) {
    left.push(number)
    continue
  }
  const test = await testOf(number)
  const result = { number, title: test.title, truth: test.truth, ...(await runOne(number, test)) }
  results.machine.device ??= result.device
  results.tests = [...results.tests.filter(other => other.number !== number), result].sort(
    (a, b) => a.number - b.number,
  )
  save()
  printOne(result)
}
const count = verdict => results.tests.filter(test => chosen.includes(test.number) && test.verdict === verdict).length
if (left.length > 0) console.log(`Not run within ${options.seconds} s: --only ${left.join(',')}`)
console.log(`${file}\n${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIP') + left.length} skipped`)
process.exit(count('FAIL') > 0 ? 1 : 0)

function secondsLeft() {
  return options.seconds - (performance.now() - begin) / 1000
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        out: { type: 'string', default: join(root, 'build/gpu-suite/results') },
        required: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '100000' },
        each: { type: 'string', default: '240' },
        small: { type: 'boolean', default: false },
        fake: { type: 'boolean', default: false },
      },
    })
    return { ...values, seconds: Number(values.seconds), each: Number(values.each) }
  } catch (error) {
    console.error(error.message)
    process.exit(2)
  }
}

function numbers(text) {
  const found = text.split(',').map(Number)
  const unknown = found.filter(number => !NUMBERS.includes(number))
  if (unknown.length === 0) return found
  console.error(`There is no test ${text}. Tests: ${[...NUMBERS].sort((a, b) => a - b).join(', ')}`)
  process.exit(2)
}

function doctor() {
  return spawnSync(process.execPath, [join(root, 'lib/cli/main.js'), 'doctor', '--json'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
}

/** Why nothing can be tested, or what is tested on. */
function lookAround() {
  let cli = doctor()
  // CUPTI's very first start on a machine may take longer than doctor waits.
  if (cli.status === 0 && JSON.parse(cli.stdout).gpu.reason === 'late') cli = doctor()
  if (cli.status !== 0)
    return { reason: `opscope doctor failed: ${(cli.error?.message ?? cli.stderr).trim().split('\n')[0]}` }
  const { opscope, platform, gpu, cpu } = JSON.parse(cli.stdout)
  if (!gpu.available) return { reason: `${gpu.reason}: ${gpu.detail}` }
  if (!hasKoffi()) return { reason: 'no-koffi: the package is not installed' }
  const libraries = [buildHost({ folder: 'test/gpu-real/native', output: HOST })]
  if (!options.fake) libraries.unshift(buildCuda({ folder: 'test/gpu-real/native', output: KERNELS, isNative: true }))
  const failed = libraries.find(library => library.reason !== undefined)
  if (failed !== undefined) return { reason: failed.reason }
  const cupti = /\(([^)]*libcupti[^)]*)\)/.exec(gpu.detail)?.[1] ?? ''
  return { opscope, platform, cpu: `${cpu.count} × ${cpu.model}`, gpu: gpu.detail, cupti }
}

function loadResults() {
  const machine = { ...facts, driver: driverName(), isFake: options.fake }
  if (!existsSync(file)) return { machine, tests: [] }
  const earlier = JSON.parse(readFileSync(file, 'utf8'))
  // Results of another machine are not added to.
  return earlier.machine.gpu === machine.gpu
    ? { machine: { ...earlier.machine, ...machine }, tests: earlier.tests }
    : { machine, tests: [] }
}
function driverName() {
  if (options.fake) return 'none'
  const { stdout } = spawnSync('nvidia-smi', ['--query-gpu=driver_version', '--format=csv,noheader'], {
    encoding: 'utf8',
  })
  return stdout?.trim().split('\n')[0] ?? 'unknown'
}

function save() {
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`)
  writeFileSync(join(out, 'results.md'), resultsText([results]))
}

/** In a process of its own; what it does not say itself is said here. */
async function runOne(number, test) {
  const resultFile = join(out, `test-${number}.json`)
  const env = {
    ...process.env,
    GPU_SUITE_BACKEND: options.fake ? 'fake' : 'real',
    GPU_SUITE_SIZE: options.small ? 'small' : 'full',
    GPU_SUITE_CUPTI: facts.cupti,
    ...test.environment?.(facts),
  }
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('one.mjs', import.meta.url)), String(number), resultFile],
    {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const allowed = Math.min(options.each, secondsLeft())
  const deadline = setTimeout(() => child.kill('SIGKILL'), allowed * 1000)
  const [code, signal] = await new Promise(done => child.once('close', (...end) => done(end)))
  clearTimeout(deadline)
  if (existsSync(resultFile)) {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'))
    rmSync(resultFile)
    return result
  }
  const seconds = (performance.now() - started) / 1000
  const failure =
    seconds >= allowed ? `did not end in ${allowed.toFixed(0)} s` : `ended with ${signal ?? `code ${code}`}`
  return { rows: [], verdict: 'FAIL', failure, seconds }
}

function printOne({ number, title, verdict, rows, failure, seconds }) {
  console.log(`${verdict}  ${String(number).padStart(2)} ${title} (${seconds.toFixed(1)} s)`)
  for (const row of rows.filter(row => row.verdict === 'FAIL')) {
    console.log(`      ${row.claim}: expected ${row.expected}, measured ${row.measured}`)
  }
  if (failure !== undefined) console.log(`      ${failure}`)
  if (verdict === 'SKIP') for (const row of rows) console.log(`      ${row.claim}: ${row.measured}`)
}
