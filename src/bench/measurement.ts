import { median, randomNumbers } from '../model/statistics.js'
import type { ProfilerOptions } from '../options.js'
import { Arm } from './arm.js'
import { CaseFailure } from './case-failure.js'
import type { Host } from './host.js'
import { mirroredOrder } from './schedule.js'

export interface MeasurementOptions {
  /** Of both sides, in their order. */
  caseNames: readonly string[]
  /** Makes the hosts of a launch: one, or base and head. */
  launch: () => Promise<readonly Host[]>
  sides: 1 | 2
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
  units: number
  hasRunOut: boolean
  warnings: readonly string[]
}

// A profiled sample costs a start and a stop; of so many blocks an interval can be told.
const PROFILED_BLOCKS = 8
// Share of the budget after which no further profiled blocks begin in a measurement by rounds.
const TIMING_SHARE = 0.75
// So that a coarse clock, by which nothing took any time, leaves a logarithm.
const LEAST_NS = 1e-3

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
  }

  async run(): Promise<Measurement> {
    const { unit, firstLook, isEnough } = this.#options
    let look = 0
    let units = 0
    let nextLook = firstLook
    let hasRunOut = false
    if (unit === 'round') await this.#open()
    try {
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
    return { arms: this.#arms, look: Math.max(1, look), units, hasRunOut, warnings: [...this.#warnings] }
  }

  #hasSpent(share: number): boolean {
    return this.#now() - this.#startMs >= this.#options.budgetMs * share
  }
  #running(): Arm[] {
    return this.#arms.filter(arm => arm.failure === undefined)
  }
  #host(arm: Arm): Host {
    return this.#hosts[arm.side]!
  }

  /** New hosts, with every case warm; newer ones where a case ended its process. */
  async #open(): Promise<void> {
    do {
      await this.#close()
      this.#hosts = await this.#options.launch()
      for (const arm of this.#running()) if (!this.#isGone()) await this.#isDone(() => this.#prepare(arm))
    } while (this.#isGone() && this.#running().length > 0)
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
    const { isAsync, iterationNs, items, isAlone } = await this.#host(arm).prepare(arm.caseName, this.#options.warmupMs)
    arm.isAsync = isAsync
    arm.items = items
    const alike = this.#arms.filter(other => other.caseName === arm.caseName)
    // Both sides are measured by the same rule and do the same work in a sample: what is paid once in a while is paid alike.
    if (!isAlone) for (const other of alike) other.isAlone = false
    if (arm.iterations > 0) return
    const iterations = Math.max(1, Math.round((this.#options.sampleMs * 1e6) / Math.max(iterationNs, 0.1)))
    for (const other of alike) if (other.iterations === 0) other.iterations = iterations
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
      const ofRounds = new Map<Arm, number[]>()
      for (let round = 0; round < rounds; round++) {
        const logs = await this.#takeRound()
        if (logs === undefined) return false
        for (const [arm, log] of logs) ofRounds.set(arm, [...(ofRounds.get(arm) ?? []), log])
      }
      await this.#keepUnit(ofRounds)
      await this.#profileBlocks(1)
      await this.#finish()
      return true
    } finally {
      await this.#close()
    }
  }

  async #round(): Promise<boolean> {
    const logs = await this.#takeRound()
    if (logs !== undefined) await this.#keepUnit(new Map([...logs].map(([arm, log]) => [arm, [log]])))
    if (this.#isGone()) await this.#open()
    return logs !== undefined
  }

  /** The logarithm of each arm's time in one round; undefined when a case failed, which leaves the round out. */
  async #takeRound(): Promise<Map<Arm, number> | undefined> {
    const logs = new Map<Arm, number>()
    for (const group of this.#groups()) {
      for (const index of mirroredOrder(group.length, this.#random)) {
        const arm = group[index]!
        if (!(await this.#isDone(async () => addTo(logs, arm, (await this.#sample(arm)) / 2)))) return undefined
      }
    }
    return logs
  }

  /** Arms whose samples alternate: both sides of a case, or all cases of one side. */
  #groups(): Arm[][] {
    const running = this.#running()
    if (this.#options.sides === 1) return [running]
    return this.#options.caseNames
      .map(name => running.filter(arm => arm.caseName === name))
      .filter(group => group.length > 0)
  }

  async #sample(arm: Arm): Promise<number> {
    const sample = await this.#host(arm).sample(arm.caseName, arm.iterations)
    const ns = ownNs(arm, sample)
    arm.sampleNs.add(ns)
    arm.waitShare.add(sample.waitNs / sample.ns)
    for (const each of sample.eachNs) arm.iterationNs.add(each)
    return Math.log(ns)
  }

  async #keepUnit(ofRounds: ReadonlyMap<Arm, readonly number[]>): Promise<void> {
    const paces = await Promise.all(this.#hosts.map(host => host.paceNs()))
    for (const [arm, logs] of ofRounds) {
      arm.unitNs.push(Math.exp(median(logs)))
      arm.roundNs.push(logs.map(Math.exp))
      arm.paceNs.push(paces[arm.side]!)
    }
  }

  /** Blocks of samples with and without the profiler, in mirrored order: what the ops took, and what recording cost. */
  async #profileBlocks(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block++) {
      for (const arm of this.#running()) {
        const profile = this.#profile
        if (profile === false || this.#isGone() || (block > 0 && this.#hasSpent(1))) return
        await this.#isDone(() => this.#profileBlock(arm, profile))
      }
    }
  }
  async #profileBlock(arm: Arm, profile: ProfilerOptions): Promise<void> {
    const host = this.#host(arm)
    let cost = 0
    for (const isProfiled of mirroredOrder(2, this.#random)) {
      if (isProfiled === 0) {
        cost -= Math.log(ownNs(arm, await host.sample(arm.caseName, arm.iterations))) / 2
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
      const own = ownNs(arm, sample) / sample.ns
      arm.profiledOps.push(ops.map(op => ({ ...op, ns: op.ns * own })))
      cost += Math.log(ownNs(arm, sample)) / 2
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

/**
 * What the code took. Where it keeps one CPU busy at most, what its thread waited for a CPU is other programs' doing and
 * is left out; where it has threads of its own, these may be whom it waited for, and the wait is part of its time.
 */
function ownNs(arm: Arm, { ns, waitNs }: { ns: number; waitNs: number }): number {
  return Math.max(arm.isAlone ? ns - waitNs : ns, LEAST_NS)
}

function addTo(sums: Map<Arm, number>, arm: Arm, value: number): void {
  sums.set(arm, (sums.get(arm) ?? 0) + value)
}
