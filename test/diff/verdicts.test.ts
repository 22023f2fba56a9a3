import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { buildCapture, type CaptureDiff, type DiffOptions, type DiffRow, diffCaptures } from '../../src/index.js'
import { median, randomNumbers } from '../../src/model/statistics.js'
import { type BatchSpec, batchCapture, CONV, NETWORK, type OpSpec, slowed, withOp } from './batch-capture.js'

const recorded = (spec: Partial<BatchSpec> = {}) => batchCapture({ ops: NETWORK, seed: 1, ...spec })
const again = (ops: readonly OpSpec[] = NETWORK, spec: Partial<BatchSpec> = {}) =>
  batchCapture({ ops, seed: 2, ...spec })
async function diffOf(one: Promise<Capture>, other: Promise<Capture>, options?: DiffOptions): Promise<CaptureDiff> {
  return (await one).diff(await other, options)
}
/** What changed: `conv slower`. */
function changes({ ops, stages }: CaptureDiff): string[] {
  const changed = [...ops, ...stages].filter(
    ({ verdict, callsVerdict }) => (verdict !== 'same' && verdict !== 'unsure') || callsVerdict !== 'same',
  )
  return changed.map(({ path, verdict, callsVerdict }) =>
    [path.at(-1), verdict, ...(callsVerdict === 'same' ? [] : [`${callsVerdict} calls`])].join(' '),
  )
}
function rowOf({ ops, stages }: CaptureDiff, name: string): DiffRow {
  const row = [...ops, ...stages].find(({ path }) => path.at(-1) === name)
  if (row === undefined) throw new Error(`no row ${name}`)
  return row
}
const seeds = Array.from({ length: 20 }, (_, seed) => 10 * seed)

describe('which op changed', () => {
  it('is the one whose calls take longer, and none of those around it', async () => {
    for (const seed of seeds) {
      const diff = await diffOf(recorded({ seed }), again(slowed('conv', 1.2), { seed: seed + 1 }))
      expect(changes(diff)).toEqual(['conv slower'])
      const { change, calls, medianNs } = rowOf(diff, 'conv')
      expect(calls).toEqual({ before: 60, after: 60 })
      expect(change!.ratio).toBeCloseTo(0.2, 1)
      expect(change!.low).toBeLessThan(change!.ratio)
      expect(change!.high).toBeGreaterThan(change!.ratio)
      expect(medianNs.after / medianNs.before - 1).toBeCloseTo(0.2, 1)
    }
  })
  it('is none of a program that was recorded twice', async () => {
    for (const seed of seeds) {
      const diff = await diffOf(recorded({ seed, noise: 0.1 }), again(NETWORK, { seed: seed + 1, noise: 0.1 }))
      expect(changes(diff)).toEqual([])
    }
  })
  it('is none where the machine had good and bad moments, which a test of single calls takes for hundreds of witnesses', async () => {
    // Each level keeps 0.9 of the one before: moments of about 10 batches.
    const moments = (seed: number) => {
      const random = randomNumbers(seed)
      let level = 0
      const levels = Array.from({ length: 1000 }, () => {
        level = 0.9 * level + 0.3 * (random() - 0.5)
        return Math.exp(level)
      })
      return (batch: number, op: string) => (op === 'conv' ? levels[batch]! : 1)
    }
    for (const seed of seeds.slice(0, 10)) {
      const one = recorded({ seed, batches: 1000, load: moments(seed) })
      const other = again(NETWORK, { seed: seed + 1, batches: 1000, load: moments(seed + 1) })
      expect(changes(await diffOf(one, other))).toEqual([])
    }
  })
  it('is the faster one of two captures the other way round, with the change turned over', async () => {
    const [one, other] = await Promise.all([recorded(), again(slowed('conv', 1.25))])
    const there = rowOf(one.diff(other), 'conv')
    const back = rowOf(other.diff(one), 'conv')
    expect([there.verdict, back.verdict]).toEqual(['slower', 'faster'])
    expect((1 + there.change!.ratio) * (1 + back.change!.ratio)).toBeCloseTo(1, 10)
    expect((1 + there.change!.low!) * (1 + back.change!.high!)).toBeCloseTo(1, 10)
  })
  it('takes all calls in a batch together, whose sizes may be far apart', async () => {
    const sizes = (middle: number) => withOp('conv', op => ({ ...op, ns: [100_000, middle, 900_000] }))
    const diff = await diffOf(recorded({ ops: sizes(300_000) }), again(sizes(450_000)))
    expect(changes(diff)).toEqual(['conv slower'])
    // (100 + 450 + 900) / (100 + 300 + 900)
    expect(rowOf(diff, 'conv').change!.ratio).toBeCloseTo(1450 / 1300 - 1, 1)
    expect(rowOf(diff, 'conv').calls).toEqual({ before: 180, after: 180 })
  })
  it('is the op, not its parts, unless those are asked for', async () => {
    const phased = (computeNs: number) =>
      withOp('conv', op => ({
        ...op,
        ns: 20_000,
        inside: [{ name: 'compute', ns: computeNs, spec: { role: 'phase' } }],
      }))
    const [one, other] = await Promise.all([recorded({ ops: phased(300_000) }), again(phased(400_000))])
    expect(changes(one.diff(other))).toEqual(['conv slower'])
    expect(rowOf(one.diff(other), 'conv').change!.ratio).toBeCloseTo(420 / 320 - 1, 1)
    expect(changes(one.diff(other, { tracerOption: 'OpDetail' }))).toEqual(['compute slower'])
  })
  it('is a stage whose own waiting grew, not the request around it', async () => {
    const request = (queueNs: number): OpSpec[] => [
      {
        name: 'request',
        ns: 50_000,
        spec: { isAsync: true, category: 'request' },
        inside: [{ name: 'queue', ns: queueNs, spec: { isAsync: true } }, CONV],
      },
    ]
    const diff = await diffOf(recorded({ ops: request(200_000), around: '' }), again(request(450_000), { around: '' }))
    expect(diff.stages.map(({ path }) => path.join('/')).sort()).toEqual(['request', 'request/queue'])
    expect(changes(diff)).toEqual(['queue slower'])
  })
})

