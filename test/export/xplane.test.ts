// XSpaces through protobufjs and a schema of its own, as its readers see them: TensorBoard's Profile plugin, xprof, jax.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { mergeCaptures } from '../../src/merge-captures.js'
import { profile } from '../../src/profiler.js'
import { op, record, recordSync } from '../../src/record.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { randomGpuRows, TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { workedVector } from '../fixtures/worked-vector.js'
import { randomRows } from './random-rows.js'
import { decodeXSpace, lintXSpace, type XEvent, type XLine, type XPlane, type XSpace } from './xplane-decoded.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

async function exported(capture: Capture, name = 'trace.xplane.pb'): Promise<XSpace> {
  const { path } = await capture.export(join(folder, name))
  return decodeXSpace(readFileSync(path))
}
const spaceOf = async (rows: CaptureRows) => exported(await buildCapture(rows))
const planeOf = (space: XSpace, name = '/host:CPU') => space.planes.find(plane => plane.name === name) as XPlane
const lineOf = (space: XSpace, name: string, plane?: string) =>
  planeOf(space, plane).lines.find(line => line.name === name) as XLine
const eventOf = (space: XSpace, name: string, plane?: string) =>
  planeOf(space, plane)
    .lines.flatMap(({ events }) => events)
    .find(event => (event.displayName || event.name) === name) as XEvent
const namesOf = ({ events }: XLine) => events.map(({ name }) => name)

