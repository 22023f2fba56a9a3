// The planes of GPUs: kernels, copies and fills by their details, texts of "key:value" words.
import { GPU_KINDS, type GpuKind, MEMORY_KINDS, type MemoryKind } from '../binding.js'
import type { KernelFields } from '../gpu-row-columns.js'
import type { RowsBuilder } from '../rows-builder.js'
import type { Stats, StatValue, XEvent, XEventMetadata, XLine, XPlane } from './xspace.js'

const DETAILS: [stat: string, kind: GpuKind][] = [
  ['kernel_details', 'kernel'],
  ['memcpy_details', 'copy'],
  ['Memset_details', 'fill'],
]
const MEMORY_WORDS: Record<string, MemoryKind> = { device_static: 'device', managed_static: 'managed' }
// Lines that readers and XLA make of others.
const FIRST_DERIVED_ID = 0xdeadbeef

/** Adds what ran on the streams of a plane; how many events were something else. */
export function addGpuPlane(builder: RowsBuilder, plane: XPlane, startNsOf: (line: XLine) => number): number {
  const device = countOf(plane.stats.get('opscope.device_ordinal') ?? Number(/\d+$/.exec(plane.name)?.[0] ?? 0))
  addDevice(builder, device, plane.stats)
  let ignored = 0
  for (const line of plane.lines) {
    const stream = /^Stream #(\d+)/.exec(line.name)
    if (stream === null || line.id >= FIRST_DERIVED_ID) continue
    const lineNs = startNsOf(line)
    for (const event of line.events()) {
      const isTaken = event !== undefined && addGpuEvent(builder, event, lineNs, device, countOf(Number(stream[1])))
      if (!isTaken) ignored++
    }
  }
  return ignored
}

function addGpuEvent(builder: RowsBuilder, event: XEvent, lineNs: number, device: number, stream: number): boolean {
  const { stats, metadata } = event
  const kind = kindOf(stats)
  if (kind === undefined) return false
  const details = words(stats.get(DETAILS.find(([, of]) => of === kind)?.[0] ?? ''))
  const isMadeUp = stats.has('opscope.made_up')
  builder.addGpu({
    kind: GPU_KINDS.indexOf(kind),
    from: memoryKind(stats.get('opscope.from') ?? details.kind_src),
    to: memoryKind(stats.get('opscope.to') ?? details.kind_dst ?? details.kind),
    name: metadata.displayName || metadata.name || '(unnamed)',
    device,
    context: countOf(String(stats.get('context_id') ?? 0).replace(/^\$\$/, '')),
    stream,
    startNs: lineNs + event.offsetNs,
    endNs: lineNs + event.endOffsetNs,
    correlationId: isMadeUp ? 0n : idOf(stats.get('correlation_id') ?? stats.get('opscope.correlation')),
    bytes: countOf(details.size ?? details.num_bytes, Number.MAX_SAFE_INTEGER),
    kernel: kind === 'kernel' ? shapeOf(details, stats) : undefined,
  })
  return true
}

/** Of a call, by its name: XLA writes "MemcpyH2D" for the asynchronous form too, and tells it in the details. */
export function launchName({ name, displayName }: XEventMetadata, stats: Stats): string {
  const text = displayName || name || '(unnamed)'
  const isAsync = /\basync:1\b/.test(String(stats.get('memcpy_details') ?? ''))
  return isAsync && !text.includes('Async') ? `${text}Async` : text
}

function kindOf(stats: Stats): GpuKind | undefined {
  const told = DETAILS.find(([stat]) => stats.has(stat))?.[1]
  if (told !== undefined) return told
  if (stats.get('opscope.kind') === 'sync') return 'sync'
  const isMemory = ['memalloc_details', 'MemFree_details', 'MemoryResidency_details'].some(stat => stats.has(stat))
  return stats.has('correlation_id') && !isMemory ? 'kernel' : undefined
}

