// A capture in which every text that a recording can hold says what the test gives for it.
import { native, type RecordingHandle } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { buildCapture } from '../../src/index.js'
import type { CaptureRows, SpanRow } from '../../src/row-types.js'

export type TextOf = (field: string) => string

/** Two processes: what only a merged recording has is in it too. */
export async function hostileCapture(text: TextOf): Promise<Capture> {
  const parts = [await recordingOf(rowsOf(text, '')), await recordingOf(rowsOf(text, ' of the other'))]
  const recording = await native().merge({
    parts: parts.map((recording, index) => ({
      recording,
      shiftNs: index * 2000,
      host: text(`host ${index}`),
      name: text(`program ${index}`),
    })),
    originEpochNs: 1_763_780_000_000_000_000n,
    originClockNs: 0n,
    metaJson: JSON.stringify({
      state: 'All',
      tracerOption: 'AllOpDetail',
      host: text('host'),
      program: text('program'),
      opscope: text('version'),
      node: text('node'),
      clock: text('clock'),
      gpu: { available: false, reason: text('reason') },
      attributes: { [text('session key')]: text('session value') },
      warnings: [{ code: text('code of the session'), detail: text('detail of the session'), count: 3 }],
    }),
    warnings: [
      { code: text('code'), detail: text('detail'), count: 2 },
      { code: text('code without detail'), detail: '', count: 1 },
    ],
  })
  return Capture.fromHandle(recording)
}

async function recordingOf(rows: CaptureRows): Promise<RecordingHandle> {
  return Capture.recordingOf(await buildCapture(rows))
}

function rowsOf(text: TextOf, part: string): CaptureRows {
  const named = (field: string, startNs: number, endNs: number | null, more: Partial<SpanRow> = {}): SpanRow => ({
    thread: 0,
    name: text(`${field}${part}`),
    startNs,
    endNs,
    ...more,
  })
  const attributes = { [text('attribute key')]: text('attribute value'), number: 7 }
  const spanId = part === '' ? 'a1' : 'b1'
  return {
    threads: [
      { name: text(`thread${part}`), osThreadId: 7, jsThreadId: 0 },
      { name: text(`worker${part}`), osThreadId: 8, jsThreadId: 1 },
    ],
    spans: [
      named('op', 0, 900, { attributes, ids: { spanId } }),
      named('phase', 10, 200, { role: 'phase' }),
      named('instance', 210, 400, { role: 'instance', instance: text(`instance of an op${part}`) }),
      named('copy', 410, 500, { role: 'copy', category: 'memcpy' }),
      named('request', 0, 800, { thread: 1, isAsync: true, category: 'request', ids: { spanId: `${spanId}2` } }),
      named('stage', 100, 700, {
        thread: 1,
        isAsync: true,
        category: 'request',
        ids: { spanId: `${spanId}3`, parentId: `${spanId}2` },
        links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16) }],
      }),
      named('collection', 600, 650, { thread: 1, category: 'gc' }),
      named('unfinished', 850, null),
    ],
    launches: [
      { thread: 0, name: text('launch'), startNs: 20, endNs: 30, correlationId: 1 },
      { thread: 0, name: text('copy call'), startNs: 420, endNs: 430, correlationId: 2 },
      { thread: 0, name: text('wait call'), startNs: 510, endNs: 590, correlationId: 3 },
    ],
    gpu: [
      { kind: 'kernel', name: text('kernel'), startNs: 40, endNs: 90, correlationId: 1, stream: 7, context: 1 },
      {
        kind: 'copy',
        name: text('copy of a GPU'),
        startNs: 440,
        endNs: 480,
        correlationId: 2,
        bytes: 4096,
        context: 1,
      },
      { kind: 'sync', name: text('wait'), startNs: 520, endNs: 580, correlationId: 3, stream: 7, context: 1 },
      { kind: 'kernel', name: text('kernel that nobody launched'), startNs: 700, endNs: 800, stream: 8, context: 1 },
    ],
    devices: [{ id: 0, name: text(`device${part}`), multiprocessors: 8 }],
    contexts: [{ id: 1, device: 0 }],
    streamNames: [{ context: 1, stream: 7, name: text('stream') }],
    gpuMemory: [{ atNs: 25, bytes: 1024, context: 1, correlationId: 1 }],
    marks: [{ thread: 0, name: text('mark'), atNs: 300 }],
    counters: [1, 5, 2].map((value, i) => ({ thread: 0, name: text('counter'), atNs: 100 * i, value })),
    pauses: [{ startNs: 950, endNs: 960 }],
    durationNs: 1000,
    processId: part === '' ? 1 : 2,
    originEpochNs: 1_763_780_000_000_000_000n,
    attributes: { [text('attribute of a session')]: text(`value of a session${part}`) },
  }
}
