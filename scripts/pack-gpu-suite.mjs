// npm run pack:gpu-suite     the GPU suite as a folder that runs where there is neither Node nor a registry
//
// .gpu-suite/ then holds Node, the built package and the suite, compressed, and run.sh, which unpacks and runs them:
//   OUT=/tmp/results sh .gpu-suite/run.sh --only 1,2,3
// The kernels are compiled here, for several kinds of GPU, by the nvcc of this machine.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { buildCuda, buildHost } from './gpu-libraries.mjs'

const LIMIT_BYTES = 64 << 20
const root = fileURLToPath(new URL('..', import.meta.url))
const packed = join(root, '.gpu-suite')
// Not the library of this checkout's own runs, which may be for this machine's GPU alone.
const kernels = 'build/gpu-suite/portable/libgpu_suite_kernels.so'
const host = 'build/gpu-suite/libgpu_suite_host.so'
const folder = 'test/gpu-real/native'
for (const built of [
  buildCuda({ folder, output: join(root, kernels) }),
  buildHost({ folder, output: join(root, host) }),
]) {
  if (built.reason !== undefined) fail(built.reason)
}

const stage = mkdtempSync(join(tmpdir(), 'gpu-suite-'))
const take = (path, target = path) =>
  cpSync(join(root, path), join(stage, target), { recursive: true, dereference: true })
for (const path of [
  'package.json',
  'lib',
  'build/Release/opscope.node',
  'test/gpu-real',
  'scripts/gpu-libraries.mjs',
]) {
  if (!existsSync(join(root, path))) fail(`${path} is missing: run npm run build first`)
  take(path)
}
// A packed suite uses the libraries as they are: no source may look newer than they do.
rmSync(join(stage, 'test/gpu-real/native'), { recursive: true })
take(kernels, 'build/gpu-suite/libgpu_suite_kernels.so')
take(host)
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
takePackages([...Object.keys(dependencies), 'koffi', `@koromix/koffi-${process.platform}-${process.arch}`])

// What was left out is missed here, not on the other machine.
run(process.execPath, ['-e', `require('koffi'); import('opscope')`], { cwd: stage, env: { PATH: process.env.PATH } })

rmSync(packed, { recursive: true, force: true })
mkdirSync(packed)
run('tar', ['-cJf', join(packed, 'suite.tar.xz'), '-C', stage, '.'])
copyFileSync(process.execPath, join(packed, 'node'))
run('strip', [join(packed, 'node')])
run('xz', ['-T0', '-f', join(packed, 'node')])
rmSync(stage, { recursive: true })
copyFileSync(join(root, 'scripts/gpu-suite-run.sh'), join(packed, 'run.sh'))

const bytes = ['suite.tar.xz', 'node.xz', 'run.sh'].reduce(
  (total, file) => total + statSync(join(packed, file)).size,
  0,
)
writeFileSync(
  join(packed, 'README.txt'),
  'OUT=FOLDER sh run.sh [--only 1,2,3] [--seconds 560]   (the GPU suite of opscope)\n',
)
console.log(`${relative(root, packed)}: ${(bytes / 2 ** 20).toFixed(1)} MiB`)
if (bytes > LIMIT_BYTES) fail('more than 64 MiB')

/** Packages with all that they need to run. */
function takePackages(names) {
  const seen = new Set()
  for (const wanted = [...names]; wanted.length > 0; ) {
    const name = wanted.pop()
    if (seen.has(name)) continue
    seen.add(name)
    const from = folderOf(name)
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
    wanted.push(...Object.keys(manifest.dependencies ?? {}))
    cpSync(from, join(stage, 'node_modules', name), {
      recursive: true,
      dereference: true,
      filter: source => !/\/(vendor|doc|musl_\w+|node_modules)$/.test(relative(dirname(from), source)),
    })
  }
}

function folderOf(name) {
  const roots = [join(root, 'node_modules'), ...(process.env.NODE_PATH ?? '').split(delimiter).filter(Boolean)]
  const found = roots.map(path => join(path, name)).find(path => existsSync(join(path, 'package.json')))
  return found ?? fail(`the package ${name} is not installed: run npm install`)
}

function run(command, args, options = {}) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (status !== 0) fail(`${command}: ${error?.message ?? stderr.trim()}`)
}

function fail(reason) {
  console.error(`Not packed: ${reason}`)
  process.exit(1)
}