describe('an XSpace', () => {
  it.each<[string, CaptureRows]>([
    ['nothing', {}],
    ['ops', INFERENCE_ROWS],
    ['requests', REQUEST_ROWS],
    // The tables beside the rows are walked twice, and stood at their end where the last row was the first.
    ['one request', { spans: [{ thread: 'main', name: 'only', category: 'request', startNs: 0, endNs: 9 }] }],
    [
      'one async span',
      {
        spans: [
          { thread: 'main', name: 'only', isAsync: true, startNs: 0, endNs: 9, ids: { spanId: '0000000000000007' } },
        ],
      },
    ],
    ['a GPU', gpuServiceRows()],
    ['two GPUs', TWO_GPU_ROWS],
    ['the worked vector', workedVector()],
    ['random rows', randomRows(3000)],
    ['random GPU rows', randomGpuRows(3)],
  ])('keeps the rules of its readers: %s', async (_, rows) => {
    expect(lintXSpace(await spaceOf(rows))).toEqual([])
  })
  it('keeps them with 1e5 spans at random, and has every one of them', async () => {
    const { spans = [] } = randomRows(100_000, 5)
    const space = await spaceOf({ spans: spans.map(({ attributes: _, ids: __, ...span }) => span) })
    expect(lintXSpace(space)).toEqual([])
    const drawn = planeOf(space)
      .lines.flatMap(({ events }) => events)
      .filter(({ stats }) => stats['opscope.sync_part'] === undefined)
    expect(drawn).toHaveLength(100_000)
  }, 120_000)
  it('keeps them for what the profiler records, across awaits', async () => {
    const matmul = op('matmul')
    const capture = await profile({ gpu: 'off' }, async () => {
      const request = () =>
        record('GET /x:Foo', { category: 'request' }, async () => {
          recordSync('parse', () => undefined)
          await new Promise(setImmediate)
          matmul.begin()
          matmul.end()
          await record('answer', async () => new Promise(setImmediate))
        })
      await Promise.all([request(), request(), request()])
    })
    const space = await exported(capture)
    expect(lintXSpace(space)).toEqual([])
    // Three at a time: three lanes, each with what it awaited inside.
    const lanes = planeOf(space).lines.filter(({ name }) => name.startsWith('main async'))
    expect(lanes.map(namesOf)).toEqual(Array(3).fill(['GET /x\uA789Foo', 'answer']))
  })

  it('has the host plane even where nothing was recorded, and its times in Task Environment', async () => {
    const space = await spaceOf({ durationNs: 5000, originEpochNs: 1_700_000_000_000_000_000n, host: 'node-7' })
    expect(space.planes.map(({ name, lines }) => [name, lines.length])).toEqual([
      ['/host:CPU', 0],
      ['Task Environment', 0],
    ])
    expect(planeOf(space, 'Task Environment').stats).toMatchObject({
      profile_start_time: 1_700_000_000_000_000_000n,
      profile_stop_time: 1_700_000_000_000_005_000n,
    })
    expect(space.hostnames).toEqual(['node-7'])
  })
  it('counts times from the start of the session, not from 1970', async () => {
    const space = await spaceOf({
      originEpochNs: 1_700_000_000_000_000_000n,
      spans: [{ thread: 'main', name: 'a', startNs: 7619, endNs: 9000 }],
    })
    const { timestampNs, events } = lineOf(space, 'main')
    expect([timestampNs, events[0]?.startPs, events[0]?.endPs]).toEqual([7619n, 7_619_000n, 9_000_000n])
  })
  it('puts the longest of those that begin together first', async () => {
    const space = await spaceOf({
      spans: [
        { thread: 'main', name: 'inner', startNs: 10, endNs: 20 },
        { thread: 'main', name: 'instant', startNs: 10, endNs: 10 },
        { thread: 'main', name: 'outer', startNs: 10, endNs: 40 },
      ],
      marks: [{ thread: 'main', name: 'mark', atNs: 10 }],
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 10, endNs: 15, correlationId: 1 }],
    })
    expect(namesOf(lineOf(space, 'main'))).toEqual(['outer', 'inner', 'cudaLaunchKernel', 'instant', 'mark'])
  })
  it('has threads by their number and by name, and numbers of its own where there are none', async () => {
    const space = await spaceOf({
      threads: [
        { name: 'worker', osThreadId: 4243 },
        { name: 'main', osThreadId: 4242 },
        { name: 'pthread', osThreadId: 2 ** 40 },
      ],
      spans: [0, 1, 2].map(thread => ({ thread, name: 'a', startNs: 0, endNs: 1 })),
    })
    expect(planeOf(space).lines.map(({ id, name }) => [id, name])).toEqual([
      [4242, 'main'],
      [4194305, 'pthread'],
      [4243, 'worker'],
    ])
  })

  it('makes ops of cpu_op spans by name, and of nothing else', async () => {
    const space = await spaceOf({
      spans: [
        { thread: 'main', name: 'conv 2d', category: 'cpu_op', startNs: 0, endNs: 9 },
        { thread: 'main', name: 'ParallelExecutor::Run', role: 'special', startNs: 10, endNs: 19 },
        { thread: 'main', name: 'GET /x:Foo', category: 'request', startNs: 20, endNs: 29 },
        { thread: 'main', name: '漢字:x', startNs: 30, endNs: 39 },
        { thread: 'main', name: '漢', category: 'cpu_op', startNs: 40, endNs: 49 },
        { thread: 'main', name: 'MemoryAllocation', startNs: 50, endNs: 59 },
      ],
    })
    expect(lineOf(space, 'main').events.map(({ name, displayName }) => [name, displayName])).toEqual([
      ['conv_2d:Conv_2d', 'conv 2d'],
      ['ParallelExecutor\uA789\uA789Run', 'ParallelExecutor::Run'],
      ['GET /x\uA789Foo', 'GET /x:Foo'],
      ['漢字:x', ''],
      ['e6bca2:___', '漢'],
      ['MemoryAllocation.', 'MemoryAllocation'],
    ])
  })
  it('keeps attributes, but none that readers would act on', async () => {
    const attributes = {
      batch: 8n,
      ratio: 0.5,
      ok: true,
      model: 'bert',
      step_num: 7n,
      correlation_id: 1n,
      tf_op: 'x:Y',
    }
    const space = await spaceOf({
      spans: [0, 10].map(startNs => ({ thread: 'main', name: 'a', startNs, endNs: startNs + 5, attributes })),
    })
    const { stats, arms } = eventOf(space, 'a')
    expect(stats).toEqual({
      batch: 8n,
      ratio: 0.5,
      ok: 1n,
      model: 'bert',
      'user.step_num': 7n,
      'user.correlation_id': 1n,
      'user.tf_op': 'x:Y',
    })
    expect(arms).toMatchObject({ batch: 'int64', ratio: 'double', model: 'ref' })
  })
  it('tells drops and warnings where the overview shows them', async () => {
    const overlapping = [0, 5].map(startNs => ({ thread: 'main', name: 'a', startNs, endNs: startNs + 10 }))
    const { warnings } = await spaceOf({ spans: overlapping })
    expect(warnings).toEqual([expect.stringMatching(/^overlapping-spans: .* \(1\)$/)])
  })
})

