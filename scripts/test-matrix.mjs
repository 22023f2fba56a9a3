// npm run test:matrix [-- 22 24 test/record.test.ts]: opscope's own tests, or those in the files named, on the packed and
// installed package, under each Node that it is for, or the lines named. They run in a folder where test/ and docs/ are
// the checkout's, and src/, lib/ and the binary the package's.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

import { installPackage, NODE_LINES, nodeOf, ROOT } from './installed-package.mjs'

// [pattern, why its tests are not run here]
const LEFT_OUT = [['test/package/**', 'they pack and install by themselves, which is done here already']]
const DOUBLES = ['build/test-addon', 'build/test-fakes']

const words = process.argv.slice(2)
const wantedFiles = words.filter(word => !/^\d+$/.test(word))
const lines = words.some(word => /^\d+$/.test(word)) ? words.filter(word => /^\d+$/.test(word)) : NODE_LINES
for (const built of ['lib/index.js', ...DOUBLES]) {
  if (!existsSync(join(ROOT, built))) fail(`${built} is missing: run "npm run build" and "npm run test:cpp" first`)
}
const folder = mkdtempSync(join(tmpdir(), 'opscope-matrix-'))
const logs = join(ROOT, 'build/matrix')
mkdirSync(logs, { recursive: true })
try {
  const suite = makeSuite(installPackage(folder))
  for (const [pattern, why] of LEFT_OUT) console.log(`left out: ${pattern} (${why})`)
  console.log('left out: binding/test (C++ that is no part of the package: npm run test:cpp)')
  for (const line of lines) testOn(line, suite)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The folder in which the tests run. */
function makeSuite(installed) {
  const suite = join(folder, 'suite')
  const { status, stdout, stderr } = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`)
  const product = ['src', 'lib', 'prebuilds', 'binding', 'package.json', 'CMakeLists.txt', 'README.md', 'LICENSE']
  for (const file of stdout.trimEnd().split('\n')) {
    if (!product.includes(file.split('/')[0])) cpSync(join(ROOT, file), join(suite, file))
  }
  for (const entry of product) symlinkSync(join(installed, entry), join(suite, entry))
  mkdirSync(join(suite, 'build'))
  for (const entry of DOUBLES) symlinkSync(join(ROOT, entry), join(suite, entry))
  // What the package does not bring itself: the runner, and the libraries that read its output. Above the project they
  // are found by the installed package too, which loads some of them on demand.
  for (const place of [folder, suite]) symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  return suite
}

function testOn(line, suite) {
  const node = nodeOf(line)
  const results = join(logs, `node-${line}.json`)
  const log = join(logs, `node-${line}.log`)
  const vitest = join(suite, 'node_modules/vitest/vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const excluded = LEFT_OUT.map(([pattern]) => `--exclude=${pattern}`)
  rmSync(results, { force: true })
  const startMs = Date.now()
  const { status } = spawnSync(
    'sh',
    ['-c', 'exec "$@" >"$0" 2>&1', log, node.path, vitest, 'run', ...wantedFiles, ...reporters, ...excluded],
    {
      cwd: suite,
      env: {
        ...process.env,
        PATH: `${dirname(node.path)}${delimiter}${process.env.PATH}`,
        NO_COLOR: '1',
        TEST_INSTALLED: '1',
      },
    },
  )
  const seconds = Math.round((Date.now() - startMs) / 1000)
  if (!existsSync(results)) {
    console.log(`Node ${node.version}: the run ended with ${status} and no results; see ${log}`)
    process.exitCode = 1
    return
  }
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(results, 'utf8'))
  const counts = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`
  const unread = testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0).length
  const files = `${testResults.length} files${unread > 0 ? `, ${unread} of them could not be loaded` : ''}`
  console.log(`Node ${node.version}: ${counts} in ${files}, ${seconds} s`)
  if (status === 0 && numPassedTests > 0) return
  process.exitCode = 1
  for (const { name, message, status, assertionResults } of testResults) {
    if (status === 'failed') console.log(`  ${name.slice(suite.length + 1)} ${message.split('\n', 1)[0]}`)
    for (const test of assertionResults) if (test.status === 'failed') console.log(`    ${test.fullName}`)
  }
  console.log(`  see ${log}`)
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
