import { describe, expect, it } from 'vitest'

import { logRatio } from '../../src/bench/compare-paired.js'
import { opResults } from '../../src/bench/figures.js'
import { Reservoir } from '../../src/bench/reservoir.js'
import { errorOfLook, mirroredOrder } from '../../src/bench/schedule.js'
import { verdictOf } from '../../src/bench/verdict.js'
import { medianInterval } from '../../src/model/median-interval.js'
import { fewestDifferences, middleOf } from '../../src/model/signed-rank.js'
import { randomNumbers } from '../../src/model/statistics.js'

/** All 2^n ways to give the numbers 1..n signs. */
function signings(n: number): number[][] {
  return Array.from({ length: 2 ** n }, (_, bits) =>
    Array.from({ length: n }, (_, at) => (bits & (1 << at) ? at + 1 : -(at + 1))),
  )
}

describe('the middle of differences', () => {
  it('is the median of the averages of two', () => {
    // Averages of 1, 2, 6: 1, 1.5, 3.5, 2, 4, 6.
    expect(middleOf([1, 2, 6], 0.5).value).toBe((2 + 3.5) / 2)
  })
  it.each([0.8, 0.9, 0.95])(
    'has an interval that leaves out 0 no oftener than %d allows, over all signs',
    confidence => {
      for (const n of [6, 8, 10]) {
        const wrong = signings(n).filter(values => {
          const { low, high } = middleOf(values, confidence)
          return low > 0 || high < 0
        })
        const share = wrong.length / 2 ** n
        expect(share).toBeLessThanOrEqual(1 - confidence)
        // Nor much seldomer: the interval is no wider than it must be.
        expect(share).toBeGreaterThan((1 - confidence) / 2)
      }
    },
  )
  it('has no interval when even equal signs are too likely', () => {
    const fewest = fewestDifferences(0.99)
    expect(2 * 0.5 ** fewest).toBeLessThanOrEqual(0.01)
    expect(2 * 0.5 ** (fewest - 1)).toBeGreaterThan(0.01)
    const differences = Array.from({ length: fewest }, (_, at) => at + 1)
    expect(middleOf(differences, 0.99)).toEqual({ value: (fewest + 1) / 2, low: 1, high: fewest })
    expect(middleOf(differences.slice(1), 0.99).high).toBe(Number.POSITIVE_INFINITY)
  })
  it('gives nearly the same interval by counting and by the normal approximation', () => {
    const random = randomNumbers(3)
    const values = Array.from({ length: 301 }, () => random() - 0.5)
    const counted = middleOf(values.slice(1), 0.99)
    const approximated = middleOf(values, 0.99)
    const width = ({ low, high }: { low: number; high: number }) => high - low
    expect(width(approximated) / width(counted)).toBeCloseTo(1, 1)
  })
})

it('compares a hundred thousand rounds in little memory', () => {
  const random = randomNumbers(5)
  const base = Array.from({ length: 100_000 }, () => [1e6 * (1 + random())])
  const head = base.map(([ns]) => [ns! * 1.03 * (0.99 + 0.02 * random())])
  const { value, low, high } = logRatio(base, head, { threshold: 0.03, error: 0.01, comparisons: 1 }, 1)
  expect(value).toBeCloseTo(Math.log(1.03), 4)
  expect([low < value, value < high, high - low < 0.001]).toEqual([true, true, true])
})

it('adds up ops of one path', () => {
  const op = { path: ['infer', 'copy'], calls: 1, ns: 20, gpuNs: 3 }
  const other = { ...op, calls: 2, ns: 30, gpuNs: 4 }
  expect(opResults([[op, other], [other, op], [op]])).toMatchObject([
    { path: op.path, calls: 3, gpuNs: 7, valuesNs: [50, 50, 20] },
  ])
})

describe('the interval of a median', () => {
  it('lies between the ranks that coin tosses give', () => {
    // Of 10 tosses, 0 or 1 heads come up in 11 of 1024 cases, up to 2 in 56: at 95 % one value stays out on each side.
    const values = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5]
    expect(medianInterval(values, 0.95)).toEqual({ value: 5.5, low: 2, high: 9 })
    expect(medianInterval(values, 0.88)).toEqual({ value: 5.5, low: 3, high: 8 })
  })
  it('is infinite with too few values, and told for many', () => {
    expect(medianInterval([1, 2, 3, 4, 5], 0.95).low).toBe(Number.NEGATIVE_INFINITY)
    const many = Float64Array.from({ length: 4001 }, (_, at) => at)
    const { value, low, high } = medianInterval(many, 0.95)
    // 1.96 standard deviations of half the root of n are 62 ranks.
    expect([value, value - low, high - value]).toEqual([2000, expect.closeTo(62, -1), expect.closeTo(62, -1)])
  })
})

describe('the schedule', () => {
  it('runs each arm twice a round, the second time in reverse, in every order', () => {
    const random = randomNumbers(1)
    const orders = new Set<string>()
    for (let round = 0; round < 200; round++) {
      const order = mirroredOrder(3, random)
      expect(order.toReversed()).toEqual(order)
      expect(order.slice(0, 3).toSorted()).toEqual([0, 1, 2])
      orders.add(order.join(''))
    }
    expect(orders.size).toBe(6)
  })
  it('spends the permitted error over all looks, and never more', () => {
    const looks = Array.from({ length: 1000 }, (_, at) => errorOfLook(0.01, at + 1))
    expect(looks.reduce((sum, error) => sum + error, 0)).toBeCloseTo(0.01, 4)
    expect(looks[0]).toBe(0.005)
  })
})

describe('a verdict on a threshold of 4 %', () => {
  const of = (value: number, half: number) =>
    verdictOf({ value: Math.log1p(value), low: Math.log1p(value - half), high: Math.log1p(value + half) }, 0.04)

  it('draws the line at half of it', () => {
    expect([of(0.021, 0.015), of(0.019, 0.015)]).toEqual(['slower', 'same'])
    expect([of(-0.021, 0.015), of(-0.019, 0.015)]).toEqual(['faster', 'same'])
  })
  it('is open where the interval is too wide', () => {
    expect([of(0.03, 0.031), of(0, 0.041), of(-0.03, 0.031)]).toEqual(['undecided', 'undecided', 'undecided'])
    expect(verdictOf({ value: 1, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }, 0.04)).toBe(
      'undecided',
    )
  })
})

describe('a reservoir', () => {
  it('keeps a fair choice of what came, and no more than its size', () => {
    const reservoir = new Reservoir<number>(500, randomNumbers(1))
    for (let value = 0; value < 10_000; value++) reservoir.add(value)
    expect([reservoir.count, reservoir.values.length]).toEqual([10_000, 500])
    const mean = reservoir.values.reduce((sum, value) => sum + value, 0) / 500
    // The mean of 500 of them has a standard deviation of 10000 / sqrt(12 * 500) = 129.
    expect(Math.abs(mean - 5000)).toBeLessThan(4 * 129)
  })
})
