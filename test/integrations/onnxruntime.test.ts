import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { type Capture, profile, profiler, record } from 'opscope'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { encodeModel, node, value } from '../../examples/demo/onnx-model.mjs'
import { FLAG_BRACKET, SLOT_UNSEEN_BRACKETS } from '../../src/binding.js'
import { ProfiledTwin } from '../../src/integrations/onnxruntime/twin.js'
import { instrument } from '../../src/integrations/onnxruntime.js'
import { controlSlots } from '../../src/span-calls.js'

const require = createRequire(import.meta.url)
const { binding } = require('onnxruntime-node/dist/binding.js') as { binding: { InferenceSession: unknown } }
const BOOL = 9
const INT64 = 7

/** y = sqrt(abs(x)), x of four numbers: two nodes. */
function rootModel(): Buffer<ArrayBuffer> {
  return encodeModel({
    name: 'root',
    nodes: [node('Abs', 'first', ['x'], ['a']), node('Sqrt', 'second', ['a'], ['y'])],
    inputs: [value('x', [4])],
    outputs: [value('y', [4])],
  })
}
const rootFeeds = () => ({ x: new ort.Tensor('float32', Float32Array.of(1, -4, 9, 16), [4]) })
/** Refused before the first node. */
const refusedFeeds = () => ({ x: new ort.Tensor('float32', Float32Array.of(1), [1]) })

/** Runs Exp or Cos as `cond` says, then reshapes to `shape`, which may fail in the middle of the run. */
function branchModel(): Buffer<ArrayBuffer> {
  const branch = (op: string) => ({
    name: op,
    nodes: [node(op, `${op}_node`, ['x'], [`${op}_out`])],
    inputs: [],
    outputs: [value(`${op}_out`, [4])],
  })
  return encodeModel({
    name: 'branch',
    nodes: [
      node('If', 'choose', ['cond'], ['chosen'], { then_branch: branch('Exp'), else_branch: branch('Cos') }),
      node('Reshape', 'shape_it', ['chosen', 'shape'], ['y']),
    ],
    inputs: [value('cond', [], BOOL), value('x', [4]), value('shape', [1], INT64)],
    outputs: [value('y', ['n'])],
  })
}
const branchFeeds = (cond: boolean, size = 4n) => ({
  cond: new ort.Tensor('bool', [cond], []),
  x: rootFeeds().x,
  shape: new ort.Tensor('int64', BigInt64Array.of(size), [1]),
})

/** The operators below runs, with the names of the ops above them: `predict > session.run root > Abs`. */
function paths(capture: Capture): string[] {
  return capture.ops().map(row => row.path.join(' > '))
}
function calls(capture: Capture, path: string): number {
  return capture.ops().find(row => row.path.join(' > ') === path)?.calls ?? 0
}
function notBrokenDown(capture: Capture): number {
  return Number(/(\d+) model runs? without figures per op/.exec(capture.report())?.[1] ?? 0)
}
function settled(error: unknown): { class: unknown; message: string } {
  return { class: (error as object).constructor, message: (error as Error).message }
}

