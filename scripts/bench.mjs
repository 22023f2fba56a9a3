// npm run bench [-- NAME ... --json OUT]: every benchmark, or those with one of the names in theirs. Each runs in a
// process of its own, the C++ ones (binding/bench) first, then those of bench/. A benchmark prints its figures as JSON
// lines, { name, value, unit, floor, ratio, target, met } (bench/rows.mjs); here they become a table, and OUT.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { isRate } from '../bench/rows.mjs'

const { values: options, positionals: words } = attempt(() =>
  parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true }),
)
const isWanted = name => words.length === 0 || words.some(word => name.includes(word))

function filesOf(folder, suffix) {
  const files = existsSync(folder) ? readdirSync(folder) : []
  return files.filter(file => file.endsWith(suffix) && isWanted(file)).sort()
}

const native = filesOf('binding/bench', '.cc').map(file => basename(file, '.cc'))
const scripts = filesOf('bench', '.bench.mjs')
if (native.length + scripts.length === 0) {
  console.error(`No benchmark matches ${words.join(' ')}`)
  process.exit(2)
}
const rows = []
// A path that cannot be written fails before the first benchmark, not after the last.
attempt(saveRows)

for (const name of native) build('bench', `bench_${name}`, ['--CDOPSCOPE_BUILD_BENCH=ON'])
// The addon whose empty functions are the floor of those from JavaScript.
if (scripts.length > 0) build('test', 'opscope_test_addon', ['-B', 'RelWithDebInfo', '--CDOPSCOPE_BUILD_TESTS=ON'])

let hasFailed = false
for (const name of native) await run(name, join('build/bench/bench', name), [])
for (const name of scripts) await run(name, process.execPath, ['--expose-gc', join('bench', name)])
const missed = rows.filter(row => row.met === false).length
const met = rows.filter(row => row.met === true).length
console.log(`\n${rows.length} figures; ${met} targets met, ${missed} missed`)
process.exitCode = hasFailed ? 1 : 0

/** A mistake of the caller ends the run with a sentence. */
function attempt(work) {
  try {
    return work()
  } catch (error) {
    console.error(error.message)
    process.exit(2)
  }
}

function saveRows() {
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`)
}

function build(folder, target, args) {
  const always = ['-O', `build/${folder}`, '--target', target, '--CDOPSCOPE_BUILD_ADDON=OFF', '--log-level', 'warn']
  const { status } = spawnSync('npx', ['cmake-js', 'build', ...always, ...args], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** A benchmark that fails does not keep the others from running. */
async function run(name, command, args) {
  console.log(`\n# ${name}`)
  printCells(['', 'value', '', 'x floor', 'target', ''])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', (...end) => resolve(end)))
  for await (const line of createInterface(child.stdout)) {
    const row = parseRow(line)
    if (row === undefined) {
      console.log(line)
    } else {
      rows.push(row)
      printRow(row)
    }
  }
  const [status, signal] = await ended
  if (status !== 0) {
    hasFailed = true
    console.log(`${name} failed: ${signal ?? `status ${status}`}`)
  }
  saveRows()
}

/** Undefined for a line that is text. */
function parseRow(line) {
  if (!line.startsWith('{')) return undefined
  const { name, value, unit, floor = null, ratio = null, target = null, met = null } = JSON.parse(line)
  return { name, value, unit, floor, ratio, target, met }
}

function printRow({ name, value, unit, ratio, target, met }) {
  const sign = isRate(unit) ? '≥' : '≤'
  const bound = target === null ? '' : `${sign} ${numberText(target)}${ratio === null ? ` ${unit}` : ' x'}`
  printCells([
    name,
    numberText(value),
    unit,
    ratio === null ? '' : numberText(ratio),
    bound,
    { true: 'met', false: 'MISSED' }[met] ?? '',
  ])
}

function numberText(number) {
  return Number(number.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 })
}

function printCells([name, value, unit, ratio, target, met]) {
  console.log(
    `${name.padEnd(66)} ${value.padStart(8)} ${unit.padEnd(10)} ${ratio.padStart(8)}  ${target.padEnd(11)} ${met}`.trimEnd(),
  )
}
