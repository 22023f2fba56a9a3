// Two processes with the same numbers for everything: pid, threads, GPU, context, correlation ids, addresses, span ids.
import type { CaptureRows } from '../../src/rows.js'

export const EPOCH_NS = 1_763_780_000_000_000_000n
/** What the second begins after the first. */
export const LATER_NS = 1_500
export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'

export const CLIENT: CaptureRows = {
  host: 'host-a',
  program: 'client.mjs',
  processId: 12,
  originEpochNs: EPOCH_NS,
  durationNs: 10_000,
  attributes: { model: 'bert', side: 'client' },
  threads: [{ name: 'main', osThreadId: 12, jsThreadId: 0 }],
  spans: [
    {
      thread: 'main',
      name: 'call',
      category: 'request',
      startNs: 100,
      endNs: 9_000,
      ids: { spanId: 'c1', traceId: TRACE_ID },
    },
    { thread: 'main', name: 'encode', category: 'cpu_op', startNs: 200, endNs: 1_200 },
    { thread: 'main', name: 'left open', startNs: 9_500, endNs: null },
    { thread: 'main', name: 'log', startNs: 7_000, endNs: 7_100, isAsync: true, ids: { spanId: 'c2' } },
    {
      thread: 'main',
      name: 'flush',
      startNs: 7_010,
      endNs: 7_020,
      isAsync: true,
      ids: { spanId: 'c3', parentId: 'c2' },
    },
  ],
  launches: [
    { thread: 'main', name: 'cudaMemcpy', startNs: 300, endNs: 400, correlationId: 1 },
    { thread: 'main', name: 'cudaLaunchKernel', startNs: 500, endNs: 600, correlationId: 2 },
  ],
  gpu: [
    {
      kind: 'copy',
      name: 'HtoD',
      device: 0,
      context: 1,
      stream: 7,
      startNs: 350,
      endNs: 390,
      correlationId: 1,
      bytes: 64,
      from: 'pageable',
      to: 'device',
    },
    { kind: 'kernel', name: 'gemm', device: 0, context: 1, stream: 7, startNs: 700, endNs: 900, correlationId: 2 },
  ],
  devices: [{ id: 0, name: 'H100', uuid: 'aa'.repeat(16) }],
  contexts: [{ id: 1, device: 0 }],
  streamNames: [{ context: 1, stream: 7, name: 'decoder' }],
  gpuMemory: [
    { atNs: 150, bytes: 100, address: 0x7000, device: 0, context: 1, kind: 'device' },
    { atNs: 9_900, bytes: 100, address: 0x7000, device: 0, context: 1, kind: 'device', isRelease: true },
  ],
  gpuOverheads: [{ startNs: 10, endNs: 20, kind: 65_536 }],
  marks: [{ thread: 'main', name: 'sent', atNs: 1_250 }],
  counters: [{ thread: 'main', name: 'queue', atNs: 100, value: 1 }],
  pauses: [{ startNs: 9_100, endNs: 9_300 }],
}

export const SERVER: CaptureRows = {
  ...CLIENT,
  host: 'host-b',
  program: 'server.mjs',
  originEpochNs: EPOCH_NS + BigInt(LATER_NS),
  durationNs: 6_000,
  attributes: { model: 'bert', side: 'server' },
  spans: [
    {
      thread: 'main',
      name: 'handle',
      category: 'request',
      startNs: 0,
      endNs: 5_000,
      ids: { spanId: 'f1', parentId: 'c1', traceId: TRACE_ID },
    },
    { thread: 'main', name: 'encode', category: 'cpu_op', startNs: 200, endNs: 800 },
    { thread: 'main', name: 'left open', startNs: 5_500, endNs: null },
    // Ids that the client has too.
    { thread: 'main', name: 'log', startNs: 4_000, endNs: 4_100, isAsync: true, ids: { spanId: 'c2' } },
    {
      thread: 'main',
      name: 'flush',
      startNs: 4_010,
      endNs: 4_020,
      isAsync: true,
      ids: { spanId: 'c3', parentId: 'c2' },
    },
  ],
  devices: [{ id: 0, name: 'H100', uuid: 'bb'.repeat(16) }],
  gpuMemory: [{ atNs: 150, bytes: 30, address: 0x7000, device: 0, context: 1, kind: 'device' }],
  gpuOverheads: [{ startNs: 15, endNs: 20, kind: 65_536 }],
  marks: [{ thread: 'main', name: 'received', atNs: 10 }],
  counters: [{ thread: 'main', name: 'queue', atNs: 100, value: 2 }],
  pauses: [{ startNs: 5_100, endNs: 5_400 }],
}
