// The claim of bench/planted-slowdown.mjs at a tenth of its runs; seeds are fixed, so the counts are.
import { describe, expect, it } from 'vitest'

import { comparePairOn, type MadeUp, normal } from './made-up-machine.js'

const RUNS = 100
const KINDS: [string, MadeUp['noise']][] = [
  ['normal noise of 2 %', (_, random) => 0.02 * normal(random)],
  ['a drift of 20 % a minute', (ms, random) => 0.02 * normal(random) + (0.2 * ms) / 60_000],
  ['waves of 5 %', (ms, random) => 0.02 * normal(random) + 0.05 * Math.sin(ms / 700)],
  ['every tenth sample twice as long', (_, random) => 0.02 * normal(random) + (random() < 0.1 ? Math.LN2 : 0)],
]

describe.each(KINDS)('under %s', (_, noise) => {
  it.each<[string, Partial<MadeUp>]>([
    ['rounds of one process', {}],
    ['launches that differ by up to 1 %', { luck: 0.01, options: { unit: { rounds: 5 } } }],
  ])('by %s, finds a slowdown of three percent and lets equal code pass', async (_, how) => {
    let found = 0
    let alarms = 0
    for (let seed = 0; seed < RUNS; seed++) {
      const of = async (slowdown: number) =>
        (await comparePairOn({ noise, slowdown, seed: 10 * seed, ...how } as MadeUp)).comparison.cases[0]!.verdict
      if ((await of(0.03)) === 'slower') found++
      if ((await of(0)) === 'slower') alarms++
    }
    expect(found).toBeGreaterThanOrEqual(95)
    expect(alarms).toBeLessThanOrEqual(5)
  })
})

it('finds a slowdown although other programs have the CPU for much of each sample', async () => {
  const { comparison, base } = await comparePairOn({
    noise: (_, random) => 0.02 * normal(random),
    slowdown: 0.03,
    waitShare: 4,
  })
  expect(comparison.cases[0]!.verdict).toBe('slower')
  expect(base.cases[0]!.medianNs / 10e6).toBeCloseTo(1, 1)
  expect(base.cases[0]!.waitShare).toBeGreaterThan(0.5)
})

it('says that it cannot tell when samples vary tenfold, once the budget is spent', async () => {
  const { comparison, base } = await comparePairOn({
    noise: (_, random) => Math.LN10 * random(),
    slowdown: 0.03,
    options: { budgetMs: 20_000 },
  })
  expect(comparison.cases[0]!.verdict).toBe('undecided')
  expect(comparison.isDecided).toBe(false)
  expect(comparison.report()).toContain('Undecided (work): the interval is too wide to tell.')
  expect(base.cases[0]!.isSettled).toBe(false)
})

it('starts a process again that did not start, once its file has been seen to load', async () => {
  let launches = 0
  const { comparison, base } = await comparePairOn({
    slowdown: 0.03,
    options: { unit: { rounds: 1 } },
    beforeLaunch: () => {
      launches++
      if (launches % 4 === 2) throw new Error('it did not answer')
    },
  })
  expect(comparison.cases[0]!.verdict).toBe('slower')
  expect(base.cases[0]!.unitsNs.length).toBeLessThan(launches)
  expect(comparison.warnings).toEqual(['A process did not start and was tried again: it did not answer'])
  const never = comparePairOn({
    beforeLaunch: () => {
      throw new Error('a mistake')
    },
  })
  await expect(never).rejects.toThrow('a mistake')
})

it('blames neither side for what it costs a process to be the first one', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { comparison } = await comparePairOn({ costOfFirst: 0.02, seed, options: { unit: { rounds: 1 } } })
    expect(comparison.cases[0]!.verdict).not.toMatch(/slower|faster/)
  }
})

it('blames neither side for what it costs an op to be recorded first', async () => {
  const opNs = (before: number) => (before % 4 < 2 ? 1.1e6 : 1e6)
  for (let seed = 0; seed < 20; seed++) {
    // A threshold that no look can decide: the launches of the whole budget.
    const options = { profile: {}, unit: { rounds: 1 }, threshold: 0.0001, budgetMs: 5000 } as const
    const { comparison } = await comparePairOn({ opNs, noise: (_, random) => normal(random), seed, options })
    expect(comparison.cases[0]!.ops[0]!.verdict).not.toMatch(/slower|faster/)
  }
})

it('asks one process at a time how fast the machine is', async () => {
  let asked = 0
  let most = 0
  const pace = async () => {
    most = Math.max(most, ++asked)
    await new Promise(resolve => setImmediate(resolve))
    asked--
    return 1e6
  }
  await comparePairOn({ pace, slowdown: 0.03 })
  expect(most).toBe(1)
})

it('times both sides by one rule, with their waits as soon as one has threads of its own', async () => {
  for (const headCpus of [1, 1.4, 2]) {
    const { base, head } = await comparePairOn({ headCpus, waitShare: 1, options: { budgetMs: 5000 } })
    const isLeftOut = headCpus === 1
    expect([base.cases[0]!.isWaitLeftOut, head.cases[0]!.isWaitLeftOut]).toEqual([isLeftOut, isLeftOut])
  }
})
