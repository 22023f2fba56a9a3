import type { Capture } from '../capture.js'
import { type ProfilerOptions, resolveOptions } from '../options.js'
import { Session } from '../session.js'

export interface WindowOptions {
  durationMs: number
  /** When it is to begin, as `Date.now()` counts; in the past: at once. */
  startMs: number
  /** It ends early, with what it has. */
  ended: AbortSignal
  /** Nobody waits for it any more: it ends, and what it has is dropped. */
  gone: AbortSignal
  options?: ProfilerOptions
}
export interface Window {
  capture: Capture
  /** By how much the end came later than asked for: an event loop that is busy. */
  lateMs: number
}

// A process that serves must not stand for seconds while a GPU is made ready.
const GPU_START_MS = 2000

/**
 * A recording that was asked for from elsewhere: in memory, beside whatever else records.
 * @param addsUpEnded for takeEndedSpans()
 * @throws OpscopeError ERR_OPSCOPE_NATIVE_MISSING
 */
export function remoteSession(options: ProfilerOptions, keepMs?: number, addsUpEnded = false): Session {
  const attributes = { 'opscope.remote': true }
  const resolved = resolveOptions({ state: 'All', gpuStartMs: GPU_START_MS, attributes, ...options })
  const own = {
    ...resolved,
    // What the environment says of these is about recordings of the program's own.
    gpu: resolved.gpu === 'off' ? ('off' as const) : ('auto' as const),
    profilePath: undefined,
    keepMs,
    slowMs: undefined,
    dumpSignal: false as const,
    signal: false as const,
    onFull: 'drop-new' as const,
    startPaused: false,
    delayMs: 0,
    durationMs: undefined,
    print: false,
  }
  return new Session(own, () => {}, addsUpEnded)
}

/**
 * Records for a while. Undefined when nobody waits for it any more.
 * @throws OpscopeError ERR_OPSCOPE_NATIVE_MISSING
 */
export async function recordWindow(window: WindowOptions): Promise<Window | undefined> {
  const { durationMs, startMs, ended, gone, options = {} } = window
  await until(startMs - Date.now(), [ended, gone])
  if (gone.aborted) return undefined
  const session = remoteSession(options)
  const begin = performance.now()
  await until(durationMs, [ended, gone])
  const isCut = ended.aborted || gone.aborted
  const lateMs = isCut ? 0 : Math.max(0, performance.now() - begin - durationMs)
  const capture = await session.stop()
  return gone.aborted ? undefined : { capture, lateMs }
}

/** Waits for so many ms, or for a signal. The timer keeps the process: someone waits for it. */
function until(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  if (ms <= 0 || signals.some(signal => signal.aborted)) return Promise.resolve()
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    for (const signal of signals) signal.addEventListener('abort', end)
  })
}
