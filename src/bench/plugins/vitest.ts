// opscope/bench/vitest: a runner for vitest that gives `vitest bench` op reports. One line of the configuration:
// `test: { runner: 'opscope/bench/vitest' }`. Tests run as they do without it.
import { BenchmarkRunner, TestRunner } from 'vitest'

import { OpReports } from './op-reports.js'
import { tinybenchIteration } from './tinybench-task.js'

type Tinybench = Awaited<ReturnType<BenchmarkRunner['importTinybench']>>
type Suite = Parameters<BenchmarkRunner['runSuite']>[0]
type Config = ConstructorParameters<typeof BenchmarkRunner>[0]

/** Lets vitest measure each benchmark, then runs it again for a tenth of a second with the profiler. */
class ProfilingRunner extends BenchmarkRunner {
  readonly #reports = new OpReports({})

  override async importTinybench(): Promise<Tinybench> {
    const tinybench = await super.importTinybench()
    const reports = this.#reports
    class ProfiledTask extends tinybench.Task {
      override async run(): Promise<this> {
        await super.run()
        const { iterationNs, each, hooks } = tinybenchIteration(this, this.fn, this.opts)
        if (iterationNs === undefined) return this
        await hooks.beforeAll?.()
        await reports.add(this.name, iterationNs, each)
        await hooks.afterAll?.()
        return this
      }
    }
    return { ...tinybench, Task: ProfiledTask }
  }

  override async runSuite(suite: Suite): Promise<void> {
    const from = this.#reports.tasks.length
    await super.runSuite(suite)
    if (this.#reports.tasks.length > from) console.log(this.#reports.report({ from }))
  }
}

/** vitest makes one with its configuration, and does not say otherwise whether it runs tests or benchmarks. */
export default class OpscopeRunner {
  constructor(config: Config) {
    // biome-ignore lint/correctness/noConstructorReturn: vitest calls it with new, whichever runner it is
    return config.mode === 'benchmark' ? new ProfilingRunner(config) : new TestRunner(config)
  }
}
