import { reasonOf } from '../../errors.js'
import type { ProfilerOptions } from '../../options.js'
import { opResults } from '../figures.js'
import type { OpFigure } from '../host.js'
import type { OpResult } from '../results.js'
import { opLines, widthOf, wrapped } from '../results-report.js'
import { type Iteration, profiledPass, profiledPassSync } from './profiled-pass.js'

/** The ops of one task of another benchmark tool. */
export interface TaskOps {
  name: string
  /** ns of one iteration, as the tool measured it without the profiler. */
  iterationNs: number
  ops: readonly OpResult[]
  /** Why there are none. */
  trouble?: string
}

// Of eight samples the median of an op has an interval; a tenth of a second tells enough and is hardly waited for.
const SAMPLES = 8
const SAMPLE_NS = 100e6 / SAMPLES
const MOST_ITERATIONS = 10_000

/** Ops of tasks that another tool has measured: each runs again for a moment, with the profiler. */
export class OpReports {
  readonly #options: ProfilerOptions
  readonly #tasks: TaskOps[] = []

  /** @internal */
  constructor(options: ProfilerOptions) {
    this.#options = options
  }

  /** The tasks so far, in the order in which they ran. */
  get tasks(): readonly TaskOps[] {
    return this.#tasks
  }

  /** @internal */
  async add(name: string, iterationNs: number, each: Iteration): Promise<void> {
    const count = iterationsOf(iterationNs)
    const samples: OpFigure[][] = []
    try {
      while (samples.length < SAMPLES) samples.push(await profiledPass(each, count, this.#options))
      this.#tasks.push({ name, iterationNs, ops: opResults(samples) })
    } catch (error) {
      this.#tasks.push({ name, iterationNs, ops: [], trouble: reasonOf(error) })
    }
  }
  /** @internal */
  addSync(name: string, iterationNs: number, each: Iteration): void {
    const count = iterationsOf(iterationNs)
    try {
      const samples = Array.from({ length: SAMPLES }, () => profiledPassSync(each, count, this.#options))
      this.#tasks.push({ name, iterationNs, ops: opResults(samples) })
    } catch (error) {
      this.#tasks.push({ name, iterationNs, ops: [], trouble: reasonOf(error) })
    }
  }

  /** A table of ops for each task, as text. */
  report({ columns, from = 0 }: { columns?: number; from?: number } = {}): string {
    const width = widthOf(columns)
    const lines = this.#tasks.slice(from).flatMap(({ name, iterationNs, ops, trouble }) => {
      if (trouble !== undefined) return ['', ...wrapped(`No ops of ${name}: ${trouble}`, width)]
      const table = opLines({ name, medianNs: iterationNs, ops }, width)
      return table.length > 0
        ? table
        : ['', ...wrapped(`${name} has no ops: wrap its work in record() or op().`, width)]
    })
    return lines.slice(1).join('\n')
  }
  toJSON(): { tasks: readonly TaskOps[] } {
    return { tasks: this.#tasks }
  }
  toString(): string {
    return this.report()
  }
}

function iterationsOf(iterationNs: number): number {
  return Math.min(MOST_ITERATIONS, Math.max(1, Math.round(SAMPLE_NS / Math.max(1, iterationNs))))
}
