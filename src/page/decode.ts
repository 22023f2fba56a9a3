// The columns of a recording from their packed bytes: the way back of binding/format/page_columns.cc, whose header
// tells the encodings. Nothing is believed: a page that was cut or mended by hand is told to be damaged.
import type { PackedColumn, PageModel } from './page-model.js'
import type { PageRecording } from './recording.js'

type Numbers = Float64Array | Uint32Array | Int32Array | Uint8Array
type NumbersType<A extends Numbers> = new (values: Float64Array) => A

/** @throws Error when the bytes are not those that the model tells. */
export function decodeRecording(model: PageModel, packed: Uint8Array): PageRecording {
  const { durationNs, names, processes, threads, strings, streamNames, pauses } = model
  const table = new PackedColumns(model.columns, packed)
  const spans = table.rowsOf('spans')
  const launches = table.rowsOf('launches')
  const recording: PageRecording = {
    ...{ durationNs, names, processes, threads, strings, streamNames, pauses },
    spans: {
      startNs: table.read('spans.startNs', Float64Array),
      durationNs: table.read('spans.durationNs', Float64Array),
      name: table.index('spans.name', Uint32Array, names.length),
      parent: table.index('spans.parent', Int32Array, spans),
      flags: table.read('spans.flags', Uint8Array),
    },
    returns: {
      row: table.index('returns.row', Uint32Array, spans),
      atNs: table.read('returns.atNs', Float64Array),
    },
    launches: {
      startNs: table.read('launches.startNs', Float64Array),
      durationNs: table.read('launches.durationNs', Float64Array),
      name: table.index('launches.name', Uint32Array, strings.length),
      thread: table.index('launches.thread', Uint32Array, threads.length),
      span: table.index('launches.span', Int32Array, spans),
    },
    gpu: {
      startNs: table.read('gpu.startNs', Float64Array),
      durationNs: table.read('gpu.durationNs', Float64Array),
      kind: table.read('gpu.kind', Uint8Array),
      name: table.index('gpu.name', Uint32Array, strings.length),
      device: table.read('gpu.device', Uint32Array),
      context: table.read('gpu.context', Uint32Array),
      stream: table.read('gpu.stream', Uint32Array),
      bytes: table.read('gpu.bytes', Float64Array),
      from: table.read('gpu.from', Uint8Array),
      to: table.read('gpu.to', Uint8Array),
      launch: table.index('gpu.launch', Int32Array, launches),
      span: table.index('gpu.span', Int32Array, spans),
    },
    counters: {
      thread: table.index('counters.thread', Uint32Array, threads.length),
      name: table.index('counters.name', Uint32Array, names.length),
      atNs: table.read('counters.atNs', Float64Array),
      value: table.read('counters.value', Float64Array),
    },
    marks: {
      thread: table.index('marks.thread', Uint32Array, threads.length),
      name: table.index('marks.name', Uint32Array, names.length),
      atNs: table.read('marks.atNs', Float64Array),
      span: table.index('marks.span', Int32Array, spans),
    },
    attributes: {
      row: table.index('attributes.row', Uint32Array, spans),
      key: table.index('attributes.key', Uint32Array, strings.length),
      value: table.index('attributes.value', Uint32Array, strings.length),
    },
  }
  table.finish()
  return recording
}

class PackedColumns {
  readonly #columns = new Map<string, PackedColumn & { at: number }>()
  /** Rows by table. */
  readonly #counts = new Map<string, number>()
  readonly #packed: Uint8Array

  constructor(columns: readonly PackedColumn[], packed: Uint8Array) {
    let at = 0
    for (const column of columns) {
      this.#columns.set(column.path, { ...column, at })
      at += column.bytes
    }
    if (at !== packed.length) throw new Error(`The columns have ${packed.length} bytes, and should have ${at}.`)
    this.#packed = packed
  }

  /** All columns of a table are as long as its first one. */
  rowsOf(table: string): number {
    return [...this.#columns.values()].find(({ path }) => path.startsWith(`${table}.`))?.count ?? 0
  }
  read<A extends Numbers>(path: string, type: NumbersType<A>): A {
    return arrayOf(this.#numbers(path), type)
  }
  /** Of elements that are numbers of others, below `end`, or -1 where the type has it. */
  index<A extends Uint32Array | Int32Array>(path: string, type: NumbersType<A>, end: number): A {
    const values = this.#numbers(path)
    const least = type === (Int32Array as unknown) ? -1 : 0
    // Before they become arrays of several types, over which the same loop is slower.
    for (let i = 0; i < values.length; i++) {
      if (values[i]! >= end || values[i]! < least) throw new Error(`The column ${path} points to what is not there.`)
    }
    return arrayOf(values, type)
  }
  #numbers(path: string): Float64Array {
    const column = this.#columns.get(path)
    if (column === undefined) throw new Error(`There is no column ${path}.`)
    this.#columns.delete(path)
    const { encoding, count, at, bytes } = column
    if (count !== (this.#counts.get(tableOf(path)) ?? count)) throw new Error(`The column ${path} has ${count} rows.`)
    this.#counts.set(tableOf(path), count)
    const values = numbersOf(encoding, this.#packed.subarray(at, at + bytes), count)
    if (values === undefined) throw new Error(`The column ${path} is damaged.`)
    return values
  }
  finish(): void {
    for (const path of this.#columns.keys()) throw new Error(`The column ${path} is not known.`)
  }
}

function arrayOf<A extends Numbers>(values: Float64Array, type: NumbersType<A>): A {
  return type === (Float64Array as unknown) ? (values as A) : new type(values)
}

const tableOf = (path: string): string => path.slice(0, path.indexOf('.'))

/** Undefined where the bytes are not so many elements. */
function numbersOf(encoding: PackedColumn['encoding'], packed: Uint8Array, count: number): Float64Array | undefined {
  switch (encoding) {
    case 'bytes':
      return packed.length === count ? new Float64Array(packed) : undefined
    case 'float64':
      return packed.length === 8 * count ? littleEndian(packed, count) : undefined
    case 'varint':
      return varints(packed, count)
    case 'delta':
      return addUp(varints(packed, count))
    case 'below':
      return parents(varints(packed, count))
    default:
      return undefined
  }
}

function littleEndian(packed: Uint8Array, count: number): Float64Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true))
}

function varints(packed: Uint8Array, count: number): Float64Array | undefined {
  // What claims to be more than it can be must not take the memory for it.
  if (count > packed.length) return undefined
  const values = new Float64Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    // Past the end there is nothing, and `at` tells.
    let byte = packed[at++]!
    let value = byte & 127
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = packed[at++]!
      value += (byte & 127) * scale
    }
    values[i] = value
  }
  return at === packed.length ? values : undefined
}

function addUp(values: Float64Array | undefined): Float64Array | undefined {
  if (values === undefined) return undefined
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += signed(values[i]!)
    values[i] = sum
  }
  return values
}
function parents(values: Float64Array | undefined): Float64Array | undefined {
  if (values === undefined) return undefined
  for (let i = 0; i < values.length; i++) values[i] = values[i] === 0 ? -1 : i - signed(values[i]!)
  return values
}
/** Of a zigzag; the low bit is right for whatever a double holds exactly. */
function signed(value: number): number {
  return (value & 1) === 0 ? value / 2 : -(value + 1) / 2
}
