/** Percentile by linear interpolation (R-7, as numpy and pandas do), rounded half up to a whole ns; 0 for no values. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return 0
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return Math.floor(low + (high - low) * (position - below) + 0.5)
}
