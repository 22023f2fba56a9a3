import type { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { type ProfilerOptions, resolveOptions } from './options.js'
import { Session } from './session.js'

export interface ScopedOptions extends ProfilerOptions {
  /**
   * Given the capture when the recording has ended: of profile(), when the body is done, and with what it threw; of
   * startSession(), when the session has stopped, however it did.
   */
  onCapture?: (capture: Capture, error?: unknown) => void
}

// Someone waits for their file, their report or their capture: a program that ends first still gives it.
const awaited = new Set<Session>()

/**
 * Starts a recording that lasts until its session is stopped, `durationMs` is over, or the program ends. Several may
 * run at once, each with its own window, categories, pauses and file.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_FILE_WRITE (profilePath),
 *   ERR_OPSCOPE_GPU_UNAVAILABLE, ERR_OPSCOPE_NATIVE_MISSING
 * @example
 * await using session = startSession({ profilePath: 'trace.pftrace', delayMs: 5_000, durationMs: 1_000 })
 * await serve()
 */
export function startSession(options: ScopedOptions = {}): Session {
  const { onCapture, ...rest } = options
  checkOnCapture(onCapture)
  const resolved = resolveOptions(rest)
  const session: Session = new Session(resolved, capture => {
    forgetAtExit(session)
    if (resolved.print) process.stdout.write(`${capture.report()}\n`)
    onCapture?.(capture)
  })
  if (resolved.profilePath !== undefined || resolved.print || onCapture !== undefined) stopAtExit(session)
  return session
}

/** If the program ends before the session does, it is stopped then. */
export function stopAtExit(session: Session): void {
  if (awaited.size === 0) process.once('exit', stopAwaited)
  awaited.add(session)
}
/** It has stopped. */
export function forgetAtExit(session: Session): void {
  awaited.delete(session)
  if (awaited.size === 0) process.removeListener('exit', stopAwaited)
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
export function checkOnCapture(onCapture: unknown): void {
  if (onCapture === undefined || typeof onCapture === 'function') return
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "onCapture" option to be a function, got ${typeof onCapture}.`,
  )
}

function stopAwaited(): void {
  for (const session of [...awaited]) if (session.state !== 'stopped') session.stopSync()
}
