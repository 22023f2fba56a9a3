// Profiles through a reader that is not ours, Datadog's pprof-format.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'
import { profile } from '../../src/profiler.js'
import { op, record, recordSync } from '../../src/record.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { INFERENCE_ROWS } from '../fixtures/inference-rows.js'
import { workedVector } from '../fixtures/worked-vector.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

interface Sample {
  /** From the outermost. */
  stack: string[]
  values: Record<string, number>
  labels: Record<string, string | number>
}
interface Decoded {
  types: [type: string, unit: string][]
  samples: Sample[]
  profile: Profile
  text: (index: unknown) => string
}

async function decoded(capture: Capture, name = 'trace.pb.gz'): Promise<Decoded> {
  const { path } = await capture.export(join(folder, name))
  const decoded = Profile.decode(gunzipSync(readFileSync(path)))
  const text = (index: unknown) => decoded.stringTable.strings[Number(index)]!
  const functions = new Map(decoded.function.map(({ id, name: text_ }) => [id, text(text_)]))
  const frames = new Map(decoded.location.map(({ id, line }) => [id, functions.get(line[0]!.functionId)!]))
  const types = decoded.sampleType.map(({ type, unit }): [string, string] => [text(type), text(unit)])
  const samples = decoded.sample.map(({ locationId, value, label }) => ({
    stack: locationId.map(id => frames.get(id)!).reverse(),
    values: Object.fromEntries(types.map(([type], at) => [type, Number(value[at])])),
    labels: Object.fromEntries(label.map(({ key, str, num }) => [text(key), str ? text(str) : Number(num)])),
  }))
  return { types, samples, profile: decoded, text }
}
/** Summed values of one type, by what `keyOf` says. */
function addUp(samples: Sample[], type: string, keyOf: (sample: Sample) => string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const sample of samples) sums[keyOf(sample)] = (sums[keyOf(sample)] ?? 0) + sample.values[type]!
  return sums
}
const leafOf = ({ stack }: Sample) => stack.at(-1)!
const pathOf = ({ stack }: Sample) => JSON.stringify(stack)
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)
/** What the op table numbers, the profile names. */
const named = (label: string) => ({ matmul0: 'matmul [layer1]', matmul1: 'matmul [layer2]' })[label] ?? label
const opsByPath = (capture: Capture, figure: 'selfNs' | 'calls' | 'gpuNs') =>
  Object.fromEntries(capture.ops().map(row => [JSON.stringify(row.path.map(named)), row[figure]]))

