// Packs opscope as a release would and installs it the way a user does, in folders of its own: prebuildify
// moves build/Release/*.node away, so the working tree only lends copies.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADDON = 'build/Release/opscope.node'
const MODULES = join(ROOT, 'node_modules')

/** A package as a registry has it: what it says of itself, and its tarball. */
export interface PackedPackage {
  manifest: { name: string; version: string }
  tarball: string
  integrity: string
}
export interface Packed {
  folder: string
  /** Of opscope. */
  tarball: string
  /** Paths inside the tarball. */
  files: string[]
  /** opscope and all that it needs at run time. */
  packages: PackedPackage[]
}

/** The release tarball, made from the sources, `lib/` and the addon as they are built now. */
export function packOpscope(): Packed {
  for (const built of [ADDON, 'lib/index.js']) {
    if (!existsSync(join(ROOT, built))) throw new Error(`${built} is missing: run "npm run build" first`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'opscope-package-'))
  const copy = join(folder, 'checkout')
  for (const entry of [
    'package.json',
    'LICENSE',
    'CMakeLists.txt',
    'binding',
    'src',
    'lib',
    'prebuilds/README.md',
    ADDON,
  ]) {
    cpSync(join(ROOT, entry), join(copy, entry), { recursive: true })
  }
  // `true` stands for the build, which has taken place.
  const prebuildify = ['--napi', '--strip', '--tag-libc', '-t', 'opscope', '--node-gyp', 'true']
  execFileSync(process.execPath, [join(MODULES, 'prebuildify/bin.js'), ...prebuildify], { cwd: copy, stdio: 'pipe' })
  const sources = [copy, ...runtimeDependencies()]
  const packed = npmPack(sources, folder)
  const packages = packed.map(({ filename, integrity }, index) => ({
    manifest: JSON.parse(readFileSync(join(sources[index]!, 'package.json'), 'utf8')),
    tarball: join(folder, filename),
    integrity,
  }))
  return { folder, tarball: packages[0]!.tarball, files: packed[0]!.files.map(file => file.path), packages }
}

/** An empty project with the tarball installed, offline, by an npm that finds no other program than node. */
export function installPacked({ folder, packages }: Packed): string {
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  execFileSync(process.execPath, [npmCli(), 'install', '--offline', ...packages.map(({ tarball }) => tarball)], {
    cwd: project,
    env: { PATH: bin, HOME: folder },
    stdio: 'pipe',
  })
  return project
}

/** Runs a program of a user of the package; only node is on its PATH. */
export function runIn(
  project: string,
  file: string,
  source: string,
  env: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string } {
  writeFileSync(join(project, file), source)
  return spawnSync(process.execPath, [file], {
    cwd: project,
    env: { PATH: join(project, '../bin'), ...env },
    encoding: 'utf8',
  })
}

interface NpmPacked {
  filename: string
  integrity: string
  files: { path: string }[]
}

/** Packs these folders, in one run of npm, which takes a second to start. */
function npmPack(folders: string[], destination: string): NpmPacked[] {
  const args = [npmCli(), 'pack', '--json', '--ignore-scripts', '--pack-destination', destination, ...folders]
  const output = execFileSync(process.execPath, args, {
    cwd: destination,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // An array up to npm 11, an object by package name from npm 12 on.
  return Object.values(JSON.parse(output))
}

export function npmCli(): string {
  const folder = (process.env.PATH ?? '').split(delimiter).find(path => existsSync(join(path, 'npm')))
  if (folder === undefined) throw new Error('npm is not on PATH')
  return realpathSync(join(folder, 'npm'))
}

/** Folders of the packages that opscope needs at run time, each looked up as Node would. */
function runtimeDependencies(folder = ROOT, above: string[] = []): string[] {
  const lookups = [join(folder, 'node_modules'), ...above]
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return Object.keys(dependencies).flatMap(name => {
    const found = lookups.map(modules => join(modules, name)).find(existsSync)
    if (found === undefined) throw new Error(`${name} is not installed`)
    return [found, ...runtimeDependencies(found, lookups)]
  })
}
