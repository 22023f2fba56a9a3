/** When a session began, by the two clocks of its host. */
export interface ClockReading {
  /** The wall clock, ns since the Unix epoch. */
  originEpochNs: bigint
  /** The monotonic clock; 0n: unknown. */
  originClockNs: bigint
  /** Which monotonic clock that is; undefined: not known. */
  clockId: string | undefined
  /** What is added to the wall clock of its host. */
  shiftNs: bigint
}
export interface Alignment {
  /** When each session began, on one wall clock, ns since the Unix epoch. */
  startsNs: bigint[]
  /** Readings on one monotonic clock between which the wall clock was set, and by how much at most. */
  steps: { indices: number[]; byNs: bigint }[]
}

// A session reads the two clocks within microseconds of each other.
const SMALLEST_STEP_NS = 1_000_000n

/**
 * Puts sessions on one wall clock. Those with one monotonic clock keep their exact distance on it, which no setting of
 * the wall clock can change; where it was set between them, the wall clock of the last one counts, as the one that was
 * corrected. The others stand where their own wall clock says.
 */
export function alignClocks(readings: readonly ClockReading[]): Alignment {
  const groups = new Map<string, number[]>()
  for (const [index, { clockId, originClockNs }] of readings.entries()) {
    const key = clockId === undefined || originClockNs === 0n ? `${index}` : `clock ${clockId}`
    groups.set(key, [...(groups.get(key) ?? []), index])
  }
  const startsNs = readings.map(({ originEpochNs, shiftNs }) => originEpochNs + shiftNs)
  const steps: Alignment['steps'] = []
  for (const indices of groups.values()) {
    if (indices.length < 2) continue
    const offsetOf = (index: number) => readings[index]!.originEpochNs - readings[index]!.originClockNs
    const last = indices.reduce((a, b) => (readings[b]!.originClockNs > readings[a]!.originClockNs ? b : a))
    const offsetNs = offsetOf(last)
    let byNs = 0n
    for (const index of indices) {
      startsNs[index] = readings[index]!.originClockNs + offsetNs + readings[index]!.shiftNs
      const step = offsetOf(index) - offsetNs
      const size = step < 0n ? -step : step
      if (size > byNs) byNs = size
    }
    if (byNs >= SMALLEST_STEP_NS) steps.push({ indices, byNs })
  }
  return { startsNs, steps }
}
