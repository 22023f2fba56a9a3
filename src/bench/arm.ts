import type { Failure } from './case-failure.js'
import type { OpFigure } from './host.js'
import { Reservoir } from './reservoir.js'

// 1e5 numbers tell a p99 to a fraction of a percent of its rank, in less than a megabyte.
const MOST_KEPT = 100_000

/** One case of one file, and all that was measured of it. */
export class Arm {
  readonly caseName: string
  /** Index of its host among those of a launch: 0 base, 1 head. */
  readonly side: number
  isAsync = false
  items = 1
  /** What it waits for a CPU is owed to other programs, and left out; see Prepared. */
  isAlone = true
  /** Of one sample; 0: not known yet. */
  iterations = 0
  /** ns per iteration, one value for each unit that was measured; the units of all arms go together. */
  readonly unitNs: number[] = []
  /** The rounds that each of them is the median of. */
  readonly roundNs: (readonly number[])[] = []
  /** How fast the machine was in each unit. */
  readonly paceNs: number[] = []
  /** ns per iteration of each sample, without what it waited for a CPU. */
  readonly sampleNs: Reservoir
  /** Share of each sample that was spent waiting for a CPU. */
  readonly waitShare: Reservoir
  readonly iterationNs: Reservoir
  /** One list for each profiled sample. */
  readonly profiledOps: (readonly OpFigure[])[] = []
  /** Logarithms of profiled time over time, one for each block of both. */
  readonly profilerCosts: number[] = []
  failure: Failure | undefined

  constructor(caseName: string, side: number, random: () => number) {
    this.caseName = caseName
    this.side = side
    this.waitShare = new Reservoir(MOST_KEPT, random)
    this.sampleNs = new Reservoir(MOST_KEPT, random)
    this.iterationNs = new Reservoir(MOST_KEPT, random)
  }
}
