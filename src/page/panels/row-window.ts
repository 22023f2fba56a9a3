// Rows of a long table that are in view, and a little around them; room above and below stands for the rest.
import { watchPrint } from '../print.js'
import { element } from './dom.js'

/** As `--row` of styles/tokens.css: every row has this height, so that places are known without measuring. */
const ROW_PX = 26
/** Rows beyond each edge: a page of the keyboard finds its rows there. */
const MARGIN_ROWS = 40
/** On paper nothing scrolls. More rows than these are sixty pages that nobody reads. */
const PRINTED_ROWS = 3000

export class RowWindow {
  readonly #scroller: HTMLElement
  readonly #body: HTMLTableSectionElement
  readonly #columns: number
  readonly #makeRow: (index: number) => HTMLTableRowElement
  readonly #onDrawn: (from: number, to: number, hadFocus: boolean) => void
  #count = 0
  #from = 0
  #to = 0
  #isPrinting = false

  constructor(
    scroller: HTMLElement,
    body: HTMLTableSectionElement,
    columns: number,
    makeRow: (index: number) => HTMLTableRowElement,
    /** After each drawing, with the rows that are drawn: those before are gone, and with them the focus. */
    onDrawn: (from: number, to: number, hadFocus: boolean) => void,
  ) {
    this.#onDrawn = onDrawn
    this.#scroller = scroller
    this.#body = body
    this.#columns = columns
    this.#makeRow = makeRow
    scroller.addEventListener('scroll', () => this.#draw(false), { passive: true })
    new ResizeObserver(() => this.#draw(false)).observe(scroller)
    watchPrint(scroller, isPrinting => {
      this.#isPrinting = isPrinting
      this.#draw(true)
    })
  }

  /** Draws anew: the rows are others, or look otherwise. */
  show(count: number): void {
    this.#count = count
    this.#draw(true)
  }

  /** Its row, scrolled into view; undefined: there is none. */
  reveal(index: number): HTMLTableRowElement | undefined {
    if (index < 0 || index >= this.#count) return undefined
    const scroller = this.#scroller
    const head = this.#body.offsetTop
    const top = index * ROW_PX
    const room = scroller.clientHeight - head - ROW_PX
    if (top < scroller.scrollTop) scroller.scrollTop = top
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - Math.max(0, room)
    this.#draw(false)
    return this.rowAt(index)
  }
  rowAt(index: number): HTMLTableRowElement | undefined {
    if (index < this.#from || index >= this.#to) return undefined
    return this.#body.rows[index - this.#from + 1]
  }
  get rowsInView(): number {
    return Math.max(1, Math.floor(this.#scroller.clientHeight / ROW_PX) - 2)
  }

  #draw(isForced: boolean): void {
    const first = Math.floor(this.#scroller.scrollTop / ROW_PX)
    const inView = Math.ceil(this.#scroller.clientHeight / ROW_PX)
    const isCovered = first >= this.#from && Math.min(this.#count, first + inView) <= this.#to
    if (!isForced && isCovered) return
    const from = this.#isPrinting ? 0 : Math.max(0, Math.min(first, this.#count) - MARGIN_ROWS)
    const to = Math.min(this.#count, this.#isPrinting ? PRINTED_ROWS : first + inView + MARGIN_ROWS)
    this.#from = from
    this.#to = Math.max(from, to)
    const rows = Array.from({ length: this.#to - from }, (_, i) => this.#makeRow(from + i))
    const hadFocus = this.#body.contains(document.activeElement)
    const below = this.#isPrinting ? 0 : this.#count - this.#to
    this.#body.replaceChildren(this.#spacer(from), ...rows, this.#spacer(below))
    if (this.#isPrinting && this.#count > this.#to) this.#body.append(this.#rest(this.#count - this.#to))
    this.#onDrawn(this.#from, this.#to, hadFocus)
  }

  #spacer(rows: number): HTMLTableRowElement {
    const cell = element('td', { colspan: this.#columns })
    cell.style.height = `${rows * ROW_PX}px`
    return element('tr', { class: 'spacer', 'aria-hidden': 'true' }, cell)
  }
  #rest(rows: number): HTMLTableRowElement {
    return element('tr', {}, element('td', { class: 'text nothing', colspan: this.#columns }, `… ${rows} more rows`))
  }
}
