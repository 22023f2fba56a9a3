// Trouble of tracing, which reaches no request: counted for the recordings that run, and told where there is none.
import { reasonOf } from '../errors.js'
import { addWarning } from '../hooks.js'

/** Told of trouble: a code of docs/errors-and-warnings.md, a sentence, and how often since it was last told. */
export type TroubleListener = (code: string, text: string, count: number) => void

const listeners = new Set<TroubleListener>()
const told = new Set<string>()

export function onTrouble(listener: TroubleListener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function trouble(code: string, text: string, count = 1): void {
  addWarning(code, text, count)
  if (listeners.size === 0) {
    // Nobody listens: a process warning, the first time of each kind.
    if (told.has(code)) return
    told.add(code)
    process.emitWarning(text, { type: 'OpscopeWarning', code })
    return
  }
  for (const listener of listeners) {
    try {
      listener(code, text, count)
    } catch {
      // The listener's own trouble is no reason to lose a request.
    }
  }
}

/** A request goes on without its trace, or without a part of it. */
export function traceFailed(error: unknown): void {
  trouble('serving-trace-failed', `a request could not be traced: ${reasonOf(error)}`)
}
