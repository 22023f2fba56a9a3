import type { TraceContext } from './trace-context.js'

// Of the sessions that run and have one, the oldest first.
const parents: TraceContext[] = []

/** The parent of spans without one, as the first running session that has one says. */
export function sessionParent(): TraceContext | undefined {
  return parents[0]
}

/** Until the returned function is called. */
export function addSessionParent(parent: TraceContext): () => void {
  parents.push(parent)
  return () => {
    const at = parents.indexOf(parent)
    if (at >= 0) parents.splice(at, 1)
  }
}
