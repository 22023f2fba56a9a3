import { expect, it } from 'vitest'

import { type BenchData, BenchResults, type CaseResult, compare, compareCases } from '../../src/bench/index.js'
import { randomNumbers } from '../../src/model/statistics.js'
import { normal } from './made-up-machine.js'

interface Run {
  ms?: number
  /** How slow the machine was. */
  pace?: number
  seed?: number
  launches?: number
  unit?: 'round' | 'launch'
  cpu?: string
  load?: number
  name?: string
  isWaitLeftOut?: boolean
  ops?: CaseResult['ops']
}

function run({ ms = 10, pace = 1, seed = 1, launches = 16, unit = 'launch', ...more }: Run): BenchData {
  const { cpu = 'cpu', load = 0, name = 'work', isWaitLeftOut = true, ops = [] } = more
  const random = randomNumbers(seed)
  const unitsNs = Array.from({ length: launches }, () => ms * 1e6 * pace * Math.exp(0.005 * normal(random)))
  return {
    format: 'opscope-bench',
    version: 1,
    title: 'a run',
    unit,
    targetInterval: 0.01,
    look: 1,
    durationMs: 1000,
    environment: {
      node: '24.0.0',
      v8: '13',
      opscope: '1.0.0',
      platform: 'linux',
      arch: 'x64',
      cpu,
      cores: 4,
      memoryBytes: 1,
      load,
      at: '',
    },
    warnings: [],
    cases: [
      {
        name,
        run: 0,
        isAsync: false,
        items: 1,
        itemsPerSecond: 100,
        iterations: 1,
        samples: launches * 2,
        p99Of: 'iteration',
        waitShare: 0,
        isWaitLeftOut,
        isSettled: true,
        medianNs: ms * 1e6 * pace,
        madNs: 1e4,
        p99Ns: 1e7,
        interval: null,
        unitsNs,
        roundsNs: unitsNs.map(ns => [ns]),
        paceNs: unitsNs.map(() => 1e6 * pace),
        ops,
        profilerCost: null,
      },
    ],
  }
}
const verdict = (before: Run, after: Run) => compare(run(before), run({ seed: 2, ...after })).cases[0]!.verdict

it('finds a slowdown of 3 % between runs of many launches, and passes equal code', () => {
  expect(verdict({}, { ms: 10.3 })).toBe('slower')
  expect(verdict({}, {})).toBe('same')
  expect(verdict({}, { ms: 9.5 })).toBe('faster')
})

it('takes a change that the machine made, too, for none', () => {
  expect(verdict({}, { pace: 1.08 })).toBe('undecided')
  expect(verdict({}, { pace: 0.92 })).toBe('undecided')
  // And does not let it hide what is larger.
  expect(verdict({}, { ms: 12, pace: 1.04 })).toBe('slower')
})

it('does not know how far two runs of one process each may differ, and asks for more', () => {
  expect(verdict({ unit: 'round' }, { unit: 'round', ms: 10.3 })).toBe('undecided')
  expect(verdict({ unit: 'round' }, { unit: 'round', ms: 11 })).toBe('slower')
  const { warnings } = compare(run({ unit: 'round' }), run({}))
  expect(warnings.join(' ')).toContain('does not tell how far processes differ')
})

it('takes one standard deviation for each run of one process, as many as the confidence asks for', () => {
  const width = (before: Run, after: Run, confidence: number) => {
    const { low, high } = compare(run(before), run({ seed: 2, ...after }), { confidence }).cases[0]!.interval!
    return Math.log(high / low)
  }
  const round = { unit: 'round' } as const
  // Standard normal values lie within 1.96 with 95 %, and within 2.576 with 99 %.
  for (const [confidence, sigmas] of [
    [0.95, 1.96],
    [0.99, 2.576],
  ] as const) {
    const own = width({}, {}, confidence)
    expect(width(round, {}, confidence) - own).toBeCloseTo(2 * 0.02 * sigmas, 4)
    expect(width(round, round, confidence) - own).toBeCloseTo(2 * 0.02 * Math.SQRT2 * sigmas, 4)
  }
})

it('has no interval for a few launches', () => {
  const { cases } = compare(run({ launches: 2 }), run({ launches: 2, ms: 20 }))
  expect(cases[0]).toMatchObject({ verdict: 'undecided', interval: null })
})

it('refuses runs of unlike machines unless it is allowed, and tells what else may have changed', () => {
  expect(() => compare(run({}), run({ cpu: 'another' }))).toThrow(/unlike machines \(cpu: cpu, then another\)/)
  const { warnings } = compare(run({}), run({ cpu: 'another', load: 3 }), { allowUnlike: true })
  expect(warnings).toContain('cpu: cpu, then another')
  expect(warnings).toContain('the machine was busy after: load 3.0 on 4 cores')
})

it('compares what both have, and says what it left out', () => {
  const found = compare(run({ name: 'old' }), run({ name: 'new' }))
  expect(found.cases).toEqual([])
  expect([found.isDecided, found.isRegression]).toEqual([false, false])
  expect(found.leftOut).toEqual(['old: only before', 'new: only after'])
  expect(found.report()).toContain('Nothing was compared.')
})

it('does not compare times with a wait for a CPU with times without it', () => {
  const found = compare(run({}), run({ isWaitLeftOut: false }))
  expect(found.cases).toEqual([])
  expect(found.leftOut).toEqual([
    'work: waits for a CPU are in its times after only, as it has threads of its own there',
  ])
  const alike = [run({ isWaitLeftOut: false }), run({ seed: 2, isWaitLeftOut: false })] as const
  expect(compare(...alike).cases).toHaveLength(1)
})

it('compares cases only with those that they took turns with', () => {
  const [first, second, other] = [run({ name: 'a' }), run({ name: 'b', seed: 2 }), run({ name: 'c', seed: 3 })]
  const cases = [first, second, other].flatMap((data, at) => data.cases.map(each => ({ ...each, run: at >> 1 })))
  const found = compareCases(new BenchResults({ ...first, cases }), 'a')
  expect(found.cases.map(({ name }) => name)).toEqual(['b'])
  expect(found.leftOut).toEqual(['c: its samples did not take turns with those of a'])
})

it('tells which op got slower', () => {
  const opOf = (name: string, ms: number, seed: number): CaseResult['ops'][number] => {
    const random = randomNumbers(seed)
    const valuesNs = Array.from({ length: 16 }, () => ms * 1e6 * Math.exp(0.005 * normal(random)))
    return {
      path: ['infer', name],
      calls: 1,
      gpuNs: 0,
      valuesNs,
      medianNs: ms * 1e6,
      madNs: 0,
      p99Ns: 0,
      interval: null,
    }
  }
  const found = compare(
    run({ ops: [opOf('conv', 4, 1), opOf('relu', 1, 2)] }),
    run({ ms: 11, seed: 2, ops: [opOf('conv', 5, 3), opOf('relu', 1, 4)] }),
  )
  expect(found.cases[0]!.ops.map(({ path, verdict }) => [path.at(-1), verdict])).toEqual([
    ['conv', 'slower'],
    ['relu', 'same'],
  ])
  expect(found.report({ columns: 80 })).toMatch(/Ops of work that changed\n.*\n +infer\/conv .* SLOWER\n +1 op more/)
})
