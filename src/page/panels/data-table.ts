// A plain table whose heads sort. It shows its first rows, more on request, and all of them on paper.
import { countText, plural } from '../../model/figure-text.js'
import { watchPrint } from '../print.js'
import { announce, button, type Child, element } from './dom.js'

export interface DataColumn<Row> {
  head: string
  /** What the column means, for those who ask. */
  title?: string
  /** What rows are ordered by; texts by code point. */
  value(row: Row): number | string
  /** What is shown. @default the value, as text */
  cell?(row: Row): Child
  /** Texts that may be long and then give way. */
  isLong?: boolean
  /** Its cells are there to be pressed, so paper has no use for them. */
  isControl?: boolean
}
export interface DataTableOptions<Row> {
  label: string
  columns: DataColumn<Row>[]
  rows: readonly Row[]
  /** Shown before more is asked for. @default 25 */
  rowsAtFirst?: number
  /** Adds a button at the end of each row. */
  action?: { text: string; run(row: Row): void; isThere?(row: Row): boolean }
}

const ROWS_AT_FIRST = 25
const ROWS_MORE = 200
// Paper has no button for more.
const ROWS_PRINTED = 1000

/** In the order given, until a head is pressed. */
export function dataTable<Row>(options: DataTableOptions<Row>): HTMLElement {
  return new DataTable(options).element
}

class DataTable<Row> {
  readonly element: HTMLElement
  readonly #options: DataTableOptions<Row>
  readonly #isText: boolean[]
  readonly #body = element('tbody')
  readonly #more = element('p', { class: 'more' })
  readonly #heads: HTMLElement[]
  #rows: readonly Row[]
  #shown: number
  #order: { column: number; isDescending: boolean } | undefined

  constructor(options: DataTableOptions<Row>) {
    this.#options = options
    this.#rows = options.rows
    this.#shown = options.rowsAtFirst ?? ROWS_AT_FIRST
    const [first] = options.rows
    this.#isText = options.columns.map(({ value }) => first !== undefined && typeof value(first) === 'string')
    this.#heads = options.columns.map((column, at) => this.#head(column, at))
    const action = options.action === undefined ? undefined : element('th', { scope: 'col', class: 'print-hidden' })
    action?.append(element('span', { class: 'unseen' }, 'Action'))
    const head = element('thead', {}, element('tr', {}, ...this.#heads, action))
    const table = element('table', { 'aria-label': options.label }, head, this.#body)
    this.element = element('div', {}, element('div', { class: 'scroller fitted' }, table), this.#more)
    watchPrint(this.element, isPrinting => this.#draw(isPrinting ? ROWS_PRINTED : this.#shown))
    this.#draw(this.#shown)
  }

  #head({ head, title, isControl }: DataColumn<Row>, at: number): HTMLElement {
    const sort = (): void => {
      const isSame = this.#order?.column === at
      const isDescending = isSame ? !this.#order!.isDescending : !this.#isText[at]
      this.#sort(at, isDescending)
      announce(`Sorted by ${head}, ${isDescending ? 'descending' : 'ascending'}`)
    }
    const kind = `${this.#isText[at] ? 'text' : 'numeric'}${isControl === true ? ' print-hidden' : ''}`
    return element('th', { scope: 'col', class: kind, title }, button(head, sort, { class: 'plain' }))
  }

  #sort(column: number, isDescending: boolean): void {
    this.#order = { column, isDescending }
    const { value } = this.#options.columns[column]!
    const sign = isDescending ? -1 : 1
    const keyed = this.#options.rows.map((row, at) => ({ row, at, key: value(row) }))
    keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.at - b.at))
    this.#rows = keyed.map(({ row }) => row)
    this.#heads.forEach((head, at) => {
      if (at === column) head.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending')
      else head.removeAttribute('aria-sort')
    })
    this.#draw(this.#shown)
  }

  #draw(count: number): void {
    this.#body.replaceChildren(...this.#rows.slice(0, count).map(row => this.#row(row)))
    const left = this.#rows.length - count
    const more = (): void => {
      this.#shown += ROWS_MORE
      this.#draw(this.#shown)
    }
    this.#more.hidden = left <= 0
    if (left > 0) {
      this.#more.replaceChildren(
        button(`Show ${countText(Math.min(left, ROWS_MORE))} more`, more),
        element('span', { class: 'quiet' }, ` of ${plural(this.#rows.length, 'row')}`),
      )
    }
  }

  #row(row: Row): HTMLTableRowElement {
    const { columns, action } = this.#options
    const cells = columns.map(({ value, cell, isLong, isControl }, at) => {
      const content = cell === undefined ? String(value(row)) : cell(row)
      const text = typeof content === 'string' ? content : undefined
      const classes = [
        ...(this.#isText[at] ? ['text'] : []),
        ...(isLong === true ? ['long'] : []),
        ...(isControl === true ? ['print-hidden'] : []),
        ...(text === '–' ? ['nothing'] : []),
      ]
      return element('td', { class: classes.join(' ') || undefined, title: isLong ? text : undefined }, content)
    })
    if (action !== undefined) {
      const isThere = action.isThere?.(row) ?? true
      const act = isThere ? button(action.text, () => action.run(row), { class: 'link' }) : undefined
      cells.push(element('td', { class: 'print-hidden' }, act))
    }
    return element('tr', {}, ...cells)
  }
}
