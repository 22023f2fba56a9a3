// The op tree as it is looked at: how much detail, in which order, what is folded, what is filtered. Pure; nothing here
// recurses, since a recursive function under `op` makes a tree thousands of rows deep. Rules of detail and order are
// those of the text report (src/model/tree.ts, order.ts).
import type { SortedKey, TracerOption } from '../../model/ops.js'
import type { PageOp } from '../page-model.js'

/** What a table of ops needs to know of one; percentiles and extremes may be unknown (NaN). */
export type ViewedOp = Omit<PageOp, 'firstStartNs'>
export interface OpOrder {
  key: SortedKey | 'name' | 'p50' | 'ratio'
  isDescending: boolean
}
export interface VisibleOp {
  /** Index into the ops. */
  op: number
  depth: number
  /** Undefined: nothing below it is shown. */
  isOpen: boolean | undefined
}

/** Rows below which a table begins with everything unfolded. */
const ROWS_AT_FIRST = 60

export class OpView {
  readonly ops: readonly ViewedOp[]
  /** Sum of the top-level totals: what ratios refer to. */
  readonly totalNs: number
  /** By op, with what is hidden inside of it. */
  selfNs: Float64Array
  #option: TracerOption = 'AllOpDetail'
  #order: OpOrder = { key: 'default', isDescending: false }
  #filter = ''
  /** Nearest shown op around each shown op; -1: top level, -2: hidden. */
  #home: Int32Array
  /** Children of op n, ordered: #children[#first[n + 1]] to [#first[n + 2] - 1]; those of the top level are n = -1. */
  #first: Uint32Array
  #children: Uint32Array
  readonly #isOpen: Uint8Array
  /** With a filter: 1 holds a match, 2 matches itself. */
  #matches: Uint8Array | undefined

  constructor(ops: readonly ViewedOp[]) {
    this.ops = ops
    this.totalNs = ops.reduce((ns, op) => (op.parent < 0 ? ns + op.totalNs : ns), 0)
    this.selfNs = new Float64Array(ops.length)
    this.#home = new Int32Array(ops.length)
    this.#first = new Uint32Array(ops.length + 2)
    this.#children = new Uint32Array(0)
    this.#isOpen = new Uint8Array(ops.length)
    this.show('AllOpDetail')
    this.unfoldUpTo(ROWS_AT_FIRST)
  }

  get order(): OpOrder {
    return this.#order
  }
  get matchCount(): number {
    return this.#matches?.reduce((count, match) => count + Number(match === 2), 0) ?? 0
  }

  ratioOf(op: ViewedOp): number {
    return this.totalNs > 0 ? op.totalNs / this.totalNs : 0
  }

  /** Hides phases and instances as `option` says; what they contain moves to the nearest shown op. */
  show(option: TracerOption): void {
    this.#option = option
    for (let op = 0; op < this.ops.length; op++) {
      const { parent, role, selfNs } = this.ops[op]!
      const home = parent < 0 ? -1 : this.nearestShown(parent)
      this.selfNs[op] = selfNs
      if (home >= 0 && this.#isHidden(role)) {
        this.#home[op] = -2
        this.selfNs[home] = this.selfNs[home]! + selfNs
      } else this.#home[op] = home
    }
    this.#arrange()
    this.#findMatches()
  }

  sort(order: OpOrder): void {
    this.#order = order
    this.#arrange()
  }

  /** Shows only ops whose name has the text in it, whatever its case, and what is around them. */
  filter(text: string): void {
    this.#filter = text.toLowerCase()
    this.#findMatches()
  }

