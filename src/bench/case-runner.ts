import { type BatchProfiler, profileBatches } from '../batches.js'
import { reasonOf } from '../errors.js'
import type { ProfilerOptions } from '../options.js'
import { isProfilerEnabled } from '../profiler.js'
import { CaseFailure, within } from './case-failure.js'
import type { NamedCase } from './cases.js'
import type { Prepared, ProfiledSample, Sample, SampleTimes } from './host.js'
import { type Clock, Meter, systemClock } from './meter.js'
import { opFigures } from './op-figures.js'
import { type TimedLoop, timedLoop } from './timing-loop.js'

// Iterations from this length on are timed one by one: reading the clock costs 40 ns, a 500th of it.
const APART_FROM_NS = 20_000

/** One case, from its setup to its teardown. */
export class CaseRunner {
  readonly #definition: NamedCase
  readonly #deadlineMs: number
  readonly #clock: Clock
  readonly #meter: Meter
  #context: unknown
  #loop: TimedLoop | undefined
  #iterationNs = 0

  constructor(definition: NamedCase, deadlineMs: number, clock: Clock = systemClock) {
    this.#definition = definition
    this.#deadlineMs = deadlineMs
    this.#clock = clock
    this.#meter = new Meter(clock)
  }

  /** @throws CaseFailure as all that follow */
  async prepare(warmupMs: number): Promise<Prepared> {
    const { name, run, setup, items = 1 } = this.#definition
    this.#context = await CaseFailure.of(name, 'setup', () => this.#inTime(async () => setup?.()))
    return CaseFailure.of(name, 'warm-up', async () => {
      const body = run as (context: unknown) => unknown
      const first = body(this.#context)
      const isAsync = typeof (first as PromiseLike<unknown> | undefined)?.then === 'function'
      if (isAsync) await this.#inTime(async () => first)
      this.#loop = timedLoop(body, this.#context, isAsync, this.#meter, this.#clock)
      await this.#warmUp(warmupMs * 1e6)
      return { isAsync, iterationNs: this.#iterationNs, items }
    })
  }

  /** More and more iterations at once, so that what is timed last is what will be timed: the whole loop, optimized. */
  async #warmUp(warmupNs: number): Promise<void> {
    let ranNs = 0
    for (let count = 1; ; ) {
      const { ns, waitNs } = await this.#timed(count)
      this.#iterationNs = (ns - waitNs) / count
      // What waits for a CPU does not get warm meanwhile.
      ranNs += ns - waitNs
      const leftNs = warmupNs - ranNs
      if (leftNs <= 0) return
      // At least one and at most twice as many as now; never much beyond the end.
      const fitting = Math.ceil(leftNs / Math.max(this.#iterationNs, 1))
      count = Math.max(1, Math.min(count * 2, fitting))
    }
  }

  /** Iterations in a row, and what all of them took. */
  async #timed(count: number, eachNs?: number[]): Promise<SampleTimes> {
    const loop = this.#loop!
    await this.#inTime(async () => (eachNs === undefined ? loop.whole(count) : loop.single(count, eachNs)))
    const { ns, waitNs, cpuNs } = this.#meter
    return { ns, waitNs, cpuNs }
  }

  async sample(iterations: number): Promise<Sample> {
    return CaseFailure.of(this.#definition.name, 'run', async () => {
      const eachNs: number[] = []
      const isApart = this.#iterationNs >= APART_FROM_NS
      const times = await this.#timed(iterations, isApart ? eachNs : undefined)
      return { ...perIteration(times, iterations), eachNs }
    })
  }

  /** The sample is the window of a batch loop; the batch before it is left out, as a first call may set things up. */
  async profiledSample(iterations: number, options: ProfilerOptions): Promise<ProfiledSample> {
    return CaseFailure.of(this.#definition.name, 'run', async () => {
      const batches = profileBatches({ ...options, print: false, batchRange: [1, 2] })
      await this.#timed(1)
      const trouble = await startTrouble(batches)
      if (trouble !== undefined) return { ns: 0, waitNs: 0, cpuNs: 0, ops: [], warnings: [], trouble }
      try {
        const times = await this.#timed(iterations)
        await batches.step()
        const capture = batches.capture!
        return {
          ...perIteration(times, iterations),
          ops: opFigures(capture, iterations),
          warnings: capture.warnings.map(({ code }) => code),
        }
      } finally {
        await batches.finish()
      }
    })
  }

  async finish(): Promise<void> {
    const { name, teardown } = this.#definition
    const body = teardown as ((context: unknown) => unknown) | undefined
    await CaseFailure.of(name, 'teardown', () => this.#inTime(async () => body?.(this.#context)))
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    return within(this.#deadlineMs, work())
  }
}

function perIteration({ ns, waitNs, cpuNs }: SampleTimes, iterations: number): SampleTimes {
  return { ns: ns / iterations, waitNs: waitNs / iterations, cpuNs: cpuNs / iterations }
}

/** Begins the window; the reason when nothing can be recorded. */
async function startTrouble(batches: BatchProfiler): Promise<string | undefined> {
  if (isProfilerEnabled()) return 'The program has started the profiler itself.'
  try {
    await batches.step()
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}