describe('steps', () => {
  it('are the outermost requests and inferences, numbered by start', async () => {
    const space = await spaceOf({
      spans: [
        { thread: 'worker', name: 'request', category: 'request', startNs: 50, endNs: 90 },
        { thread: 'main', name: 'serve', category: 'section', startNs: 0, endNs: 400 },
        { thread: 'main', name: 'request', category: 'request', startNs: 100, endNs: 200 },
        { thread: 'main', name: 'predict', category: 'inference', startNs: 110, endNs: 190 },
        { thread: 'main', name: 'predict', category: 'inference', startNs: 300, endNs: 390 },
      ],
    })
    const steps = planeOf(space)
      .lines.flatMap(({ events }) => events)
      .filter(({ stats }) => stats._r !== undefined)
    expect(
      steps.map(({ name, startPs, stats, arms }) => [name, startPs, stats._r, stats.step_num, arms.step_num]),
    ).toEqual([
      ['request', 100_000n, 1n, 1n, 'int64'],
      ['predict', 300_000n, 1n, 2n, 'int64'],
      ['request', 50_000n, 1n, 0n, 'int64'],
    ])
  })
  it('reach what ran for them after an await, by links', async () => {
    const space = await spaceOf({
      spans: [
        {
          thread: 'main',
          name: 'request',
          category: 'request',
          startNs: 0,
          endNs: 900,
          isAsync: true,
          ids: { spanId: 'a1' },
        },
        { thread: 'main', name: 'other', category: 'request', startNs: 100, endNs: 950, isAsync: true },
        { thread: 'main', name: 'stage', startNs: 500, endNs: 600, ids: { spanId: 'a2', parentId: 'a1' } },
        { thread: 'worker', name: 'part', startNs: 510, endNs: 550, ids: { spanId: 'a3', parentId: 'a1' } },
      ],
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 520, endNs: 530, correlationId: 3 }],
      gpu: [{ kind: 'kernel', name: 'k', startNs: 540, endNs: 560, correlationId: 3 }],
    })
    expect(lintXSpace(space)).toEqual([])
    const producer = eventOf(space, 'request').stats
    for (const name of ['stage', 'part']) {
      expect(eventOf(space, name).stats).toMatchObject({ _ct: producer._pt, _c: producer._p })
    }
    expect(namesOf(lineOf(space, 'main'))).toEqual(['stage', 'cudaLaunchKernel'])
    expect(eventOf(space, 'other').stats._p).toBeUndefined()
  })
})

