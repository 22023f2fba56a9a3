import { describe, expect, it } from 'vitest'

import { ExactClock, numberText, usTextToNs } from '../../src/import/exact-ns.js'

describe('usTextToNs', () => {
  it.each([
    ['0', 0n],
    ['12', 12_000n],
    ['0.001', 1n],
    ['1.0005', 1001n],
    ['-2.5', -2500n],
    ['1719000000000000.123', 1_719_000_000_000_000_123n],
    ['1.719e15', 1_719_000_000_000_000_000n],
    ['5E-3', 5n],
    ['1e-9', 0n],
  ])('%s µs is %s ns', (text, ns) => {
    expect(usTextToNs(text)).toBe(ns)
  })
})

describe('ExactClock', () => {
  // As doubles, both are the same number.
  it('tells wall-clock times apart that differ by one nanosecond', () => {
    const clock = new ExactClock()
    const at = (text: string) => clock.ns(Number(text), 'ts', () => `{"ts":${text},"name":"x"}`)
    expect([at('1719000000000000.123'), at('1719000000000000.124')]).toEqual([0, 1])
    expect(clock.baseNs).toBe(1_719_000_000_000_000_123n)
  })
  it('leaves small times as they are', () => {
    const clock = new ExactClock()
    expect([clock.ns(5.001, 'ts', String), clock.ns(0, 'ts', String)]).toEqual([5001, 0])
    expect(clock.baseNs).toBe(0n)
  })
})

it('finds the digits of the right number among several of one name', () => {
  expect(numberText('{"args":{"ts":7},"ts": 1719000000000000.5}', 'ts', 1719000000000000.5)).toBe('1719000000000000.5')
})
