import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { OpscopeError } from '../../src/errors.js'
import { fileKind } from '../../src/import/file-kind.js'
import { loadCapture } from '../../src/load-capture.js'
import { mergeCaptures } from '../../src/merge-captures.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { contentOf } from '../export/capture-content.js'
import { randomRows } from '../export/random-rows.js'
import { XSPACE } from '../export/xplane-decoded.js'
import { randomGpuRows, TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
async function through(before: Capture): Promise<Capture> {
  const path = join(folder, 'again.xplane.pb')
  await before.export(path)
  return loadCapture(path)
}

type Content = Record<string, unknown> & {
  attributes: { value: unknown }[]
  gpu: unknown[][]
  summary: Record<string, unknown>
}
/** What the format keeps: bools are numbers, only copies and fills have bytes, and a fill has one kind of memory. */
function kept(capture: Capture): Content {
  const { pauses: _, summary: __, ...content } = contentOf(capture) as Content
  return {
    ...content,
    summary: {},
    attributes: content.attributes.map(row => ({
      ...row,
      value: typeof row.value === 'boolean' ? BigInt(row.value) : row.value,
    })),
    gpu: content.gpu.map(row => {
      const [name, kind, from, to, device, context, stream, startNs, endNs, bytes, ...joins] = row as number[]
      const isCopy = kind === 1
      const isFill = kind === 2
      const has = [isCopy ? from : 0, isCopy || isFill ? to : 0, isCopy || isFill ? bytes : 0]
      return [name, kind, device, context, stream, startNs, endNs, ...has, ...joins]
    }),
  }
}

describe('our own .xplane.pb', () => {
  it.each<[string, CaptureRows]>([
    ['nothing', {}],
    ['ops', INFERENCE_ROWS],
    ['requests', REQUEST_ROWS],
    ['a service', gpuServiceRows()],
    ['two GPUs', TWO_GPU_ROWS],
    ...[1, 2, 3, 4, 5].map((seed): [string, CaptureRows] => [`random GPU rows ${seed}`, randomGpuRows(seed)]),
  ])('loads back as it was: %s', async (_, rows) => {
    const before = await buildCapture(rows)
    expect(kept(await through(before))).toEqual(kept(before))
  })
  // What begins at the same moment on two lines has no order in the file: here nothing does.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('loads back as it was, by chance %i', async seed => {
    const { spans = [], gpu = [], ...rows } = randomRows(600, seed)
    const apart = <T extends { startNs: number; endNs: number | null }>(row: T, i: number): T => ({
      ...row,
      startNs: row.startNs + (i % 10),
      endNs: row.endNs === null ? null : row.endNs + (i % 10),
    })
    const before = await buildCapture({ ...rows, spans: spans.map(apart), gpu: gpu.map(apart), pauses: [] })
    expect(kept(await through(before))).toEqual(kept(before))
  })
  it('loads a merged capture as one process, whose name is before those of its threads', async () => {
    const part = (processId: number, host: string) =>
      buildCapture({
        processId,
        host,
        program: 'server.mjs',
        originEpochNs: 10n ** 18n,
        spans: [{ thread: 'main', name: 'predict', startNs: 0, endNs: 9 }],
      })
    const after = await through(await mergeCaptures([await part(1, 'a'), await part(2, 'b')]))
    expect(after.toJSON()).toMatchObject({ threads: expect.anything() })
    const { threads, processes } = contentOf(after) as { threads: { name: string }[]; processes: unknown[] }
    expect([threads.map(({ name }) => name), processes]).toEqual([
      ['server.mjs · a · main', 'server.mjs · b · main'],
      [],
    ])
  })
})

// One host event and one kernel, as TensorFlow's converters and jax read them; then the times of the session.
const ONE_KERNEL =
  '0a6c12092f686f73743a4350551a2508922112046d61696e18e8072217080110c0843d18c096b10222040801200022040802' +
  '180b220d0801120908011205696e6665722a110801120d080112096465766963655f69642a16080212120802120e636f7272' +
  '656c6174696f6e5f69640ada01120d2f6465766963653a4750553a301a320807121253747265616d20233728436f6d707574' +
  '652918e807221708011080897a18c08db70122040801180b220408023803220e0801120a080112067665634164642a160801' +
  '12120801120e636f7272656c6174696f6e5f69642a16080212120802120e6b65726e656c5f64657461696c732a5508031251' +
  '0803124d726567733a3136207374617469635f7368617265643a302064796e616d69635f7368617265643a3020677269643a' +
  '342c312c3120626c6f636b3a3235362c312c31206f63635f7063743a31303022086e6f6465686f7374'
