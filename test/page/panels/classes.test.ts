import { describe, expect, it } from 'vitest'

import { logClasses } from '../../../src/page/panels/log-classes.js'

describe('classes that grow by a factor', () => {
  it('hold each value from their lower edge up to the upper one, which is in the next', () => {
    const classes = logClasses(1024, 1024 * 2 ** 20, 1)
    expect([classes.classOf(1024), classes.classOf(2047), classes.classOf(2048)]).toEqual([0, 0, 1])
    expect([classes.edge(0), classes.edge(1), classes.count]).toEqual([1024, 2048, 21])
    expect(classes.classOf(1024 * 2 ** 20)).toBe(20)
  })

  it('are as fine as their count allows', () => {
    expect(logClasses(1e6, 2e6).edge(1) / logClasses(1e6, 2e6).edge(0)).toBeCloseTo(2 ** (1 / 8), 9)
    // 1 ns to 28 hours are 47 octaves.
    const wide = logClasses(1, 1e14)
    expect(wide.edge(1) / wide.edge(0)).toBe(2)
    expect(wide.count).toBeLessThanOrEqual(60)
  })

  it('stand around a single value, so that one bar is not all of the picture', () => {
    const classes = logClasses(4096, 4096, 1)
    expect(classes.count).toBe(8)
    expect(classes.classOf(4096)).toBe(3)
    expect(classes.edge(3)).toBe(4096)
  })

  it('tell places between edges by factor', () => {
    const classes = logClasses(1, 256, 1)
    expect(classes.placeOf(2 ** 2.5)).toBeCloseTo(2.5, 9)
  })
})