function shapeOf(details: Record<string, string>, stats: Stats): KernelFields | undefined {
  const grid = sides(details.grid)
  const block = sides(details.block)
  const graphId = countOf(stats.get('cuda_graph_id'))
  if (block[0] === 0 && graphId === 0) return undefined
  return {
    grid,
    block,
    registersPerThread: countOf(details.regs, 0xffff),
    staticSharedBytes: countOf(details.static_shared),
    dynamicSharedBytes: countOf(details.dynamic_shared),
    executedSharedBytes: 0,
    localBytesPerThread: 0,
    graphId,
    graphNodeId: idOf(stats.get('cuda_graph_node_id')),
  }
}

function addDevice(builder: RowsBuilder, id: number, stats: Stats): void {
  const number = (name: string, most?: number) => countOf(stats.get(name), most)
  const name = stats.get('gpu_device_name')
  const memoryBytes = number('memory_size', Number.MAX_SAFE_INTEGER)
  const computeMajor = number('compute_cap_major')
  if (name === undefined && memoryBytes === 0 && computeMajor === 0) return
  builder.gpu.devices.push({
    id,
    name: String(name ?? ''),
    uuid: /^[0-9a-f]{32}$/.exec(String(stats.get('opscope.device_uuid')))?.[0] ?? '',
    memoryBytes,
    memoryBandwidthKBps: Math.round(number('memory_bandwidth', Number.MAX_SAFE_INTEGER) / 1000),
    computeMajor,
    computeMinor: number('compute_cap_minor'),
    multiprocessors: number('core_count'),
    copyEngines: number('opscope.copy_engines'),
    maxWarpsPerSm: number('opscope.max_warps_per_sm'),
    maxBlocksPerSm: number('opscope.max_blocks_per_sm'),
    maxSharedBytesPerSm: number('opscope.max_shared_per_sm'),
    maxRegistersPerSm: number('opscope.max_registers_per_sm'),
    maxRegistersPerBlock: number('opscope.max_registers_per_block'),
    maxSharedBytesPerBlock: number('opscope.max_shared_per_block'),
    coreClockKhz: number('clock_rate'),
    isMig: stats.has('opscope.is_mig'),
  })
}

/** Events of the memory profile that tell of a GPU; false for others. */
export function addMemoryEvent(builder: RowsBuilder, { metadata, stats }: XEvent, atNs: number): boolean {
  const device = stats.get('opscope.device') ?? /^GPU_(\d+)/.exec(String(stats.get('allocator_name')))?.[1]
  if (device === undefined) return false
  builder.gpu.addMemory({
    atNs,
    bytes: countOf(stats.get('allocation_bytes'), Number.MAX_SAFE_INTEGER),
    address: idOf(stats.get('addr')),
    device: countOf(device),
    context: countOf(stats.get('opscope.context')),
    stream: countOf(stats.get('opscope.stream')),
    kind: memoryKind(stats.get('opscope.kind') ?? 'device'),
    correlationId: idOf(stats.get('opscope.correlation')),
    isRelease: metadata.name === 'MemoryDeallocation',
  })
  return true
}

function words(text: StatValue | undefined): Record<string, string> {
  const pairs = String(text ?? '')
    .split(/\s+/)
    .map(word => word.split(/:(.*)/s) as [string, string?])
  return Object.fromEntries(pairs.map(([key, value]) => [key, value ?? '']))
}
function sides(text = ''): [number, number, number] {
  const [x, y, z] = text.split(',')
  return [countOf(x), countOf(y), countOf(z)]
}
function memoryKind(value: StatValue | undefined): number {
  const word = String(value ?? 'unknown')
  return Math.max(0, MEMORY_KINDS.indexOf(MEMORY_WORDS[word] ?? (word as MemoryKind)))
}
/** A whole number from 0 up; what is none is 0. */
export function countOf(value: StatValue | undefined, most = 0xffff_ffff): number {
  const number = Math.trunc(Number(value ?? 0))
  return number > 0 ? Math.min(most, number) : 0
}
export function idOf(value: StatValue | undefined): bigint {
  return typeof value === 'bigint' ? BigInt.asUintN(64, value) : BigInt(countOf(value, Number.MAX_SAFE_INTEGER))
}
