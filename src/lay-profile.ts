import {
  CATEGORIES,
  FLAG_ASYNC,
  type NativeWarning,
  native,
  type RecordingHandle,
  type RecordingView,
} from './binding.js'
import { float64, int32, uint32 } from './columns.js'
import { OpscopeError } from './errors.js'
import type { CpuSamples } from './import/cpu-samples.js'
import { profiledThread, sampleTroubles } from './import/cpuprofile.js'
import { drawStacks, type SampleHomes } from './import/sample-stacks.js'
import { durationText } from './model/figure-text.js'
import { lowerBound } from './model/lower-bound.js'

/** A CPU profile that is to be laid under the capture of its process. */
export interface Profile {
  /** The path of its file. */
  label: string
  samples: CpuSamples
}
/** A recording of one process. */
export interface ProfiledProcess {
  label: string
  recording: RecordingHandle
  view: RecordingView
}

/**
 * Whose profile it is: the recording of its process that went on while it was made. The file's name tells the process,
 * as Node names its profiles; without, it must be clear from the times.
 * @throws OpscopeError ERR_OPSCOPE_MERGE
 */
export function processOf<P extends ProfiledProcess>(profile: Profile, all: readonly P[]): P {
  const { pid } = profiledThread(profile.label)
  const own = pid === undefined ? all : all.filter(({ view }) => view.processId === 0 || view.processId === pid)
  if (own.length === 0) {
    const others = all.map(({ label, view }) => `${label} of process ${view.processId}`).join(', ')
    throw fault(`${profile.label} is of process ${pid}, ${others}.`, 'Name the profile and the capture of one process.')
  }
  if (profile.samples.originClockNs === 0n || own.every(({ view }) => view.originClockNs === 0n)) {
    const unknown = profile.samples.originClockNs === 0n ? profile : own[0]!
    throw fault(`${unknown.label} does not say when it began, on the clock of its process.`)
  }
  const found = own.filter(each => overlapNs(profile, each) >= 0)
  if (found.length === 0) {
    const apart = durationText(-Math.max(...own.map(each => overlapNs(profile, each))))
    throw fault(
      `${profile.label} and ${own.map(({ label }) => label).join(', ')} lie ${apart} apart: they are not of one run.`,
      'A profile is laid under what was recorded at the same time on the same machine.',
    )
  }
  if (pid === undefined && found.length > 1) {
    throw fault(
      `${profile.label} does not say of which process it is, and ${found.map(({ label }) => label).join(', ')} fit.`,
      'Merge it with the capture of its process first, or name it as Node does: CPU.20261126.044305.PID.THREAD.001.cpuprofile.',
    )
  }
  return found.sort((a, b) => overlapNs(profile, b) - overlapNs(profile, a))[0]!
}
function fault(message: string, hint?: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_MERGE', message, hint)
}
/** How long both went on; below 0: how far they lie apart. */
function overlapNs({ samples }: Profile, { view }: ProfiledProcess): number {
  const fromNs = Number(samples.originClockNs - view.originClockNs)
  return Math.min(view.durationNs, fromNs + samples.durationNs) - Math.max(0, fromNs)
}

/**
 * The recording with the profile under it. Each sample belongs to the innermost span that was open on its thread at
 * that moment; its frames are drawn from there to the next sample, at most to the end of that span. They lie on a track
 * of their own and are no ops, so that no figure of an op changes.
 */
export async function layProfile(profile: Profile, under: ProfiledProcess): Promise<RecordingHandle> {
  const { view, recording } = under
  const { threadId } = profiledThread(profile.label)
  const index = view.threads.findIndex(({ jsThreadId }) => jsThreadId === threadId)
  const samples = within(profile.samples, Number(profile.samples.originClockNs - view.originClockNs), view.durationNs)
  const frames = { name: uint32(), startNs: float64(), endNs: float64(), parent: int32() }
  const rowCount = view.spans.startNs.length
  const sink = {
    open: (node: number, startNs: number, parent: number, home: number) => {
      frames.name.push(node)
      frames.startNs.push(startNs)
      frames.endNs.push(startNs)
      frames.parent.push(parent === -1 ? home : rowCount + parent)
    },
    close: (span: number, endNs: number) => {
      frames.endNs.values[span] = endNs
    },
  }
  const stride = await drawStacks(samples, sink, index === -1 ? undefined : homesOf(samples, view, index))
  const name = view.threads[index]?.name ?? (threadId === 0 ? 'main' : `worker ${threadId}`)
  return native().addSamples(recording, {
    thread: `${name} (JavaScript)`,
    names: samples.names,
    name: frames.name.values,
    startNs: frames.startNs.values,
    endNs: frames.endNs.values,
    parent: frames.parent.values,
    warnings: sampleTroubles(samples, stride).map((each): NativeWarning => {
      return { ...each, detail: `${each.detail} [${profile.label}]` }
    }),
  })
}

/** The samples that were taken during the session, on its clock. */
function within(samples: CpuSamples, shiftNs: number, durationNs: number): CpuSamples {
  const from = lowerBound(samples.atNs, -shiftNs)
  const to = lowerBound(samples.atNs, durationNs - shiftNs)
  return {
    ...samples,
    nodes: samples.nodes.subarray(from, to),
    atNs: samples.atNs.slice(from, to).map(ns => ns + shiftNs),
    durationNs: Math.min(durationNs, Math.max(0, samples.durationNs + shiftNs)),
  }
}

const NO_HOMES = new Set(['gc', 'event_loop', 'overhead'])

/** The innermost span at each sample. An async span is around what its synchronous part does. */
function homesOf({ atNs }: CpuSamples, view: RecordingView, thread: number): SampleHomes {
  const { firstRow, rowCount } = view.threads[thread]!
  const { startNs, durationNs, flags, name } = view.spans
  const returns = new Map(Array.from(view.asyncs.row, (row, index) => [row, view.asyncs.returnNs[index]!]))
  const endOf = (row: number) =>
    (flags[row]! & FLAG_ASYNC) === 0
      ? Number(startNs[row]! + durationNs[row]!)
      : (returns.get(row) ?? Number(startNs[row]!))
  const isHome = name.map(each => (NO_HOMES.has(CATEGORIES[view.names[each]!.category]!) ? 0 : 1))
  // Spans that were given with both times follow after the thread's own.
  const starts = Float64Array.from({ length: rowCount }, (_, i) => Number(startNs[firstRow + i]!))
  const order = Uint32Array.from(starts.keys())
  if (starts.some((at, i) => i > 0 && at < starts[i - 1]!)) order.sort((a, b) => starts[a]! - starts[b]! || a - b)

  const rows = new Int32Array(atNs.length)
  const open: number[] = []
  const closeBefore = (ns: number) => {
    while (open.length > 0 && endOf(open.at(-1)!) <= ns) open.pop()
  }
  let next = 0
  for (const [sample, ns] of atNs.entries()) {
    for (; next < rowCount && starts[order[next]!]! <= ns; next++) {
      const row = firstRow + order[next]!
      if (isHome[row] === 0) continue
      closeBefore(starts[order[next]!]!)
      open.push(row)
    }
    closeBefore(ns)
    rows[sample] = open.at(-1) ?? -1
  }
  return { rows, endOf }
}
