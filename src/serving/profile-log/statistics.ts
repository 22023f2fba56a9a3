// A log of stage lines as figures, read once and in bounded memory.
import type { LogCounts, LoggedStage, ProfileRecord } from '../../import/profile-log/records.js'
import { type Side, sidedStages } from '../../import/profile-log/sides.js'
import { ValueDistribution } from '../value-distribution.js'
import { PipelineStatistics, type PipelineSummary, rowNameOf } from './pipeline.js'

/** A stage of a log; times in ns. */
export interface StageRow {
  /** Of a Pipeline server `op/step`. */
  stage: string
  side: Side
  count: number
  totalNs: number
  meanNs: number
  p50Ns: number
  p90Ns: number
  p99Ns: number
  maxNs: number
  /** Of the wall time of all processes together; above 1 where a process does several at a time. */
  shareOfWall: number
  /** The total for each of the threads: what show_profile.py tells. */
  perThreadNs: number
  /** By how much the percentiles may be off, as a share of them: 0 up to 65,536 values. */
  relativeError: number
}
export interface ProcessRow {
  /** 0: unknown. */
  pid: number
  requests: number
  /** From its first to its last event. */
  wallNs: number
}
export interface ProfileSummary {
  threads: number
  records: number
  requests: number
  /** Wall clock of the first and the last event, ns since the Unix epoch. */
  firstNs: bigint
  lastNs: bigint
  stages: StageRow[]
  processes: ProcessRow[]
  /** Of the logs of a Pipeline server. */
  pipeline?: PipelineSummary
  counts: LogCounts
  /** What came after the first 1,000 stages and 10,000 processes, added up as one. */
  lumped: { stages: number; processes: number }
}

/** More names than this are no stages. A full one takes 512 KiB, see ValueDistribution. */
const MOST_STAGES = 1_000
const MOST_PROCESSES = 10_000
const OTHERS = '(others)'
/** The first of these that a log has counts its requests. */
const REQUEST_STAGES = ['client_infer', 'py_client_infer', 'call']

interface StageCounts {
  side: Side
  ns: ValueDistribution
}
interface ProcessCounts {
  firstUs: number
  lastUs: number
  requests: Record<string, number>
  roots: number
}

export class ProfileStatistics {
  readonly #stages = new Map<string, StageCounts>()
  readonly #processes = new Map<number, ProcessCounts>()
  readonly #pipeline = new PipelineStatistics()
  #hasRequests = false
  readonly #lumped = { stages: 0, processes: 0 }

  take(record: ProfileRecord): void {
    if (record.stages.length === 0) return
    const process = this.#process(record.pid)
    for (const stage of sidedStages(record)) {
      const name = rowNameOf(stage)
      this.#stage(name, stage.side).ns.add((stage.endUs - stage.startUs) * 1000)
      this.#pipeline.take(stage)
      process.firstUs = Math.min(process.firstUs, stage.startUs)
      process.lastUs = Math.max(process.lastUs, stage.endUs)
      if (!REQUEST_STAGES.includes(name)) continue
      this.#hasRequests = true
      process.requests[name] = (process.requests[name] ?? 0) + 1
    }
    // Asked for only where a log has no stage that is a request.
    if (!this.#hasRequests) process.roots += outermostCount(record.stages)
  }

  /** `threads` 0: as many as there are processes. */
  summary(counts: LogCounts, threads: number): ProfileSummary {
    const known = [...this.#processes]
    const requestStage = REQUEST_STAGES.find(stage => known.some(([, { requests }]) => requests[stage] !== undefined))
    const processes = known.map(([pid, { firstUs, lastUs, requests, roots }]): ProcessRow => {
      const count = requestStage === undefined ? roots : (requests[requestStage] ?? 0)
      return { pid, requests: count, wallNs: (lastUs - firstUs) * 1000 }
    })
    const wallNs = processes.reduce((sum, process) => sum + process.wallNs, 0)
    const divisor = threads || Math.max(1, processes.length)
    const pipeline = this.#pipeline.summary()
    return {
      threads: divisor,
      records: counts.records,
      requests: processes.reduce((sum, process) => sum + process.requests, 0),
      firstNs: nsOf(known.reduce((first, [, { firstUs }]) => Math.min(first, firstUs), Number.POSITIVE_INFINITY)),
      lastNs: nsOf(known.reduce((last, [, { lastUs }]) => Math.max(last, lastUs), 0)),
      stages: [...this.#stages].map(([stage, { side, ns }]) => ({
        stage,
        side,
        count: ns.count,
        totalNs: ns.sum,
        meanNs: ns.mean,
        p50Ns: ns.percentile(0.5),
        p90Ns: ns.percentile(0.9),
        p99Ns: ns.percentile(0.99),
        maxNs: ns.max,
        shareOfWall: wallNs === 0 ? 0 : ns.sum / wallNs,
        perThreadNs: ns.sum / divisor,
        relativeError: ns.relativeError,
      })),
      processes,
      ...(pipeline === undefined ? {} : { pipeline }),
      counts,
      lumped: { ...this.#lumped },
    }
  }

  #stage(name: string, side: Side): StageCounts {
    const known = this.#stages.get(name)
    if (known !== undefined) return known
    if (this.#stages.size >= MOST_STAGES && name !== OTHERS) {
      this.#lumped.stages += 1
      return this.#stage(OTHERS, side)
    }
    const stage = { side, ns: new ValueDistribution() }
    this.#stages.set(name, stage)
    return stage
  }
  #process(pid: number): ProcessCounts {
    const known = this.#processes.get(pid)
    if (known !== undefined) return known
    if (this.#processes.size >= MOST_PROCESSES && pid !== 0) {
      this.#lumped.processes += 1
      return this.#process(0)
    }
    const process = { firstUs: Number.POSITIVE_INFINITY, lastUs: 0, requests: {}, roots: 0 }
    this.#processes.set(pid, process)
    return process
  }
}

/** How many are inside no other. */
function outermostCount(stages: readonly LoggedStage[]): number {
  let count = 0
  let lastUs = Number.NEGATIVE_INFINITY
  for (const { endUs } of stages.toSorted((a, b) => a.startUs - b.startUs || b.endUs - a.endUs)) {
    if (endUs > lastUs) count += 1
    lastUs = Math.max(lastUs, endUs)
  }
  return count
}
function nsOf(us: number): bigint {
  return Number.isFinite(us) ? BigInt(us) * 1000n : 0n
}
