import { describe, expect, it } from 'vitest'

import {
  blockMedians,
  DEVIATION_TO_SIGMA,
  holm,
  mannWhitney,
  median,
  medianDeviation,
  normalQuantile,
  normalShare,
  quantile,
  randomNumbers,
  shiftBetween,
} from '../../src/model/statistics.js'

/** Every choice of `size` of the ranks 0..all-1. */
function choices(all: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]]
  return Array.from({ length: all - from - size + 1 }, (_, at) => from + at).flatMap(first =>
    choices(all, size - 1, first + 1).map(rest => [first, ...rest]),
  )
}
/** Pairs in which the second is larger; equal ones count half. */
const uOf = (before: number[], after: number[]) =>
  before.flatMap(a => after.map(b => (b > a ? 1 : b === a ? 0.5 : 0))).reduce<number>((u, pair) => u + pair, 0)
/** Normal values: the sum of twelve uniform ones less six has mean 0 and variance 1. */
function normals(count: number, seed: number, shift = 0): number[] {
  const random = randomNumbers(seed)
  return Array.from({ length: count }, () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, shift - 6))
}

describe('median, quantile and deviation', () => {
  it('interpolate as R-7 does, on values in any order', () => {
    expect(median([9, 1, 4])).toBe(4)
    expect(median([9, 1, 4, 6])).toBe(5)
    expect(quantile([0, 10, 20, 30], 0.25)).toBe(7.5)
    expect(quantile([7], 0.99)).toBe(7)
    expect(medianDeviation([1, 2, 3, 4, 1000])).toBe(1)
  })
  it('have no answer for no values', () => {
    expect([median([]), quantile([], 0.5), medianDeviation([])]).toEqual([NaN, NaN, NaN])
  })
  it('leave the list as it was', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
  it('are the standard deviation of normal values after scaling', () => {
    expect(medianDeviation(normals(20_000, 3)) * DEVIATION_TO_SIGMA).toBeCloseTo(1, 1)
  })
})

describe('randomNumbers', () => {
  it('repeats for a seed, differs between seeds, and is uniform', () => {
    const draw = (seed: number) => Array.from({ length: 10_000 }, randomNumbers(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    for (const seed of [0, 1, 2 ** 31]) {
      const tenths = new Array(10).fill(0)
      for (const value of draw(seed)) tenths[Math.floor(value * 10)]++
      // 1,000 expected in each, standard deviation 30.
      for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150)
    }
  })
})

describe('mannWhitney', () => {
  it('counts what enumerating all arrangements counts, whether values are equal or not', () => {
    for (const [size, values] of [
      [4, [1, 2, 3, 4, 5, 6, 7]],
      [2, [1, 2, 3, 4, 5, 6, 7]],
      [4, [1, 2, 3, 4, 5, 6, 7, 8]],
      [3, [1, 1, 2, 3, 3, 3, 4, 5]],
      [5, [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]],
      [6, [1, 2, 2, 2, 2, 2, 2, 2]],
    ] as const) {
      const places = [...values.keys()]
      const seen = choices(values.length, size).map(after => ({
        before: places.filter(place => !after.includes(place)).map(place => values[place]!),
        after: after.map(place => values[place]!),
      }))
      const us = seen.map(({ before, after }) => uOf(before, after))
      for (const [index, { before, after }] of seen.entries()) {
        const test = mannWhitney(before, after)
        expect(test.u).toBe(us[index])
        expect(test.pGreater).toBeCloseTo(us.filter(u => u >= us[index]!).length / us.length, 12)
        expect(test.pLess).toBeCloseTo(us.filter(u => u <= us[index]!).length / us.length, 12)
      }
    }
  })
  it('goes over to the normal distribution without a step', () => {
    // One value beyond those that are counted, far from the others, hardly changes a p.
    for (const shift of [0, 0.5, 1]) {
      const [before, after] = [normals(20, 5), normals(20, 6, shift)]
      const counted = mannWhitney(before, after)
      const tied = mannWhitney([...before, -1e6], [...after, 1e6])
      expect(tied.pGreater).toBeLessThan(counted.pGreater + 0.01)
      expect(tied.pGreater).toBeGreaterThan(counted.pGreater / 4)
    }
  })
  it('counts equal values half, and finds nothing in values that are all equal', () => {
    expect(mannWhitney([1, 2, 3], [2]).u).toBe(1.5)
    expect(mannWhitney([5, 5, 5, 5], [5, 5, 5, 5])).toEqual({ u: 8, pGreater: 1, pLess: 1, p: 1 })
  })
  it('finds nothing where there is nothing to compare', () => {
    expect(mannWhitney([], [1])).toEqual({ u: 0, pGreater: 1, pLess: 1, p: 1 })
  })
  it('rejects equal samples as often as it says', () => {
    let rejected = 0
    for (let round = 0; round < 1000; round++) {
      if (mannWhitney(normals(12, 2 * round), normals(15, 2 * round + 1)).p < 0.05) rejected++
    }
    // 50 expected, standard deviation 6.9.
    expect(rejected).toBeGreaterThan(25)
    expect(rejected).toBeLessThan(75)
  })
})

describe('the normal distribution', () => {
  it('is that of the tables', () => {
    // Abramowitz and Stegun, table 26.1 and 26.2.
    expect(normalShare(0)).toBe(0.5)
    expect(normalShare(1)).toBeCloseTo(0.841344746068543, 14)
    expect(normalShare(-2)).toBeCloseTo(0.022750131948179, 14)
    expect(normalShare(4) - 1).toBeCloseTo(-3.1671241833e-5, 14)
    expect(normalShare(-10) / 7.61985302416e-24).toBeCloseTo(1, 10)
    for (const z of [-6, -1.5, -0.01, 0.7, 3.3]) expect(normalQuantile(normalShare(z))).toBeCloseTo(z, 9)
  })
})

describe('shiftBetween', () => {
  it('is the median of all differences, and what the test does not reject around it', () => {
    const before = [10, 11, 13, 17]
    const after = [20, 22, 25, 29]
    const { value, low, high } = shiftBetween(before, after, 0.9)
    expect(value).toBe(median(before.flatMap(a => after.map(b => b - a))))
    for (let shift = 0; shift < 25; shift += 0.25) {
      const { p } = mannWhitney(
        before.map(a => a + shift),
        after,
      )
      if (shift < low || shift > high) expect(p).toBeLessThan(0.1)
    }
    expect(low).toBeLessThan(value)
    expect(high).toBeGreaterThan(value)
  })
  it('holds the true shift about as often as it says', () => {
    for (const size of [10, 30]) {
      let held = 0
      for (let round = 0; round < 400; round++) {
        const { low, high } = shiftBetween(normals(size, 2 * round), normals(size, 2 * round + 1, 0.7), 0.9)
        if (low <= 0.7 && 0.7 <= high) held++
      }
      // 360 expected of 400, standard deviation 6.
      expect(held).toBeGreaterThan(340)
      expect(held).toBeLessThan(382)
    }
  })
  it('says that it cannot tell from too few values', () => {
    expect(shiftBetween([1, 2], [3, 4], 0.95)).toEqual({ value: 2, low: -Infinity, high: Infinity })
  })
})

describe('holm', () => {
  it('multiplies the smallest by the number of tests, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06])
    expect(holm([0.5, 0.9])).toEqual([1, 1])
    expect(holm([])).toEqual([])
  })
})

describe('blockMedians', () => {
  it('are of stretches of equally many values, in their order', () => {
    expect([...blockMedians([1, 2, 3, 40, 50, 60, 7, 8, 900], 3)]).toEqual([2, 50, 8])
    expect([...blockMedians([5, 4], 3)]).toEqual([5, 4])
    expect([...blockMedians([], 3)]).toEqual([])
  })
})