describe('GPU planes', () => {
  it('have a launch for every kernel, copy and fill, joined by a uint64, with the device', async () => {
    const space = await spaceOf(gpuServiceRows())
    expect(lintXSpace(space)).toEqual([])
    const launches = new Map(
      planeOf(space)
        .lines.flatMap(({ events }) => events)
        .filter(({ stats }) => stats.device_id !== undefined)
        .map(({ stats }) => [stats.correlation_id, stats.device_id]),
    )
    const work = planeOf(space, '/device:GPU:0').lines.flatMap(({ events }) => events)
    const kernels = work.filter(({ stats }) => stats.kernel_details !== undefined)
    expect(kernels.length).toBe(gpuServiceRows().gpu!.filter(({ kind }) => kind === 'kernel').length)
    for (const { stats } of work)
      if (stats.correlation_id !== undefined) expect(launches.get(stats.correlation_id)).toBe(0n)
  })
  it('make a launch up for work whose launch was not recorded', async () => {
    const space = await spaceOf({
      gpu: [{ kind: 'copy', name: 'HtoD', startNs: 5, endNs: 9, from: 'pinned', to: 'device' }],
    })
    expect(lintXSpace(space)).toEqual([])
    const [launch] = lineOf(space, 'launches that were not recorded').events
    expect(launch?.stats.correlation_id).toBe(eventOf(space, 'HtoD', '/device:GPU:0').stats.correlation_id)
  })
  it('number devices densely, and keep their own number beside', async () => {
    const kernel = { kind: 'kernel', name: 'k', startNs: 0, endNs: 5, correlationId: 1 } as const
    const space = await spaceOf({
      launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 0, endNs: 1, correlationId: 2 }],
      gpu: [
        { ...kernel, device: 3 },
        { ...kernel, device: 7, correlationId: 2 },
      ],
    })
    const gpus = space.planes.filter(({ name }) => name.startsWith('/device:GPU:'))
    expect(gpus.map(({ id, name, stats }) => [id, name, stats['opscope.device_ordinal']])).toEqual([
      [0, '/device:GPU:0', 3n],
      [1, '/device:GPU:1', 7n],
    ])
    expect(eventOf(space, 'cudaLaunchKernel').stats.device_id).toBe(1n)
  })
  it('name streams by what ran on them', async () => {
    const space = await spaceOf(TWO_GPU_ROWS)
    const lines = [0, 1].map(n => planeOf(space, `/device:GPU:${n}`).lines.map(({ id, name }) => [id, name]))
    expect(lines).toEqual([
      [
        [7, 'Stream #7(MemcpyH2D)'],
        [13, 'Stream #13(Compute)'],
        [0x40000000, 'Stream #13(Compute)'], // two kernels at once
      ],
      [
        [21, 'Stream #21(Compute,Memset,CudaGraph)'],
        [22, 'Stream #22(Compute)'],
      ],
    ])
  })
  it('tell how a kernel was launched, and the op that it worked for', async () => {
    const space = await spaceOf({
      ...TWO_GPU_ROWS,
      spans: [
        { thread: 'main', name: 'predict', startNs: 0, endNs: 900_000 },
        { thread: 'main', name: 'mat mul', category: 'cpu_op', startNs: 10_000, endNs: 200_000 },
        { thread: 'main', name: 'compute', role: 'phase', category: 'cpu_op', startNs: 11_000, endNs: 190_000 },
      ],
    })
    const { stats, arms } = eventOf(space, 'gemm', '/device:GPU:0')
    expect(stats).toEqual({
      correlation_id: 3n,
      kernel_details: 'regs:168 static_shared:1024 dynamic_shared:65536 grid:132,2,1 block:128,1,1 occ_pct:6',
      tf_op: 'predict/mat_mul:Mat_mul',
      theoretical_occupancy_pct: 6.25, // 4 of 64 warps: shared memory allows one block
      context_id: '$$1',
    })
    expect(arms).toMatchObject({ correlation_id: 'uint64', kernel_details: 'ref', tf_op: 'ref' })
    expect(eventOf(space, 'Memcpy HtoD', '/device:GPU:0')).toMatchObject({
      name: 'MemcpyHtoD',
      stats: { memcpy_details: 'kind_src:pinned kind_dst:device size:1000000 dest:0 async:1' },
    })
    expect(eventOf(space, 'Memset', '/device:GPU:1').stats.Memset_details).toBe('kind:unknown num_bytes:64 async:1')
  })
  it('say what the device is', async () => {
    expect(planeOf(await spaceOf(TWO_GPU_ROWS), '/device:GPU:0').stats).toMatchObject({
      device_vendor: 'Nvidia',
      gpu_device_name: 'NVIDIA H100',
      clock_rate: 1_980_000n,
      core_count: 132n,
      memory_bandwidth: 3_352_320_000_000n,
      memory_size: 80n * 2n ** 30n,
      compute_cap_major: 9n,
      compute_cap_minor: 0n,
    })
  })
  it('have the memory profile on the host', async () => {
    const { events } = lineOf(await spaceOf(TWO_GPU_ROWS), 'GPU memory')
    const figures = events.map(({ name, stats }) => [
      name,
      stats.bytes_allocated,
      stats.peak_bytes_in_use,
      stats.allocator_name,
    ])
    expect(figures).toEqual([
      ['MemoryAllocation', 4096n, 4096n, 'GPU 0 memory'],
      ['MemoryAllocation', 5120n, 5120n, 'GPU 0 memory'],
      ['MemoryAllocation', 512n, 512n, 'GPU 0 pinned memory'],
      ['MemoryDeallocation', 1024n, 5120n, 'GPU 0 memory'],
      ['MemoryDeallocation', 0n, 0n, 'GPU 1 memory'],
    ])
  })
})

