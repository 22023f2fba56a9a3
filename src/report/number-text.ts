// The number formats of both report styles. `general` and `fixed6` reproduce the C++ library digit for digit, so that
// scripts written for the original report read ours; `TimeScale` is for people.
import { grouped, UNITS, type Unit, unitFor } from '../model/figure-text.js'

/** As `std::ostream << double` and `%g` print: 6 significant digits, no trailing zeros, scientific outside 1e-4..1e6. */
export function general(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value)
  if (value === 0) return '0'
  const [mantissa = '', exponentText = ''] = roundedHalfEven(value, 5).split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 6) {
    const digits = String(Math.abs(exponent)).padStart(2, '0')
    return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`
  }
  return withoutTrailingZeros(Number(`${mantissa}e${exponentText}`).toFixed(5 - exponent))
}

/** As `%f` prints. */
export function fixed6(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value)
  const text = value.toFixed(6)
  // toFixed rounds a tie up, C rounds it to even. A tie has 5 as its seventh and last decimal.
  if (!/5$/.test(value.toFixed(7)) || !/^0*$/.test(value.toFixed(40).split('.')[1]!.slice(7))) return text
  const isOdd = Number(text.at(-1)) % 2 === 1
  return isOdd ? (value - Math.sign(value) * 1e-7).toFixed(6) : text
}

// x86 glibc prints the NaN of 0/0 with its sign bit.
function nonFinite(value: number): string {
  return Number.isNaN(value) ? '-nan' : value < 0 ? '-inf' : 'inf'
}

/** toExponential with ties to even instead of up. */
function roundedHalfEven(value: number, decimals: number): string {
  const text = value.toExponential(decimals)
  const rest = value.toExponential(60).split('e')[0]!.split('.')[1]!.slice(decimals)
  if (!/^50*$/.test(rest)) return text
  const [mantissa = '', exponent = ''] = value.toExponential(60).split('e')
  const truncated = mantissa.slice(0, mantissa.indexOf('.') + 1 + decimals)
  return Number(truncated.at(-1)) % 2 === 0 ? `${truncated}e${exponent}` : text
}

function withoutTrailingZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
}

/** One unit and one number of decimals for a block of cells, so that they can be compared at a glance. */
export class TimeScale {
  readonly unit: Unit
  readonly #decimals: number

  constructor(unit: Unit, largestNs: number) {
    this.unit = unit
    const largest = largestNs / unit.ns
    // Whole ns carry no more digits; elsewhere the largest cell gets about 5.
    this.#decimals = unit.name === 'ns' ? 0 : largest < 10 ? 3 : largest < 1000 ? 2 : largest < 100_000 ? 1 : 0
  }

  /** For sums: in the unit of the largest. What looks small there is small. */
  static ofLargest(values: readonly number[]): TimeScale {
    const largest = values.reduce((a, b) => Math.max(a, b), 0)
    return new TimeScale(unitFor(largest), largest)
  }

  /** For times per call: in the unit of the median, since one slow op must not turn all others into 0.00. */
  static ofMedian(typical: readonly number[], largestNs: number): TimeScale {
    const sorted = typical.filter(ns => ns > 0).sort((a, b) => a - b)
    const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? largestNs
    const unit = unitFor(median)
    // Past a million of a unit, digits are harder to read than small fractions.
    const atLeast = UNITS.find(({ ns }) => largestNs / ns < 1e6) ?? UNITS[3]
    return new TimeScale(atLeast.ns > unit.ns ? atLeast : unit, largestNs)
  }

  cell(ns: number): string {
    if (!Number.isFinite(ns)) return '–'
    const value = ns / this.unit.ns
    const step = 10 ** -this.#decimals
    if (value > 0 && value < step / 2) return `<${step.toFixed(this.#decimals)}`
    return grouped(value.toFixed(this.#decimals))
  }
}

/** `36.5%`; something that rounds to nothing is `<0.1%`. */
export { percentText } from '../model/figure-text.js'

/** A bar of `width` cells in eighths, padded. */
export function bar(ratio: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8))
  return (full + (eighths % 8 > 0 ? '▏▎▍▌▋▊▉'[(eighths % 8) - 1] : '')).padEnd(width)
}
