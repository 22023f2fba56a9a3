import type { ProfilerOptions } from '../options.js'

/** What a case turned out to be while it warmed up. */
export interface Prepared {
  isAsync: boolean
  /** ns of one iteration at the end of the warm-up. */
  iterationNs: number
  items: number
}
/** What a sample took, in ns per iteration. */
export interface SampleTimes {
  ns: number
  /** Of these, ns that the thread was ready and had no CPU. */
  waitNs: number
  /** CPU time of the whole process meanwhile. */
  cpuNs: number
}
export interface Sample extends SampleTimes {
  /** ns of the single iterations; empty where they are too short to be timed apart. */
  eachNs: readonly number[]
}
/** An op of one profiled sample, per iteration. */
export interface OpFigure {
  path: readonly string[]
  calls: number
  ns: number
  gpuNs: number
}
export interface ProfiledSample extends SampleTimes {
  ops: readonly OpFigure[]
  /** Codes of what went wrong while recording. */
  warnings: readonly string[]
  /** Why nothing could be recorded; there will be no more of it. */
  trouble?: string
}

/**
 * Where cases run: this process (LocalHost) or a child (ChildHost). A case that fails throws CaseFailure, and must not
 * be asked for again. One call at a time.
 */
export interface Host {
  /** Its process has ended, and every further call fails. */
  readonly isGone: boolean
  /** Sets a case up and runs it until the warm-up is over. */
  prepare(caseName: string, warmupMs: number): Promise<Prepared>
  sample(caseName: string, iterations: number): Promise<Sample>
  /** The same while the profiler records. */
  profiledSample(caseName: string, iterations: number, options: ProfilerOptions): Promise<ProfiledSample>
  /** How fast the machine is now, by a fixed piece of work; see machine-pace.ts. 0: it could not be asked. */
  paceNs(): Promise<number>
  /** Tears the case down. */
  finish(caseName: string): Promise<void>
  /** Ends the host; what is still set up is not torn down. */
  close(): Promise<void>
}
