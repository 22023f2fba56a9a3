import { describe, expect, it } from 'vitest'

import { OpscopeError } from '../src/errors.js'
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
  })
})
