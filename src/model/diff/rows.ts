import type { Category, MemoryKind } from '../../binding.js'
import type { Doubt, Verdict } from './verdict.js'

export interface BeforeAfter {
  before: number
  after: number
}
/** After over before, less 1, and the interval that holds it; a bound is null where too little was recorded for one. */
export interface DiffChange {
  ratio: number
  low: number | null
  high: number | null
}
/** What every row of a diff tells. Times are ns. */
export interface DiffFigures {
  verdict: Verdict
  /** Why it is `unsure`. */
  doubt?: Doubt
  calls: BeforeAfter
  /** Calls against those of what is around: `more` is told of an op that is called more often, not of all inside it. `same` where a side has none. */
  callsVerdict: 'more' | 'fewer' | 'same'
  /** Own time of all calls. */
  ownNs: BeforeAfter
  /** Own time of a call. */
  meanNs: BeforeAfter
  /** Of the witnesses: single calls, or means of the calls inside one call of an enclosing op. */
  medianNs: BeforeAfter
  /** Of own time per call; null unless both sides have calls. */
  change: DiffChange | null
  /** That a change as large comes of chance, as it counts among all rows; 1 where no test was possible. */
  p: number
  /** Own time won or lost by what changed per call and in number of calls, without what a different amount of work makes. */
  effectNs: number
}
/** An op, or an async stage or request, by its path. */
export interface DiffRow extends DiffFigures {
  path: string[]
  /** Where it was before: the only row of this name on both sides. */
  movedFrom?: string[]
  category: Category
  /** With all that is inside; of an async row, wall time. */
  totalNs: BeforeAfter
}
export interface KernelDiffRow extends DiffFigures {
  name: string
  device: number
}
export interface CopyDiffRow extends DiffFigures {
  /** As recorded, e.g. `GpuMemcpyAsync:CPU->GPU`. */
  name: string
  from: MemoryKind
  to: MemoryKind
  bytes: BeforeAfter
}
