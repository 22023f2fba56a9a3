// What one test found: rows of claim, expected, measured and verdict.

/** @typedef {'PASS' | 'FAIL' | 'SKIP' | 'NOTE'} Verdict NOTE: a figure that nothing is expected of */
/** @typedef {{ claim: string, expected: string, measured: string, verdict: Verdict }} CheckRow */

export class Checks {
  /** @type {CheckRow[]} */
  rows = []

  equal(claim, expected, measured) {
    this.#add(claim, text(expected), text(measured), text(expected) === text(measured) ? 'PASS' : 'FAIL')
  }
  /** low ≤ measured ≤ high; a measured value that is no number fails. */
  within(claim, measured, low, high, unit = '') {
    const expected = Number.isFinite(high) ? `${figure(low)} to ${figure(high)}` : `at least ${figure(low)}`
    this.#add(
      claim,
      join(expected, unit),
      join(figure(measured), unit),
      measured >= low && measured <= high ? 'PASS' : 'FAIL',
    )
  }
  atMost(claim, measured, high, unit = '') {
    this.#add(
      claim,
      join(`at most ${figure(high)}`, unit),
      join(figure(measured), unit),
      measured <= high ? 'PASS' : 'FAIL',
    )
  }
  isTrue(claim, holds, measured) {
    this.#add(claim, 'yes', text(measured ?? (holds ? 'yes' : 'no')), holds ? 'PASS' : 'FAIL')
  }
  note(claim, measured, unit = '') {
    this.#add(claim, '–', typeof measured === 'number' ? join(figure(measured), unit) : text(measured), 'NOTE')
  }
  skip(claim, reason) {
    this.#add(claim, '–', reason, 'SKIP')
  }

  /** A test that checked nothing has not passed. */
  get verdict() {
    if (this.rows.some(row => row.verdict === 'FAIL')) return 'FAIL'
    return this.rows.some(row => row.verdict === 'PASS') ? 'PASS' : 'SKIP'
  }

  #add(claim, expected, measured, verdict) {
    this.rows.push({ claim, expected, measured, verdict })
  }
}

/** Four digits are more than any clock here deserves; whole numbers are counts and stay whole. */
export function figure(number) {
  if (!Number.isFinite(number)) return String(number)
  return Number.isInteger(number)
    ? number.toLocaleString('en')
    : Number(number.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 })
}
const join = (amount, unit) => (unit === '' ? amount : `${amount} ${unit}`)
const text = value => (typeof value === 'number' ? figure(value) : String(value))

export const sum = values => values.reduce((total, value) => total + value, 0)
/** How often what is timed is done. */
export const ROUNDS = process.env.GPU_SUITE_SIZE === 'small' ? 2 : 8
/** Of rounds that cost the same: what else a machine does makes some slower, and none faster. */
export const least = values => Math.min(...values)
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
