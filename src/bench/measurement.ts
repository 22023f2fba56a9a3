import { reasonOf } from '../errors.js'
import { randomNumbers } from '../model/statistics.js'
import type { ProfilerOptions } from '../options.js'
import { Arm, ownTime } from './arm.js'
import { CaseFailure } from './case-failure.js'
import type { Host, SampleTimes } from './host.js'
import { mirroredOrder, randomOrder } from './schedule.js'

export interface MeasurementOptions {
  /** Of both sides, in their order. */
  caseNames: readonly string[]
  /** Makes the hosts of a launch, one or base and head: started in the order of `sides`, given by side. */
  launch: (sides: readonly number[]) => Promise<readonly Host[]>
  sides: 1 | 2
  /** Cases are compared with each other, not only their sides. @default false */
  areCasesCompared?: boolean
  /** A unit is a round inside the one launch, or a launch of so many rounds with fresh hosts. */
  unit: 'round' | { rounds: number }
  /** Counts of units after which one looks at the figures: `first`, then each time twice as many. */
  firstLook: number
  /** Whether the figures say enough; asked at each look. */
  isEnough: (arms: readonly Arm[], look: number) => boolean
  warmupMs: number
  sampleMs: number
  budgetMs: number
  profile: ProfilerOptions | false
  seed: number
  /** ms since some moment. */
  now?: () => number
}

export interface Measurement {
  arms: readonly Arm[]
  /** The look that the measurement ended with, from 1: it decides how sure the intervals are. */
  look: number
  warnings: readonly string[]
}

// A profiled sample costs a start and a stop; of so many blocks an interval can be told.
const PROFILED_BLOCKS = 8
// Share of the budget after which no further profiled blocks begin in a measurement by rounds.
const TIMING_SHARE = 0.75
const MOST_LOAD_FAILURES = 3

/** What the two samples of each arm took. */
type Round = Map<Arm, SampleTimes[]>

/** Takes samples until they say enough or the budget is spent. */
export class MeasurementRun {
  readonly #options: MeasurementOptions
  readonly #random: () => number
  readonly #now: () => number
  readonly #startMs: number
  readonly #arms: Arm[]
  readonly #warnings = new Set<string>()
  #hosts: readonly Host[] = []
  #profile: ProfilerOptions | false

