// The GPU's part of our own Chrome traces: rows with how they were launched, allocations, overheads, devices.
import { GPU_KINDS, type GpuKind, MEMORY_KINDS, type MemoryKind } from '../binding.js'
import type { GpuRowColumns, KernelFields } from '../gpu-row-columns.js'
import type { GpuDeviceFields } from '../raw-rows.js'
import { type Args, idOf, numberOf, objectsOf, textOf } from './chrome-event.js'

/** Adds a GPU row; its kind, as an index into GPU_KINDS. `name` is an index into the strings. */
export function addGpuRow(tables: GpuRowColumns, args: Args, name: number, startNs: number, endNs: number): number {
  const kind = Math.max(0, GPU_KINDS.indexOf(args.kind as GpuKind))
  tables.addRow({
    kind,
    from: memoryKind(args.from),
    to: memoryKind(args.to),
    name,
    ...placeOf(args),
    startNs,
    endNs,
    correlationId: idOf(args.correlation),
    bytes: count(args.bytes, Number.MAX_SAFE_INTEGER),
    kernel: GPU_KINDS[kind] === 'kernel' ? kernelOf(args) : undefined,
  })
  return kind
}

export function addAllocation(tables: GpuRowColumns, allocation: Args, atNs: number): void {
  tables.addMemory({
    atNs,
    bytes: count(allocation.bytes, Number.MAX_SAFE_INTEGER),
    address: idOf(allocation.address),
    ...placeOf(allocation),
    kind: memoryKind(allocation.kind),
    correlationId: idOf(allocation.correlation),
    isRelease: allocation.release === true,
  })
}

/** What the metadata tells: devices, contexts and the names of streams. */
export function addGpuMetadata(tables: GpuRowColumns, metadata: Args): void {
  for (const device of objectsOf(metadata.gpu_devices)) {
    tables.devices.push(deviceOf(device))
  }
  for (const context of objectsOf(metadata.gpu_contexts)) {
    tables.contexts.push({
      id: count(context.id),
      device: count(context.device),
      nullStream: count(context.null_stream),
    })
  }
  for (const stream of objectsOf(metadata.gpu_streams)) {
    tables.streamNames.push({ context: count(stream.context), stream: count(stream.stream), name: textOf(stream.name) })
  }
}

function kernelOf(args: Args): KernelFields | undefined {
  if (!Array.isArray(args.grid) || !Array.isArray(args.block)) {
    return undefined
  }
  return {
    grid: sides(args.grid),
    block: sides(args.block),
    registersPerThread: count(args.registers_per_thread),
    staticSharedBytes: count(args.static_shared_bytes),
    dynamicSharedBytes: count(args.dynamic_shared_bytes),
    executedSharedBytes: count(args.executed_shared_bytes),
    localBytesPerThread: count(args.local_bytes_per_thread),
    graphId: count(args.graph),
    graphNodeId: idOf(args.graph_node),
    queuedNs: idOf(args.queued_ns),
    submittedNs: idOf(args.submitted_ns),
  }
}

function deviceOf(device: Args): GpuDeviceFields {
  return {
    id: count(device.id),
    name: textOf(device.name),
    uuid: textOf(device.uuid),
    memoryBytes: count(device.memory_bytes, Number.MAX_SAFE_INTEGER),
    memoryBandwidthKBps: count(device.memory_bandwidth_kb_per_s, Number.MAX_SAFE_INTEGER),
    computeMajor: count(device.compute_major),
    computeMinor: count(device.compute_minor),
    multiprocessors: count(device.multiprocessors),
    copyEngines: count(device.copy_engines),
    maxWarpsPerSm: count(device.max_warps_per_sm),
    maxBlocksPerSm: count(device.max_blocks_per_sm),
    maxSharedBytesPerSm: count(device.max_shared_per_sm),
    maxRegistersPerSm: count(device.max_registers_per_sm),
    maxRegistersPerBlock: count(device.max_registers_per_block),
    maxSharedBytesPerBlock: count(device.max_shared_per_block),
    coreClockKhz: count(device.core_clock_khz),
    isMig: device.is_mig === true,
    process: count(device.process),
    ordinal: count(device.ordinal),
  }
}

function placeOf(args: Args): { device: number; context: number; stream: number } {
  return { device: count(args.device), context: count(args.context), stream: count(args.stream) }
}
function sides([x, y, z]: unknown[]): [number, number, number] {
  return [count(x), count(y), count(z)]
}
function memoryKind(value: unknown): number {
  return Math.max(0, MEMORY_KINDS.indexOf(value as MemoryKind))
}
function count(value: unknown, most = 0xffff_ffff): number {
  return Math.min(most, Math.max(0, Math.trunc(numberOf(value) ?? 0)))
}
