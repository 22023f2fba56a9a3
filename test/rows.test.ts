import { describe, expect, it } from 'vitest'

import { native } from '../src/binding.js'
import { OpscopeError } from '../src/errors.js'
import type { RawRows } from '../src/raw-rows.js'
import { type CaptureRows, fromPlainRows } from '../src/rows.js'

const span = { thread: 'main', name: 'matmul', startNs: 0, endNs: 10 }
const kernel = { kind: 'kernel', name: 'gemm', startNs: 2, endNs: 4 }

function errorOf(rows: unknown): string {
  try {
    fromPlainRows(rows as CaptureRows)
  } catch (error) {
    expect(error).toBeInstanceOf(OpscopeError)
    expect((error as OpscopeError).code).toBe('ERR_OPSCOPE_ROWS')
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

describe('plain rows', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'a missing name',
      { spans: [span, { ...span, name: undefined }] },
      /^spans\[1\]\.name should be a non-empty string, but is missing/,
    ],
    [
      'a time that is text',
      { spans: [{ ...span, startNs: '0' }] },
      /^spans\[0\]\.startNs should be a whole number from 0, but is "0"/,
    ],
    ['a fraction of a ns', { spans: [{ ...span, endNs: 0.5 }] }, /^spans\[0\]\.endNs should be a whole number/],
    ['a missing end', { spans: [{ ...span, endNs: undefined }] }, /^spans\[0\]\.endNs .* is missing/],
    ['an end before the start', { spans: [{ ...span, startNs: 11 }] }, /^spans\[0\]\.endNs is 10, before startNs 11/],
    [
      'an unknown role',
      { spans: [{ ...span, role: 'fase' }] },
      /^spans\[0\]\.role should be one of op, phase.*\n {2}Did you mean "phase"/,
    ],
    [
      'a misspelled field',
      { spans: [{ ...span, catgory: 'user' }] },
      /^spans\[0\]\.catgory is not a known field\.\n {2}Did you mean "category"/,
    ],
    ['a misspelled table', { span: [span] }, /^rows\.span is not a known field\.\n {2}Did you mean "spans"/],
    [
      'an instance without a name',
      { spans: [{ ...span, role: 'instance' }] },
      /^spans\[0\]\.instance is needed with role 'instance'/,
    ],
    [
      'an instance name of an op',
      { spans: [{ ...span, instance: 'x' }] },
      /^spans\[0\]\.instance goes with role 'instance' only/,
    ],
    [
      'an id that is no hex',
      { spans: [{ ...span, ids: { spanId: 'xyz' } }] },
      /^spans\[0\]\.ids\.spanId should be up to 16 hex digits/,
    ],
    ['an id of zeros', { spans: [{ ...span, ids: { spanId: '0000' } }] }, /^spans\[0\]\.ids\.spanId .*not all zero/],
    [
      'an unlisted thread',
      { threads: ['main'], spans: [{ ...span, thread: 'worker' }] },
      /^spans\[0\]\.thread is "worker", which is not in threads/,
    ],
    ['a row that is no object', { spans: [7] }, /^spans\[0\] is not an object but 7/],
    [
      'an unknown GPU kind',
      { gpu: [{ ...kernel, kind: 'kernal' }] },
      /^gpu\[0\]\.kind should be one of .*\n {2}Did you mean "kernel"/,
    ],
    [
      'a negative stream',
      { gpu: [{ ...kernel, stream: -1 }] },
      /^gpu\[0\]\.stream should be a whole number from 0 to 4294967295, but is -1/,
    ],
    [
      'a grid of two sides',
      { gpu: [{ ...kernel, kernel: { grid: [1, 2], block: [1, 1, 1] } }] },
      /^gpu\[0\]\.kernel\.grid should be three whole numbers from 0 to 4294967295, but is an array/,
    ],
    [
      'a block with a fraction',
      { gpu: [{ ...kernel, kernel: { grid: [1, 1, 1], block: [1, 1, 0.5] } }] },
      /^gpu\[0\]\.kernel\.block should be three/,
    ],
    [
      'a misspelled field of a kernel',
      { gpu: [{ ...kernel, kernel: { grid: [1, 1, 1], block: [1, 1, 1], graphID: 1 } }] },
      /^gpu\[0\]\.kernel\.graphID is not a known field\.\n {2}Did you mean "graphId"/,
    ],
    [
      'registers beyond 16 bits',
      { gpu: [{ ...kernel, kernel: { grid: [1, 1, 1], block: [1, 1, 1], registersPerThread: 65536 } }] },
      /^gpu\[0\]\.kernel\.registersPerThread should be a whole number from 0 to 65535/,
    ],
    [
      'a copy that is launched like a kernel',
      { gpu: [{ ...kernel, kind: 'copy', kernel: { grid: [1, 1, 1], block: [1, 1, 1] } }] },
      /^gpu\[0\]\.kernel goes with kind 'kernel' only/,
    ],
    ['a device without an id', { devices: [{ name: 'H100' }] }, /^devices\[0\]\.id .* is missing/],
    [
      'a misspelled field of a device',
      { devices: [{ id: 0, maxWarpPerSm: 64 }] },
      /^devices\[0\]\.maxWarpPerSm is not a known field\.\n {2}Did you mean "maxWarpsPerSm"/,
    ],
    [
      'a uuid that is no hex',
      { devices: [{ id: 0, uuid: 'GPU-0' }] },
      /^devices\[0\]\.uuid should be 32 hex digits, but is "GPU-0"/,
    ],
    ['a context of no device', { contexts: [{ id: 1 }] }, /^contexts\[0\]\.device .* is missing/],
    ['a stream without a name', { streamNames: [{ context: 1, stream: 7 }] }, /^streamNames\[0\]\.name .* is missing/],
    ['an allocation without a size', { gpuMemory: [{ atNs: 1 }] }, /^gpuMemory\[0\]\.bytes .* is missing/],
    [
      'an unknown kind of memory',
      { gpuMemory: [{ atNs: 1, bytes: 1, kind: 'devise' }] },
      /^gpuMemory\[0\]\.kind should be one of .*\n {2}Did you mean "device"/,
    ],
    [
      'an overhead that ends before it starts',
      { gpuOverheads: [{ startNs: 2, endNs: 1, kind: 1 }] },
      /^gpuOverheads\[0\]\.endNs is 1, before startNs 2/,
    ],
    ['a table that is no array', { devices: {} }, /^devices is not an array/],
    ['a launch without an id', { launches: [span] }, /^launches\[0\]\.correlationId .* is missing/],
    [
      'a counter that is not a number',
      { counters: [{ thread: 0, name: 'q', atNs: 1, value: Number.NaN }] },
      /^counters\[0\]\.value should be a finite number/,
    ],
    [
      'an attribute that is an object',
      { spans: [{ ...span, attributes: { shape: [1, 2] } }] },
      /^spans\[0\]\.attributes\.shape is neither a string/,
    ],
    [
      'a pause in another',
      {
        pauses: [
          { startNs: 1, endNs: 5 },
          { startNs: 4, endNs: 6 },
        ],
      },
      /^pauses\[1\]\.startNs is 4, before the end of the pause before it/,
    ],
    [
      'an unknown state',
      { state: 'gpu' },
      /^state should be one of CPU, GPU, All, but is "gpu"\.\n {2}Did you mean "GPU"/,
    ],
  ])('name the row and the field of %s', (_, rows, message) => {
    expect(errorOf(rows)).toMatch(message)
  })

  it('become columns', () => {
    const rows = fromPlainRows({
      threads: ['main', { name: 'worker', osThreadId: 77, jsThreadId: 1 }],
      spans: [
        { ...span, attributes: { batch: 4, ratio: 0.5, fast: true, model: 'm', big: 2n ** 60n } },
        {
          ...span,
          thread: 1,
          ids: { spanId: 'b1', parentId: 'a1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
          isAsync: true,
        },
        { ...span, endNs: null },
      ],
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 1, endNs: 2, correlationId: 9 }],
      gpu: [
        {
          kind: 'copy',
          name: 'HtoD',
          startNs: 2,
          endNs: 4,
          correlationId: 9n,
          bytes: 64,
          from: 'pinned',
          to: 'device',
        },
      ],
      pauses: [{ startNs: 3, endNs: 5 }],
    }).rows()
    expect(rows.threads).toEqual([
      { name: 'main', osThreadId: 0, jsThreadId: -1 },
      { name: 'worker', osThreadId: 77, jsThreadId: 1 },
    ])
    expect([...rows.spans.thread]).toEqual([0, 1, 0])
    expect([...rows.spans.endNs]).toEqual([10, 10, Number.NaN])
    expect([...rows.spans.flags]).toEqual([0, 1, 0])
    expect([...rows.spans.spanId]).toEqual([0n, 0xb1n, 0n])
    expect([...rows.spans.parentId]).toEqual([0n, 0xa1n, 0n])
    expect(rows.spans.traceIdHigh[1]).toBe(0x4bf92f3577b34da6n)
    expect(rows.spans.traceIdLow[1]).toBe(0xa3ce929d0e0e4736n)
    expect(rows.names).toHaveLength(1)
    expect(
      rows.attributes.map(({ key, type, value }) => [
        rows.strings[key],
        type,
        type === 0 ? rows.strings[value] : value,
      ]),
    ).toEqual([
      ['batch', 1, 4],
      ['ratio', 1, 0.5],
      ['fast', 3, 1],
      ['model', 0, 'm'],
      ['big', 0, '1152921504606846976'],
    ])
    expect([rows.gpu.kind[0], rows.gpu.from[0], rows.gpu.to[0], rows.gpu.bytes[0]]).toEqual([1, 2, 3, 64])
    expect(rows.launches.correlationId[0]).toBe(rows.gpu.correlationId[0])
    expect(rows.pauses).toEqual([{ startNs: 3, endNs: 5 }])
  })

  const detailed = (): CaptureRows => ({
    gpu: [
      { ...kernel, kind: 'fill' },
      {
        ...kernel,
        kind: 'kernel',
        kernel: { grid: [8, 2, 1], block: [128, 1, 1], registersPerThread: 42, graphId: 3, graphNodeId: 2n ** 40n },
      },
    ],
    devices: [{ id: 1, name: 'H100', uuid: 'ab'.repeat(16), memoryBytes: 2 ** 36, computeMajor: 9, isMig: true }],
    contexts: [{ id: 1, device: 1, nullStream: 7 }],
    streamNames: [{ context: 1, stream: 13, name: 'decoder' }],
    gpuMemory: [{ atNs: 5, bytes: 4096, address: 2n ** 47n, kind: 'device', correlationId: 9, isRelease: true }],
    gpuOverheads: [{ startNs: 1, endNs: 3, kind: 65536 }],
  })

  it('take the details of GPU rows', () => {
    const { kernels, devices, contexts, streamNames, memory, overheads } = fromPlainRows(detailed()).rows().gpuDetails
    const plain = (table: Record<string, ArrayLike<number | bigint>>) =>
      Object.fromEntries(Object.entries(table).map(([key, column]) => [key, Array.from(column)]))
    expect(plain(kernels)).toEqual({
      row: [1],
      gridX: [8],
      gridY: [2],
      gridZ: [1],
      blockX: [128],
      blockY: [1],
      blockZ: [1],
      registersPerThread: [42],
      staticSharedBytes: [0],
      dynamicSharedBytes: [0],
      executedSharedBytes: [0],
      localBytesPerThread: [0],
      graphId: [3],
      graphNodeId: [2n ** 40n],
      queuedNs: [0n],
      submittedNs: [0n],
    })
    expect(devices).toEqual([expect.objectContaining({ id: 1, name: 'H100', memoryBytes: 2 ** 36, copyEngines: 0 })])
    expect(devices[0]).toMatchObject({ uuid: 'ab'.repeat(16), computeMajor: 9, computeMinor: 0, isMig: true })
    expect(contexts).toEqual([{ id: 1, device: 1, nullStream: 7 }])
    expect(streamNames).toEqual([{ context: 1, stream: 13, name: 'decoder' }])
    expect(plain(memory)).toEqual({
      atNs: [5],
      bytes: [4096],
      device: [0],
      context: [0],
      stream: [0],
      kind: [3],
      isRelease: [1],
      address: [2n ** 47n],
      correlationId: [9n],
    })
    expect(plain(overheads)).toEqual({ startNs: [1], endNs: [3], kind: [65536], process: [0] })
  })

  it.each<[string, (details: RawRows['gpuDetails']) => void, RegExp]>([
    ['kernels', ({ kernels }) => kernels.row.fill(0), /kernel 0: no such kernel among the gpu rows/],
    ['allocations', ({ memory }) => memory.kind.fill(9), /memory row 0: no such memory kind/],
    ['overheads', ({ overheads }) => overheads.endNs.fill(Number.NaN), /overhead 0: a time is out of range/],
  ])('bring their %s to the native core, which checks them again', async (_, damage, message) => {
    await expect(native().build(fromPlainRows(detailed()).rows())).resolves.toBeDefined()
    const rows = fromPlainRows(detailed()).rows()
    damage(rows.gpuDetails)
    await expect(native().build(rows)).rejects.toThrow(message)
  })
})
