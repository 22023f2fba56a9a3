import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { OpscopeError } from '../../src/errors.js'
import { summarizeTraces, type TraceSummary, tritonSummary } from '../../src/serving/summary/index.js'
import {
  BASE,
  core,
  ENSEMBLE_TRACES,
  GRPC_TRACES,
  MIXED_TRACES,
  type SampleTrace,
  v1File,
  v2File,
  v2Fragments,
} from '../fixtures/request-traces.js'
import { groupOf, summaryOf, traceFile } from './summary-of.js'

const codesOf = ({ warnings }: TraceSummary) => warnings.map(({ code, count }) => [code, count])
const local = (id: number, more: Partial<SampleTrace> = {}): SampleTrace => ({
  id,
  model: 'm',
  version: 1,
  stamps: core(10, 20, 30, 40, 50, 60, 70),
  ...more,
})
const V1_STAMPS = { 'request handler start': 10, 'request handler end': 50 }

describe('a file of request traces', () => {
  it.each<[string, string]>([
    [
      'with white space and other keys',
      JSON.stringify(
        JSON.parse(v2File(GRPC_TRACES)).map((each: object) => ({ extra: [{}, '}', null], ...each })),
        null,
        3,
      ),
    ],
    ['of objects without an array', GRPC_TRACES.flatMap(trace => v2Fragments(trace)).join('\n')],
    ['that begins with a byte order mark', `\uFEFF${v2File(GRPC_TRACES)}`],
    [
      'whose fragments are mixed',
      `[${GRPC_TRACES.flatMap(trace => v2Fragments(trace))
        .toReversed()
        .join(',')}]`,
    ],
  ])('%s says the same', async (_, content) => {
    const { models } = await summaryOf(v2File(GRPC_TRACES))
    const summary = await summaryOf(content)
    expect([summary.models, summary.warnings]).toEqual([models, []])
  })
  it('may be packed', async () => {
    const path = traceFile(gzipSync(v2File(GRPC_TRACES)), 'trace.json.gz')
    expect((await summarizeTraces(path)).complete).toBe(2)
  })
  it('may be several arrays, each with ids of its own', async () => {
    const files = [v2File([local(1)]), v2File([local(1), local(2)])].join('\n')
    const summary = await summaryOf(files)
    expect([summary.complete, summary.warnings]).toEqual([3, []])
  })
  it.each(['', ' \n', '[', '[]', '[]\n[]'])('%j has no traces', async content => {
    expect(await summaryOf(content)).toMatchObject({ traces: 0, models: [] })
  })
  it.each([
    ['text', 'once upon a time'],
    ['a trace of another kind', JSON.stringify({ traceEvents: [{ ph: 'X', ts: 1 }] })],
    ['an array of something else', '[1, 2, {"x": 1}]'],
    ['a number', '17'],
    ['bytes', Buffer.from([0, 1, 2, 0xff])],
  ])('is refused where it is %s', async (_, content) => {
    await expect(summaryOf(content)).rejects.toThrow(/is no request trace/)
  })
  it('is refused where there is none', async () => {
    await expect(summarizeTraces('/no/such/file')).rejects.toThrow(/Cannot read \/no\/such\/file/)
  })

  it('gives what is whole of it, wherever it ends', async () => {
    const text = v2File(GRPC_TRACES)
    const objectEnds = Array.from(text.matchAll(/\}(?=[,\]]\{|,\{|\]$)/g), match => match.index + 1)
    for (let end = 1; end < text.length; end++) {
      const summary = await summaryOf(text.slice(0, end))
      expect([summary.fragments, codesOf(summary)]).toEqual([
        objectEnds.filter(at => at <= end).length,
        [['file-cut', 1]],
      ])
    }
  })
  it('gives what is whole of a packed one that was cut', async () => {
    const packed = gzipSync(v2File(Array.from({ length: 2000 }, (_, at) => local(at + 1))))
    const summary = await summarizeTraces(traceFile(packed.subarray(0, packed.length / 2), 'cut.json.gz'))
    expect(summary.complete).toBeGreaterThan(100)
    expect(codesOf(summary)).toEqual([['file-cut', 1]])
  })
  it('keeps the rest where one object is damaged', async () => {
    const [model = '', ...stamps] = v2Fragments(local(2))
    // As Triton writes a name with a quote in it.
    const broken = model.replace('"m"', '"a "fine" model"')
    const summary = await summaryOf(
      `[${[...v2Fragments(local(1)), broken, ...stamps, ...v2Fragments(local(3))].join(',')}]`,
    )
    expect([summary.complete, summary.incomplete, codesOf(summary)]).toEqual([
      2,
      [{ reason: 'model', count: 1 }],
      [['fragments-damaged', 1]],
    ])
  })
  it.each([
    ['ns is not whole', '{"name":"QUEUE_START","ns":1.5}'],
    ['ns is a text', '{"name":"QUEUE_START","ns":"15"}'],
    ['ns is longer than 64 bits', '{"name":"QUEUE_START","ns":99999999999999999999}'],
    ['there is no name', '{"ns":15}'],
    ['it is no object', '15'],
  ])('leaves a stamp out where %s', async (_, stamp) => {
    const summary = await summaryOf(`${v2File([local(1)]).slice(0, -1)},{"id":1,"timestamps":[${stamp}]}]`)
    expect([summary.complete, codesOf(summary)]).toEqual([1, [['stamps-damaged', 1]]])
  })
  it.each([
    ['a quote "', 'a quote "'],
    ['two\nlines', 'two\nlines'],
    ['模型/🚀', '模型/🚀'],
    ['half a \ud83d pair', 'half a \ufffd pair'],
    ['', ''],
  ])('may name a model %j', async (model, name) => {
    const written = [JSON.stringify(model), `"${model.replaceAll(/["\n]/g, char => (char === '"' ? '\\"' : '\\n'))}"`]
    for (const text of written) {
      const content = v2File([local(1, { model: 'NAME' })]).replace('"NAME"', text)
      expect((await summaryOf(content)).models[0]?.model).toBe(name)
    }
  })
  it('cannot move the cursor of a terminal by the name of a model', async () => {
    expect(String(await summaryOf(v2File([local(1, { model: 'a\u001b[2Jb\nc' })])))).toContain('a\ufffd[2Jb\ufffdc (1)')
  })

  it('of many requests at once puts each together', async () => {
    const traces = Array.from({ length: 1000 }, (_, at) => local(at + 1))
    const fragments = traces.map(trace => v2Fragments(trace))
    // First all models, then all first stamps, and so on.
    const mixed = fragments[0]!.flatMap((_, part) => fragments.map(each => each[part]))
    const summary = await summaryOf(`[${mixed.join(',')}]`)
    expect([summary.complete, summary.warnings]).toEqual([1000, []])
  })
  it('counts fragments that come long after their trace', async () => {
    const between = Array.from({ length: 20_000 }, (_, at) => local(at + 2))
    const [model = '', first = '', ...late] = v2Fragments(local(1))
    const content = `[${[model, first, ...between.flatMap(trace => v2Fragments(trace)), ...late].join(',')}]`
    const summary = await summaryOf(content)
    expect([summary.traces, summary.complete, codesOf(summary)]).toEqual([
      20_001,
      20_000,
      [['fragments-late', late.length]],
    ])
  })
  it('parts a family that is larger than what is held of a file', async () => {
    const children = Array.from({ length: 40_000 }, (_, at) => local(at + 2, { parent: 1 }))
    const summary = await summaryOf(v2File([local(1), ...children]))
    expect(groupOf(summary, 'm', 'CHILD').complete).toBe(40_000)
    expect(summary.warnings.map(({ code }) => code)).toContain('families-split')
  })
  it('survives requests that made one another a thousand deep, in either order', async () => {
    const chain = Array.from({ length: 1000 }, (_, at) => local(at + 1, at === 0 ? {} : { parent: at }))
    for (const traces of [chain, chain.toReversed()]) {
      const summary = await summaryOf(v2File(traces))
      expect(summary.complete).toBe(1000)
      expect(summary.warnings.map(({ code }) => code)).toContain('families-split')
    }
  })
  it('tells 4096 models apart, and counts the rest', async () => {
    const traces = Array.from({ length: 5000 }, (_, at) => local(at + 1, { model: `m${at}` }))
    const summary = await summaryOf(v2File(traces))
    expect([summary.models.length, codesOf(summary)]).toEqual([4096, [['models-left-out', 904]]])
  })
  it('has percentiles within 0.05 % where a line has more values than are kept', async () => {
    const count = 70_000
    // ns of each line per trace, of magnitudes that no two octaves share.
    const scales = {
      handler: 30_011,
      queue: 17,
      compute: 20_063,
      compute_input: 1009,
      infer: 6007,
      compute_output: 13_047,
    }
    const { handler, queue, compute, compute_input: input, infer } = scales
    const ends = [0, 0, queue, queue + input, queue + input + infer, queue + compute, handler]
    const traces = Array.from({ length: count }, (_, at) =>
      local(at + 1, { stamps: core(...ends.map(ns => ns * (at + 1))) }),
    )
    const path = traceFile(v2File(traces))
    const summary = await summarizeTraces(path)
    for (const { name, ...line } of summary.models[0]!.lines) {
      if (name === 'handler_overhead') continue
      const scale = scales[name as keyof typeof scales]
      expect(line).toMatchObject({
        count,
        meanNs: (scale * (count + 1)) / 2,
        maxNs: scale * count,
        relativeError: 1 / 2048,
      })
      for (const [key, share] of [
        ['p50Ns', 0.5],
        ['p90Ns', 0.9],
        ['p99Ns', 0.99],
      ] as const) {
        const exact = scale * (1 + (count - 1) * share)
        expect(Math.abs(line[key] - exact) / exact).toBeLessThanOrEqual(1 / 2048)
      }
    }
    expect(String(summary)).toContain('within 0.05%')
  })
  it('takes no more memory when it is longer', async () => {
    const peakOf = async (count: number) => {
      const path = traceFile('')
      const file = createWriteStream(path)
      file.write('[{}')
      for (let id = 1; id <= count; id++) {
        const shifted = v2Fragments(local(id), BASE + BigInt(id) * 100n)
        if (!file.write(`,${shifted.join(',')}`)) await once(file, 'drain')
      }
      await new Promise<void>(resolve => file.end(']', resolve))
      const lib = fileURLToPath(new URL('../../lib/serving/summary/index.js', import.meta.url))
      const program = `import { summarizeTraces } from ${JSON.stringify(lib)}
        const { complete } = await summarizeTraces(${JSON.stringify(path)})
        console.log(complete, process.resourceUsage().maxRSS)`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
      const [complete, kilobytes] = stdout.split(' ').map(Number)
      expect(complete).toBe(count)
      return kilobytes! / 1024
    }
    // 60 MB more of a file. What both hold in full is the window, and the values that are kept for percentiles.
    expect((await peakOf(150_000)) - (await peakOf(70_000))).toBeLessThan(30)
  })

  it('never ends the process, whatever its bytes are', async () => {
    const tensor =
      '{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1,2","shape":"2","dtype":"FP32"}}'
    const seeds = [
      v2File(MIXED_TRACES),
      `[${tensor},${v2File(ENSEMBLE_TRACES).slice(1)}`,
      v1File([{ id: 0, model: 'm', version: -1, stamps: V1_STAMPS }]),
    ]
    const path = traceFile('', 'fuzz.json')
    let state = 42
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((state / 2 ** 31) * below)
    }
    let survived = 0
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(seeds[random(seeds.length)]!)
      for (let changes = 1 + random(8); changes > 0; changes--) {
        const at = random(bytes.length)
        if (random(2) === 0) bytes[at] = random(256)
        else bytes.copy(bytes, at, random(bytes.length), random(bytes.length) + random(40))
      }
      traceFile(bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length), 'fuzz.json')
      for (const read of [
        () => summarizeTraces(path, { onTrace: () => {} }),
        () => tritonSummary(path, { showTraces: true }),
      ]) {
        try {
          String(await read())
          survived++
        } catch (error) {
          if (!(error instanceof OpscopeError)) throw new Error(readFileSync(path, 'latin1'), { cause: error })
        }
      }
    }
    expect(survived).toBeGreaterThan(200)
  })
})
