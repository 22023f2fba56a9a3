// npm run bench [-- word ...]: every benchmark, or those with one of the words in their name. Each runs in a
// process of its own, the C++ ones (binding/bench) first, then those of bench/.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const filesOf = (folder, suffix) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter(file => file.endsWith(suffix))
        .sort()
    : []

const words = process.argv.slice(2)
const isWanted = name => words.length === 0 || words.some(word => name.includes(word))

const native = filesOf('binding/bench', '.cc')
  .map(file => basename(file, '.cc'))
  .filter(isWanted)
if (native.length > 0) {
  const options = ['--CDOPSCOPE_BUILD_BENCH=ON', '--CDOPSCOPE_BUILD_ADDON=OFF', '--log-level', 'warn']
  run('npx', ['cmake-js', 'build', '-O', 'build/bench', ...options])
}
const benches = [
  ...native.map(name => ({ name, command: join('build/bench/bench', name), args: [] })),
  ...filesOf('bench', '.bench.mjs')
    .filter(isWanted)
    .map(file => ({ name: file, command: process.execPath, args: ['--expose-gc', join('bench', file)] })),
]
if (benches.length === 0) {
  console.error(`No benchmark matches ${words.join(' ')}`)
  process.exit(1)
}
for (const { name, command, args } of benches) {
  console.log(`\n# ${name}`)
  run(command, args)
}
