import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll } from 'vitest'

import { type Capture, loadCapture } from '../../src/index.js'
import type { Outcome } from '../life-cycle/child.js'
import { NODE } from '../nodes.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The built command. */
export const CLI: string = join(ROOT, 'lib/cli/main.js')

/** How register is loaded: both ways of Node's command line, or through the environment. */
export const REQUIRE = ['--require', 'opscope/register']
export const IMPORT = ['--import', 'opscope/register']

/** A folder with programs that has opscope, as it is built, onnxruntime-node and what else is named as its packages. */
export class Project {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'opscope-register-'))

  constructor(files: Record<string, string> = {}, packages: readonly string[] = []) {
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(ROOT, join(this.folder, 'node_modules/opscope'))
    for (const name of ['onnxruntime-node', ...packages]) {
      symlinkSync(join(ROOT, 'node_modules', name), join(this.folder, 'node_modules', name))
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text)
    afterAll(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** Runs node here; a child that hangs is killed after a minute and shows as signal SIGKILL. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const child = spawn(NODE, args, { cwd: this.folder, env: { ...process.env, ...env } })
    const outcome = { stdout: '', stderr: '' }
    child.stdout.on('data', data => (outcome.stdout += data))
    child.stderr.on('data', data => (outcome.stderr += data))
    const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000)
    const end = await new Promise<Pick<Outcome, 'code' | 'signal'>>(resolve =>
      child.on('close', (code, signal) => resolve({ code, signal })),
    )
    clearTimeout(deadline)
    return { ...outcome, ...end }
  }

  /** The files that have been written here, by a pattern of their names. */
  filesLike(pattern: RegExp): string[] {
    return readdirSync(this.folder).filter(name => pattern.test(name))
  }

  capture(name: string): Promise<Capture> {
    return loadCapture(join(this.folder, name))
  }
}

/** The op paths of a capture, in alphabetical order. */
export function pathsOf(capture: Capture): string[] {
  return capture
    .ops()
    .map(row => row.path.join('/'))
    .sort()
}