describe('a wait', () => {
  it('that changed by less than a scheduler gives and takes is the same', async () => {
    const waiting = (queueNs: number): OpSpec[] => [
      { name: 'queue', ns: queueNs, spec: { isAsync: true } },
      { name: 'run', ns: 1_000_000 },
    ]
    const verdictOf = async (queueNs: number) =>
      rowOf(await diffOf(recorded({ ops: waiting(40_000) }), again(waiting(queueNs))), 'queue').verdict
    expect(await verdictOf(120_000)).toBe('same')
    expect(await verdictOf(200_000)).toBe('slower')
  })
})

describe('a verdict is unsure', () => {
  it('where all ops moved alike, which the drift tells', async () => {
    const load = () => 1.3
    const [one, other] = await Promise.all([recorded(), again(NETWORK, { load })])
    const diff = one.diff(other)
    expect(changes(diff)).toEqual([])
    expect(rowOf(diff, 'conv')).toMatchObject({ verdict: 'unsure', doubt: 'drift' })
    expect(diff.drift.host.change).toBeCloseTo(0.3, 1)
    expect(changes(one.diff(other, { drift: 'off' }))).toEqual(expect.arrayContaining(['conv slower', 'load slower']))
  })
  it('not where one op moved more than the others did', async () => {
    const diff = await diffOf(recorded(), again(slowed('conv', 1.5), { load: () => 1.2 }))
    expect(changes(diff)).toEqual(['conv slower'])
    expect(rowOf(diff, 'conv').change!.ratio).toBeCloseTo(0.8, 1)
  })
  it('where the fastest calls are as fast as before', async () => {
    // Two batches of three are slowed, so the medians move and the fast tenth does not.
    const load = (batch: number, op: string) => (op === 'conv' && batch % 3 > 0 ? 1.4 : 1)
    const diff = await diffOf(recorded(), again(NETWORK, { load }))
    expect(rowOf(diff, 'conv')).toMatchObject({ verdict: 'unsure', doubt: 'uneven' })
  })
  it('where there are too few calls, however far apart they are', async () => {
    const diff = await diffOf(recorded({ batches: 3 }), again(slowed('conv', 3), { batches: 3 }))
    expect(rowOf(diff, 'conv')).toMatchObject({ verdict: 'unsure', doubt: 'few-calls', p: 1 })
    expect(rowOf(diff, 'conv').change).toMatchObject({ low: null, high: null })
  })
  it('where the noise is larger than the change', async () => {
    const diff = await diffOf(recorded({ noise: 0.3 }), again(slowed('conv', 1.1), { noise: 0.3 }))
    expect(rowOf(diff, 'conv')).toMatchObject({ verdict: 'unsure', doubt: 'noise' })
  })
})

