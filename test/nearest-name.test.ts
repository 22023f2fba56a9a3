import { describe, expect, it } from 'vitest'

import { nameHint, nearestName } from '../src/nearest-name.js'

const KEYS = ['sortedKey', 'state', 'tracerOption']

describe('nearestName', () => {
  it.each([
    ['sortKey', 'sortedKey'],
    ['SortedKey', 'sortedKey'],
    ['sotredKey', 'sortedKey'],
    ['stat', 'state'],
    ['traceOption', 'tracerOption'],
  ])('%s means %s', (given, meant) => {
    expect(nearestName(given, KEYS)).toBe(meant)
  })
  it('does not guess when nothing is near', () => {
    expect(nearestName('bufferMB', KEYS)).toBeUndefined()
    expect(nameHint('bufferMB', KEYS)).toBe('Known: sortedKey, state, tracerOption.')
  })
})
