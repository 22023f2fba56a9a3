import { GPU_KINDS, MEMORY_KINDS } from './binding.js'
import type { GpuRowColumns, KernelFields } from './gpu-row-columns.js'
import type { GpuDeviceFields } from './raw-rows.js'
import { eachRow, type RowChecker } from './row-checks.js'
import type { CaptureRows } from './row-types.js'

export const GPU_TABLES = ['gpu', 'devices', 'contexts', 'streamNames', 'gpuMemory', 'gpuOverheads'] as const

const PLACE_KEYS = ['device', 'context', 'stream']
const GPU_KEYS = ['kind', 'name', ...PLACE_KEYS, 'startNs', 'endNs', 'correlationId', 'bytes', 'from', 'to', 'kernel']
const KERNEL_COUNTS = [
  'staticSharedBytes',
  'dynamicSharedBytes',
  'executedSharedBytes',
  'localBytesPerThread',
  'graphId',
] as const
const KERNEL_KEYS = ['grid', 'block', 'registersPerThread', 'graphNodeId', ...KERNEL_COUNTS]
const DEVICE_COUNTS = [
  'computeMajor',
  'computeMinor',
  'multiprocessors',
  'copyEngines',
  'maxWarpsPerSm',
  'maxBlocksPerSm',
  'maxSharedBytesPerSm',
  'maxRegistersPerSm',
  'maxRegistersPerBlock',
  'maxSharedBytesPerBlock',
  'coreClockKhz',
] as const
const DEVICE_KEYS = ['id', 'name', 'uuid', 'memoryBytes', 'memoryBandwidthKBps', 'isMig', ...DEVICE_COUNTS]
const MEMORY_KEYS = ['atNs', 'bytes', 'address', ...PLACE_KEYS, 'kind', 'correlationId', 'isRelease']

const UINT16_MAX = 0xffff
const UINT32_MAX = 0xffffffff

/** The GPU's tables of plain rows, checked. `string` interns a name. */
export function addGpuTables(tables: GpuRowColumns, string: (text: string) => number, rows: CaptureRows): void {
  eachRow(rows, 'gpu', GPU_KEYS, check => {
    const { startNs, endNs } = check.interval()
    const kind = check.oneOf('kind', GPU_KINDS)
    tables.addRow({
      kind: GPU_KINDS.indexOf(kind),
      from: memoryKind(check, 'from'),
      to: memoryKind(check, 'to'),
      name: string(check.text('name')),
      ...placeOf(check),
      startNs,
      endNs,
      correlationId: check.id('correlationId', 0n),
      bytes: check.count('bytes', 0),
      kernel: kernelOf(check, kind === 'kernel'),
    })
  })
  eachRow(rows, 'devices', DEVICE_KEYS, check => tables.devices.push(deviceOf(check)))
  eachRow(rows, 'contexts', ['id', 'device', 'nullStream'], check => {
    tables.contexts.push({
      id: check.count('id', undefined, UINT32_MAX),
      device: check.count('device', undefined, UINT32_MAX),
      nullStream: check.count('nullStream', 0, UINT32_MAX),
    })
  })
  eachRow(rows, 'streamNames', ['context', 'stream', 'name'], check => {
    tables.streamNames.push({
      context: check.count('context', undefined, UINT32_MAX),
      stream: check.count('stream', undefined, UINT32_MAX),
      name: check.text('name'),
    })
  })
  eachRow(rows, 'gpuMemory', MEMORY_KEYS, check => {
    tables.addMemory({
      atNs: check.count('atNs'),
      bytes: check.count('bytes'),
      address: check.id('address', 0n),
      ...placeOf(check),
      kind: memoryKind(check, 'kind'),
      correlationId: check.id('correlationId', 0n),
      isRelease: check.flag('isRelease'),
    })
  })
  eachRow(rows, 'gpuOverheads', ['startNs', 'endNs', 'kind'], check => {
    const { startNs, endNs } = check.interval()
    tables.addOverhead(startNs, endNs, check.count('kind', undefined, UINT32_MAX))
  })
}

function memoryKind(check: RowChecker, field: string): number {
  return MEMORY_KINDS.indexOf(check.oneOf(field, MEMORY_KINDS, 'unknown'))
}

function placeOf(check: RowChecker): { device: number; context: number; stream: number } {
  return {
    device: check.count('device', 0, UINT32_MAX),
    context: check.count('context', 0, UINT32_MAX),
    stream: check.count('stream', 0, UINT32_MAX),
  }
}

function kernelOf(row: RowChecker, isKernel: boolean): KernelFields | undefined {
  if (row.value.kernel === undefined) {
    return undefined
  }
  if (!isKernel) {
    throw row.error('kernel', "goes with kind 'kernel' only")
  }
  const check = row.inner('kernel').keys(KERNEL_KEYS)
  return {
    grid: check.counts3('grid', UINT32_MAX),
    block: check.counts3('block', UINT32_MAX),
    registersPerThread: check.count('registersPerThread', 0, UINT16_MAX),
    ...countsOf(check, KERNEL_COUNTS),
    graphNodeId: check.id('graphNodeId', 0n),
  }
}

function deviceOf(check: RowChecker): GpuDeviceFields {
  const uuid = check.text('uuid', '')
  if (!/^([0-9a-f]{32})?$/i.test(uuid)) {
    throw check.error('uuid', `should be 32 hex digits, but is ${JSON.stringify(uuid)}`)
  }
  return {
    id: check.count('id', undefined, UINT32_MAX),
    name: check.text('name', ''),
    uuid: uuid.toLowerCase(),
    memoryBytes: check.count('memoryBytes', 0),
    memoryBandwidthKBps: check.count('memoryBandwidthKBps', 0),
    ...countsOf(check, DEVICE_COUNTS),
    isMig: check.flag('isMig'),
  }
}

function countsOf<Field extends string>(check: RowChecker, fields: readonly Field[]): Record<Field, number> {
  const counts = fields.map(field => [field, check.count(field, 0, UINT32_MAX)])
  return Object.fromEntries(counts) as Record<Field, number>
}
