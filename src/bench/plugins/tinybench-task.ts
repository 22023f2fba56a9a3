import type { Iteration } from './profiled-pass.js'

type TaskHook = (this: never, mode?: 'run' | 'warmup') => unknown
/** Options of a task that opscope reads. */
export interface TaskHooks {
  beforeAll?: TaskHook
  beforeEach?: TaskHook
  afterEach?: TaskHook
  afterAll?: TaskHook
}

/** A task that was measured. */
export interface MeasuredTask {
  /** As the tool measured it; undefined when the task failed, was aborted or did not run. */
  iterationNs: number | undefined
  each: Iteration
  hooks: { beforeAll: (() => unknown) | undefined; afterAll: (() => unknown) | undefined }
}

/** What of a task is to be profiled; its functions get the task as `this`, as tinybench gives it to them. */
export function tinybenchIteration(task: object, fn: () => unknown, hooks: TaskHooks): MeasuredTask {
  const bound = (hook: TaskHook | undefined) =>
    hook === undefined ? undefined : () => (hook as (this: object, mode: string) => unknown).call(task, 'run')
  return {
    iterationNs: iterationNsOf((task as { result?: TaskResult }).result),
    each: {
      run: () => fn.call(task),
      beforeEach: bound(hooks.beforeEach),
      afterEach: bound(hooks.afterEach),
    },
    hooks: { beforeAll: bound(hooks.beforeAll), afterAll: bound(hooks.afterAll) },
  }
}

/** Times are ms: under `latency` since version 3, else those of version 2, in ascending order. */
interface TaskResult {
  error?: unknown
  latency?: { p50?: number; mean?: number }
  samples?: readonly number[]
  p75?: number
}

function iterationNsOf(result: TaskResult | undefined): number | undefined {
  if (result === undefined || result.error !== undefined) return undefined
  const { latency, samples = [], p75 } = result
  // vitest has thrown the samples away by now. Their mean would be moved far by the one that was interrupted.
  const ms = latency?.p50 ?? latency?.mean ?? samples[samples.length >> 1] ?? p75
  return ms === undefined || !Number.isFinite(ms) ? undefined : ms * 1e6
}
