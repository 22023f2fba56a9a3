// Numbers of an array as numpy prints them: all of one width, with as many digits as the one that needs most.

/** Texts of all values that are shown, of a width of their own. */
export type Format = (values: readonly number[]) => (value: number) => string
const DECIMALS = 8

export const wholeFormat: Format = values => {
  const width = values.reduce((widest, value) => Math.max(widest, String(BigInt(value)).length), 0)
  return value => String(BigInt(value)).padStart(width)
}
/** As toExponential(), with no more digits than a float32 needs to be told from its neighbours. */
export function shortestFloat32(value: number): string {
  for (let digits = 0; digits < 8; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential(8)
}

export function floatFormat(shortest: (value: number) => string): Format {
  return values => {
    const finite = values.filter(Number.isFinite)
    const magnitudes = finite.filter(value => value !== 0).map(Math.abs)
    const most = magnitudes.reduce((a, b) => Math.max(a, b), 0)
    const least = magnitudes.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const isExponential = magnitudes.length > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000)
    const text = isExponential ? exponentials(finite, shortest) : positionals(finite, shortest)
    const widest = finite.length === 0 ? 1 : text(finite[0]!).length
    const special = values.reduce(
      (width, value) => (Number.isFinite(value) ? width : Math.max(width, specialText(value).length)),
      widest,
    )
    return value => (Number.isFinite(value) ? text(value) : specialText(value)).padStart(special)
  }
}

function exponentials(values: readonly number[], shortest: (value: number) => string): (value: number) => string {
  let decimals = 0
  let left = 1
  let exponentDigits = 2
  for (const value of values) {
    const [mantissa = '', exponent = ''] = shortest(value).split('e')
    const [before = '', after = ''] = mantissa.split('.')
    const kept = after.length <= DECIMALS ? after : fraction(halfEven(Number(mantissa), DECIMALS))
    decimals = Math.max(decimals, kept.length)
    left = Math.max(left, Object.is(value, -0) ? 2 : before.length)
    exponentDigits = Math.max(exponentDigits, exponent.length - 1)
  }
  return value => {
    const [mantissa = '', exponent = ''] = value.toExponential(decimals).split('e')
    const sign = Object.is(value, -0) ? '-' : ''
    const pointed = mantissa.includes('.') ? mantissa : `${mantissa}.`
    return `${(sign + pointed).padStart(left + 1 + decimals)}e${exponent[0]}${exponent.slice(1).padStart(exponentDigits, '0')}`
  }
}

function positionals(values: readonly number[], shortest: (value: number) => string): (value: number) => string {
  const partsOf = (value: number): [before: string, after: string] => {
    const sign = Object.is(value, -0) ? '-' : ''
    const [mantissa = '', exponent = ''] = shortest(value).split('e')
    const decimals = Math.max(0, fraction(mantissa).length - Number(exponent))
    // Of a float32, toFixed() of more would show digits that it does not have.
    const text = decimals > DECIMALS ? halfEven(value, DECIMALS) : Number(`${mantissa}e${exponent}`).toFixed(decimals)
    return [sign + text.split('.')[0]!, fraction(text)]
  }
  let left = 0
  let right = 0
  for (const value of values) {
    const [before, after] = partsOf(value)
    left = Math.max(left, before.length)
    right = Math.max(right, after.length)
  }
  return value => {
    const [before, after] = partsOf(value)
    return `${before.padStart(left)}.${after.padEnd(right)}`
  }
}

/** Behind the point, without trailing zeros. */
const fraction = (text: string): string => (text.split('.')[1] ?? '').replace(/0+$/, '')

/** toFixed() with ties to even instead of up. */
function halfEven(value: number, decimals: number): string {
  const text = value.toFixed(decimals)
  const exact = Math.abs(value).toFixed(100)
  const cut = exact.indexOf('.') + 1 + decimals
  if (!/^50*$/.test(exact.slice(cut)) || Number(exact[cut - 1]) % 2 === 1) return text
  return (value < 0 ? '-' : '') + exact.slice(0, cut)
}

/** What is no finite number. */
export function specialText(value: number): string {
  return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf'
}