describe('what counts', () => {
  it('is decided by minChange', async () => {
    const [one, other] = await Promise.all([recorded({ noise: 0.005 }), again(slowed('conv', 1.04), { noise: 0.005 })])
    expect(rowOf(one.diff(other), 'conv').verdict).toBe('same')
    expect(rowOf(one.diff(other, { minChange: 0.03 }), 'conv').verdict).toBe('slower')
  })
  it('is decided by minImpact: a tiny op may double', async () => {
    const tiny = (ns: number): OpSpec[] => [...NETWORK, { name: 'tiny', ns }]
    const [one, other] = await Promise.all([recorded({ ops: tiny(2000) }), again(tiny(4000))])
    expect(rowOf(one.diff(other), 'tiny').verdict).toBe('same')
    expect(changes(one.diff(other, { minImpact: 0 }))).toEqual(['tiny slower'])
  })
})

describe('calls', () => {
  it('that became more are told of the op that is called more often, and not as slower', async () => {
    const conv = (calls: number) =>
      withOp('conv', op => ({
        ...op,
        ns: new Array<number>(calls).fill(100_000),
        inside: [{ name: 'gemm', ns: 50_000 }],
      }))
    const diff = await diffOf(recorded({ ops: conv(1), batches: 30 }), again(conv(2), { batches: 30 }))
    expect(changes(diff)).toEqual(['conv same more calls'])
    const { calls, effectNs } = rowOf(diff, 'conv')
    expect(calls).toEqual({ before: 30, after: 60 })
    // 30 calls more, each with what is inside.
    expect(effectNs / (30 * 150_000)).toBeCloseTo(1, 1)
    expect(rowOf(diff, 'gemm').calls).toEqual({ before: 30, after: 60 })
  })
  it('are as many as before where twice the work was done', async () => {
    const diff = await diffOf(recorded({ batches: 40 }), again(NETWORK, { batches: 80 }))
    expect(changes(diff)).toEqual([])
    expect(diff.work).toEqual({ before: 40, after: 80 })
    // Nothing was won or lost: what the ops took more is the work.
    const conv = rowOf(diff, 'conv')
    expect(Math.abs(conv.effectNs)).toBeLessThan(0.05 * conv.ownNs.after)
  })
  describe('of a choice that chance makes', () => {
    const lookups = (count: number, misses: (lookup: number) => number) => {
      const spans = Array.from({ length: count }, (_, lookup) => {
        const at = lookup * 1000
        const inside = Array.from({ length: misses(lookup) }, (_, miss) => ({
          thread: 'main',
          name: 'miss',
          startNs: at + 100 + miss * 200,
          endNs: at + 250 + miss * 200,
        }))
        return [{ thread: 'main', name: 'lookup', startNs: at, endNs: at + 900 }, ...inside]
      })
      return buildCapture({ spans: spans.flat() })
    }
    const everySecond = (lookup: number) => lookup % 2
    const missesOf = async (one: Promise<Capture>, other: Promise<Capture>) => rowOf(await diffOf(one, other), 'miss')

    it('are not told as more or fewer', async () => {
      const before = lookups(400, everySecond)
      // A fair coin thrown 400 times falls 220 times or more on one side in 5 % of all cases, 280 times in none.
      const few = lookups(400, lookup => Number(lookup % 20 < 11))
      const many = lookups(400, lookup => Number(lookup % 20 < 14))
      expect(await missesOf(before, few)).toMatchObject({ calls: { before: 200, after: 220 }, callsVerdict: 'same' })
      expect(await missesOf(before, many)).toMatchObject({ calls: { before: 200, after: 280 }, callsVerdict: 'more' })
    })
    it('are known no better than by the shorter recording', async () => {
      // 50 by chance are 50 ± 7, so ten times the lookups make 500 ± 74 of them: 620 are no sign, 900 are one.
      const before = lookups(100, everySecond)
      const few = lookups(1000, lookup => Number(lookup % 50 < 31))
      const many = lookups(1000, lookup => Number(lookup % 50 < 45))
      expect(await missesOf(before, few)).toMatchObject({ calls: { before: 50, after: 620 }, callsVerdict: 'same' })
      expect(await missesOf(few, before)).toMatchObject({ callsVerdict: 'same' })
      expect(await missesOf(before, many)).toMatchObject({ calls: { before: 50, after: 900 }, callsVerdict: 'more' })
    })
    it('may be a whole number for each call around', async () => {
      const before = lookups(100, lookup => 2 * (lookup % 2))
      const after = lookups(100, lookup => 2 * (lookup % 2) + Number(lookup % 100 < 20))
      expect(await missesOf(before, after)).toMatchObject({ calls: { before: 100, after: 120 }, callsVerdict: 'same' })
    })
  })
})