const TIMES =
  '0a6512105461736b20456e7669726f6e6d656e742a1a080112160801121270726f66696c655f73746172745f74696d652a19' +
  '080212150802121170726f66696c655f73746f705f74696d65320c0801188080a8b1e39fe7cb17320c08021880c2ffe0e39f' +
  'e7cb17'

async function loaded(bytes: Uint8Array, name = 'foreign.xplane.pb'): Promise<Capture> {
  writeFileSync(join(folder, name), bytes)
  return loadCapture(join(folder, name))
}
type Json = Record<string, unknown>
/** A plane by names: `stats` of an event as [arm, value], texts by reference. */
class PlaneBuilder {
  readonly #events = new Map<string, number>()
  readonly #stats = new Map<string, number>()
  readonly #lines: Json[] = []
  readonly #planeStats: Json[] = []
  constructor(readonly name: string) {}

  line(
    id: number,
    name: string,
    timestampNs: bigint,
    events: [name: string, offsetPs: number, durationPs: number, stats?: Json][],
  ): this {
    this.#lines.push({
      id,
      name,
      timestampNs: String(timestampNs),
      events: events.map(([event, offsetPs, durationPs, stats = {}]) => ({
        metadataId: this.#id(this.#events, event),
        offsetPs,
        durationPs,
        stats: this.#statsOf(stats),
      })),
    })
    return this
  }
  stats(stats: Json): this {
    this.#planeStats.push(...this.#statsOf(stats))
    return this
  }
  #id(ids: Map<string, number>, name: string): number {
    if (!ids.has(name)) ids.set(name, ids.size + 1)
    return ids.get(name) as number
  }
  #statsOf(stats: Json): Json[] {
    return Object.entries(stats).map(([name, value]) => {
      const metadataId = this.#id(this.#stats, name)
      if (typeof value === 'string') return { metadataId, refValue: this.#id(this.#stats, value) }
      return { metadataId, [typeof value === 'bigint' ? 'uint64Value' : 'int64Value']: String(value) }
    })
  }
  toJSON(): Json {
    const entries = (ids: Map<string, number>) => Array.from(ids, ([name, id]) => ({ key: id, value: { id, name } }))
    return {
      name: this.name,
      lines: this.#lines,
      stats: this.#planeStats,
      eventMetadata: entries(this.#events),
      statMetadata: entries(this.#stats),
    }
  }
}
const spaceOf = (...planes: PlaneBuilder[]) =>
  XSPACE.encode(
    XSPACE.fromObject({ planes: planes.map(plane => plane.toJSON()), warnings: ['No steps.'], hostnames: ['tpu-vm'] }),
  ).finish()

const DETAILS = 'regs:16 static_shared:0 dynamic_shared:64 grid:4,1,1 block:256,1,1 occ_pct:100'
const COPY = 'kind_src:pinned kind_dst:device size:4096 dest:0 async:1'

describe("others' .xplane.pb", () => {
  it('reads the bytes that every reader knows', async () => {
    const bytes = Buffer.from(ONE_KERNEL + TIMES, 'hex')
    const sha = (of: Buffer) => createHash('sha256').update(of).digest('hex').slice(0, 16)
    expect([sha(bytes.subarray(0, 341)), sha(bytes)]).toEqual(['9185bb96a195d3dd', '6e2ace9d5d2ed549'])
    const capture = await loaded(bytes)
    expect(contentOf(capture)).toMatchObject({
      launches: [['infer', 0, 2000, 7000, 11n, -1]],
      originEpochNs: 1_700_000_000_000_000_000n,
    })
    expect(capture.kernels()).toMatchObject([
      { name: 'vecAdd', calls: 1, totalNs: 3000, registersPerThread: 16, grid: [4, 1, 1], block: [256, 1, 1] },
    ])
  })
  it('gives kernels and copies to the op whose launch they have', async () => {
    const host = new PlaneBuilder('/host:CPU').line(4242, 'tf_Compute', 7619n, [
      ['train', 0, 90_000_000, { _r: 1, step_num: 7 }],
      ['model/dense/MatMul:MatMul', 10_000_000, 50_000_000],
      ['cuLaunchKernel', 20_000_000, 1_000_000, { correlation_id: 11n, device_id: 0 }],
      ['cuMemcpyHtoDAsync', 70_000_000, 2_000_000, { correlation_id: 12n }],
      ['Iterator::Batch', 80_000_000, 1_000_000, { group_id: 3, batch: 5 }],
    ])
    const gpu = new PlaneBuilder('/device:GPU:0')
      .stats({ gpu_device_name: 'H100', compute_cap_major: 9n, memory_size: 2n ** 36n })
      .line(14, 'Stream #14(Compute,MemcpyH2D)', 7619n, [
        ['gemm', 30_000_000, 5_000_000, { correlation_id: 11n, kernel_details: DETAILS, context_id: '$$2' }],
        ['MemcpyH2D', 75_000_000, 1_000_000, { correlation_id: 12n, memcpy_details: COPY }],
        ['cuMemAlloc', 76_000_000, 0, { correlation_id: 13n, memalloc_details: 'num_bytes:8' }],
      ])
      .line(0xdeadbeef, 'Steps', 7619n, [['7', 0, 90_000_000]])
    const capture = await loaded(spaceOf(host, gpu))
    expect(capture.ops().map(({ path, cpuNs, gpuNs }) => [path.join(' > '), cpuNs, gpuNs])).toEqual(
      expect.arrayContaining([
        ['train', 90_000, 6000],
        ['train > MatMul', 50_000, 5000],
        ['train > Iterator::Batch', 1000, 0],
      ]),
    )
    expect(capture.kernels()).toMatchObject([{ name: 'gemm', totalNs: 5000, dynamicSharedBytes: 64 }])
    expect(capture.copies().rows).toMatchObject([{ bytes: 4096, gpuNs: 1000 }])
    expect(capture.devices()).toMatchObject([{ name: 'H100' }])
    expect(capture.warnings.map(({ code, count }) => [code, count])).toEqual(
      expect.arrayContaining([
        ['events-unsupported', 1],
        ['file-says', 1],
      ]),
    )
  })
  it('takes times since 1970 as well as those of a session', async () => {
    const start = 1_700_000_000_000_000_123n
    const line: Parameters<PlaneBuilder['line']>[3] = [['a', 5_000_000, 1_000_000]]
    const space = spaceOf(
      new PlaneBuilder('/host:CPU').line(1, 'main', start, line).line(2, 'other', start + 100n, line),
    )
    const { spans, originEpochNs } = contentOf(await loaded(space)) as {
      spans: { startNs: bigint }[]
      originEpochNs: bigint
    }
    expect([originEpochNs, spans.map(({ startNs }) => startNs)]).toEqual([start, [5000n, 5100n]])
  })
  it('reads counters and async events, and says what it leaves out', async () => {
    const host = new PlaneBuilder('/host:CPU')
      .line(1, 'main', 0n, [
        ['a', 0, 10_000, { _a: 1, flow: 5n }],
        ['b', 5000, 10_000, { _a: 1 }],
      ])
      .line(2, '_counters_', 0n, [['queue', 1000, 0, { value: 3 }]])
    const tpu = new PlaneBuilder('/device:TPU:0').line(1, 'XLA Ops', 0n, [['fusion', 0, 5]])
    const capture = await loaded(spaceOf(host, tpu))
    expect(capture.counters()).toMatchObject([{ name: 'queue', atNs: 1, value: 3 }])
    expect(contentOf(capture).spans).toMatchObject([{ flags: 1 }, { flags: 1 }])
    expect(capture.warnings.map(({ code }) => code).sort()).toEqual(['file-says', 'planes-ignored'])
  })
  it('reads every whole plane of a file that was cut', async () => {
    const line: Parameters<PlaneBuilder['line']>[3] = [['a', 0, 1000]]
    const whole = spaceOf(new PlaneBuilder('/host:CPU').line(1, 'main', 0n, line))
    const two = Buffer.concat([whole, spaceOf(new PlaneBuilder('/device:GPU:0').line(1, 'Stream #1', 0n, line))])
    const capture = await loaded(two.subarray(0, whole.length + 30))
    expect(capture.ops().map(({ path }) => path)).toEqual([['a']])
    expect(capture.warnings.map(({ code }) => code)).toContain('file-cut')
    await expect(loaded(whole.subarray(0, 40))).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_DAMAGED' })
  })
  it.each(['/host:CPU', '/device:GPU:0', 'Task Environment', '/host:metadata'])('knows %s at the beginning', name => {
    const plane = new PlaneBuilder(name).line(1, 'a'.repeat(5000), 0n, [])
    expect(fileKind(Buffer.from(spaceOf(plane)).subarray(0, 4096))).toBe('xplane')
  })
  it('reads or refuses what is damaged, never a surprise', async () => {
    const before = await buildCapture({ ...randomRows(60, 4), pauses: [] })
    await before.export(join(folder, 'whole.xplane.pb'))
    const whole = readFileSync(join(folder, 'whole.xplane.pb'))
    let state = 11
    const below = (count: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * count)
    }
    let read = 0
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(whole.subarray(0, below(3) === 0 ? below(whole.length) : whole.length))
      for (let edit = below(12); edit > 0; edit--) bytes[below(bytes.length)] = below(256)
      try {
        const capture = await loaded(bytes)
        capture.report()
        read++
      } catch (error) {
        expect(error, (error as Error).stack).toBeInstanceOf(OpscopeError)
      }
    }
    expect(read).toBeGreaterThan(20)
  })
})