describe('counters', () => {
  it('have a line of their own by the name that viewers know', async () => {
    const counters = [1, 2, 3].map(value => ({ thread: 'main', name: 'queue', atNs: value * 10, value }))
    const { events } = lineOf(await spaceOf({ counters }), '_counters_')
    expect(events.map(({ name, startPs, stats }) => [name, startPs, stats])).toEqual(
      counters.map(({ atNs, value }) => ['queue', BigInt(atNs) * 1000n, { value }]),
    )
  })
})

it('is one space for a merged capture, with the process in front of its threads', async () => {
  const part = (processId: number, program: string, host: string) =>
    buildCapture({
      processId,
      program,
      host,
      originEpochNs: 10n ** 18n,
      spans: [{ thread: 'main', name: program, startNs: 0, endNs: 9 }],
    })
  const merged = await mergeCaptures([await part(1, 'a.mjs', 'host-a'), await part(2, 'b.mjs', 'host-b')])
  const space = await exported(merged)
  expect(lintXSpace(space)).toEqual([])
  expect(planeOf(space).lines.map(({ name }) => name)).toEqual(['a.mjs · host-a · main', 'b.mjs · host-b · main'])
  expect(space.hostnames).toEqual(['host-a'])
})

describe('the bytes in memory', () => {
  it('are those of the file, behind as many free bytes as were asked for', async () => {
    const capture = await buildCapture(TWO_GPU_ROWS)
    await capture.export(join(folder, 'same.xplane.pb.gz'))
    const file = gunzipSync(readFileSync(join(folder, 'same.xplane.pb.gz')))
    const bytes = await native().toXplane(Capture.recordingOf(capture), { headroom: 16 })
    expect(Buffer.compare(bytes, file)).toBe(0)
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([16, file.length + 16])
  })
  it.each([100_000, 30_000, 2_000])('keep within %i by leaving out what ended first', async maxBytes => {
    const capture = await buildCapture({ ...randomRows(5000, 9), pauses: [] })
    const bytes = await native().toXplane(Capture.recordingOf(capture), { maxBytes })
    const space = decodeXSpace(bytes)
    expect(bytes.length).toBeLessThanOrEqual(Math.max(maxBytes, 3000))
    expect(lintXSpace(space)).toEqual([])
    expect(space.warnings.at(-1)).toMatch(/^oldest-left-out: .* within \d+ bytes\. \(\d+\)$/)
    if (maxBytes < 30_000) return
    expect(bytes.length).toBeGreaterThan(maxBytes * 0.7)
    // What stayed ended last: nothing that is not here ended later.
    const whole = decodeXSpace(await native().toXplane(Capture.recordingOf(capture)))
    const ends = (of: XSpace) =>
      planeOf(of)
        .lines.filter(({ name }) => !name.startsWith('launches'))
        .flatMap(({ events }) =>
          events.filter(({ stats }) => stats['opscope.sync_part'] === undefined).map(({ endPs }) => endPs),
        )
    const kept = ends(space)
    const [first] = kept.sort((a, b) => Number(a - b)) as [bigint]
    expect(kept.length).toBe(ends(whole).filter(endPs => endPs >= first).length)
  })
})
