// PyTorch profiler traces (libkineto's Chrome JSON). A CUDA API call and what it caused on the GPU carry
// the same `args.correlation`; "External id" names the op and is not needed, since ops nest by time.
// Ignored: arrows (ac2g says again what the correlation says), gpu_user_annotation (a shadow of the host's
// annotation over GPU rows), rows about the recording itself (their process is a word instead of a number).
import { type Category, GPU_KINDS, type GpuKind, MEMORY_KINDS, type MemoryKind } from '../binding.js'
import type { Dialect } from './chrome.js'
import { argsOf, idOf, nameOf, numberOf, type TraceEvent, textOf } from './chrome-event.js'
import type { ChromeRows } from './chrome-rows.js'
import { addDevices, addMemory, kernelFields } from './kineto-gpu.js'

const HOST_CATEGORIES: Record<string, Category> = {
  cpu_op: 'cpu_op',
  user_annotation: 'section',
  python_function: 'user',
  overhead: 'overhead',
}
const GPU_CATEGORIES: Record<string, GpuKind> = {
  kernel: 'kernel',
  gpu_memcpy: 'copy',
  gpu_memset: 'fill',
  cuda_sync: 'sync',
}
const API_CATEGORIES = new Set(['cuda_runtime', 'cuda_driver'])

const MEMORY_WORDS: Record<string, MemoryKind> = {
  Pageable: 'pageable',
  Pinned: 'pinned',
  Device: 'device',
  'Device Static': 'device',
  Array: 'array',
  Managed: 'managed',
  'Managed Static': 'managed',
}

export class KinetoDialect implements Dialect {
  static fits(events: TraceEvent[], head: Record<string, unknown>): boolean {
    return (
      'baseTimeNanoseconds' in head ||
      'deviceProperties' in head ||
      events.some(
        event => event.cat === 'cpu_op' || (API_CATEGORIES.has(textOf(event.cat)) && 'correlation' in argsOf(event)),
      )
    )
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    const category = textOf(event.cat)
    if (category === 'gpu_user_annotation' || category === 'Trace' || Number.isNaN(Number(event.pid))) {
      return true
    }
    if (event.ph === 'i' && addMemory(rows.builder, event, startNs)) {
      return true
    }
    if (event.ph !== 'X') {
      return false
    }
    const endNs = startNs + (rows.durationNs(event) ?? 0)
    const hostCategory = HOST_CATEGORIES[category]
    if (hostCategory !== undefined) {
      const name = rows.builder.name(nameOf(event), hostCategory)
      rows.attributes(rows.builder.addSpan(rows.thread(event), name, startNs, endNs), event)
      return true
    }
    const args = argsOf(event)
    if (API_CATEGORIES.has(category)) {
      rows.builder.addLaunch(rows.thread(event), nameOf(event), startNs, endNs, idOf(args.correlation))
      return true
    }
    const kind = GPU_CATEGORIES[category]
    if (kind === undefined) {
      return false
    }
    const [from, to] = kind === 'copy' ? memoryKinds(nameOf(event)) : (['unknown', 'unknown'] as const)
    rows.builder.addGpu({
      kind: GPU_KINDS.indexOf(kind),
      from: MEMORY_KINDS.indexOf(from),
      to: MEMORY_KINDS.indexOf(to),
      name: nameOf(event),
      device: smallId(args.device ?? event.pid),
      context: smallId(args.context),
      stream: smallId(args.stream ?? event.tid),
      startNs,
      endNs,
      correlationId: idOf(args.correlation),
      bytes: numberOf(args.bytes) ?? 0,
      kernel: kind === 'kernel' ? kernelFields(args) : undefined,
    })
    return true
  }

  finish(rows: ChromeRows, head: Record<string, unknown>): void {
    addDevices(rows.builder, head.deviceProperties)
    const base = head.baseTimeNanoseconds
    // Always a whole second in the files we know, which a double holds exactly.
    rows.builder.originEpochNs =
      typeof base === 'number' && Number.isFinite(base) ? BigInt(Math.round(base)) : idOf(base)
  }
}

/** "Memcpy HtoD (Pageable -> Device)": what it is copied from and to. */
export function memoryKinds(name: string): [from: MemoryKind, to: MemoryKind] {
  const match = /\((.+?) -> (.+?)\)/.exec(name)
  if (/\bPtoP\b/.test(name)) {
    return ['device', 'peer']
  }
  if (match !== null) {
    return [MEMORY_WORDS[match[1] ?? ''] ?? 'unknown', MEMORY_WORDS[match[2] ?? ''] ?? 'unknown']
  }
  // Without the words in brackets the direction still tells host from device.
  const sides = /\b([HDA])to([HDA])\b/.exec(name)
  const side = (letter = '') => ({ H: 'pageable', D: 'device', A: 'array' })[letter] as MemoryKind | undefined
  return [side(sides?.[1]) ?? 'unknown', side(sides?.[2]) ?? 'unknown']
}

function smallId(value: unknown): number {
  return Number(BigInt.asUintN(32, idOf(value)))
}
