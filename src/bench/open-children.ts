import type { ChildProcess } from 'node:child_process'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

const open = new Set<ChildProcess>()

/** Ends the child with this process. By itself it would notice only between two calls, and a loop has no such moment. */
export function endWithUs(child: ChildProcess): void {
  if (open.size === 0) {
    process.on('exit', endAll)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  open.add(child)
  child.once('exit', () => leave(child))
  child.once('error', () => leave(child))
}

function leave(child: ChildProcess): void {
  if (!open.delete(child) || open.size > 0) return
  process.off('exit', endAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function endAll(): void {
  for (const child of open) child.kill('SIGKILL')
}

/** As if nobody listened: where a program listens, too, it decides what the signal means. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  endAll()
  process.off(signal, onSignal)
  process.kill(process.pid, signal)
}