  constructor(options: MeasurementOptions) {
    this.#options = options
    this.#profile = options.profile
    this.#random = randomNumbers(options.seed)
    this.#now = options.now ?? (() => performance.now())
    this.#startMs = this.#now()
    this.#arms = options.caseNames.flatMap(name =>
      Array.from({ length: options.sides }, (_, side) => new Arm(name, side, this.#random)),
    )
    for (const arm of this.#arms) {
      arm.alike = this.#arms.filter(({ caseName }) => caseName === arm.caseName)
      arm.compared = options.areCasesCompared === true ? this.#arms : arm.alike
    }
  }

  async run(): Promise<Measurement> {
    const { unit, firstLook, isEnough } = this.#options
    let look = 0
    let units = 0
    let nextLook = firstLook
    let hasRunOut = false
    try {
      if (unit === 'round') await this.#open()
      while (this.#running().length > 0) {
        const isMeasured = unit === 'round' ? await this.#round() : await this.#launch(unit.rounds)
        if (isMeasured) units++
        // Launches that failing cases spoilt may have taken all of it.
        hasRunOut = units > 0 && this.#hasSpent(unit === 'round' && this.#profile !== false ? TIMING_SHARE : 1)
        if (units < nextLook && !hasRunOut) continue
        look++
        nextLook *= 2
        if (hasRunOut || isEnough(this.#running(), look)) break
      }
      if (unit === 'round') {
        await this.#profileBlocks(PROFILED_BLOCKS)
        await this.#finish()
      }
    } finally {
      await this.#close()
    }
    return { arms: this.#arms, look: Math.max(1, look), warnings: [...this.#warnings] }
  }

  #hasSpent(share: number): boolean {
    return this.#now() - this.#startMs >= this.#options.budgetMs * share
  }
  #running(): Arm[] {
    return this.#arms.filter(arm => arm.failure === undefined)
  }
  /** Case by case, their sides in this order. */
  #runningBy(sides: readonly number[]): Arm[] {
    const running = this.#running()
    return this.#options.caseNames.flatMap(name =>
      sides.flatMap(side => running.filter(arm => arm.caseName === name && arm.side === side)),
    )
  }
  /** Whatever it costs to be first, the toss of a coin decides whose cost it is. */
  #randomSides(): number[] {
    return randomOrder(this.#options.sides, this.#random)
  }
  #host(arm: Arm): Host {
    return this.#hosts[arm.side]!
  }

  /** New hosts, with every case warm; newer ones where a case ended its process. */
  async #open(): Promise<void> {
    do {
      await this.#close()
      const sides = this.#randomSides()
      this.#hosts = await this.#launchHosts(sides)
      for (const arm of this.#runningBy(sides)) if (!this.#isGone()) await this.#isDone(() => this.#prepare(arm))
    } while (this.#isGone() && this.#running().length > 0)
  }
  /** A file that was loaded before and is not now has met a moment in which the machine was too busy: tried again. */
  async #launchHosts(sides: readonly number[]): Promise<readonly Host[]> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#options.launch(sides)
      } catch (error) {
        const wasLoaded = this.#arms.some(({ units }) => units.length > 0)
        if (!wasLoaded || failures === MOST_LOAD_FAILURES) throw error
        this.#warnings.add(`A process did not start and was tried again: ${reasonOf(error)}`)
      }
    }
  }
  #isGone(): boolean {
    return this.#hosts.some(host => host.isGone)
  }
  async #close(): Promise<void> {
    const hosts = this.#hosts
    this.#hosts = []
    await Promise.all(hosts.map(host => host.close()))
  }
  async #prepare(arm: Arm): Promise<void> {
    const { isAsync, iterationNs, items } = await this.#host(arm).prepare(arm.caseName, this.#options.warmupMs)
    arm.isAsync = isAsync
    arm.items = items
    if (arm.iterations > 0) return
    // Both sides do the same work in a sample, so that what is paid once in a while is paid alike.
    const iterations = Math.max(1, Math.round((this.#options.sampleMs * 1e6) / Math.max(iterationNs, 0.1)))
    for (const other of arm.alike) if (other.iterations === 0) other.iterations = iterations
  }
  async #finish(): Promise<void> {
    for (const arm of this.#running()) {
      if (!this.#isGone()) await this.#isDone(() => this.#host(arm).finish(arm.caseName))
    }
  }

  /** One fresh launch; false when a case failed, which leaves the launch out. */
  async #launch(rounds: number): Promise<boolean> {
    const before = this.#running().length
    await this.#open()
    try {
      if (this.#running().length < before) return false
      const taken: Round[] = []
      while (taken.length < rounds) {
        const round = await this.#takeRound()
        if (round === undefined) return false
        taken.push(round)
      }
      await this.#keepUnit(taken)
      await this.#profileBlocks(1)
      await this.#finish()
      return true
    } finally {
      await this.#close()
    }
  }

  async #round(): Promise<boolean> {
    const round = await this.#takeRound()
    if (round !== undefined) await this.#keepUnit([round])
    if (this.#isGone()) await this.#open()
    return round !== undefined
  }

  /** Two samples of each arm; undefined when a case failed, which leaves the round out. */
  async #takeRound(): Promise<Round | undefined> {
    const round: Round = new Map(this.#running().map(arm => [arm, []]))
    for (const group of this.#groups()) {
      for (const index of mirroredOrder(group.length, this.#random)) {
        const arm = group[index]!
        if (!(await this.#isDone(async () => round.get(arm)!.push(await this.#sample(arm))))) return undefined
      }
    }
    return round
  }

  /** Arms whose samples alternate: both sides of a case, or all cases of one side. */
  #groups(): Arm[][] {
    const running = this.#running()
    if (this.#options.sides === 1) return [running]
    return this.#options.caseNames
      .map(name => running.filter(arm => arm.caseName === name))
      .filter(group => group.length > 0)
  }

  async #sample(arm: Arm): Promise<SampleTimes> {
    const { ns, waitNs, cpuNs, eachNs } = await this.#host(arm).sample(arm.caseName, arm.iterations)
    for (const each of eachNs) arm.iterationNs.add(each)
    const times = { ns, waitNs, cpuNs }
    arm.samples.add(times)
    return times
  }

  async #keepUnit(rounds: readonly Round[]): Promise<void> {
    const paces: number[] = []
    // One after the other: they would slow each other down.
    for (const host of this.#hosts) paces.push(await host.paceNs())
    for (const arm of rounds[0]!.keys()) {
      arm.units.push(rounds.map(round => round.get(arm)!))
      arm.paceNs.push(paces[arm.side]!)
    }
  }

  /** Blocks of samples with and without the profiler, in mirrored order: what the ops took, and what recording cost. */
  async #profileBlocks(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block++) {
      for (const arm of this.#runningBy(this.#randomSides())) {
        const profile = this.#profile
        if (profile === false || this.#isGone() || (block > 0 && this.#hasSpent(1))) return
        await this.#isDone(() => this.#profileBlock(arm, profile))
      }
    }
  }
  async #profileBlock(arm: Arm, profile: ProfilerOptions): Promise<void> {
    const host = this.#host(arm)
    const own = ownTime(arm.isAlone)
    let cost = 0
    for (const isProfiled of mirroredOrder(2, this.#random)) {
      if (isProfiled === 0) {
        cost -= Math.log(own(await host.sample(arm.caseName, arm.iterations))) / 2
        continue
      }
      const sample = await host.profiledSample(arm.caseName, arm.iterations, profile)
      const { ops, warnings, trouble } = sample
      if (trouble !== undefined) {
        this.#profile = false
        this.#warnings.add(`No ops were recorded: ${trouble}`)
        return
      }
      for (const code of warnings) this.#warnings.add(`${arm.caseName}: recording: ${code}`)
      // What the sample waited for a CPU is in its ops too, nobody knows in which: each bears its share.
      const share = own(sample) / sample.ns
      arm.profiledOps.push(ops.map(op => ({ ...op, ns: op.ns * share })))
      cost += Math.log(own(sample)) / 2
    }
    arm.profilerCosts.push(cost)
  }

  /** False when the case failed by it: both its sides are out then. */
  async #isDone(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof CaseFailure)) throw error
      for (const arm of this.#arms) if (arm.caseName === error.caseName) arm.failure ??= error.failure
      return false
    }
  }
}
