import { GAP_CAUSES, type GapCause } from '../native-tables.js'
import type { ReportSource } from './ops.js'
import { pathOfRow } from './row-path.js'

/** Work beside a gap. */
export interface GapNeighbour {
  /** Of the kernel, copy or fill. */
  name: string
  /** Of the op that launched it; empty when none is known. */
  path: string[]
}
/** A stretch in which a GPU had nothing to do, between its first and its last work. */
export interface GapRow {
  device: number
  startNs: number
  endNs: number
  durationNs: number
  /**
   * `launch`: below 5 µs, the launch itself. `sync`: the host waited for the GPU before it launched more. `host`: the
   * host launched more only later, without waiting. `pending`: the next work had been launched, and waited for
   * something on the GPU's side. `unknown`: its launch was not recorded.
   */
  cause: GapCause
  /** Of the gap, until the host began the next launch. */
  hostNs: number
  /** What the launching thread did halfway through that time; empty when it was in no op. */
  hostPath: string[]
  before: GapNeighbour
  after: GapNeighbour
}

/** The longest first, at most 1,000. All gaps are in the sums of {@link deviceRows}. */
export function gapRows({ view, gpu }: ReportSource): GapRow[] {
  return gpu.gaps.map(gap => ({
    device: gap.device,
    startNs: gap.startNs,
    endNs: gap.endNs,
    durationNs: gap.endNs - gap.startNs,
    cause: GAP_CAUSES[gap.cause]!,
    hostNs: gap.hostNs,
    hostPath: pathOfRow(view, gap.hostSpan),
    before: { name: gap.before, path: pathOfRow(view, gap.spanBefore) },
    after: { name: gap.after, path: pathOfRow(view, gap.spanAfter) },
  }))
}

/** Gaps of one cause, with the host at one place and work of one op to follow. */
export interface GapGroup {
  device: number
  cause: GapCause
  hostPath: string[]
  /** Of the work that ended the gaps. */
  next: string
  count: number
  totalNs: number
  maxNs: number
  /** The one of {@link maxNs}. */
  longest: { startNs: number; endNs: number }
}

/** The longest gaps added up, the most time first. */
export function gapGroups(source: ReportSource): GapGroup[] {
  const groups = new Map<string, GapGroup>()
  for (const { device, cause, hostPath, after, startNs, endNs, durationNs } of gapRows(source)) {
    const key = JSON.stringify([device, cause, hostPath, after.name])
    // The longest gaps come first.
    const longest = { startNs, endNs }
    const known = groups.get(key)
    const group = known ?? { device, cause, hostPath, next: after.name, count: 0, totalNs: 0, maxNs: 0, longest }
    group.count++
    group.totalNs += durationNs
    group.maxNs = Math.max(group.maxNs, durationNs)
    groups.set(key, group)
  }
  return [...groups.values()].sort((a, b) => b.totalNs - a.totalNs)
}
