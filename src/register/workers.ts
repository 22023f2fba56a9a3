import { createRequire, syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Worker, WorkerOptions } from 'node:worker_threads'

import { addWarning, beforeSessionStop } from '../hooks.js'

const REGISTER = fileURLToPath(new URL('../register.cjs', import.meta.url))
const REQUIRE_FLAGS = ['--require', '-r']

// What is known of each thread id, shared by all threads. Ids count up: a process that makes more is not told of those.
const MAX_THREADS = 1 << 16
const SEEN = 1
const COVERED = 2
export type ThreadTable = Uint8Array<SharedArrayBuffer>

export function newThreadTable(): ThreadTable {
  return new Uint8Array(new SharedArrayBuffer(MAX_THREADS))
}

/** This thread has register. */
export function noteCovered(threads: ThreadTable, threadId: number): void {
  if (threadId < MAX_THREADS) Atomics.or(threads, threadId, COVERED)
}

/**
 * Sees to it that worker threads which this one makes have register too, whatever options they are given, and notes
 * each that has begun.
 */
export function coverWorkers(threads: ThreadTable): void {
  process.on('worker', (worker: Worker) => {
    worker.once('online', () => {
      if (worker.threadId >= 0 && worker.threadId < MAX_THREADS) Atomics.or(threads, worker.threadId, SEEN)
    })
  })
  const threadsModule = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker }
  threadsModule.Worker = new Proxy(threadsModule.Worker, { construct: constructWorker })
  syncBuiltinESMExports()
}

/** Threads that began without register are counted as trouble of the session, each once. */
export function warnOfUncovered(threads: ThreadTable): void {
  let told = 0
  beforeSessionStop(() => {
    const count = threads.reduce((sum, state) => sum + (state === SEEN ? 1 : 0), 0)
    if (count <= told) return
    addWarning(
      'uncovered-threads',
      'worker threads began without opscope/register: of them, spans of opscope alone are recorded',
      count - told,
    )
    told = count
  })
}

type WorkerArguments = [file: string | URL, options?: WorkerOptions]

function constructWorker(target: typeof Worker, args: unknown[], newTarget: new (...args: never) => unknown): object {
  const [file, options] = args as WorkerArguments
  if (isCovered(options)) return Reflect.construct(target, args, newTarget)
  const construct = (execArgv: readonly string[]) =>
    Reflect.construct(target, [file, { ...options, execArgv: [...execArgv, '--require', REGISTER] }], newTarget)
  const wanted = options?.execArgv ?? process.execArgv
  try {
    return construct(wanted)
  } catch (error) {
    // The error of others is theirs.
    if (!isRefusal(error) || options?.execArgv !== undefined) throw error
    const refused = flagsIn(error.message)
    try {
      return construct(wanted.filter(flag => !refused.includes(flag)))
    } catch {
      return Reflect.construct(target, args, newTarget)
    }
  }
}

/** Flags of the process, such as those of V8, hold for a worker, but cannot be given to it. */
function isRefusal(error: unknown): error is Error {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_INVALID_EXEC_ARGV'
}
/** `Initiated Worker with invalid execArgv flags: --expose-gc, --max-old-space-size=100` */
function flagsIn(message: string): string[] {
  return message.slice(message.indexOf(': ') + 2).split(', ')
}

/** It inherits what was on the command line, and that loads register in every kind of worker. */
function isCovered(options: WorkerOptions | undefined): boolean {
  const given = options?.execArgv ?? process.execArgv
  if (!Array.isArray(given)) return true // no business of ours what becomes of it
  return given.some((word, at) => REQUIRE_FLAGS.includes(given[at - 1] ?? '') && isRegister(String(word)))
}
function isRegister(module: string): boolean {
  return module === REGISTER || module === 'opscope/register'
}
