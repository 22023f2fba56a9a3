import type { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { checkKeys } from './option-checks.js'
import { type ProfilerOptions, resolveOptions } from './options.js'
import { Session } from './session.js'
import { checkOnCapture, forgetAtExit, type ScopedOptions, stopAtExit } from './start-session.js'

export type { ScopedOptions }

/** Options of stopProfiler(); what is absent stays as startProfiler() had it. */
export type StopProfilerOptions = Pick<ProfilerOptions, 'sortedKey' | 'profilePath' | 'print'>

const STOP_KEYS = ['sortedKey', 'profilePath', 'print'] as const

let current: Session | undefined
let stopping: Promise<Capture> | undefined
/** Whether a stop was asked for: it prints and forgets by itself. */
let isAsked = false
/** Its `durationMs` was over before stopProfiler() was called, which then gives its capture. */
let expired: Session | undefined

/**
 * Starts recording, process-wide: all threads, until stopProfiler().
 * @throws OpscopeError ERR_OPSCOPE_ALREADY_STARTED, ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE,
 *   ERR_OPSCOPE_FILE_WRITE (profilePath), ERR_OPSCOPE_GPU_UNAVAILABLE, ERR_OPSCOPE_NATIVE_MISSING
 * @example
 * startProfiler({ state: 'All', tracerOption: 'OpDetail' })
 * await serve(batch)
 * await stopProfiler({ sortedKey: 'total', profilePath: '/tmp/profile' })
 */
export function startProfiler(options: ProfilerOptions = {}): void {
  if (current !== undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_ALREADY_STARTED',
      'startProfiler() was called, but the profiler is running.',
      'Call stopProfiler() first, or resetProfiler() to start over.',
    )
  }
  const session: Session = new Session(resolveOptions(options, { print: true }), capture => {
    if (isAsked) return
    expired = session
    if (session.options.print) print(capture)
    forget(session)
  })
  current = session
  expired = undefined
  process.once('exit', finishAtExit)
}

/**
 * Stops recording, writes the profile and prints the op report, unless `print: false`.
 * On a path that cannot be opened it rejects and the profiler keeps running, so that a corrected call loses nothing.
 * After `durationMs` the profiler has stopped by itself, written and printed: the capture is all that is left to give.
 * @throws OpscopeError ERR_OPSCOPE_NOT_STARTED, ERR_OPSCOPE_SESSION_STOPPED, ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export async function stopProfiler(options: StopProfilerOptions = {}): Promise<Capture> {
  const { session, stop, isExpired } = prepareStop(options)
  isAsked = true
  stopping = session.stop(stop)
  try {
    const capture = await stopping
    if (stop.print && !isExpired) print(capture)
    return capture
  } finally {
    forget(session)
    stopping = undefined
    isAsked = false
  }
}

/** As {@link stopProfiler}, blocking: for exit handlers and scripts. Merging 1e6 spans takes about 0.1 s. */
export function stopProfilerSync(options: StopProfilerOptions = {}): Capture {
  const { session, stop, isExpired } = prepareStop(options)
  isAsked = true
  try {
    const capture = session.stopSync(stop)
    if (stop.print && !isExpired) print(capture)
    return capture
  } finally {
    forget(session)
    isAsked = false
  }
}

/**
 * Forgets what was recorded so far and goes on recording: call it after the warm-up.
 * @throws OpscopeError ERR_OPSCOPE_NOT_STARTED
 */
export function resetProfiler(): void {
  running('resetProfiler').reset()
}

export function isProfilerEnabled(): boolean {
  return current !== undefined
}

/** The functions above under the name that users of other profilers look for. */
export const profiler: {
  startProfiler: typeof startProfiler
  stopProfiler: typeof stopProfiler
  stopProfilerSync: typeof stopProfilerSync
  resetProfiler: typeof resetProfiler
  isProfilerEnabled: typeof isProfilerEnabled
} = { startProfiler, stopProfiler, stopProfilerSync, resetProfiler, isProfilerEnabled }

/**
 * Records what a body does and resolves to the capture. Prints nothing unless `print: true`. If the body
 * throws, the recording is finished, its file is written, and the same error is thrown on; the capture
 * is on `session.capture` and goes to `onCapture`.
 * @throws what the body throws; OpscopeError as startProfiler()
 * @example
 * const capture = await profile({ state: 'CPU' }, async session => {
 *   session.pause()
 *   await warmUp()
 *   session.resume()
 *   await serve(batch)
 * })
 * console.log(capture.report({ sortedKey: 'total' }))
 */
export async function profile(options: ScopedOptions, body: (session: Session) => unknown): Promise<Capture> {
  const { onCapture, ...rest } = options
  if (typeof body !== 'function')
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected the body to be a function, got ${typeof body}.`)
  checkOnCapture(onCapture)
  const session: Session = new Session(resolveOptions(rest), () => forgetAtExit(session))
  if (session.options.profilePath !== undefined) stopAtExit(session)
  try {
    await body(session)
  } catch (error) {
    const capture = await session.stop()
    onCapture?.(capture, error)
    throw error
  }
  // The body may have stopped its session itself.
  const capture = await session.stop()
  if (session.options.print) print(capture)
  onCapture?.(capture)
  return capture
}

function running(caller: string): Session {
  if (current === undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_NOT_STARTED',
      `${caller}() was called, but the profiler is not running.`,
      'Call startProfiler() first.',
    )
  }
  return current
}

function prepareStop(options: StopProfilerOptions) {
  const session = current === undefined && expired !== undefined ? expired : running('stopProfiler')
  const isExpired = session === expired
  if (stopping !== undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_STOP_BUSY',
      'stopProfiler() was called, but an earlier call is not done.',
      'Await the first call.',
    )
  }
  checkKeys(options, STOP_KEYS)
  const { sortedKey, print: prints } = resolveOptions({
    sortedKey: session.options.sortedKey,
    print: session.options.print,
    ...defined(options),
  })
  return { session, stop: { sortedKey, print: prints, profilePath: options.profilePath }, isExpired }
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** Unless the stop failed before the window closed. */
function forget(session: Session): void {
  if (session.state !== 'stopped') return
  if (isAsked && expired === session) expired = undefined
  if (current !== session) return
  current = undefined
  process.removeListener('exit', finishAtExit)
}

function print(capture: Capture): void {
  process.stdout.write(`${capture.report()}\n`)
}

/** A program that ends while it is profiled still gets its file; nobody asked for a report among its last words. */
function finishAtExit(): void {
  if (current === undefined || stopping !== undefined) return
  isAsked = true
  if (current.options.profilePath !== undefined) current.stopSync()
}
