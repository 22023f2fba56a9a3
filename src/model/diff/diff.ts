import { TRACER_OPTIONS } from '../capture-meta.js'
import type { ReportSource, TracerOption } from '../ops.js'
import { commonBasis } from './basis.js'
import { figuresOf, sum } from './figures.js'
import type { CheckedDiffOptions } from './options.js'
import { type OverallRow, overallRows } from './overall.js'
import { DiffPaths } from './paths.js'
import { type Basis, recordedCalls } from './recorded-calls.js'
import type { BeforeAfter, CopyDiffRow, DiffFigures, DiffRow, KernelDiffRow } from './rows.js'
import { Sides } from './sides.js'
import type { Drift } from './verdict.js'

/** Which ops, stages, kernels and copies differ between two sides of one or more recordings. */
export interface Diff {
  /** False: nothing is on both sides, and `reason` says why. */
  comparable: boolean
  reason?: string
  /** What was left out of the comparison, for people. */
  notes: string[]
  /** What op times are: host time, GPU time, or both added up as Total is with state All. */
  basis: Basis
  /** How much was done: calls of the outermost rows, of the one in the middle where they differ. */
  work: BeforeAfter
  /** How most rows moved; what moved alike is no verdict on single rows. */
  drift: { host: Drift; gpu: Drift }
  overall: OverallRow[]
  ops: DiffRow[]
  /** Async rows: requests, and what was open across an await. They overlap each other and all ops. */
  stages: DiffRow[]
  kernels: KernelDiffRow[]
  copies: CopyDiffRow[]
  /** Of ops and stages, the rows that are new or gone inside one that is. Their paths would tell, at the cost of a deep tree's. */
  nested: ReadonlySet<DiffRow>
}

const STILL: Drift = { change: 0, spread: 0, rows: 0 }

/** Pure: two sides to rows, in the order of the paths' first calls. */
export function diffOf(
  before: readonly ReportSource[],
  after: readonly ReportSource[],
  options: CheckedDiffOptions,
): Diff {
  const overall = overallRows(before, after)
  const found = commonBasis(before, after)
  if ('reason' in found) return nothing(found.reason, overall)
  const { basis, notes } = found
  const paths = new DiffPaths()
  const option = options.tracerOption ?? leastDetail([...before, ...after])
  const record = (sources: readonly ReportSource[]) => sources.map(each => recordedCalls(each, option, basis, paths))
  const sides = new Sides(record(before), record(after), paths)
  const onHost = sides.pathCandidates()
  const { kernels, copies } = sides.gpuCandidates()
  const { figures, drifts } = figuresOf([onHost, [...kernels, ...copies]], options)
  const [hostFigures = [], gpuFigures = []] = figures
  const hostRows = onHost.map(({ row }, at): DiffRow => ({ ...row, ...hostFigures[at]! }))
  const rows = {
    ops: hostRows.filter((_, at) => !onHost[at]!.isWait),
    stages: hostRows.filter((_, at) => onHost[at]!.isWait),
    kernels: kernels.map(({ key }, at): KernelDiffRow => ({ ...key, ...gpuFigures[at]! })),
    copies: copies.map(({ key, before, after }, at): CopyDiffRow => {
      const bytes = { before: sum(before, each => each.bytes), after: sum(after, each => each.bytes) }
      return { ...key, ...gpuFigures[kernels.length + at]!, bytes }
    }),
  }
  const isInBoth = ({ calls }: DiffFigures) => calls.before > 0 && calls.after > 0
  const comparable = Object.values(rows).some(each => each.some(isInBoth))
  const [host = STILL, gpu = STILL] = drifts
  return {
    comparable,
    ...(comparable ? {} : { reason: whyNothing(rows) }),
    notes,
    basis,
    work: sides.work,
    drift: { host, gpu },
    overall,
    ...rows,
    nested: new Set(hostRows.filter((_, at) => onHost[at]!.isNested)),
  }
}

function nothing(reason: string, overall: OverallRow[]): Diff {
  const none = { ops: [], stages: [], kernels: [], copies: [], nested: new Set<DiffRow>() }
  const drift = { host: STILL, gpu: STILL }
  return { comparable: false, reason, notes: [], basis: 'all', work: { before: 1, after: 1 }, drift, overall, ...none }
}

function leastDetail(sources: readonly ReportSource[]): TracerOption {
  return TRACER_OPTIONS.find(option => sources.some(({ meta }) => meta.tracerOption === option)) ?? 'Default'
}

function whyNothing(rows: Record<string, readonly DiffFigures[]>): string {
  const all = Object.values(rows).flat()
  const hasBefore = all.some(({ calls }) => calls.before > 0)
  const hasAfter = all.some(({ calls }) => calls.after > 0)
  if (!hasBefore && !hasAfter) return 'neither side has a finished op, stage, kernel or copy'
  if (!hasBefore) return 'before has no finished op, stage, kernel or copy'
  if (!hasAfter) return 'after has no finished op, stage, kernel or copy'
  return 'no op, stage, kernel or copy is on both sides'
}
