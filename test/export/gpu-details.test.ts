// What a GPU tells beside its rows, through files and back.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { randomGpuRows, TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { contentOf } from './capture-content.js'
import { type Decoded, decodePerfetto } from './perfetto-decoded.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

const CASES: (readonly [string, CaptureRows])[] = [
  ['a small GPU service', gpuServiceRows()],
  ['two GPUs', TWO_GPU_ROWS],
  ...Array.from({ length: 30 }, (_, seed) => [`random rows ${seed + 1}`, randomGpuRows(seed + 1)] as const),
]
/** All that a capture file tells, but the order of the names, which is that of their use. */
async function told(capture: Capture): Promise<Decoded> {
  const path = join(folder, 'told.pftrace')
  await capture.export(path)
  const { events, ...rest } = decodePerfetto(readFileSync(path))
  return { ...rest, events: events.filter(({ name }) => name !== 'opscope names') }
}

describe.each(['trace.pftrace', 'trace.json'])('%s', name => {
  it.each(CASES)('gives back %s as they were', async (_, rows) => {
    const capture = await buildCapture(rows)
    await capture.export(join(folder, name))
    const loaded = await loadCapture(join(folder, name))
    expect(contentOf(loaded)).toEqual(contentOf(capture))
    // Details that no table of the capture shows are in its file, too.
    expect(await told(loaded)).toEqual(await told(capture))
  })
})

it('takes no number from a damaged trace that its field cannot hold', async () => {
  const path = join(folder, 'damaged.json')
  await (await buildCapture(gpuServiceRows())).export(path)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text
      .replaceAll('"memory_bytes":85899345920', '"memory_bytes":1e300')
      .replaceAll('"grid":[264,1,1]', '"grid":[-7,1e300,"x"]'),
  )
  const capture = await loadCapture(path)
  expect(capture.devices()[0]).toMatchObject({ memoryBytes: Number.MAX_SAFE_INTEGER })
  expect(capture.kernels()[0]).toMatchObject({ grid: [0, 2 ** 32 - 1, 0] })
})

it('loads a file that was written before there were details', async () => {
  const capture = await loadCapture(fileURLToPath(new URL('../fixtures/gpu-without-details.pftrace', import.meta.url)))
  expect(contentOf(capture)).toEqual(
    contentOf(
      await buildCapture({
        spans: [{ thread: 'main', name: 'predict', startNs: 0, endNs: 10_000 }],
        launches: [
          { thread: 'main', name: 'cudaMemcpyAsync', startNs: 100, endNs: 200, correlationId: 1 },
          { thread: 'main', name: 'cudaLaunchKernel', startNs: 300, endNs: 400, correlationId: 2 },
        ],
        gpu: [
          {
            kind: 'copy',
            name: 'HtoD',
            device: 1,
            context: 2,
            stream: 13,
            startNs: 500,
            endNs: 900,
            correlationId: 1,
            bytes: 4096,
            from: 'pinned',
            to: 'device',
          },
          {
            kind: 'kernel',
            name: 'gemm',
            device: 1,
            context: 2,
            stream: 13,
            startNs: 1000,
            endNs: 5000,
            correlationId: 2,
          },
        ],
        originEpochNs: 10n ** 18n,
        processId: 77,
      }),
    ),
  )
})
