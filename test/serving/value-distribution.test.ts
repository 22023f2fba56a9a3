import { describe, expect, it } from 'vitest'

import { percentile } from '../../src/model/percentiles.js'
import { HISTOGRAM_ERROR, ValueDistribution } from '../../src/serving/value-distribution.js'

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
    expect(distribution.isExact).toBe(true)
    const sorted = values.toSorted((a, b) => a - b)
    expect(SHARES.map(share => distribution.percentile(share))).toEqual(SHARES.map(share => percentile(sorted, share)))
    expect([distribution.count, distribution.max]).toEqual([65_536, 65_536])
  })
  it.each([
    ['even', (share: number) => share * 1e9],
    ['around powers of two', (share: number) => 2 ** Math.round(share * 50) * (1 + share / 1e6)],
    ['from nothing to a day in ns', (share: number) => 8.64e13 ** share],
    ['all the same', () => 3_047_000],
  ])('tells percentiles of more within its error: %s', (_, valueAt) => {
    const count = 200_000
    const values = Array.from({ length: count }, (_, index) => valueAt(((index * 7919) % count) / count))
    const distribution = distributionOf(values)
    expect(distribution.isExact).toBe(false)
    const sorted = Float64Array.from(values).sort()
    for (const share of SHARES) {
      const rank = sorted[Math.floor((count - 1) * share)]!
      // Half a unit more, as it is told as a whole number.
      expect(Math.abs(distribution.percentile(share) - rank)).toBeLessThanOrEqual(rank * HISTOGRAM_ERROR + 0.5)
    }
    expect(distribution.max).toBe(sorted.at(-1))
    expect(distribution.sum).toBeCloseTo(
      values.reduce((sum, value) => sum + value, 0),
      -6,
    )
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
