import { describe, expect, it } from 'vitest'

import { alignClocks, type ClockReading } from '../../src/model/clock-alignment.js'

const MS = 1_000_000n
const reading = (originEpochNs: bigint, originClockNs = 0n, clockId?: string, shiftNs = 0n): ClockReading => {
  return { originEpochNs, originClockNs, clockId, shiftNs }
}

describe('sessions', () => {
  it('of different hosts stand where their wall clocks say', () => {
    const { startsNs, steps } = alignClocks([reading(900n * MS, 5n, 'a'), reading(100n * MS, 9n, 'b'), reading(7n)])
    expect([startsNs, steps]).toEqual([[900n * MS, 100n * MS, 7n], []])
  })

  it('on one monotonic clock keep their distance on it, whatever their wall clocks read', () => {
    // The wall clock was read 300 ns late once; 50 ms lie between on the other clock.
    const { startsNs, steps } = alignClocks([
      reading(100n * MS, 20n * MS, 'a'),
      reading(150n * MS + 300n, 70n * MS, 'a'),
    ])
    expect([startsNs[1]! - startsNs[0]!, steps]).toEqual([50n * MS, []])
    expect(startsNs[1]).toBe(150n * MS + 300n)
  })

  it('are not torn apart by a wall clock that was set between them: the last word counts', () => {
    const { startsNs, steps } = alignClocks([
      reading(5_000n * MS, 20n * MS, 'a'), // 2 s ahead
      reading(3_050n * MS, 70n * MS, 'a'),
      reading(4_020n * MS, 30n * MS, 'other'),
      reading(3_110n * MS, 130n * MS, 'a'),
    ])
    expect(startsNs).toEqual([3_000n * MS, 3_050n * MS, 4_020n * MS, 3_110n * MS])
    expect(steps).toEqual([{ indices: [0, 1, 3], byNs: 2_000n * MS }])
  })

  it('without a clock that is told stand by their wall clocks, though their monotonic ones read alike', () => {
    expect(alignClocks([reading(5n * MS, 1n), reading(9n * MS, 1n)]).startsNs).toEqual([5n * MS, 9n * MS])
    // Files of other tools have no monotonic clock at all.
    expect(alignClocks([reading(5n * MS, 0n, 'a'), reading(9n * MS, 0n, 'a')]).startsNs).toEqual([5n * MS, 9n * MS])
  })

  it('are shifted with their host', () => {
    expect(alignClocks([reading(10n * MS), reading(20n * MS, 0n, undefined, -3n * MS)]).startsNs).toEqual([
      10n * MS,
      17n * MS,
    ])
    const shifted = alignClocks([reading(10n * MS, 1n * MS, 'a', 5n), reading(20n * MS, 11n * MS, 'a', 5n)])
    expect(shifted).toEqual({ startsNs: [10n * MS + 5n, 20n * MS + 5n], steps: [] })
  })
})
