// A recording of everything that a table may hold, by chance: threads, ids, parents in other processes, attributes of
// all types under all names, unfinished and failed spans, async ones, launches, GPU rows with and without them, pauses.
import type { CaptureRows, GpuRow, LaunchRow, SpanRow } from '../../src/row-types.js'

const NAMES = ['matmul', 'conv2d', 'a "quoted", name', 'two\nlines', 'ünï 漢字 😀', ' padded ', '=1+1', 'null']
const CATEGORIES = ['user', 'inference', 'cpu_op', 'device', 'request', 'gc'] as const
const KEYS = [
  'batch',
  'stream',
  'device_index',
  'execution_index',
  'instruction_index',
  'operator_index',
  'bytes',
  '7',
  '0',
  'a "key"',
  'é',
]
const VALUES = [0, -1, 7, 2 ** 31, -(2 ** 31), 2 ** 40, 0.5, -0.1, 1e21, 1.5e-7, 5e-324, 123456789.125, true, false]
const TEXTS = ['', 'bert', 'with, comma', '"', 'line\r\nend', '\u0001\u007f\b\f\\', '漢字']
const BIGS = [0n, 42n, 2n ** 31n - 1n, 2n ** 53n, -(2n ** 53n), 2n ** 62n]
const ATTRIBUTES = [...VALUES, ...TEXTS, ...BIGS]

export function randomRows(spanCount: number, seed = 1): CaptureRows {
  let state = seed
  const below = (count: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!
  const often = (share: number) => below(1000) < share * 1000
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('')

  const spans: SpanRow[] = []
  const launches: LaunchRow[] = []
  const gpu: GpuRow[] = []
  const ids: string[] = []
  let now = 0
  for (let i = 0; i < spanCount; i++) {
    now += below(50) * 10
    const length = below(20) * 30
    const hasId = often(0.2)
    const spanId = hasId ? hex(16).replace(/^0+/, '1') : ''
    const attributes = Object.fromEntries(Array.from({ length: below(4) }, () => [one(KEYS), one(ATTRIBUTES)]))
    spans.push({
      thread: below(4),
      name: one(NAMES),
      category: one(CATEGORIES),
      startNs: now,
      endNs: often(0.01) ? null : now + length,
      ...(often(0.3) && { isAsync: true }),
      ...(often(0.1) && { isError: true }),
      ...(often(0.3) && { attributes }),
      ...(hasId && {
        ids: {
          spanId,
          ...(often(0.3) && { traceId: hex(32).replace(/^0/, '1') }),
          ...(often(0.6) && {
            parentId: ids.length > 0 && often(0.8) ? ids[Math.max(0, ids.length - 1 - below(9))]! : hex(15),
          }),
        },
      }),
    })
    if (hasId) ids.push(spanId)
    if (!often(0.2)) continue
    const correlationId = i + 1
    if (often(0.9)) {
      launches.push({ thread: below(4), name: 'cudaLaunchKernel', startNs: now + 1, endNs: now + 5, correlationId })
    }
    gpu.push({
      kind: one(['kernel', 'copy', 'fill', 'sync']),
      name: one(['sgemm<float, 128>', 'HtoD', ...NAMES]),
      device: below(2),
      context: below(3),
      stream: often(0.05) ? 2 ** 32 - 1 : below(20),
      startNs: now + 10,
      endNs: now + 10 + below(10) * 10,
      ...(often(0.95) && { correlationId }),
      bytes: below(2 ** 30),
    })
  }
  return {
    threads: [
      { name: 'main', osThreadId: 100, jsThreadId: 0 },
      { name: 'worker', osThreadId: 2 ** 40, jsThreadId: 3 },
      { name: 'native', osThreadId: 102 },
      { name: 'unknown' },
    ],
    spans,
    launches,
    gpu,
    pauses: [1, 2, 3].map(part => ({
      startNs: Math.floor((now * part) / 5),
      endNs: Math.floor((now * part) / 5) + 900,
    })),
    durationNs: now + 1000,
    originEpochNs: 1_763_780_000_123_456_789n,
    processId: 4321,
    attributes: { model: 'bert', batch: 4 },
  }
}
