export function median(values) {
  return quantile(values, 0.5)
}

export function quantile(values, fraction) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(Math.floor(sorted.length * fraction), sorted.length - 1)]
}

/**
 * Runs all subjects once a round, so that a slow moment of the machine hits each of them, and returns the median
 * nanoseconds of one call for each key.
 * A subject is `{ run, calls, before?, after? }`: `run(calls)` makes that many calls in a loop of its own (shared
 * code would be compiled for all subjects at once) and may return a promise; `before` and `after` are not timed.
 */
export async function medianNs(subjects, rounds) {
  const samples = Object.fromEntries(Object.keys(subjects).map(key => [key, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [key, { run, calls, before, after }] of Object.entries(subjects)) {
      before?.()
      const start = performance.now()
      const done = run(calls)
      if (done !== undefined) await done
      samples[key].push(((performance.now() - start) * 1e6) / calls)
      after?.()
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, median(values)]))
}
