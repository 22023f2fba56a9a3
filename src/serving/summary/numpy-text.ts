// A tensor as numpy prints an array (before 2.3, which writes exponents from 1e6 on for float32): Triton's
// trace_summary.py shows tensors so.
import { OpscopeError } from '../../errors.js'
import type { TensorActivity } from './data-flow.js'
import { pythonFloat } from './python-numbers.js'

const LINE_WIDTH = 75
const MOST_SHOWN = 1000
const EDGE_ITEMS = 3
const DECIMALS = 8
const MOST_DIMENSIONS = 64

/** @throws OpscopeError ERR_OPSCOPE_FILE_DAMAGED where numpy, and so the script, gives up. */
export function numpyText(tensor: TensorActivity, id: bigint): string {
  const stop = (what: string): never => {
    throw new OpscopeError(
      'ERR_OPSCOPE_FILE_DAMAGED',
      `Triton's trace_summary.py ends here with ${what}: tensor ${JSON.stringify(tensor.name)} of trace ${id}.`,
      'Without --compat, tensors of any type are shown.',
    )
  }
  // The server writes no data of these.
  if (tensor.dtype === 'FP16') return stop('ValueError: could not convert string to float')
  const type = TYPES[tensor.dtype]
  if (type === undefined) return stop(`KeyError: '${tensor.dtype}'`)
  const values = tensor.data.split(',').map(text => {
    const value = pythonNumber(text)
    if (value === undefined) return stop('ValueError: could not convert string to float')
    if (type.isWhole && !Number.isFinite(value)) return stop('ValueError: cannot convert float to integer')
    return type.round(value)
  })
  const shape = tensor.shape.split(',').map(text => {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) return stop('ValueError: invalid literal for int()')
    return Number(text)
  })
  if (shape.length > MOST_DIMENSIONS) return stop('ValueError: maximum supported dimension')
  const free = shape.indexOf(-1)
  const known = shape.reduce((product, length) => (length === -1 ? product : product * length), 1)
  if (free >= 0) shape[free] = values.length / known
  const isFilled = shape.every(length => Number.isInteger(length) && length >= 0)
  if (!isFilled || shape.reduce((product, length) => product * length, 1) !== values.length)
    return stop('ValueError: cannot reshape array')
  return arrayText(values, shape, type.format)
}

/** Texts of all values that are shown, of a width of their own. */
type Format = (values: readonly number[]) => (value: number) => string
interface NumpyType {
  round: (value: number) => number
  isWhole: boolean
  format: Format
}

const wholeFormat: Format = values => {
  const width = values.reduce((widest, value) => Math.max(widest, String(BigInt(value)).length), 0)
  return value => String(BigInt(value)).padStart(width)
}
const whole: NumpyType = { round: Math.trunc, isWhole: true, format: wholeFormat }
const TYPES: Record<string, NumpyType> = {
  BOOL: {
    round: value => Number(value !== 0),
    isWhole: false,
    format: () => value => (value === 0 ? 'False' : ' True'),
  },
  ...Object.fromEntries(
    ['UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'].map(name => [name, whole]),
  ),
  FP32: { round: Math.fround, isWhole: false, format: floatFormat(shortestFloat32) },
  FP64: { round: value => value, isWhole: false, format: floatFormat(value => value.toExponential()) },
  BYTES: { round: value => value, isWhole: false, format: () => pythonOrSpecial },
}

function pythonOrSpecial(value: number): string {
  return Number.isFinite(value) ? pythonFloat(value) : specialText(value)
}
const specialText = (value: number): string => (Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf')

/** What Python's float() takes. */
function pythonNumber(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^[+-]?(\d(_?\d)*\.?|\d(_?\d)*\.\d(_?\d)*|\.\d(_?\d)*)(e[+-]?\d(_?\d)*)?$/i.test(trimmed))
    return Number(trimmed.replaceAll('_', ''))
  const [, sign, word = ''] = /^([+-]?)(nan|inf|infinity)$/i.exec(trimmed) ?? []
  if (word === '') return undefined
  return /nan/i.test(word) ? Number.NaN : sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** As toExponential(), with no more digits than a float32 needs to be told from its neighbours. */
function shortestFloat32(value: number): string {
  for (let digits = 0; digits < 8; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential(8)
}

function floatFormat(shortest: (value: number) => string): Format {
  return values => {
    const finite = values.filter(Number.isFinite)
    const magnitudes = finite.filter(value => value !== 0).map(Math.abs)
    const [most, least] = [
      magnitudes.reduce((a, b) => Math.max(a, b), 0),
      magnitudes.reduce((a, b) => Math.min(a, b), 1 / 0),
    ]
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

function arrayText(values: readonly number[], shape: readonly number[], format: Format): string {
  if (values.length === 0) return '[]'
  const isShort = values.length > MOST_SHOWN
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1))
  // Undefined: what is left out.
  const placesOf = (axis: number): (number | undefined)[] => {
    const length = shape[axis]!
    const all = Array.from({ length }, (_, at) => at)
    if (!isShort || length <= 2 * EDGE_ITEMS) return all
    return [...all.slice(0, EDGE_ITEMS), undefined, ...all.slice(-EDGE_ITEMS)]
  }
  const shownFrom = (axis: number, at: number): number[] =>
    axis === shape.length
      ? [values[at]!]
      : placesOf(axis).flatMap(place => (place === undefined ? [] : shownFrom(axis + 1, at + place * strides[axis]!)))
  const text = format(isShort ? shownFrom(0, 0) : values)

  const rows = (axis: number, at: number, indent: string, width: number): string => {
    const isLast = axis === shape.length - 1
    const words = placesOf(axis).map(place => {
      if (place === undefined) return '...'
      const below = at + place * strides[axis]!
      return isLast ? text(values[below]!) : rows(axis + 1, below, `${indent} `, width - 1)
    })
    if (!isLast) return `[${words.join('\n'.repeat(shape.length - 1 - axis) + indent)}]`
    return `[${wrapped(words, indent, width - 1)}]`
  }
  return rows(0, 0, ' ', LINE_WIDTH)
}

function wrapped(words: readonly string[], indent: string, width: number): string {
  let text = ''
  let line = indent
  for (const [at, word] of words.entries()) {
    if (line.length + word.length > width && line.length > indent.length) {
      text += `${line.trimEnd()}\n`
      line = indent
    }
    line += word + (at < words.length - 1 ? ' ' : '')
  }
  return (text + line).slice(indent.length)
}
