import { inspect } from 'node:util'

import { OpscopeError } from '../errors.js'
import { escapeHtml, htmlTable } from '../html-text.js'
import { nameHint } from '../nearest-name.js'
import { checkKeys } from '../option-checks.js'
import { cutMiddle, padEnd, textWidth } from '../text-width.js'
import { printedText } from './names.js'
import { showAsText } from './show-as-text.js'

/** What a cell holds; null: not known, or does not apply. bigint only where a number is not exact. */
export type Value = string | number | bigint | null
/** A row of a {@link Table}: its values by column. */
export type Row = Record<string, Value>

/** How a column is stored: text, whole numbers of 32 or 64 bits, or fractions; the names that data frames use. */
export type ColumnType = 'str' | 'i32' | 'i64' | 'f64'
export interface ColumnSpec {
  readonly name: string
  readonly type: ColumnType
}
/** A column by what it says of a row. */
export interface TableColumn extends ColumnSpec {
  readonly at: (row: number) => Value
}

export interface PrintOptions {
  /** Rows that are printed; what lies between the first and the last is shown as `…`. @default 10 */
  maxRows?: number
}

// A trace id, the longest text of a fixed length, is 32; mangled names of kernels have hundreds.
const MAX_CELL = 40
// As many as notebooks of data frames show.
const HTML_ROWS = 60

/**
 * Rows of one kind. Immutable. Prints itself as a box, in the REPL and `console.log` too, and as HTML in notebooks.
 *
 * @example
 * const slow = capture.inferences().filter('dur', dur => dur > 1e6)
 * console.log(slow.numRows, slow.column('dur'))
 */
export class Table implements Iterable<Row> {
  readonly #columns: readonly TableColumn[]
  readonly #rows: ArrayLike<number>
  readonly #emptyLine: string

