import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
// A terminal sends these to all processes in front of it, the program included: it must not get them twice.
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** Runs a program in place of this process: the same streams and signals, and this process ends as the program does. */
export async function runInPlace(file: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const hasTerminal = [0, 1, 2].some(isatty)
  const child = spawn(file, args, { stdio: 'inherit', env })
  const forward = (signal: NodeJS.Signals) => {
    if (!hasTerminal || !FROM_TERMINAL.includes(signal)) child.kill(signal)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  const end = new Promise<[code: number | null, signal: NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve([code, signal]))
  })
  const [code, signal] = await end.finally(() => {
    for (const each of FORWARDED) process.removeListener(each, forward)
  })
  if (signal === null) {
    process.exitCode = code ?? 1
    return
  }
  // What a shell would make of it, should the signal not end this process.
  process.exitCode = 128 + constants.signals[signal]
  process.kill(process.pid, signal)
}
