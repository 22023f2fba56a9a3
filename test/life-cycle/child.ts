import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { NODE } from '../nodes.js'

/** What a child process did; stdout and stderr as text. */
export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/**
 * Runs a program in a Node of its own, with `opscope` standing for the built package (lib/), and waits for its end.
 * A child that hangs is killed after a minute and shows as signal SIGKILL.
 */
export function runChild(
  program: string,
  env: Record<string, string> = {},
  flags: string[] = [],
  node: string = NODE,
): Promise<Outcome> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const built = (file: string) => JSON.stringify(new URL(`lib/${file}`, `file://${root}/`).href)
  const source = program
    .replaceAll("'opscope'", built('index.js'))
    .replaceAll("'opscope/serving'", built('serving/index.js'))
  const folder = mkdtempSync(join(tmpdir(), 'opscope-child-'))
  const file = join(folder, 'program.mjs')
  writeFileSync(file, source)
  return new Promise(resolve => {
    const child = spawn(node, [...flags, file], { cwd: root, env: { ...process.env, ...env } })
    const outcome: Outcome = { code: null, signal: null, stdout: '', stderr: '' }
    child.stdout.on('data', data => (outcome.stdout += data))
    child.stderr.on('data', data => (outcome.stderr += data))
    const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000)
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      rmSync(folder, { recursive: true })
      resolve({ ...outcome, code, signal })
    })
  })
}
