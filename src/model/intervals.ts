export interface Interval {
  startNs: number
  endNs: number
}

/** Length of what at least one of the intervals covers, within `bounds`. */
export function coveredNs(intervals: readonly Interval[], bounds: Interval): number {
  let covered = 0
  let reached = bounds.startNs
  for (const { startNs, endNs } of intervals.toSorted((a, b) => a.startNs - b.startNs)) {
    const from = Math.max(startNs, reached)
    const to = Math.min(endNs, bounds.endNs)
    if (to <= from) continue
    covered += to - from
    reached = to
  }
  return covered
}
