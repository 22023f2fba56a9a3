// A table of ops as a tree: heads that sort, rows that fold, all by mouse and by keyboard (the treegrid pattern of
// WAI-ARIA: arrows move and fold, Enter selects). Only rows in view are in the document.
import { countText, plural } from '../../model/figure-text.js'
import { printedName } from '../../model/names.js'
import type { TracerOption } from '../../model/ops.js'
import { announce, button, choice, element, shareBar } from './dom.js'
import { type OpColumn, opColumns } from './op-columns.js'
import { OpView, type ViewedOp, type VisibleOp } from './op-view.js'
import { RowWindow } from './row-window.js'

export interface OpTableOptions {
  /** Names the table to a screen reader. */
  label: string
  hasGpu: boolean
  hasPercentiles: boolean
  order: OpView['order']
  detail: TracerOption
  /** A row was clicked, or Enter pressed on it; undefined: the selected one, once more. */
  onSelect(op: number | undefined): void
}

// Beyond, the indent would leave no room for the name; the depth is told as a figure.
const MAX_INDENT = 20

export class OpTable {
  readonly element: HTMLElement = element('div')
  readonly #view: OpView
  readonly #options: OpTableOptions
  readonly #columns: OpColumn[]
  readonly #heads = new Map<string, HTMLTableCellElement>()
  readonly #body = element('tbody')
  readonly #filter = element('input', {
    type: 'search',
    placeholder: 'Filter by name',
    'aria-label': 'Filter ops by name',
  })
  readonly #table: HTMLTableElement
  readonly #window: RowWindow
  readonly #count = element('span', { class: 'quiet' })
  #rows: VisibleOp[] = []
  /** The row that has the focus, or gets it by Tab. */
  #active = 0
  #selected = -1

  constructor(ops: readonly ViewedOp[], options: OpTableOptions) {
    this.#view = new OpView(ops)
    this.#options = options
    this.#columns = opColumns(this.#view, { gpu: options.hasGpu, percentiles: options.hasPercentiles })
    this.#view.show(options.detail)
    this.#view.sort(options.order)
    this.#table = element('table', { class: 'ops-table', role: 'treegrid', 'aria-label': options.label })
    this.#table.append(this.#columnWidths(), element('thead', {}, this.#headRow()), this.#body)
    const scroller = element('div', { class: 'scroller tall' }, this.#table)
    this.#window = new RowWindow(scroller, this.#body, this.#columns.length + 2, index => this.#row(index), this.#drawn)
    this.#body.addEventListener('keydown', event => this.#onKey(event))
    this.#body.addEventListener('click', event => this.#onClick(event))
    this.#body.addEventListener('focusin', event => this.#onFocus(event))
    this.element.append(this.#tools(), scroller)
    this.#refresh()
    this.#markOrder()
  }

  /** Unfolds what is around the op, selects it and gives it the focus. Nothing is filtered any more. */
  reveal(op: number): void {
    const shown = this.#view.nearestShown(op)
    this.#filter.value = ''
    this.#view.filter('')
    this.#view.reveal(shown)
    this.#selected = shown
    this.#refresh()
    this.#focusRow(this.#rows.findIndex(row => row.op === shown))
  }
  /** Nothing is selected any more. */
  deselect(): void {
    if (this.#selected < 0) return
    this.#selected = -1
    this.#window.show(this.#rows.length)
  }

  #tools(): HTMLElement {
    const filter = this.#filter
    filter.addEventListener('input', () => {
      this.#view.filter(filter.value)
      this.#active = 0
      this.#refresh()
      const found = this.#view.matchCount
      announce(filter.value === '' ? 'No filter' : `${countText(found)} ${found === 1 ? 'match' : 'matches'}`)
    })
    const detail = choice<TracerOption>(
      'Detail',
      ['Default', 'OpDetail', 'AllOpDetail'],
      this.#options.detail,
      option => {
        this.#view.show(option)
        this.#refresh()
      },
    )
    const hasDetail = this.#view.ops.some(({ role }) => role === 'phase' || role === 'instance')
    const hasTree = this.#view.ops.some(({ parent }) => parent >= 0)
    const foldAll = (isOpen: boolean) => () => {
      this.#view.foldAll(isOpen)
      this.#refresh()
    }
    return element(
      'div',
      { class: 'tools' },
      filter,
      hasTree ? button('Fold all', foldAll(false)) : undefined,
      hasTree ? button('Unfold all', foldAll(true)) : undefined,
      hasDetail ? detail : undefined,
      this.#count,
    )
  }

  #columnWidths(): HTMLElement {
    const figures = this.#columns.map(() => element('col', { class: 'figure' }))
    return element('colgroup', {}, element('col', { class: 'names' }), ...figures, element('col', { class: 'shares' }))
  }

  #headRow(): HTMLTableRowElement {
    const name = this.#head('name', 'Event', 'Name', false, 'text')
    const heads = this.#columns.map(({ key, head, unit, title, isDescendingFirst }) =>
      this.#head(key, unit === undefined ? head : `${head}, ${unit}`, title, isDescendingFirst, 'numeric'),
    )
    const share = element('th', { scope: 'col', 'aria-hidden': 'true' })
    return element('tr', {}, name, ...heads, share)
  }

  #head(key: OpColumn['key'], text: string, title: string, isDescendingFirst: boolean, kind: string): HTMLElement {
    const sort = (): void => {
      const { order } = this.#view
      const isDescending = order.key === key ? !order.isDescending : isDescendingFirst
      this.#view.sort({ key, isDescending })
      this.#refresh()
      this.#markOrder()
      announce(`Sorted by ${text}, ${isDescending ? 'descending' : 'ascending'}`)
    }
    const head = element('th', { scope: 'col', class: kind, title }, button(text, sort, { class: 'plain' }))
    this.#heads.set(key, head)
    return head
  }
  #markOrder(): void {
    const { key, isDescending } = this.#view.order
    for (const [own, head] of this.#heads) {
      if (own === key) head.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending')
      else head.removeAttribute('aria-sort')
    }
  }

  #refresh(): void {
    const active = this.#rows[this.#active]?.op
    this.#rows = this.#view.visible()
    // The same op as before, where it is still shown.
    const again = active === undefined ? -1 : this.#rows.findIndex(row => row.op === active)
    this.#active = again >= 0 ? again : Math.min(this.#active, Math.max(0, this.#rows.length - 1))
    this.#table.setAttribute('aria-rowcount', String(this.#rows.length + 1))
    this.#count.textContent = plural(this.#rows.length, 'row')
    this.#window.show(this.#rows.length)
  }

  #row(index: number): HTMLTableRowElement {
    const visible = this.#rows[index]!
    const op = this.#view.ops[visible.op]!
    const figures = this.#columns.map(column => {
      const text = column.cell(op, visible.op)
      return element('td', { class: text === '–' ? 'nothing' : undefined }, text)
    })
    return element(
      'tr',
      {
        role: 'row',
        tabindex: index === this.#active ? 0 : -1,
        'aria-level': visible.depth + 1,
        'aria-rowindex': index + 2,
        'aria-expanded': visible.isOpen === undefined ? undefined : String(visible.isOpen),
        'aria-selected': String(visible.op === this.#selected),
        'data-index': index,
      },
      this.#nameCell(op, visible),
      ...figures,
      element('td', {}, shareBar(this.#view.ratioOf(op))),
    )
  }

  #nameCell(op: ViewedOp, { op: at, depth, isOpen }: VisibleOp): HTMLElement {
    const fold =
      isOpen === undefined
        ? element('span', { class: 'fold' })
        : element('button', { class: 'fold', type: 'button', tabindex: -1, 'aria-label': isOpen ? 'Fold' : 'Unfold' })
    const name = element(this.#view.isMatch(at) ? 'mark' : 'span', { class: 'name' }, printedName(op.name))
    const path = [...op.above, op.name].map(printedName).join('/')
    const branch = element(
      'div',
      { class: 'branch', title: path },
      fold,
      depth > MAX_INDENT ? element('span', { class: 'depth' }, `${depth} deep`) : undefined,
      op.above.length > 0 ? element('span', { class: 'above' }, `${op.above.map(printedName).join('/')}/`) : undefined,
      name,
      op.role === 'op' ? undefined : element('span', { class: 'role' }, op.role),
      op.unfinished > 0 ? element('span', { class: 'role' }, `${op.unfinished} unfinished`) : undefined,
    )
    branch.style.setProperty('--depth', String(Math.min(depth, MAX_INDENT)))
    return element('td', { class: 'text', role: 'gridcell' }, branch)
  }

  readonly #drawn = (from: number, to: number, hadFocus: boolean): void => {
    const isActiveDrawn = this.#active >= from && this.#active < to
    if (isActiveDrawn && hadFocus) this.#window.rowAt(this.#active)?.focus({ preventScroll: true })
    // Else Tab would find no row.
    if (!isActiveDrawn) this.#window.rowAt(from)?.setAttribute('tabindex', '0')
  }

  #focusRow(index: number): void {
    if (index < 0 || index >= this.#rows.length) return
    this.#window.rowAt(this.#active)?.setAttribute('tabindex', '-1')
    this.#active = index
    const row = this.#window.reveal(index)
    row?.setAttribute('tabindex', '0')
    row?.focus({ preventScroll: true })
  }

  #fold(index: number, isOpen: boolean): void {
    this.#view.fold(this.#rows[index]!.op, isOpen)
    this.#active = index
    this.#refresh()
  }

  #select(index: number): void {
    const { op } = this.#rows[index]!
    this.#selected = this.#selected === op ? -1 : op
    this.#active = index
    this.#window.show(this.#rows.length)
    this.#options.onSelect(this.#selected < 0 ? undefined : op)
  }

  #onFocus(event: FocusEvent): void {
    const index = indexOf(event.target)
    if (index === undefined || index === this.#active) return
    this.#window.rowAt(this.#active)?.setAttribute('tabindex', '-1')
    this.#active = index
    this.#window.rowAt(index)?.setAttribute('tabindex', '0')
  }

  #onClick(event: MouseEvent): void {
    const index = indexOf(event.target)
    if (index === undefined) return
    const isFold = event.target instanceof HTMLButtonElement
    if (isFold) this.#fold(index, !this.#rows[index]!.isOpen)
    else this.#select(index)
    this.#focusRow(index)
  }

  #onKey(event: KeyboardEvent): void {
    const index = indexOf(event.target)
    if (index === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    const { op, isOpen } = this.#rows[index]!
    const last = this.#rows.length - 1
    const page = this.#window.rowsInView
    const actions: Record<string, () => void> = {
      ArrowDown: () => this.#focusRow(index + 1),
      ArrowUp: () => this.#focusRow(index - 1),
      PageDown: () => this.#focusRow(Math.min(last, index + page)),
      PageUp: () => this.#focusRow(Math.max(0, index - page)),
      Home: () => this.#focusRow(0),
      End: () => this.#focusRow(last),
      ArrowRight: () => {
        if (isOpen === false) this.#fold(index, true)
        else if (isOpen === true) this.#focusRow(index + 1)
      },
      ArrowLeft: () => {
        if (isOpen === true) this.#fold(index, false)
        else this.#focusRow(this.#rows.findIndex(row => row.op === this.#view.around(op)))
      },
      Enter: () => this.#select(index),
      ' ': () => this.#select(index),
    }
    const action = actions[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  }
}

function indexOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-index]') : null
  return row === null ? undefined : Number(row.dataset.index)
}
