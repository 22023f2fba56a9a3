import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'

/** Signals that a program can get and go on, by name. */
const NAMES: readonly string[] = Object.keys(constants.signals)

// Node answers them itself, or nobody can.
const UNFIT: Readonly<Record<string, string>> = {
  SIGUSR1: 'starts the inspector of Node.js',
  SIGKILL: 'cannot be handled',
  SIGSTOP: 'cannot be handled',
  SIGINT: 'ends the program',
  SIGTERM: 'ends the program',
  SIGHUP: 'ends the program',
  SIGSEGV: 'is a fault of the program',
  SIGBUS: 'is a fault of the program',
  SIGFPE: 'is a fault of the program',
  SIGILL: 'is a fault of the program',
  SIGABRT: 'is a fault of the program',
  SIGIOT: 'is a fault of the program',
  SIGTRAP: 'is a fault of the program',
  SIGPROF: "is used by V8's profiler",
}
export const FIT_SIGNALS: readonly string[] = NAMES.filter(name => UNFIT[name] === undefined)

/** Why this signal cannot toggle a recording; undefined: it can. */
export function unfitReason(signal: string): string | undefined {
  if (!NAMES.includes(signal)) return 'is no signal of this system'
  return UNFIT[signal] ?? (isMainThread ? undefined : 'does not reach worker threads')
}

const listeners = new Map<NodeJS.Signals, Set<() => void>>()

/**
 * Calls `listen` at each signal, beside the program's own handlers, until the returned function is called. Our handler
 * stays for the life of the process: a signal that comes when the recording is over must not end the program, as it
 * would with nobody handling it.
 */
export function onSignal(signal: NodeJS.Signals, listen: () => void): () => void {
  let own = listeners.get(signal)
  if (own === undefined) {
    const added = new Set<() => void>()
    own = added
    listeners.set(signal, added)
    process.on(signal, () => {
      for (const each of added) each()
    })
  }
  const added = own
  added.add(listen)
  return () => added.delete(listen)
}
