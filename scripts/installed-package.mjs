// The package as its users get it, and the Nodes that they have. Shared by test-matrix.mjs and test-arm64.mjs.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const NODE_LINES = ['20', '22', '24', '26']

/** Packs opscope and installs the tarball in `<folder>/project`, without running a script. Where it then lies. */
export function installPackage(folder) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  // An array up to npm 11, an object by package name from npm 12 on.
  const [{ filename, size, files }] = Object.values(JSON.parse(npm(ROOT, args)))
  const binaries = files.flatMap(({ path, size }) => (path.endsWith('.node') ? `${path} ${kib(size)}` : []))
  console.log(`${filename}: ${kib(size)}, ${files.length} files; ${binaries.join(', ')}`)
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  npm(project, ['install', '--ignore-scripts', '--prefer-offline', join(folder, filename)])
  return join(project, 'node_modules/opscope')
}

/** A Node of this line (20, 22, …) from the npm registry, kept in build/nodes. Its path and its version. */
export function nodeOf(line, target = `${process.platform}-${process.arch}`) {
  const name = `node-${target}`
  const folder = join(ROOT, 'build/nodes', `${target}-${line}`)
  const home = join(folder, 'node_modules', name)
  if (!existsSync(join(home, 'bin/node'))) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    // --force: it need not be for this machine.
    npm(folder, ['install', '--ignore-scripts', '--prefer-offline', '--force', `${name}@${line}`])
  }
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return { path: join(home, 'bin/node'), version }
}

function npm(cwd, args) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(0)} KiB`
}
