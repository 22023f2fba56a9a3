import { describe, expect, it } from 'vitest'

import { bar, fixed6, general, TimeScale } from '../../src/report/number-text.js'

describe('general', () => {
  // Expected texts are the output of a compiled C++ program: std::cout << value.
  it.each([
    [Math.fround(17_120.6211), '17120.6'],
    [0.0000947472, '9.47472e-05'],
    [0.000123456789, '0.000123457'],
    [1234567, '1.23457e+06'],
    [999_999.5, '1e+06'],
    [100_000, '100000'],
    [4, '4'],
    [99_999.95, '99999.9'],
    [0, '0'],
    [-24.8519, '-24.8519'],
    [0 / 0, '-nan'],
    [1 / 0, 'inf'],
    [1e100, '1e+100'],
  ])('prints %d as C++ does', (value, text) => {
    expect(general(value)).toBe(text)
  })

  it('rounds a tie to even, as C does and toPrecision does not', () => {
    expect([100_000.5, 100_001.5, 999_998.5].map(general)).toEqual(['100000', '100002', '999998'])
  })
})

describe('fixed6', () => {
  it('prints as %f does, ties to even', () => {
    expect([6.076904, 0.99793, 0, 1 / 128, 3 / 128, -1 / 128].map(fixed6)).toEqual([
      '6.076904',
      '0.997930',
      '0.000000',
      '0.007812',
      '0.023438',
      '-0.007812',
    ])
  })
})

describe('TimeScale', () => {
  it('takes the unit of the largest for sums', () => {
    const scale = TimeScale.ofLargest([104_442_392, 300])
    expect([scale.unit.name, scale.cell(104_442_392), scale.cell(300)]).toEqual(['ms', '104.44', '<0.01'])
  })

  it('takes the unit of the median for calls, so that one slow op does not turn the others into nothing', () => {
    const scale = TimeScale.ofMedian([300, 400, 500, 40e6], 40e6)
    expect([scale.unit.name, scale.cell(300), scale.cell(40e6)]).toEqual(['µs', '0.3', '40,000.0'])
  })

  it('prints nothing but nothing as zero', () => {
    const scale = TimeScale.ofLargest([])
    expect([scale.cell(0), scale.cell(Number.NaN)]).toEqual(['0', '–'])
  })
})

describe('bar', () => {
  it('draws eighths and stays within its cells', () => {
    expect([bar(0, 4), bar(0.5, 4), bar(1 / 32, 4), bar(2, 4)]).toEqual(['    ', '██  ', '▏   ', '████'])
  })
})
