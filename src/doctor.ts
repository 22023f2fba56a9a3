import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics } from 'node:v8'

import { BUILD_COMMAND, native, platformName, tryNative } from './binding.js'
import { VERSION } from './version.js'

/** What this machine and this installation offer to a recording. */
export interface Diagnosis {
  opscope: string
  platform: string
  native: { found: true; path: string; version: string } | { found: false; reason: string; build: string }
  /** Where timestamps come from, and what a span costs here; absent without the native core. */
  clock?: { source: string; spanCostNs: number }
  /** `detail` names the driver, the library and their versions, or what is missing. */
  gpu: { available: boolean; reason?: string; detail?: string }
  cpu: { count: number; model: string }
  memory: {
    totalBytes: number /** Of the container; absent when there is none. */
    limitBytes?: number
    heapLimitBytes: number
  }
}

/** Long enough to load CUPTI and attach; doctor must answer a person. */
const GPU_START_MS = 5000

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Looks at the platform, the native core, the clock, the GPU, the CPUs and the memory limits. Never throws. */
export function diagnose(): Diagnosis {
  const binding = tryNative()
  const stats = binding?.recorderStats()
  const limit = process.constrainedMemory()
  return {
    opscope: VERSION,
    platform: platformName(),
    native:
      binding === undefined
        ? { found: false, reason: nativeFailure(), build: BUILD_COMMAND }
        : { found: true, path: nativePath(), version: binding.version },
    ...(stats === undefined ? {} : { clock: { source: stats.clock, spanCostNs: stats.spanCostNs } }),
    gpu: gpuState(),
    cpu: { count: availableParallelism(), model: cpus()[0]?.model ?? 'unknown' },
    memory: {
      totalBytes: totalmem(),
      // Without a limit, some systems say 0 or a number beyond all memory.
      ...(limit > 0 && limit < totalmem() ? { limitBytes: limit } : {}),
      heapLimitBytes: getHeapStatistics().heap_size_limit,
    },
  }
}

function nativePath(): string {
  const finder = createRequire(import.meta.url)('node-gyp-build') as { path?: (root: string) => string }
  return finder.path?.(ROOT) ?? 'unknown'
}
function nativeFailure(): string {
  try {
    native()
    return ''
  } catch (error) {
    return (
      String(((error as Error).cause as Error | undefined)?.message ?? (error as Error).message).split('\n', 1)[0] ?? ''
    )
  }
}

function gpuState(): Diagnosis['gpu'] {
  const binding = tryNative()
  if (binding === undefined) return { available: false, reason: 'no-native-core' }
  const { available, reason, detail } = binding.startGpu(GPU_START_MS, false, true)
  if (!available) return { available, reason, detail }
  const session = binding.startSession({
    categoryMask: 0,
    startPaused: true,
    isDetailed: false,
    isExact: false,
    hasGpu: true,
    path: '',
    format: '',
    metaJson: '{}',
    streamFd: -1,
    streamPath: '',
    streamSuffix: '',
    maxFileBytes: 0,
    streamFormat: 'perfetto',
    flushMs: 0,
    isMoving: false,
    keepMs: 0,
    slowMs: 0,
  })
  binding.stopSessionSync(session, '{}')
  return { available, detail }
}