  static {
    showAsText(Table, table => table.#html())
  }

  /** `rows`: what the columns are asked for, in this order. `emptyLine` is printed when there are none. @internal */
  constructor(columns: readonly TableColumn[], rows: ArrayLike<number>, emptyLine: string) {
    this.#columns = columns
    this.#rows = rows
    this.#emptyLine = emptyLine
  }

  /** A table that holds its rows. @internal */
  static ofRows<R extends object>(
    specs: readonly (ColumnSpec & { name: keyof R })[],
    rows: readonly R[],
    emptyLine: string,
  ): Table {
    const columns = specs.map(({ name, type }) => ({ name, type, at: (row: number) => (rows[row] as Row)[name]! }))
    return new Table(columns, [...rows.keys()], emptyLine)
  }

  /** The same rows, of whose columns others are made. @internal */
  withColumns(make: (find: (name: string) => TableColumn) => readonly TableColumn[]): Table {
    return new Table(
      make(name => this.#find(name)),
      this.#rows,
      this.#emptyLine,
    )
  }

  get numRows(): number {
    return this.#rows.length
  }
  /** Names, in the order printed. */
  get columns(): string[] {
    return this.#columns.map(({ name }) => name)
  }
  /** The columns with their types. */
  get schema(): ColumnSpec[] {
    return this.#columns.map(({ name, type }) => ({ name, type }))
  }

  /**
   * All values of a column.
   * @throws OpscopeError ERR_OPSCOPE_COLUMN_UNKNOWN with the name that was most likely meant.
   */
  column(name: string): Value[] {
    return Array.from(this.#rows, this.#find(name).at)
  }

  /**
   * The rows that have this value, or for which the function answers true.
   * @throws OpscopeError ERR_OPSCOPE_COLUMN_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   */
  filter(column: string, value: Value | ((value: never) => boolean)): Table {
    const { at } = this.#find(column)
    const isKept = testOf(value)
    const kept = Array.from(this.#rows).filter(row => isKept(at(row)))
    const wanted = typeof value === 'function' ? 'passes the filter' : `is ${inspect(value)}`
    return new Table(this.#columns, kept, `No row: no "${column}" ${wanted}.`)
  }

  *[Symbol.iterator](): Iterator<Row> {
    for (let index = 0; index < this.numRows; index++) {
      const row = this.#rows[index]!
      yield Object.fromEntries(this.#columns.map(({ name, at }) => [name, at(row)]))
    }
  }
  /** The rows as objects. */
  toArray(): Row[] {
    return [...this]
  }
  /** What `JSON.stringify` shows: the rows; a bigint as text. */
  toJSON(): Record<string, string | number | null>[] {
    const plain = (value: Value) => (typeof value === 'bigint' ? String(value) : value)
    return this.toArray().map(row =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
    )
  }

  /**
   * The rows as data frames print them: shape, names and types above, a box around; one line when there are none.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   */
  toString(options: PrintOptions = {}): string {
    checkKeys(options, ['maxRows'])
    const { maxRows = 10 } = options
    if (!(maxRows > 0)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected the "maxRows" option to be a positive number, got ${maxRows}.`,
      )
    }
    return this.numRows === 0 ? this.#emptyLine : [this.#shape(), ...this.#box(maxRows)].join('\n')
  }

  /** The same for notebooks. */
  #html(): string {
    if (this.numRows === 0) return `<p>${escapeHtml(this.#emptyLine)}</p>`
    const shown = shownOf(this.numRows, HTML_ROWS)
    const cells = (index: number | undefined) =>
      this.#columns.map(({ type, at }) => (index === undefined ? '…' : cellText(at(this.#rows[index]!), type)))
    const table = htmlTable(this.columns, shown.map(cells), column => this.#columns[column]!.type === 'str')
    return `<p>${this.#shape()}</p>${table}`
  }

  #find(name: string): TableColumn {
    const column = this.#columns.find(each => each.name === name)
    if (column !== undefined) return column
    throw new OpscopeError('ERR_OPSCOPE_COLUMN_UNKNOWN', `There is no column "${name}".`, nameHint(name, this.columns))
  }
  #shape(): string {
    const count = (value: number) => value.toLocaleString('en-US').replaceAll(',', '_')
    return `shape: (${count(this.numRows)}, ${this.#columns.length})`
  }
  #box(maxRows: number): string[] {
    const shown = shownOf(this.numRows, maxRows)
    const columns = this.#columns.map(({ name, type, at }) => {
      const cells = shown.map(index => (index === undefined ? '…' : cellText(at(this.#rows[index]!), type)))
      const lines = [name, '---', type, ...cells]
      const width = lines.reduce((widest, text) => Math.max(widest, textWidth(text)), 0)
      return { width, lines: lines.map(text => padEnd(text, width)) }
    })
    const rule = (left: string, fill: string, between: string, right: string) =>
      left + columns.map(({ width }) => fill.repeat(width + 2)).join(between) + right
    const line = (at: number) => `│${columns.map(({ lines }) => ` ${lines[at]} `).join('┆')}│`
    return [
      rule('┌', '─', '┬', '┐'),
      ...[0, 1, 2].map(line),
      rule('╞', '═', '╪', '╡'),
      ...shown.map((_, index) => line(index + 3)),
      rule('└', '─', '┴', '┘'),
    ]
  }
}

function testOf(value: Value | ((value: never) => boolean)): (value: Value) => boolean {
  if (typeof value === 'function') return value as (value: Value) => boolean
  if (value !== null && !['string', 'number', 'bigint'].includes(typeof value)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected a string, number, bigint, null or function to filter by, got ${inspect(value)}.`,
    )
  }
  const wanted = typeof value === 'bigint' ? exact(value) : value
  return cell => cell === wanted
}

/** A number where that is exact. */
export function exact(value: bigint): number | bigint {
  return BigInt.asIntN(54, value) === value ? Number(value) : value
}

/** The indices of the rows that are printed; undefined: those between, left out. */
function shownOf(count: number, most: number): (number | undefined)[] {
  const all = [...Array(count).keys()]
  if (count <= most) return all
  return [...all.slice(0, Math.ceil(most / 2)), undefined, ...all.slice(count - Math.floor(most / 2))]
}

function cellText(value: Value, type: ColumnType): string {
  if (value === null) return 'null'
  if (type === 'str') return cutMiddle(printedText(String(value)), MAX_CELL)
  if (type === 'f64' && typeof value === 'number') {
    return Number.isInteger(value) ? value.toFixed(1) : String(Number(value.toFixed(6)))
  }
  return String(value)
}
