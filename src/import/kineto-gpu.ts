// What a PyTorch trace tells of GPUs besides times: their limits, shapes of kernels, blocks of PyTorch's allocator.
import { MEMORY_KINDS } from '../binding.js'
import type { KernelFields } from '../gpu-row-columns.js'
import type { RowsBuilder } from '../rows-builder.js'
import { type Args, argsOf, idOf, listOf, numberOf, objectsOf, type TraceEvent, textOf } from './chrome-event.js'

/** c10::DeviceType: 0 is the CPU. */
const CUDA = 1
// CUDA's programming guide, technical specifications per compute capability: the trace does not tell it. Others: 32.
const MAX_BLOCKS_PER_SM: Record<string, number> = { '7.5': 16, '8.6': 16, '8.7': 16, '8.9': 24, '12.0': 24 }

export function addDevices(builder: RowsBuilder, deviceProperties: unknown): void {
  for (const device of objectsOf(deviceProperties)) {
    const computeMajor = count(device.computeMajor)
    const computeMinor = count(device.computeMinor)
    builder.gpu.devices.push({
      id: count(device.id),
      name: textOf(device.name),
      uuid: '',
      memoryBytes: count(device.totalGlobalMem, Number.MAX_SAFE_INTEGER),
      memoryBandwidthKBps: 0,
      computeMajor,
      computeMinor,
      multiprocessors: count(device.numSms),
      copyEngines: 0,
      maxWarpsPerSm: Math.trunc(count(device.maxThreadsPerMultiprocessor) / (count(device.warpSize) || 32)),
      maxBlocksPerSm: MAX_BLOCKS_PER_SM[`${computeMajor}.${computeMinor}`] ?? 32,
      maxSharedBytesPerSm: count(device.sharedMemPerMultiprocessor),
      maxRegistersPerSm: count(device.regsPerMultiprocessor),
      maxRegistersPerBlock: count(device.regsPerBlock),
      maxSharedBytesPerBlock: count(device.sharedMemPerBlock),
      coreClockKhz: 0,
      isMig: false,
    })
  }
}

/** undefined: the trace does not tell it. */
export function kernelFields(args: Args): KernelFields | undefined {
  const block = sides(args.block)
  if (block[0] === 0) return undefined
  return {
    grid: sides(args.grid),
    block,
    registersPerThread: count(args['registers per thread'], 0xffff),
    // The trace tells the sum of static and dynamic.
    staticSharedBytes: 0,
    dynamicSharedBytes: count(args['shared memory']),
    executedSharedBytes: 0,
    localBytesPerThread: 0,
    graphId: count(args['graph id']),
    graphNodeId: idOf(args['graph node id']),
  }
}

/** With `profile_memory` each block that PyTorch's allocator hands out on a GPU, or takes back; false for others. */
export function addMemory(builder: RowsBuilder, event: TraceEvent, atNs: number): boolean {
  const args = argsOf(event)
  const bytes = numberOf(args.Bytes)
  if (event.name !== '[memory]' || args['Device Type'] !== CUDA || bytes === undefined) return false
  builder.gpu.addMemory({
    atNs,
    bytes: count(Math.abs(bytes), Number.MAX_SAFE_INTEGER),
    address: idOf(args.Addr),
    device: count(args['Device Id']),
    context: 0,
    stream: 0,
    kind: MEMORY_KINDS.indexOf('device'),
    correlationId: 0n,
    isRelease: bytes < 0,
  })
  return true
}

function sides(value: unknown): [number, number, number] {
  const [x, y, z] = listOf(value)
  return [count(x), count(y), count(z)]
}
/** A whole number from 0 up; what is none is 0. */
function count(value: unknown, most = 0xffff_ffff): number {
  const number = Math.trunc(numberOf(value) ?? 0)
  return number > 0 ? Math.min(most, number) : 0
}
