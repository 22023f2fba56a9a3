// CLOCK_MONOTONIC → wall clock. One anchor for the process: a wall clock that is set meanwhile moves nothing.
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

/** Workers started after the first reading have the anchor of who started them. */
const ANCHOR = 'opscope:wall-clock-anchor'

let anchorNs: bigint | undefined

/** ns since 1970 of a moment of CLOCK_MONOTONIC. */
export function epochNs(monotonicNs: bigint): bigint {
  anchorNs ??= anchor()
  return monotonicNs + anchorNs
}
/** µs since 1970, whole: exact in a double. */
export function epochUs(monotonicNs: bigint): number {
  return Number((epochNs(monotonicNs) + 500n) / 1000n)
}

function anchor(): bigint {
  const given: unknown = getEnvironmentData(ANCHOR)
  if (typeof given === 'bigint') return given
  const measured = measureAnchor()
  setEnvironmentData(ANCHOR, measured)
  return measured
}

// Some ms of reading the clock. Tests of a program may have stopped it.
const MAX_READINGS = 100_000

/** Date.now() steps once in a ms; right after a step it tells the time to a few µs. */
function measureAnchor(): bigint {
  const before = Date.now()
  let now = before
  for (let count = 0; now === before && count < MAX_READINGS; count++) now = Date.now()
  // A clock that a program has put in the place of Date may tell parts of ms.
  return BigInt(Math.round(now)) * 1_000_000n - process.hrtime.bigint()
}
