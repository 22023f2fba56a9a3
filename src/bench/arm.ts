import { median } from '../model/statistics.js'
import type { Failure } from './case-failure.js'
import type { OpFigure, SampleTimes } from './host.js'
import { Reservoir } from './reservoir.js'

// 1e5 numbers tell a p99 to a fraction of a percent of its rank, in less than a megabyte.
const MOST_KEPT = 100_000
// The threads of V8 that collect garbage and compile take a little beside one that is busy.
const MOST_CPUS_ALONE = 1.25
// So that a coarse clock, by which nothing took any time, leaves a logarithm.
const LEAST_NS = 1e-3

/** One case of one file, and all that was measured of it. */
export class Arm {
  readonly caseName: string
  /** Index of its host among those of a launch: 0 base, 1 head. */
  readonly side: number
  isAsync = false
  items = 1
  /** Of one sample; 0: not known yet. */
  iterations = 0
  /** Both sides of the case, which do the same work in a sample. */
  alike: readonly Arm[] = [this]
  /** Those that it is compared with, and itself: all of them are timed by one rule. */
  compared: readonly Arm[] = [this]
  /** Of each unit the rounds, each as what its samples took; the units of all arms go together. */
  readonly units: (readonly (readonly SampleTimes[])[])[] = []
  /** How fast the machine was in each unit. */
  readonly paceNs: number[] = []
  readonly samples: Reservoir<SampleTimes>
  readonly iterationNs: Reservoir<number>
  /** One list for each profiled sample. */
  readonly profiledOps: (readonly OpFigure[])[] = []
  /** Logarithms of profiled time over time, one for each block of both. */
  readonly profilerCosts: number[] = []
  failure: Failure | undefined

  constructor(caseName: string, side: number, random: () => number) {
    this.caseName = caseName
    this.side = side
    this.samples = new Reservoir(MOST_KEPT, random)
    this.iterationNs = new Reservoir(MOST_KEPT, random)
  }

  /**
   * It keeps one CPU busy at most, and so do those that it is compared with: what their threads wait for a CPU is owed to
   * other programs.
   */
  get isAlone(): boolean {
    return this.compared.every(arm => arm.#isAlone())
  }
  /** By the middle sample: a single one may have met the garbage collector. */
  #isAlone(): boolean {
    const shares = this.samples.values.map(({ ns, waitNs, cpuNs }) => cpuNs / Math.max(LEAST_NS, ns - waitNs))
    return shares.length === 0 || median(shares) <= MOST_CPUS_ALONE
  }

  /** ns per iteration of each round of each unit. */
  roundNs(): number[][] {
    const own = ownTime(this.isAlone)
    return this.units.map(rounds =>
      rounds.map(samples => Math.exp(samples.reduce((sum, each) => sum + Math.log(own(each)), 0) / samples.length)),
    )
  }
  /** ns per iteration of each unit: the middle of its rounds. */
  unitNs(): number[] {
    return this.roundNs().map(median)
  }
  sampleNs(): number[] {
    return this.samples.values.map(ownTime(this.isAlone))
  }
}

/**
 * What the code took. Where it keeps one CPU busy at most, what its thread waited for a CPU is other programs' doing and
 * is left out; where it has threads of its own, these may be whom it waited for, and the wait is part of its time.
 */
export function ownTime(isAlone: boolean): (times: SampleTimes) => number {
  return ({ ns, waitNs }) => Math.max(LEAST_NS, isAlone ? ns - waitNs : ns)
}
