// npm run prebuilds [-- linux-x64 linux-arm64]: the binaries that the npm package ships, in prebuilds/.
// Without names: this machine's own, and what can be cross-built where the tools are installed.
// Built in folders of their own, since prebuildify moves the binary out of the build folder.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const HERE = `${process.platform}-${process.arch}`
const CROSS = {
  'linux-x64': {
    'linux-arm64': {
      toolchain: 'scripts/linux-arm64.cmake',
      tools: ['aarch64-linux-gnu-g++', 'aarch64-linux-gnu-strip'],
      install: 'apt-get install g++-aarch64-linux-gnu',
    },
  },
}[HERE]

const named = process.argv.slice(2)
for (const target of named.length > 0 ? named : [HERE, ...Object.keys(CROSS ?? {})]) {
  const why = whyNot(target)
  if (why === undefined) make(target)
  else if (named.length === 0) console.log(`${target} left out: ${why}`)
  else fail(`${target}: ${why}`)
}

/** Why the target cannot be built on this machine. */
function whyNot(target) {
  if (target === HERE) return undefined
  const cross = CROSS?.[target]
  if (cross === undefined) return `cannot be built on ${HERE}`
  const absent = cross.tools.filter(tool => spawnSync(tool, ['--version']).status !== 0)
  return absent.length > 0 ? `${absent.join(' and ')} not found (Debian, Ubuntu: ${cross.install})` : undefined
}

function make(target) {
  const folder = join(ROOT, 'build/prebuilds', target)
  mkdirSync(folder, { recursive: true })
  for (const entry of ['package.json', 'CMakeLists.txt', 'binding']) {
    rmSync(join(folder, entry), { force: true })
    symlinkSync(join(ROOT, entry), join(folder, entry))
  }

  const [platform, arch] = target.split('-')
  const env = { ...process.env, npm_cmake_OPSCOPE_STATIC_RUNTIME: 'ON', npm_cmake_js_l: 'warn' }
  if (target !== HERE) {
    env.npm_cmake_CMAKE_TOOLCHAIN_FILE = join(ROOT, CROSS[target].toolchain)
    env.PREBUILD_STRIP_BIN = CROSS[target].tools[1]
  }
  // prebuildify calls a node-gyp with --target and its own target in it, which cmake-js takes for a target of CMake.
  const args = ['--napi', '--strip', '--tag-libc', '-t', 'opscope', '--node-gyp', 'cmake-js']
  const bin = join(require.resolve('prebuildify/package.json'), '../bin.js')
  const all = [bin, ...args, '--platform', platform, '--arch', arch, '--out', ROOT]
  if (spawnSync(process.execPath, all, { cwd: folder, env, stdio: 'inherit' }).status !== 0) {
    fail(`${target}: the build failed`)
  }
  const made = readdirSync(join(ROOT, 'prebuilds', target)).map(file => join('prebuilds', target, file))
  if (platform === 'linux') {
    const checked = spawnSync(process.execPath, ['scripts/check-glibc-floor.mjs', ...made], {
      cwd: ROOT,
      stdio: 'inherit',
    })
    if (checked.status !== 0) fail(`${target}: the binary would not load on every system that it is for`)
  } else {
    console.log(made.join('\n'))
  }
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
