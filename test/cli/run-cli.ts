import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the built command, as a user does. */
export async function cli(args: string[], stdin?: string | Uint8Array): Promise<CliResult> {
  const child = startCli(args)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout!.on('data', chunk => stdout.push(chunk))
  child.stderr!.on('data', chunk => stderr.push(chunk))
  child.stdin!.on('error', () => {}) // the command may not want it
  child.stdin!.end(stdin)
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, stdout: Buffer.concat(stdout).toString('latin1'), stderr: Buffer.concat(stderr).toString() }
}

/** @param env beside that of the tests */
export function startCli(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build:ts first`)
  return spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
}
