import type { ProfilerOptions } from '../options.js'
import { CaseRunner } from './case-runner.js'
import type { NamedCase } from './cases.js'
import type { Host, Prepared, ProfiledSample, Sample } from './host.js'
import { machinePaceNs } from './machine-pace.js'

/** Runs cases in this process. */
export class LocalHost implements Host {
  readonly isGone = false
  readonly #runners: Map<string, CaseRunner>

  constructor(cases: readonly NamedCase[], deadlineMs: number) {
    this.#runners = new Map(cases.map(each => [each.name, new CaseRunner(each, deadlineMs)]))
  }

  prepare(caseName: string, warmupMs: number): Promise<Prepared> {
    return this.#runner(caseName).prepare(warmupMs)
  }
  sample(caseName: string, iterations: number): Promise<Sample> {
    return this.#runner(caseName).sample(iterations)
  }
  profiledSample(caseName: string, iterations: number, options: ProfilerOptions): Promise<ProfiledSample> {
    return this.#runner(caseName).profiledSample(iterations, options)
  }
  async paceNs(): Promise<number> {
    return machinePaceNs()
  }
  finish(caseName: string): Promise<void> {
    return this.#runner(caseName).finish()
  }
  async close(): Promise<void> {}

  #runner(caseName: string): CaseRunner {
    return this.#runners.get(caseName)!
  }
}
