import { expect, it } from 'vitest'

import { loopCounterText } from '../../src/model/loop-counters.js'

it('tells the unit of what opscope samples, and nothing of counters that others named', () => {
  expect(loopCounterText('rss', 226_611_200)).toBe('216 MiB')
  expect(loopCounterText('event loop delay', 1.35e6)).toBe('1.35 ms')
  expect(loopCounterText('event loop utilization', 0.5)).toBe('50.0%')
  expect(loopCounterText('queue length', 7)).toBeUndefined()
})
