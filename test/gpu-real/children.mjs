import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a program of children/ to its end. */
export function runChild(file, args, seconds = 120) {
  const program = fileURLToPath(new URL(`children/${file}`, import.meta.url))
  return spawnSync(process.execPath, [program, ...args.map(String)], { encoding: 'utf8', timeout: seconds * 1000 })
}

/** The line of JSON that such a program prints. */
export function askChild(file, ...args) {
  const { status, signal, stdout, stderr } = runChild(file, args)
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${signal ?? stderr.trim()}`)
  return JSON.parse(stdout)
}
