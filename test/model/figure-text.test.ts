import { expect, it } from 'vitest'

import { changeText } from '../../src/model/figure-text.js'

it.each([
  [0.31, '+31.0%'],
  [-0.004, '−0.4%'],
  [-0.0004, '0.0%'],
  [0.999, '+99.9%'],
  [1, '2.00×'],
  [9, '10.0×'],
  [1203.6, '1,205×'],
])('tells a change of %d as %s', (change, text) => {
  expect(changeText(change)).toBe(text)
})
