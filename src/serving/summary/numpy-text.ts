// A tensor as numpy prints an array (before 2.3, which writes exponents from 1e6 on for float32): Triton's
// trace_summary.py shows tensors so.
import { OpscopeError } from '../../errors.js'
import { pythonFloat, pythonNumber } from '../python-text.js'
import type { TraceTensor } from '../trace-batch.js'
import { type Format, floatFormat, shortestFloat32, specialText, wholeFormat } from './numpy-numbers.js'

const LINE_WIDTH = 75
const MOST_SHOWN = 1000
const EDGE_ITEMS = 3
const MOST_DIMENSIONS = 64

/** @throws OpscopeError ERR_OPSCOPE_FILE_DAMAGED where numpy, and so the script, gives up. */
export function numpyText(tensor: TraceTensor, id: bigint): string {
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

interface NumpyType {
  round: (value: number) => number
  isWhole: boolean
  format: Format
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