  fold(op: number, isOpen: boolean): void {
    this.#isOpen[op] = Number(isOpen)
  }
  foldAll(isOpen: boolean): void {
    this.#isOpen.fill(Number(isOpen))
  }
  /** Unfolds what is around it. */
  reveal(op: number): void {
    for (let at = this.around(op); at >= 0; at = this.around(at)) this.#isOpen[at] = 1
  }
  /** The shown op around a shown one, -1: none. */
  around(op: number): number {
    return this.#home[op]!
  }
  /** The op itself, or the nearest one around it that is shown. */
  nearestShown(op: number): number {
    let at = op
    while (at >= 0 && this.#home[at] === -2) at = this.ops[at]!.parent
    return at
  }
  isMatch(op: number): boolean {
    return this.#matches?.[op] === 2
  }

  /** Whole levels are unfolded while they leave no more than `most` rows. */
  unfoldUpTo(most: number): void {
    let level = this.#childrenOf(-1)
    for (let rows = level.length; level.length > 0 && rows < most; rows += level.length) {
      const below = [...level].flatMap(op => [...this.#childrenOf(op)])
      if (rows + below.length > most) return
      for (const op of level) this.#isOpen[op] = 1
      level = Uint32Array.from(below)
    }
  }

  /** Depth-first, as the table shows them. */
  visible(): VisibleOp[] {
    const rows: VisibleOp[] = []
    const matches = this.#matches
    const pending: { op: number; depth: number }[] = []
    const add = (around: number, depth: number): void => {
      const children = this.#childrenOf(around)
      // The last is next.
      for (let i = children.length; i-- > 0; ) {
        if (matches === undefined || matches[children[i]!]! > 0) pending.push({ op: children[i]!, depth })
      }
    }
    add(-1, 0)
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { op, depth } = next
      const before = pending.length
      // A filter unfolds what is around a match, so that it is seen.
      const isOpen = this.#isOpen[op] === 1 || matches?.[op] === 1
      add(op, depth + 1)
      const hasChildren = pending.length > before
      if (!isOpen) pending.length = before
      rows.push({ op, depth, isOpen: hasChildren ? isOpen : undefined })
    }
    return rows
  }

  #isHidden(role: ViewedOp['role']): boolean {
    if (this.#option === 'AllOpDetail') return false
    return role === 'instance' || (this.#option === 'Default' && role === 'phase')
  }

  #childrenOf(op: number): Uint32Array {
    return this.#children.subarray(this.#first[op + 1], this.#first[op + 2])
  }

  /** Orders by the whole, then deals out to the parents: siblings keep that order. */
  #arrange(): void {
    const shown = Uint32Array.from(this.ops.keys()).filter(op => this.#home[op] !== -2)
    const compare = this.#compare()
    shown.sort((a, b) => compare(a, b) || a - b)
    this.#first.fill(0)
    for (const op of shown) this.#first[this.#home[op]! + 2]!++
    for (let i = 1; i < this.#first.length; i++) this.#first[i] = this.#first[i]! + this.#first[i - 1]!
    const next = this.#first.slice()
    this.#children = new Uint32Array(shown.length)
    for (const op of shown) this.#children[next[this.#home[op]! + 1]!++] = op
  }

  #compare(): (a: number, b: number) => number {
    const { key, isDescending } = this.#order
    const sign = isDescending ? -1 : 1
    if (key === 'name') return (a, b) => sign * compareText(this.ops[a]!.name, this.ops[b]!.name)
    const figures = Float64Array.from(this.ops, (op, at) => figureOf(key, op, this.selfNs[at]!))
    return (a, b) => sign * (figures[a]! - figures[b]!)
  }

  #findMatches(): void {
    if (this.#filter === '') {
      this.#matches = undefined
      return
    }
    this.#matches = new Uint8Array(this.ops.length)
    for (let op = this.ops.length; op-- > 0; ) {
      const home = this.#home[op]!
      if (home === -2) continue
      if (this.ops[op]!.name.toLowerCase().includes(this.#filter)) this.#matches[op] = 2
      if (this.#matches[op]! > 0 && home >= 0 && this.#matches[home] === 0) this.#matches[home] = 1
    }
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What an op is ordered by. Never infinite or NaN: their differences would not order. */
function figureOf(key: Exclude<OpOrder['key'], 'name'>, op: ViewedOp, selfNs: number): number {
  const value = {
    // An op without a finished call has not ended yet: last.
    default: op.calls > 0 ? op.firstEndNs : Number.MAX_VALUE,
    calls: op.calls,
    total: op.totalNs,
    ratio: op.totalNs,
    self: selfNs,
    cpu: op.cpuNs,
    gpu: op.gpuNs,
    min: op.minNs,
    max: op.maxNs,
    ave: op.calls > 0 ? op.totalNs / op.calls : 0,
    p50: op.p50Ns,
    p99: op.p99Ns,
  }[key]
  return Number.isFinite(value) ? value : 0
}