describe('rows that are not on both sides', () => {
  it('are added or removed', async () => {
    const diff = await diffOf(recorded(), again([...NETWORK.slice(1), { name: 'norm', ns: 70_000 }]))
    expect(changes(diff).sort()).toEqual(['load removed', 'norm added'])
    expect(rowOf(diff, 'norm')).toMatchObject({ change: null, calls: { before: 0, after: 60 } })
    expect(rowOf(diff, 'load').effectNs).toBe(-rowOf(diff, 'load').ownNs.before)
  })
  it('have moved if nothing else has their name', async () => {
    const inside = (ops: readonly OpSpec[]): OpSpec[] => [{ name: 'model', ns: 10_000, inside: ops }]
    const diff = await diffOf(recorded(), again(inside(slowed('conv', 1.3))))
    expect(changes(diff).sort()).toEqual(['conv slower', 'model added'])
    expect(rowOf(diff, 'conv').path).toEqual(['batch', 'model', 'conv'])
    expect(rowOf(diff, 'conv').movedFrom).toEqual(['batch', 'conv'])
  })
  it('have not moved if they may be one of several', async () => {
    const twice = (name: string): OpSpec[] => [
      { name, ns: 10_000, inside: [CONV] },
      { name: 'other', ns: 10_000, inside: [CONV] },
    ]
    const diff = await diffOf(recorded({ ops: twice('encoder') }), again(twice('decoder')))
    expect(changes(diff).sort()).toEqual(['conv added', 'conv removed', 'decoder added', 'encoder removed'])
  })
})

describe('several recordings on a side', () => {
  const recordings = (ops: readonly OpSpec[], levels: readonly number[], seed: number) =>
    Promise.all(
      levels.map((level, at) =>
        batchCapture({ ops, seed: seed + at, batches: 30, load: (_, op) => (op === 'conv' ? level : 1) }),
      ),
    )

  it('tell what recordings of one program differ by', async () => {
    // conv takes longer by recording; the slowest on the one side is as slow as the fastest on the other.
    const one = await recordings(NETWORK, [1, 1.02, 1.2], 1)
    const other = await recordings(NETWORK, [1.2, 1.22, 1.4], 11)
    expect(changes(one[0]!.diff(other[0]!))).toEqual(['conv slower'])
    expect(changes(diffCaptures(one, other))).toEqual([])
  })
  it('show a change that is larger than that', async () => {
    const one = await recordings(NETWORK, [1, 1.05, 1.02], 1)
    const diff = diffCaptures(one, await recordings(slowed('conv', 1.5), [1, 1.05, 1.02], 11))
    expect(changes(diff)).toEqual(['conv slower'])
    expect(rowOf(diff, 'conv').calls).toEqual({ before: 90, after: 90 })
  })
})

it('the median of a row is of its witnesses, and its mean of its calls', async () => {
  const capture = await recorded({ noise: 0 })
  const { medianNs, meanNs, ownNs } = rowOf(capture.diff(capture), 'conv')
  expect([medianNs.before, meanNs.before, ownNs.before]).toEqual([400_000, 400_000, 60 * 400_000])
  expect(median([medianNs.before, medianNs.after])).toBe(400_000)
})
