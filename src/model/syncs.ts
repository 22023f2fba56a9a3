import type { ReportSource } from './ops.js'
import { pathOfRow } from './row-path.js'

/** Calls of one kind in which the host waited for a GPU, under one op. */
export interface SyncRow {
  /** `Stream Sync`, `Context Sync`, `Event Sync`; a `Stream Wait Event` keeps a stream waiting, not the host. */
  name: string
  /** Of the op that made the calls; empty when none is known. */
  path: string[]
  /** Index into the capture's threads, of the first call; -1: unknown. */
  thread: number
  count: number
  totalNs: number
  maxNs: number
}

/** The most time first. */
export function syncRows({ view, gpu }: ReportSource): SyncRow[] {
  return gpu.waits.map(({ span, ...wait }) => ({ ...wait, path: pathOfRow(view, span) }))
}
