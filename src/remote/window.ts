import type { Capture } from '../capture.js'
import { resolveOptions } from '../options.js'
import { Session } from '../session.js'

export interface WindowOptions {
  durationMs: number
  /** When it is to begin, `Date.now()`; in the past: at once. */
  startMs: number
  /** It ends early, with what it has. */
  ended: AbortSignal
  /** Nobody waits for it any more: it ends, and what it has is dropped. */
  given: AbortSignal
}
export interface Window {
  capture: Capture
  /** By how much the end came later than asked for: an event loop that is busy. */
  lateMs: number
}

// A process that serves must not stand for seconds while a GPU is made ready.
const GPU_START_MS = 2000

/**
 * Records for a while, beside whatever else records. Undefined when it was given up.
 * @throws OpscopeError ERR_OPSCOPE_NATIVE_MISSING
 */
export async function recordWindow({ durationMs, startMs, ended, given }: WindowOptions): Promise<Window | undefined> {
  await until(startMs - Date.now(), [ended, given])
  if (given.aborted) return undefined
  const session = new Session({
    ...resolveOptions({ state: 'All', gpuStartMs: GPU_START_MS, attributes: { 'opscope.remote': true } }),
    // What the environment says is about recordings of the program's own.
    profilePath: undefined,
    keepMs: undefined,
    slowMs: undefined,
    dumpSignal: false,
    signal: false,
    onFull: 'drop-new',
    startPaused: false,
    delayMs: 0,
    durationMs: undefined,
    print: false,
  })
  const begin = performance.now()
  await until(durationMs, [ended, given])
  const lateMs = ended.aborted || given.aborted ? 0 : Math.max(0, performance.now() - begin - durationMs)
  const capture = await session.stop()
  return given.aborted ? undefined : { capture, lateMs }
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
