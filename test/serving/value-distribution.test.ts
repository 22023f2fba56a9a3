import { describe, expect, it } from 'vitest'

import { percentile } from '../../src/model/percentiles.js'
import { HISTOGRAM_ERROR, ValueBudget, ValueDistribution } from '../../src/serving/value-distribution.js'

function distributionOf(values: Iterable<number>): ValueDistribution {
  const distribution = new ValueDistribution()
  for (const value of values) distribution.add(value)
  return distribution
}
const SHARES = [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1]

describe('ValueDistribution', () => {
  it('is exact up to 65,536 values', () => {
    const values = Array.from({ length: 65_536 }, (_, index) => (index * 7919) % 65_537)
    const distribution = distributionOf(values)
    expect(distribution.relativeError).toBe(0)
    const sorted = values.toSorted((a, b) => a - b)
    expect(SHARES.map(share => distribution.percentile(share))).toEqual(SHARES.map(share => percentile(sorted, share)))
    expect([distribution.count, distribution.max]).toEqual([65_536, 65_536])
  })
  it.each([
    ['even', (share: number) => share * 1e9],
    ['around powers of two', (share: number) => 2 ** Math.round(share * 50) * (1 + share / 1e6)],
    ['from nothing to a day in ns', (share: number) => 8.64e13 ** share],
    ['all the same', () => 3_047_000],
    ['below and above 0', (share: number) => (share - 0.3) * 1e7],
  ])('tells percentiles of more within its error: %s', (_, valueAt) => {
    const count = 200_000
    const values = Array.from({ length: count }, (_, index) => Math.round(valueAt(((index * 7919) % count) / count)))
    const distribution = distributionOf(values)
    expect(distribution.relativeError).toBe(HISTOGRAM_ERROR)
    const sorted = Float64Array.from(values).sort()
    for (const share of SHARES) {
      const rank = sorted[Math.floor((count - 1) * share)]!
      // Half a unit more, as it is told as a whole number.
      expect(Math.abs(distribution.percentile(share) - rank)).toBeLessThanOrEqual(
        Math.abs(rank) * HISTOGRAM_ERROR + 0.5,
      )
    }
    expect([distribution.min, distribution.max]).toEqual([sorted[0], sorted.at(-1)])
    expect(distribution.sum).toBe(Number(values.reduce((sum, value) => sum + BigInt(value), 0n)))
  })
  it('is exact while the budget that it shares lasts', () => {
    const budget = new ValueBudget(80)
    const [first, second] = [new ValueDistribution(budget), new ValueDistribution(budget)]
    for (let value = 1; value <= 64; value++) first.add(value)
    for (let value = 1; value <= 17; value++) second.add(value)
    expect([first.relativeError, second.relativeError]).toEqual([0, HISTOGRAM_ERROR])
    // The second has given its 16 back.
    const third = new ValueDistribution(budget)
    third.add(1)
    expect(third.relativeError).toBe(0)
  })
  it('of nothing is 0', () => {
    const empty = new ValueDistribution()
    expect([empty.count, empty.mean, empty.percentile(0.5)]).toEqual([0, 0, 0])
  })
  it('takes values again after it was asked', () => {
    const distribution = distributionOf([3])
    expect(distribution.percentile(0.5)).toBe(3)
    distribution.add(1)
    distribution.add(2)
    expect(distribution.percentile(0.5)).toBe(2)
  })
})
