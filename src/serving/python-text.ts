// Numbers and strings as Python prints them, for text that scripts compare with that of Triton's and Paddle's tools.

/** `repr(value)` of a Python float: `465.0`, `1e-06`, `1e+16`. */
export function pythonFloat(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const [digits = '', exponentText = ''] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  // String() turns to an exponent below 1e-6 only.
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** What Python's `float(text)` gives; undefined where it raises. */
export function pythonNumber(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^[+-]?(\d(_?\d)*\.?|\d(_?\d)*\.\d(_?\d)*|\.\d(_?\d)*)(e[+-]?\d(_?\d)*)?$/i.test(trimmed))
    return Number(trimmed.replaceAll('_', ''))
  const [, sign, word = ''] = /^([+-]?)(nan|inf|infinity)$/i.exec(trimmed) ?? []
  if (word === '') return undefined
  return /nan/i.test(word) ? Number.NaN : sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** As Python's json has a string: nothing but ASCII. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The double next to numerator / denominator, as Python divides whole numbers of any size. */
export function pythonDivide(numerator: bigint, denominator: bigint): number {
  if (isExact(numerator) && isExact(denominator)) return Number(numerator) / Number(denominator)
  const magnitude = numerator < 0n ? -numerator : numerator
  // 64 bits of quotient and whether anything is left: more than a double holds, so that it is rounded once.
  const shift = BigInt(Math.max(0, 64 + bitLength(denominator) - bitLength(magnitude)))
  const scaled = magnitude << shift
  const quotient = ((scaled / denominator) << 1n) | (scaled % denominator === 0n ? 0n : 1n)
  const value = Number(quotient) / 2 ** (Number(shift) + 1)
  return numerator < 0n ? -value : value
}
const isExact = (value: bigint): boolean => value <= 2n ** 53n && value >= -(2n ** 53n)
const bitLength = (value: bigint): number => value.toString(2).length

/** `numerator // denominator`, what Python 2 makes of `/`: towards −∞. */
export function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  return numerator < 0n && quotient * denominator !== numerator ? quotient - 1n : quotient
}
