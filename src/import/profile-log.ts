// Logs of Paddle Serving's timing tool, and of our own stage lines: see profile-log/records.ts for the lines.
// Each process id becomes a process; each track of it a thread, and what the servers told of their ops one more. Where
// stages of one thread overlap, it has several rows. All are spans of category `request` with the attribute `side`:
// client, py or server. Ignored: every line that is none of the tool.
import { FLAG_ASYNC } from '../binding.js'
import { CaptureFileBuilder } from './capture-file-rows.js'
import { Lanes } from './profile-log/lanes.js'
import { type LogCounts, readProfileLog } from './profile-log/records.js'
import { type LogThread, MOST_STAGES, type PlacedStage, StageColumns } from './profile-log/stage-columns.js'

/** Rows of one thread; stages beyond are drawn by the viewer's own means for what overlaps. */
const MOST_LANES = 64
/** The start of 2001: a smaller time is of no clock of the day. */
const EARLIEST_EPOCH_US = 978_307_200e6

export async function importProfileLog(chunks: AsyncIterable<Buffer>): Promise<CaptureFileBuilder> {
  const stages = new StageColumns()
  const counts = await readProfileLog(chunks, record => stages.take(record))
  stages.dropFarTimes()
  const builder = new CaptureFileBuilder()
  addStages(builder, stages)
  warnAbout(builder, counts, stages)
  return builder
}

function addStages(builder: CaptureFileBuilder, stages: StageColumns): void {
  const ranges = stages.ranges()
  const firstUs = [...ranges.values()].reduce(
    (first, { startUs }) => Math.min(first, startUs),
    Number.POSITIVE_INFINITY,
  )
  if (ranges.size === 0) return
  builder.originEpochNs = epochNs(firstUs)
  const clients = new Set(stages.threads.filter(({ row }) => row === 'client').map(({ pid }) => pid))
  const pids = [...ranges.keys()]
  builder.processId = systemId(pids[0]!)
  builder.processes = [...ranges].map(([pid, { startUs, endUs }]) => ({
    host: '',
    name: clients.has(pid) ? 'client' : 'server',
    id: systemId(pid),
    startNs: (startUs - firstUs) * 1000,
    durationNs: (endUs - startUs) * 1000,
    originEpochNs: epochNs(startUs),
    originClockNs: 0n,
    dropped: 0,
    firstContext: 0,
    metaJson: '{}',
  }))
  const processOf = new Map(pids.map((pid, index) => [pid, index]))
  const threads = stages.threads.map(thread => new ThreadRows(builder, processOf.get(thread.pid) ?? 0, thread))
  for (const group of stages.groups()) {
    const { thread, isOverlapping } = threads[group[0]!.thread]!.place(group)
    for (const { name, side, startUs, endUs, request } of group) {
      const span = builder.addSpan(
        thread,
        builder.name(name, 'request'),
        (startUs - firstUs) * 1000,
        (endUs - firstUs) * 1000,
        isOverlapping ? FLAG_ASYNC : 0,
      )
      builder.addAttribute(span, 'side', side)
      if (request >= 0) builder.addAttribute(span, 'request', BigInt(request))
    }
  }
}

/** The threads of a capture that stand for one thread of the log. */
class ThreadRows {
  readonly #builder: CaptureFileBuilder
  readonly #process: number
  readonly #title: string
  readonly #lanes: Lanes = new Lanes(MOST_LANES)
  readonly #threads: number[] = []

  constructor(builder: CaptureFileBuilder, process: number, { row, track }: LogThread) {
    this.#builder = builder
    this.#process = process
    this.#title = track === '' ? row : `${row} ${track}`
  }

  place(stages: readonly PlacedStage[]): { thread: number; isOverlapping: boolean } {
    const lane = this.#lanes.place(
      stages.map(({ startUs, endUs, name }) => ({ startUs, endUs, isWait: name === 'client_infer' })),
    )
    const index = lane ?? 0
    this.#threads[index] ??= this.#builder.addThread(
      index === 0 ? this.#title : `${this.#title} (${index + 1})`,
      0,
      -1,
      this.#process,
    )
    return { thread: this.#threads[index], isOverlapping: lane === undefined }
  }
}

function warnAbout(builder: CaptureFileBuilder, counts: LogCounts, { leftOut, outOfRange }: StageColumns): void {
  const damage = counts.malformedTokens + counts.impossibleStages + counts.longLines + outOfRange
  if (damage > 0) builder.warn('stages-damaged', 'events of stage lines that could not be read', damage)
  if (counts.unpairedEvents > 0) {
    builder.warn('stages-unpaired', 'begins of stages without an end, or ends without a begin', counts.unpairedEvents)
  }
  if (leftOut > 0) {
    builder.warn('stages-left-out', `stages after the first ${MOST_STAGES}; opscope show-profile reads all`, leftOut)
  }
}

/** Ids of processes are 32 bits wide; 0: unknown. */
function systemId(pid: number): number {
  return pid <= 0x7fff_ffff ? pid : 0
}
/** 0: unknown. */
function epochNs(us: number): bigint {
  return us < EARLIEST_EPOCH_US ? 0n : BigInt(us) * 1000n
}
