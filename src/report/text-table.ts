import { cutMiddle, padEnd, padStart, textWidth } from '../text-width.js'

/** The first column of a table holds the names: left-aligned, indented, cut in the middle where room is short. */
export interface Column {
  head: string
  /** Columns side by side with one block share a line above their heads; the longest text that fits is shown. */
  block?: readonly string[]
  /** Which columns stay when the width is short: those with more. Infinity is never dropped. */
  keep: number
  /** Goes before a name is cut, whatever the others do. */
  isSpare?: boolean
  align?: 'left'
}
export interface TableRow {
  cells: readonly string[]
  indent?: number
  /** Spans the table: a title between groups of rows. */
  isTitle?: boolean
}

const GAP = 2
const STEP = 2
// A name cut to fewer cells tells ops apart no longer.
const MIN_NAME = 24
// Fits every copy name three levels deep. Spare columns do not take this room from names.
const FULL_NAME = 42
// A deep tree keeps this much of its names rather than its indentation.
const MIN_LABEL = 12

/** Lines of at most `width` cells. Columns are dropped, least wanted first, until the names have room. */
export function tableLines(columns: readonly Column[], rows: readonly TableRow[], width: number): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce(
      (widest, row) => Math.max(widest, index > 0 && row.isTitle ? 0 : textWidth(row.cells[index] ?? '')),
      textWidth(column.head),
    ),
  )
  const wanted = rows
    .filter(row => !row.isTitle)
    .reduce(
      (widest, row) => Math.max(widest, STEP * (row.indent ?? 0) + textWidth(row.cells[0]!)),
      STEP + textWidth(columns[0]!.head),
    )
  let shown = columns.map((_, index) => index)
  const roomForName = (): number => width - shown.slice(1).reduce((sum, index) => sum + GAP + widths[index]!, 0)
  const makeRoom = (leastName: number, mayDrop: (column: Column) => boolean): void => {
    while (roomForName() < leastName) {
      const droppable = shown.slice(1).filter(index => mayDrop(columns[index]!))
      if (droppable.length === 0) return
      const least = droppable.reduce((a, b) => (columns[b]!.keep < columns[a]!.keep ? b : a))
      shown = shown.filter(index => index !== least)
    }
  }
  makeRoom(Math.min(wanted, FULL_NAME), column => column.isSpare === true && Number.isFinite(column.keep))
  makeRoom(Math.min(wanted, MIN_NAME), column => Number.isFinite(column.keep))
  widths[0] = Math.max(1, Math.min(wanted, roomForName()))

  const line = (cells: readonly string[], indent: number): string =>
    shown
      .map(index => {
        if (index === 0) return nameCell(cells[0]!, indent, widths[0]!)
        const pad = columns[index]!.align === 'left' ? padEnd : padStart
        return pad(cells[index] ?? '', widths[index]!)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const blocks = blockLine(columns, widths, shown)
  return [
    ...(blocks === '' ? [] : [blocks]),
    line(
      columns.map(({ head }) => head),
      1,
    ),
    ...rows.map(row => (row.isTitle ? cutMiddle(row.cells[0]!, width) : line(row.cells, row.indent ?? 0))),
  ]
}

function nameCell(name: string, indent: number, width: number): string {
  const spaces = Math.max(0, Math.min(STEP * indent, width - Math.min(MIN_LABEL, textWidth(name))))
  return padEnd(' '.repeat(spaces) + cutMiddle(name, width - spaces), width)
}

/** `── total in ms ──` over each block of columns. */
function blockLine(columns: readonly Column[], widths: readonly number[], shown: readonly number[]): string {
  let line = ''
  let at = 0
  for (let first = 0; first < shown.length; ) {
    const block = columns[shown[first]!]!.block
    let next = first + 1
    while (block !== undefined && next < shown.length && columns[shown[next]!]!.block === block) next++
    const span = shown.slice(first, next).reduce((sum, index) => sum + widths[index]!, GAP * (next - first - 1))
    if (block !== undefined) {
      const text = block.find(variant => textWidth(variant) + 4 <= span) ?? block.at(-1)!
      const rule = span - textWidth(text) - 2
      const left = Math.max(0, Math.ceil(rule / 2))
      // The last, shortest variant is a unit, which is no wider than a column of figures.
      const label = rule < 2 ? padStart(text, span) : `${'─'.repeat(left)} ${text} ${'─'.repeat(rule - left)}`
      line = padEnd(line, at) + label
    }
    at += span + GAP
    first = next
  }
  return line
}
