import { describe, expect, it } from 'vitest'

import { axisLabels, momentText, roundStep, ticksOf } from '../../../src/page/timeline/time-axis.js'
import { clamped, timeAt, xOf, zoomed } from '../../../src/page/timeline/viewport.js'

describe('ticks', () => {
  it.each([
    [0.3, 1],
    [1, 1],
    [3, 5],
    [12, 20],
    [40_000, 50_000],
    [9e9, 10e9],
    [11e9, 15e9],
    [40e9, 60e9],
    [70e9, 120e9],
    [6 * 60e9, 10 * 60e9],
    [3600e9, 3600e9],
    [13 * 3600e9, 24 * 3600e9],
    [5 * 24 * 3600e9, 5 * 24 * 3600e9],
  ])('are %d ns apart or the next round step: %d', (ns, step) => {
    expect(roundStep(ns)).toBe(step)
  })

  it('are whole multiples of the step, no more than asked for, from nanoseconds to days', () => {
    for (let length = 1; length < 1e15; length *= 3) {
      const range = { startNs: length / 7, endNs: length / 7 + length }
      const { stepNs, atNs } = ticksOf(range, 10)
      expect(atNs.length).toBeLessThanOrEqual(11)
      for (const at of atNs) {
        expect(at % stepNs).toBe(0)
        expect(at >= range.startNs && at <= range.endNs).toBe(true)
      }
    }
  })

  it('are written in the unit that fits, with the digits that tell them apart', () => {
    expect([
      momentText(250, 50, 900),
      momentText(1500, 500, 4000),
      momentText(12_000_000, 2_000_000, 20_000_000),
      momentText(1_250_000_000, 50_000_000, 1_500_000_000),
      momentText(90e9, 15e9, 11 * 60e9),
      momentText(2 * 3600e9 + 61e9, 1e9, 3 * 3600e9),
    ]).toEqual(['250 ns', '1.5 µs', '12 ms', '1.25 s', '00:01:30', '02:01:01'])
  })

  it('are told from a round moment where the range is a small part of what was before', () => {
    const startNs = 2_000_000_123
    expect(axisLabels({ startNs, endNs: startNs + 1000 }, 4)).toEqual([
      { atNs: startNs, text: '2.000000 s' },
      { atNs: 2_000_000_500, text: '+0.5 µs' },
      { atNs: 2_000_001_000, text: '+1.0 µs' },
    ])
  })
})

describe('the viewport', () => {
  const bounds = { startNs: 0, endNs: 100 * 3600e9 }

  it('keeps the moment under the pointer where it is, in and out', () => {
    let visible = { ...bounds }
    for (let i = 0; i < 80; i++) {
      const before = timeAt({ visible, width: 1000 } as never, 333)
      visible = zoomed(visible, before, 1.5, bounds)
      expect(Math.abs(xOf({ visible, width: 1000 } as never, before) - 333)).toBeLessThan(0.5)
    }
    expect(visible.endNs - visible.startNs).toBeCloseTo(100, 1)
    for (let i = 0; i < 90; i++) visible = zoomed(visible, timeAt({ visible, width: 1000 } as never, 500), 0.5, bounds)
    expect(visible).toEqual(bounds)
  })

  it('stays within the recording, shows no less than it can draw, and all of a recording that is shorter', () => {
    expect(clamped({ startNs: -50, endNs: 950 }, { startNs: 0, endNs: 5000 })).toEqual({ startNs: 0, endNs: 1000 })
    expect(clamped({ startNs: 4800, endNs: 5800 }, { startNs: 0, endNs: 5000 })).toEqual({ startNs: 4000, endNs: 5000 })
    expect(clamped({ startNs: 500, endNs: 501 }, { startNs: 0, endNs: 5000 })).toEqual({ startNs: 450.5, endNs: 550.5 })
    expect(clamped({ startNs: 3, endNs: 4 }, { startNs: 0, endNs: 7 })).toEqual({ startNs: 0, endNs: 7 })
  })
})
