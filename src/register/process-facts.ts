import { hostname } from 'node:os'

import type { ProcessFacts } from './output-path.js'

/** This process, for the names of its files. */
export function processFacts(): ProcessFacts {
  const { pid, env } = process
  const isRoot = (env.OPSCOPE_ROOT_PID || String(pid)) === String(pid)
  return { pid, host: hostname(), startMs: Date.now(), isRoot }
}