describe('a pprof profile', () => {
  it('has the calls and the self time of the op rows, path by path', async () => {
    const capture = await buildCapture(INFERENCE_ROWS)
    const { samples, types } = await decoded(capture)
    expect(types).toEqual([
      ['calls', 'count'],
      ['self', 'nanoseconds'],
      ['gpu', 'nanoseconds'],
    ])
    const ops = samples.filter(({ labels }) => labels.device === undefined)
    expect(addUp(ops, 'self', pathOf)).toEqual(opsByPath(capture, 'selfNs'))
    expect(addUp(ops, 'calls', pathOf)).toEqual(opsByPath(capture, 'calls'))
    // Self times of all rows are the time of the outermost ones.
    expect(sum(samples.map(({ values }) => values.self!))).toBe(
      sum(capture.ops().map(({ depth, cpuNs }) => (depth === 0 ? cpuNs : 0))),
    )
    const byName: Record<string, number> = {}
    for (const { name, selfNs } of capture.ops()) byName[named(name)] = (byName[named(name)] ?? 0) + selfNs
    expect(addUp(ops, 'self', leafOf)).toEqual(byName)
  })

  it.each([INFERENCE_ROWS, gpuServiceRows(), TWO_GPU_ROWS])(
    'has GPU work below the op that launched it',
    async rows => {
      const capture = await buildCapture(rows)
      const { samples } = await decoded(capture)
      // Cumulative: a sample counts for every path that it lies in.
      const cumulative: Record<string, number> = {}
      for (const { stack, values } of samples) {
        for (let depth = 1; depth <= stack.length; depth++) {
          const path = JSON.stringify(stack.slice(0, depth))
          cumulative[path] = (cumulative[path] ?? 0) + values.gpu!
        }
      }
      expect(cumulative).toMatchObject(opsByPath(capture, 'gpuNs'))
      const work = rows.gpu!.filter(({ kind }) => kind !== 'sync')
      expect(sum(samples.map(({ values }) => values.gpu!))).toBe(sum(work.map(({ startNs, endNs }) => endNs - startNs)))
    },
  )

  it('tells kernels of one name apart by stream and device', async () => {
    const { samples } = await decoded(await buildCapture(gpuServiceRows()))
    const gemm = samples.filter(sample => leafOf(sample).startsWith('void gemm'))
    expect(gemm).toEqual([
      {
        stack: ['predict', 'matmul', 'compute', 'void gemm<float, 128>(float const*, float const*, float*, int)'],
        values: { calls: 50, self: 0, gpu: 50 * 500_000 },
        labels: { thread: 'main', category: 'device', device: 'GPU 0 · NVIDIA H100 80GB HBM3', stream: 'stream 7' },
      },
    ])
    const work = (stream: number, startNs: number) =>
      ({
        kind: 'kernel',
        name: 'k',
        device: 0,
        context: 1,
        stream,
        startNs,
        endNs: startNs + 10,
        correlationId: 0,
      }) as const
    const orphans = await buildCapture({ gpu: [work(1, 0), work(2, 20), work(1, 40)] })
    expect((await decoded(orphans)).samples.map(({ stack, labels, values }) => [stack, labels.stream, values])).toEqual(
      [
        [['k'], 'stream 1', { calls: 2, self: 0, gpu: 20 }],
        [['k'], 'stream 2', { calls: 1, self: 0, gpu: 10 }],
      ],
    )
  })

  it('has the wall time of the worked vector, apart from what children cover', async () => {
    const capture = await buildCapture(workedVector())
    const { samples, types } = await decoded(capture)
    expect(types.map(([type]) => type)).toEqual(['calls', 'self', 'wall'])
    const wall = addUp(samples, 'wall', ({ stack, labels }) => `${stack.join('/')} ${labels.thread_id}`)
    expect(wall).toEqual({
      'trace 1': 300_000,
      'trace/Inference 1': 66_000,
      'trace/Inference/Quantize 1': 39_000,
      'trace/Inference/Execution 1': 15_000,
      'trace/Inference/Execution/conv2d 1': 40_000,
      'trace/Inference/Execution/gemm 1': 30_000,
      'trace/Inference/Execution/relu 1': 10_000,
      'trace/Inference 2': 50_233,
      'trace/Inference/Execution 2': 10_100,
      'trace/Inference/Execution/conv2d 2': 60_000,
      'trace/Inference/Execution/gemm 2': 50_000,
      'Inference 1': 100_001,
    })
    // Of the two executions, 20000 ns passed twice: e4 and e5 overlap.
    expect(sum(Object.values(wall))).toBe(500_000 + 150_333 + 100_001 + 20_000)
    const ops = samples.filter(({ labels }) => labels.category !== 'device')
    expect(addUp(ops, 'self', pathOf)).toEqual(opsByPath(capture, 'selfNs'))
  })

  it('takes an async span for as long as it was open, and off its parent what lies in that', async () => {
    const wait = { thread: 'main', name: 'wait', isAsync: true }
    const capture = await buildCapture({
      spans: [
        { thread: 'main', name: 'serve', startNs: 0, endNs: 100, ids: { spanId: 'a1' } },
        { ...wait, startNs: 50, endNs: 500, ids: { spanId: 'a2', parentId: 'a1' } },
        { ...wait, startNs: 60, endNs: null, ids: { spanId: 'a3', parentId: 'a1' } },
      ],
      durationNs: 1000,
    })
    const { samples } = await decoded(capture)
    expect(addUp(samples, 'wall', pathOf)).toEqual({ '["serve"]': 50, '["serve","wait"]': 450 })
    expect(addUp(samples, 'self', pathOf)).toEqual({ '["serve"]': 100, '["serve","wait"]': 0 })
  })

  it('keeps an async body in the stacks, on the host up to its return', async () => {
    const matmul = op('matmul')
    const capture = await profile({ state: 'CPU' }, async () => {
      for (let request = 0; request < 3; request++) {
        await record('request', async () => {
          recordSync('prepare', () => {})
          await Promise.all([record('queue', () => sleep(2)), record('fetch', () => sleep(2))])
          matmul.begin()
          matmul.end()
        })
      }
    })
    const { samples } = await decoded(capture)
    const ops = samples.filter(({ stack }) => ['prepare', 'matmul'].includes(stack.at(-1)!))
    expect(addUp(ops, 'self', pathOf)).toEqual(opsByPath(capture, 'selfNs'))
    expect(new Set(ops.map(pathOf))).toEqual(new Set(['["request","prepare"]', '["request","matmul"]']))
    const [queue] = samples.filter(sample => leafOf(sample) === 'queue')
    expect(queue!.values.self).toBeLessThan(queue!.values.wall! / 2)
    expect(queue!.values.wall).toBe(capture.asyncOps().find(({ name }) => name === 'queue')!.totalNs)
  })

  it('has no samples of what is no op, and of what did not end', async () => {
    const rows: CaptureRows = {
      spans: [
        { thread: 'main', name: 'serve', startNs: 0, endNs: 100 },
        { thread: 'main', name: 'open', startNs: 200, endNs: null },
        { thread: 'main', name: 'inner', startNs: 300, endNs: 350 },
        ...(['gc', 'event_loop', 'overhead'] as const).map((category, i) => {
          return { thread: 'main', name: category, category, startNs: 400 + 10 * i, endNs: 405 + 10 * i }
        }),
      ],
      durationNs: 1000,
    }
    const capture = await buildCapture(rows)
    const { samples } = await decoded(capture)
    expect(addUp(samples, 'self', pathOf)).toEqual({ '["serve"]': 100, '["open","inner"]': 50 })
  })

  it('puts a span of another thread below its parent, labelled with its own thread', async () => {
    const capture = await buildCapture({
      spans: [
        { thread: 'a', name: 'run', startNs: 0, endNs: 100, ids: { spanId: '1' } },
        { thread: 'b', name: 'part', startNs: 10, endNs: 60, ids: { spanId: '2', parentId: '1' } },
        { thread: 'c', name: 'part', startNs: 10, endNs: 40, ids: { spanId: '3', parentId: '1' } },
      ],
      threads: [{ name: 'a', osThreadId: 7 }, { name: 'b' }, { name: 'c' }],
    })
    const { samples } = await decoded(capture)
    expect(samples.map(({ stack, values, labels }) => [stack.join('/'), values.self, labels])).toEqual([
      ['run', 100, { thread: 'a', thread_id: 7, category: 'user' }],
      ['run/part', 50, { thread: 'b', category: 'user' }],
      ['run/part', 30, { thread: 'c', category: 'user' }],
    ])
  })

  it('says when it was recorded, for how long, and which values to show first', async () => {
    const { profile, text } = await decoded(await buildCapture(workedVector()))
    expect(BigInt(profile.timeNanos)).toBe(1_763_780_000_000_000_000n)
    expect(Number(profile.durationNanos)).toBe(1_000_000)
    expect([text(profile.periodType!.type), text(profile.periodType!.unit), Number(profile.period)]).toEqual([
      'self',
      'nanoseconds',
      1,
    ])
    expect(text(profile.defaultSampleType)).toBe('self')
    expect(profile.mapping.map(({ filename, hasFunctions }) => [text(filename), hasFunctions])).toEqual([
      ['node', true],
    ])
    expect(profile.location.every(({ mappingId }) => mappingId === profile.mapping[0]!.id)).toBe(true)
  })

  it('of nothing is a profile without samples', async () => {
    const { samples, types } = await decoded(await buildCapture({}))
    expect([samples, types.map(([type]) => type)]).toEqual([[], ['calls', 'self']])
  })

  it('is compressed under any name, and is not taken for a trace', async () => {
    const capture = await buildCapture(INFERENCE_ROWS)
    for (const [name, options] of [
      ['a.pprof', {}],
      ['no-suffix', { format: 'pprof' }],
    ] as const) {
      const { path } = await capture.export(join(folder, name), options)
      expect(Profile.decode(gunzipSync(readFileSync(path))).sample.length).toBeGreaterThan(5)
      await expect(loadCapture(path)).rejects.toMatchObject({
        code: 'ERR_OPSCOPE_FILE_FORMAT',
        message: expect.stringContaining('is a pprof profile'),
      })
    }
  })
})