describe('instrument(ort)', () => {
  const before = { TMPDIR: process.env.TMPDIR }
  let folder: string
  let uninstrument: () => void

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ort-test-'))
    process.env.TMPDIR = folder
    uninstrument = instrument(ort)
  })
  afterEach(() => {
    uninstrument()
    if (before.TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before.TMPDIR
    rmSync(folder, { recursive: true })
  })

  it('records the load, the wait and the run, and the operators with their kernel time below the run', async () => {
    const capture = await profile({ tracerOption: 'OpDetail' }, async () => {
      const session = await ort.InferenceSession.create(rootModel())
      await session.run(rootFeeds())
    })
    expect(paths(capture)).toEqual(
      expect.arrayContaining([
        'session.load',
        'session.run root',
        'session.run root > Abs',
        'session.run root > Abs > compute',
        'session.run root > Sqrt',
        'session.run root > Sqrt > compute',
      ]),
    )
    expect(capture.asyncOps().map(row => row.path)).toEqual([['queue']])
    expect(paths(capture).filter(path => /infer_shape|prepare_data/.test(path))).toEqual([])
    expect(notBrokenDown(capture)).toBe(0)
  })

  it('shows the nodes by their names with AllOpDetail, and no phases with Default', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const all = await profile({ tracerOption: 'AllOpDetail' }, () => session.run(rootFeeds()).then(() => {}))
    const plain = await profile({ tracerOption: 'Default' }, () => session.run(rootFeeds()).then(() => {}))
    expect(all.report()).toContain('first')
    expect(paths(plain).filter(path => path.startsWith('session.run'))).toEqual(
      expect.arrayContaining(['session.run root', 'session.run root > Abs', 'session.run root > Sqrt']),
    )
    expect(plain.report()).not.toMatch(/^ +compute/m)
  })

  it('lists the nodes in both of two start and stop pairs', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    for (let pair = 0; pair < 2; pair++) {
      profiler.startProfiler({ state: 'CPU' })
      await session.run(rootFeeds())
      await session.run(rootFeeds())
      const capture = await profiler.stopProfiler({ print: false })
      expect(calls(capture!, 'session.run root > Abs')).toBe(2)
    }
  })

  it('starts over with a reset: what ran before it is gone, what runs after it has nodes', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const capture = await profile({}, async recording => {
      for (let run = 0; run < 3; run++) await session.run(rootFeeds())
      recording.reset()
      await session.run(rootFeeds())
    })
    expect(paths(capture).filter(path => !path.startsWith('session.run root'))).toEqual([])
    expect(calls(capture, 'session.run root > Abs')).toBe(1)
  })

  it('puts runs and waits below the record() that the call was made in', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const capture = await profile({}, async () => {
      await record('predict', () => session.run(rootFeeds()))
    })
    const below = capture.ops().filter(row => row.path.includes('session.run root'))
    expect(below.map(row => row.path[0])).toEqual(below.map(() => 'predict'))
    expect(capture.asyncOps().map(row => row.path)).toContainEqual(['predict', 'queue'])
  })

  it('brackets every call into the runtime, of older sessions too, and none stays in flight', async () => {
    uninstrument()
    const older = await ort.InferenceSession.create(rootModel())
    uninstrument = instrument(ort)
    const session = await ort.InferenceSession.create(rootModel())
    await session.run(rootFeeds())
    const capture = await profile({}, async () => {
      await ort.InferenceSession.create(rootModel())
      for (const each of [session, older, older]) await each.run(rootFeeds())
      await expect(session.run(refusedFeeds())).rejects.toThrow()
    })
    const { spans } = capture
    const brackets: Record<string, number> = {}
    for (let row = 0; row < spans.length; row++) {
      const { text } = spans.names[spans.name[row]!]!
      if (spans.flags[row]! & FLAG_BRACKET) brackets[text] = (brackets[text] ?? 0) + 1
    }
    expect(brackets).toEqual({
      'session.load': 1,
      'session.run root': 2,
      'session.run': 2,
      'opscope twin load': 1,
      'opscope twin end': 1,
    })
    expect(controlSlots[SLOT_UNSEEN_BRACKETS]).toBe(0)
  })

  it('gives the same results as without it', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const plain = await session.run(rootFeeds())
    await profile({}, async () => {
      const profiled = await session.run(rootFeeds())
      expect(profiled.y).toBeInstanceOf(ort.Tensor)
      expect(profiled.y!.data).toEqual(plain.y!.data)
      const given = new ort.Tensor('float32', new Float32Array(4), [4])
      await session.run(rootFeeds(), { y: given })
      expect(given.data).toEqual(plain.y!.data)
    })
  })

  it('throws the same errors as without it, in the call and in the native run', async () => {
    const session = await ort.InferenceSession.create(branchModel())
    const failures = async () => {
      const errors: unknown[] = []
      const { cond: _, ...incomplete } = branchFeeds(true)
      for (const feeds of [incomplete, { ...branchFeeds(true), ...refusedFeeds() }, branchFeeds(true, 5n)]) {
        await session.run(feeds).catch(error => errors.push(settled(error)))
      }
      await ort.InferenceSession.create(Buffer.from('no model')).catch(error => errors.push(settled(error)))
      return errors
    }
    const plain = await failures()
    expect(plain).toHaveLength(4)
    let profiled: unknown[] = []
    const capture = await profile({}, async () => {
      profiled = await failures()
    })
    expect(profiled).toEqual(plain)
    expect(capture.warnings.filter(warning => warning.code.startsWith('onnxruntime'))).toEqual([])
  })

  it('joins nodes to the runs that caused them although runs fail in between', async () => {
    const session = await ort.InferenceSession.create(branchModel())
    // The first window of a model with branches breaks one run down and learns how many events a run has.
    await profile({}, () => session.run(branchFeeds(true)).then(() => {}))
    const capture = await profile({}, async () => {
      for (let round = 0; round < 5; round++) {
        await record('with exp', () => session.run(branchFeeds(true)))
        await record('refused', () => session.run({ ...branchFeeds(false), ...refusedFeeds() })).catch(() => {})
        await record('with cos', () => session.run(branchFeeds(false)))
        await record('broken', () => session.run(branchFeeds(true, 5n))).catch(() => {})
      }
    })
    expect(calls(capture, 'with exp > session.run branch > If > Exp')).toBe(5)
    expect(calls(capture, 'with cos > session.run branch > If > Cos')).toBe(5)
    expect(paths(capture).filter(path => /exp .*Cos|cos .*Exp|(refused|broken) .*(Exp|Cos)/.test(path))).toEqual([])
    // A branch is time of the nodes in it, no kernel.
    expect(paths(capture)).not.toContain('with exp > session.run branch > If > compute')
    expect(notBrokenDown(capture)).toBe(10)
  })

  it('keeps ratios that sum to 1 under eight concurrent runs', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const capture = await profile({}, async () => {
      await Promise.all(Array.from({ length: 8 }, () => session.run(rootFeeds())))
    })
    const sum = capture
      .ops()
      .filter(row => row.path.length === 1)
      .reduce((total, row) => total + row.ratio, 0)
    expect(sum).toBeCloseTo(1, 9)
    expect(calls(capture, 'session.run root')).toBe(8)
    expect(calls(capture, 'session.run root > Abs')).toBe(8)
    const [queue] = capture.asyncOps()
    expect(queue).toMatchObject({ path: ['queue'], calls: 8 })
  })

  it('breaks down as many runs as 2,000 profile events hold, and counts the others', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const runs = async (count: number) => {
      for (let run = 0; run < count; run++) await session.run(rootFeeds())
    }
    await profile({}, () => runs(1))
    const capture = await profile({}, () => runs(700))
    // Two nodes, the executor and the run itself are four events; eight are kept for the load, and one run warms up.
    const brokenDown = (2000 - 8) / 4 - 1
    expect(calls(capture, 'session.run root > Abs')).toBe(brokenDown)
    expect(notBrokenDown(capture)).toBe(700 - brokenDown)
    expect(calls(capture, 'session.run root')).toBe(700)
  })

  it('breaks down one run of a session whose first window is not yet known', async () => {
    const session = await ort.InferenceSession.create(branchModel())
    const capture = await profile({}, async () => {
      for (let run = 0; run < 3; run++) await session.run(branchFeeds(true))
    })
    expect(calls(capture, 'session.run branch > If > Exp')).toBe(1)
    expect(notBrokenDown(capture)).toBe(2)
  })

  it('records only the runs of a session that is older', async () => {
    uninstrument()
    const session = await ort.InferenceSession.create(rootModel())
    uninstrument = instrument(ort)
    const capture = await profile({}, async () => {
      for (let round = 0; round < 2; round++) {
        await Promise.all([
          session.run(rootFeeds()),
          session.run(refusedFeeds()).catch(() => {}),
          session.run(rootFeeds()),
        ])
      }
    })
    expect(paths(capture).filter(path => path.startsWith('session'))).toEqual(['session.run'])
    expect(calls(capture, 'session.run')).toBe(6)
    expect(capture.asyncOps()).toMatchObject([{ path: ['queue'], calls: 6 }])
    expect(notBrokenDown(capture)).toBe(6)
  })

  it('names a run after the model file', async () => {
    const path = join(folder, 'net.onnx')
    writeFileSync(path, rootModel())
    const session = await ort.InferenceSession.create(path)
    const capture = await profile({}, () => session.run(rootFeeds()).then(() => {}))
    expect(calls(capture, 'session.run net.onnx > Sqrt')).toBe(1)
  })

  it('leaves no file, not even while a twin is at work', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    await profile({}, async () => {
      await session.run(rootFeeds())
      if (process.platform !== 'win32') expect(readdirSync(folder)).toEqual([])
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('makes no twin while nothing is recorded, or when operators are not asked for', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    rmSync(folder, { recursive: true })
    await session.run(rootFeeds())
    const capture = await profile({ categories: ['inference'] }, () => session.run(rootFeeds()).then(() => {}))
    writeFileSync(folder, '')
    expect(paths(capture)).toEqual(['session.run root'])
    expect(capture.warnings).toEqual([])
  })

  it('runs the original where a twin cannot be made, and says why', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    process.env.TMPDIR = join(folder, 'missing')
    const capture = await profile({}, async () => {
      expect((await session.run(rootFeeds())).y!.data).toEqual(Float32Array.of(1, 2, 3, 4))
      await session.run(rootFeeds())
    })
    expect(capture.warnings).toMatchObject([{ code: 'onnxruntime-twin-failed', count: 1 }])
    expect(calls(capture, 'session.run root')).toBe(2)
    expect(notBrokenDown(capture)).toBe(2)
  })

  it('makes no twin of a model whose bytes were overwritten', async () => {
    const bytes = rootModel()
    const session = await ort.InferenceSession.create(bytes)
    bytes.fill(0)
    const capture = await profile({}, () => session.run(rootFeeds()).then(() => {}))
    expect(capture.warnings).toMatchObject([
      { code: 'onnxruntime-no-twin', detail: expect.stringContaining('changed') },
    ])
    expect(notBrokenDown(capture)).toBe(1)
  })

  it('makes no twin of a model that draws random numbers', async () => {
    const random = encodeModel({
      name: 'random',
      nodes: [
        node('RandomNormalLike', 'draw', ['x'], ['noise'], { seed: { float: 1 } }),
        node('Add', 'add', ['x', 'noise'], ['y']),
      ],
      inputs: [value('x', [4])],
      outputs: [value('y', [4])],
    })
    const run = async (session: ort.InferenceSession) => (await session.run(rootFeeds())).y!.data
    const plain = await ort.InferenceSession.create(random)
    const expected = [await run(plain), await run(plain)]
    const session = await ort.InferenceSession.create(random)
    const results: unknown[] = [await run(session)]
    const capture = await profile({}, async () => {
      results.push(await run(session))
    })
    expect(results).toEqual(expected)
    expect(capture.warnings).toMatchObject([{ detail: expect.stringContaining('random') }])
  })

  it("leaves a session's own profile to its owner", async () => {
    const session = await ort.InferenceSession.create(rootModel(), {
      enableProfiling: true,
      profileFilePrefix: join(folder, 'own'),
    })
    const capture = await profile({}, () => session.run(rootFeeds()).then(() => {}))
    session.endProfiling()
    expect(readdirSync(folder)).toHaveLength(1)
    expect(notBrokenDown(capture)).toBe(1)
  })

  it('gives the results of the original when a twin fails at work, and ends the twin', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const fails = vi.spyOn(ProfiledTwin.prototype, 'run').mockImplementation(() => {
      throw new Error('out of memory')
    })
    const capture = await profile({}, async () => {
      for (let run = 0; run < 3; run++) {
        expect((await session.run(rootFeeds())).y!.data).toEqual(Float32Array.of(1, 2, 3, 4))
      }
    }).finally(() => fails.mockRestore())
    expect(capture.warnings).toMatchObject([
      { code: 'onnxruntime-twin-failed', count: 1, detail: expect.stringContaining('out of memory') },
    ])
    expect(calls(capture, 'session.run root')).toBe(3)
  })

  it('keeps the nodes of what ran before a pause that lasts to the stop', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const capture = await profile({}, async recording => {
      await session.run(rootFeeds())
      recording.pause()
      await session.run(rootFeeds())
    })
    expect(calls(capture, 'session.run root')).toBe(1)
    expect(calls(capture, 'session.run root > Abs')).toBe(1)
    expect(notBrokenDown(capture)).toBe(0)
  })

  it('keeps the node rows of a session that is released within the window', async () => {
    const session = await ort.InferenceSession.create(rootModel())
    const capture = await profile({}, async () => {
      await session.run(rootFeeds())
      await session.release()
      await expect(session.run(rootFeeds())).rejects.toThrow('Session already disposed.')
    })
    expect(calls(capture, 'session.run root > Abs')).toBe(1)
  })

  it('changes nothing at a second call, and puts everything back when asked', async () => {
    const replaced = binding.InferenceSession
    expect(instrument(ort)).toBe(uninstrument)
    expect(instrument(require('onnxruntime-node'))).toBe(uninstrument)
    expect(binding.InferenceSession).toBe(replaced)
    const session = await ort.InferenceSession.create(rootModel())
    uninstrument()
    expect(binding.InferenceSession).not.toBe(replaced)
    const capture = await profile({}, async () => {
      await session.run(rootFeeds())
      await (await ort.InferenceSession.create(rootModel())).run(rootFeeds())
    })
    expect(paths(capture)).toEqual([])
    const stale = uninstrument
    uninstrument = instrument(ort)
    stale()
    const again = await profile({}, () => session.run(rootFeeds()).then(() => {}))
    expect(calls(again, 'session.run root > Abs')).toBe(1)
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a part of the package', ort.Tensor],
    [
      'a package that looks like it',
      {
        InferenceSession: class {
          run() {}
        },
      },
    ],
  ])('refuses %s', (_, wrong) => {
    expect(() => instrument(wrong)).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_INTEGRATION' }))
  })
})
