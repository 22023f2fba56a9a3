// opscope/bench/tinybench: op reports of tinybench's tasks, versions 2.9 to 6.
import { OpscopeError } from '../../errors.js'
import { checkKeys } from '../../option-checks.js'
import { type ProfilerOptions, resolveOptions } from '../../options.js'
import { OpReports } from './op-reports.js'
import { type TaskHooks, tinybenchIteration } from './tinybench-task.js'

export { OpReports, type TaskOps } from './op-reports.js'

/** What is used of tinybench's Bench. */
export interface TinyBench {
  add(name: string, fn: () => unknown, options?: TaskHooks): unknown
  run(): Promise<unknown>
  getTask(name: string): object | undefined
  tasks: readonly { name: string }[]
}

export interface OpReportOptions {
  /** Print the tables when the run ends. @default true */
  print?: boolean
  /** Options of the recording. @default {} */
  profile?: ProfilerOptions
}

/**
 * Gives the tasks of a bench their op reports: once they have run and were measured, each runs again for a tenth of a
 * second with the profiler. Call it before tasks are added.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const bench = new Bench()
 * opReports(bench)
 * bench.add('resnet b8', () => session.run(feeds))
 * await bench.run()
 */
export function opReports(bench: TinyBench, options: OpReportOptions = {}): OpReports {
  checkKeys(options, ['print', 'profile'])
  const { print = true, profile = {} } = options
  resolveOptions(profile)
  if (typeof bench?.add !== 'function' || typeof bench.run !== 'function') {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected a Bench of tinybench.')
  }
  if (bench.tasks.length > 0) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      'The bench has tasks already, whose bodies it does not give away.',
      'Call opReports(bench) right after new Bench().',
    )
  }
  const reports = new OpReports(profile)
  const bodies = new Map<string, { fn: () => unknown; hooks: TaskHooks }>()
  const { add, run } = bench
  bench.add = (name, fn, hooks) => {
    const added = add.call(bench, name, fn, hooks)
    bodies.set(name, { fn, hooks: hooks ?? {} })
    return added
  }
  const measured = () =>
    [...bodies].flatMap(([name, { fn, hooks }]) => {
      const task = bench.getTask(name)
      return task === undefined ? [] : [{ name, ...tinybenchIteration(task, fn, hooks) }]
    })
  const tell = (from: number) => {
    if (print) process.stdout.write(`${reports.report({ from })}\n`)
  }
  bench.run = async () => {
    const from = reports.tasks.length
    const result = await run.call(bench)
    for (const { name, iterationNs, each, hooks } of measured()) {
      if (iterationNs === undefined) continue
      await hooks.beforeAll?.()
      await reports.add(name, iterationNs, each)
      await hooks.afterAll?.()
    }
    tell(from)
    return result
  }
  // Since version 4.
  const { runSync } = bench as TinyBench & { runSync?: () => unknown }
  if (typeof runSync === 'function') {
    Object.assign(bench, {
      runSync: () => {
        const from = reports.tasks.length
        const result = runSync.call(bench)
        for (const { name, iterationNs, each, hooks } of measured()) {
          if (iterationNs === undefined) continue
          hooks.beforeAll?.()
          reports.addSync(name, iterationNs, each)
          hooks.afterAll?.()
        }
        tell(from)
        return result
      },
    })
  }
  return reports
}
