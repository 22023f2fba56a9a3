// npm run test:sanitize                    the C++ tests under ASan + UBSan, then under TSan
// npm run test:sanitize -- script.mjs ...  the addon under ASan in a Node that runs the given script
//
// TSan is not offered for Node: with workers it reports races inside V8.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exit(status ?? 1)
}

// cmake-js configures a folder once only, so each set of options has its own.
function build(folder, type, options) {
  const defines = Object.entries(options).map(([key, value]) => `--CD${key}=${value}`)
  run('npx', ['cmake-js', 'build', '-O', folder, '-B', type, '--log-level', 'warn', ...defines])
}

function testCore(name, sanitizers) {
  const folder = `build/sanitize-${name}`
  build(folder, 'Debug', { OPSCOPE_SANITIZE: sanitizers, OPSCOPE_BUILD_TESTS: 'ON', OPSCOPE_BUILD_ADDON: 'OFF' })
  console.log(`C++ tests, -fsanitize=${sanitizers}`)
  run('ctest', ['--test-dir', folder, '--output-on-failure', '--no-tests=error'])
}

function runAddon(nodeArguments) {
  const root = 'build/sanitize-addon'
  build(`${root}/build`, 'Release', { OPSCOPE_SANITIZE: 'address' })
  const runtime = spawnSync(process.env.CXX ?? 'g++', ['-print-file-name=libasan.so'], {
    encoding: 'utf8',
  }).stdout.trim()
  if (!existsSync(runtime)) {
    console.error('libasan.so not found: the addon check needs g++ and its sanitizer runtime.')
    process.exit(1)
  }
  run(process.execPath, nodeArguments, {
    LD_PRELOAD: runtime,
    ASAN_OPTIONS: 'detect_leaks=0', // V8 keeps what it allocates until exit
    OPSCOPE_PREBUILD: `${process.cwd()}/${root}`, // where node-gyp-build looks for build/Release
  })
}

const nodeArguments = process.argv.slice(2)
if (nodeArguments.length > 0) {
  runAddon(nodeArguments)
} else {
  testCore('asan', 'address,undefined')
  testCore('tsan', 'thread')
}
