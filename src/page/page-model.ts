// What the page gets as JSON beside the columns: everything that the model computes of a capture, and what is needed
// to read the columns. Made by report/html-model.ts, read by the panels. Nothing in it is HTML: every text reaches the
// page as text.
import type { AsyncRow } from '../model/async-rows.js'
import type { CopySummary } from '../model/copies.js'
import type { DeviceRow } from '../model/devices.js'
import type { EventLoop } from '../model/event-loop.js'
import type { Finding } from '../model/findings.js'
import type { GapRow } from '../model/gaps.js'
import type { KernelRow } from '../model/kernels.js'
import type { MemoryRow } from '../model/memory.js'
import type { OpFigures, SortedKey, State } from '../model/ops.js'
import type { Overhead } from '../model/overhead.js'
import type { SyncRow } from '../model/syncs.js'
import type { PageName, PageProcess, PageRecording, PageThread } from './recording.js'

export interface PageModel {
  /** Version of opscope that made the page. */
  opscope: string
  /** The program or file that was recorded; the title of the page. */
  title: string
  state: State
  sortedKey: SortedKey
  durationNs: number
  /** Wall clock at the start, ns since the Unix epoch, as decimal digits; '0': unknown. */
  originEpochNs: string
  host: string
  gpu: { available: boolean; reason?: string }
  attributes: Record<string, string | number | boolean>
  /** What is missing from the recording or hinders reading it, the worst first; stated before all else. */
  missing: PageGap[]
  findings: PageFinding[]
  overhead: Overhead
  /**
   * The op tree, depth-first in the order of first end, parents before their children. Of this and the other tables not
   * all rows, where there are very many: what is left out is a gap. Paths are cut in the middle where they are very long.
   */
  ops: PageOp[]
  asyncOps: AsyncRow[]
  copies: CopySummary
  kernels: KernelRow[]
  devices: DeviceRow[]
  gaps: GapRow[]
  syncs: SyncRow[]
  memory: MemoryRow[]
  eventLoop: EventLoop
  spanCount: number
  /** How the columns of the recording are packed, in the order of their bytes. */
  columns: PackedColumn[]
  names: PageName[]
  threads: PageThread[]
  processes: PageProcess[]
  strings: string[]
  streamNames: NonNullable<PageRecording['streamNames']>
  pauses: { startNs: number; endNs: number; process: number }[]
}

/** A row of `capture.ops()`; its path is that of its parent, the names in `above`, and its own. */
export interface PageOp extends OpFigures {
  /** Index into {@link PageModel.ops}, -1: top level. */
  parent: number
  /** Names between the parent and this: async calls around a top-level op, ops that hold no time as they never ended. */
  above: string[]
}
export interface PageGap {
  /** Code of the warning, or `dropped`, `unfinished`, `paused`, `no-gpu`, `nothing-recorded`, `attributes`, `rows`. */
  code: string
  count: number
  text: string
}
export interface PageFinding extends Omit<Finding, 'range'> {
  /** Where on the page it is about. */
  place: FindingPlace
}
export type FindingPlace =
  /** Row of {@link PageModel.ops}. */
  | { kind: 'op'; op: number }
  /** A stretch of the timeline. */
  | { kind: 'time'; startNs: number; endNs: number }
  /** A section of the page. */
  | { kind: 'section'; section: PageSection }
export type PageSection =
  | 'timeline'
  | 'ops'
  | 'flame'
  | 'requests'
  | 'copies'
  | 'gaps'
  | 'kernels'
  | 'event-loop'
  | 'missing'

/** How one column lies in the packed bytes; decode.ts has the rules. */
export interface PackedColumn {
  /** `spans.startNs`: its place in PageRecording. */
  path: string
  encoding: 'varint' | 'delta' | 'below' | 'bytes' | 'float64'
  /** Elements. */
  count: number
  bytes: number
}
