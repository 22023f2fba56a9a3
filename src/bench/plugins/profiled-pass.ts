import type { Capture } from '../../capture.js'
import type { ProfilerOptions } from '../../options.js'
import { startSession } from '../../start-session.js'
import type { OpFigure } from '../host.js'
import { opFigures } from '../op-figures.js'

/** One iteration of a benchmark of another tool, and what that runs around it. */
export interface Iteration {
  run: () => unknown
  beforeEach?: (() => unknown) | undefined
  afterEach?: (() => unknown) | undefined
}

/** Profiles so many iterations, hooks left out; its ops are per iteration. */
export async function profiledPass(each: Iteration, count: number, options: ProfilerOptions): Promise<OpFigure[]> {
  const hasHooks = each.beforeEach !== undefined || each.afterEach !== undefined
  const session = startSession({ ...options, print: false, startPaused: hasHooks })
  let capture: Capture
  try {
    for (let at = 0; at < count; at++) {
      if (hasHooks) {
        await each.beforeEach?.()
        session.resume()
      }
      const result = each.run()
      if (isPromise(result)) await result
      if (hasHooks) {
        session.pause()
        await each.afterEach?.()
      }
    }
  } finally {
    capture = await session.stop()
  }
  return opFigures(capture, count)
}

/** The same for a tool that runs without a promise. */
export function profiledPassSync(each: Iteration, count: number, options: ProfilerOptions): OpFigure[] {
  const hasHooks = each.beforeEach !== undefined || each.afterEach !== undefined
  const session = startSession({ ...options, print: false, startPaused: hasHooks })
  let capture: Capture
  try {
    for (let at = 0; at < count; at++) {
      if (hasHooks) {
        each.beforeEach?.()
        session.resume()
      }
      each.run()
      if (hasHooks) {
        session.pause()
        each.afterEach?.()
      }
    }
  } finally {
    capture = session.stopSync()
  }
  return opFigures(capture, count)
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
