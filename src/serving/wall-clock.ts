// CLOCK_MONOTONIC → wall clock. One anchor for the process: a wall clock that is set meanwhile moves nothing.

let anchorNs: bigint | undefined

/** ns since 1970 of a moment of CLOCK_MONOTONIC. */
export function epochNs(monotonicNs: bigint): bigint {
  anchorNs ??= measureAnchor()
  return monotonicNs + anchorNs
}
/** µs since 1970, whole: exact in a double. */
export function epochUs(monotonicNs: bigint): number {
  return Number((epochNs(monotonicNs) + 500n) / 1000n)
}

/** Date.now() steps once in a ms; right after a step it tells the time to a few µs. */
function measureAnchor(): bigint {
  const before = Date.now()
  let now = before
  while (now === before) now = Date.now()
  return BigInt(now) * 1_000_000n - process.hrtime.bigint()
}
