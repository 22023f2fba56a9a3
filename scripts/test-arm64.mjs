// npm run test:arm64: what was cross-built for linux-arm64, under emulation: the floor, the C++ tests, and the installed
// package on each Node. vitest itself cannot run there: its own binaries here are this machine's.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { installPackage, NODE_LINES, nodeOf, ROOT } from './installed-package.mjs'

const EMULATOR = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']
// The emulator runs one program; these start their cases as other programs.
const PROCESS_TESTS = 'fake GPU,GPU source*,a thousand random scripts*'

if (spawnSync(EMULATOR[0], ['--version']).status !== 0) {
  console.error(`${EMULATOR[0]} not found (Debian, Ubuntu: apt-get install qemu-user)`)
  process.exit(1)
}
step('prebuild', [process.execPath, 'scripts/prebuilds.mjs', 'linux-arm64'])
const build = ['cmake-js', 'build', '-O', 'build/test-arm64', '-B', 'RelWithDebInfo', '--log-level', 'warn']
const toolchain = `--CDCMAKE_TOOLCHAIN_FILE=${join(ROOT, 'scripts/linux-arm64.cmake')}`
const options = ['--CDOPSCOPE_STATIC_RUNTIME=ON', '--CDOPSCOPE_BUILD_TESTS=ON', '--CDOPSCOPE_BUILD_ADDON=OFF']
step('C++ tests built', ['npx', ...build, toolchain, ...options])
step('C++ tests', [...EMULATOR, 'build/test-arm64/opscope_tests', `-tce=${PROCESS_TESTS}`])

const folder = mkdtempSync(join(tmpdir(), 'opscope-arm64-'))
try {
  const installed = installPackage(folder)
  for (const line of NODE_LINES) {
    const node = nodeOf(line, 'linux-arm64')
    step(`Node ${node.version}`, [...EMULATOR, node.path, 'test/package/first-use.mjs', installed])
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function step(name, [command, ...args]) {
  const startMs = Date.now()
  const { status, signal } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' })
  console.log(
    `${name}: ${status === 0 ? 'passed' : `failed (${signal ?? status})`}, ${Math.round((Date.now() - startMs) / 1000)} s`,
  )
  if (status !== 0) process.exitCode = 1
}
