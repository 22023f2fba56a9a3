import { MEMORY_KINDS, type MemoryKind } from '../binding.js'
import type { ReportSource } from './ops.js'
import { pathOfRow } from './row-path.js'

/** Allocations and releases of one kind of memory under one op; recorded with the option `memory` only. */
export interface MemoryRow {
  /** Of the op that was open at the call; empty when none is known. */
  path: string[]
  device: number
  kind: MemoryKind
  allocations: number
  allocatedBytes: number
  releases: number
  releasedBytes: number
}

/** The most bytes allocated first. */
export function memoryRows({ view, gpu }: ReportSource): MemoryRow[] {
  return gpu.memory.map(({ span, kind, ...row }) => ({
    path: pathOfRow(view, span),
    kind: MEMORY_KINDS[kind]!,
    ...row,
  }))
}
