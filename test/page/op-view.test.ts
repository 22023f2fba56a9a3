import { describe, expect, it } from 'vitest'
import { printedPath } from '../../src/model/names.js'
import { opRows, SORTED_KEYS, type SortedKey, type TracerOption } from '../../src/model/ops.js'
import { OpView, type ViewedOp } from '../../src/page/panels/op-view.js'
import { orderOf } from '../../src/page/panels/ops.js'
import { OpIndex } from '../../src/report/html-ops.js'
import { conditionalBlock, twoThreads } from '../report/captures.js'

const row = (name: string, parent: number, figures: Partial<ViewedOp> = {}): ViewedOp => ({
  name,
  parent,
  above: [],
  role: 'op',
  category: 'user',
  calls: 1,
  totalNs: 1,
  cpuNs: 1,
  gpuNs: 0,
  selfNs: 1,
  minNs: 1,
  maxNs: 1,
  p50Ns: 1,
  p99Ns: 1,
  unfinished: 0,
  firstEndNs: 1,
  ...figures,
})
const shown = (view: OpView): string[] =>
  view.visible().map(({ op, depth, isOpen }) => {
    const mark = isOpen === undefined ? ' ' : isOpen ? '-' : '+'
    return `${'  '.repeat(depth)}${mark}${view.ops[op]!.name}`
  })

describe('the op table of the page', () => {
  const cases = [conditionalBlock, twoThreads].flatMap(source =>
    SORTED_KEYS.flatMap(key =>
      (['Default', 'OpDetail', 'AllOpDetail'] as const).map(option => [source.name, key, option, source] as const),
    ),
  )
  it.each(cases)('shows of %s, by %s, with %s, the rows of the text report', (_name, key, option, make) => {
    const source = make()
    const view = new OpView(new OpIndex(source, Number.POSITIVE_INFINITY).rows)
    view.show(option as TracerOption)
    view.sort(orderOf(key as SortedKey))
    view.foldAll(true)

    const expected = opRows(source, { sortedKey: key, tracerOption: option })
    const rows = view.visible().map(({ op, depth }) => ({
      name: view.ops[op]!.name,
      depth,
      selfNs: view.selfNs[op],
      ratio: view.ratioOf(view.ops[op]!),
    }))
    expect(rows).toEqual(expected.map(({ name, depth, selfNs, ratio }) => ({ name, depth, selfNs, ratio })))
    const tops = expected.filter(({ depth }) => depth === 0).map(({ path }) => printedPath(path))
    const own = view.visible().filter(({ depth }) => depth === 0)
    expect(own.map(({ op }) => printedPath([...view.ops[op]!.above, view.ops[op]!.name]))).toEqual(tops)
  })

  it('turns an order around among siblings only', () => {
    const view = new OpView([
      row('small', -1, { totalNs: 1 }),
      row('inner', 0, { totalNs: 100 }),
      row('large', -1, { totalNs: 9 }),
    ])
    view.sort({ key: 'total', isDescending: true })
    expect(shown(view)).toEqual([' large', '-small', '   inner'])
    view.sort({ key: 'total', isDescending: false })
    expect(shown(view)).toEqual(['-small', '   inner', ' large'])
  })

  it('folds a row with all that is inside, and remembers what was folded there', () => {
    const view = new OpView([row('a', -1), row('b', 0), row('c', 1), row('d', -1)])
    view.fold(1, false)
    view.fold(0, false)
    expect(shown(view)).toEqual(['+a', ' d'])
    view.fold(0, true)
    expect(shown(view)).toEqual(['-a', '  +b', ' d'])
  })

  it('filters by name, with what is around a match, and nothing below it that does not match', () => {
    const view = new OpView([row('predict', -1), row('MatMul', 0), row('gemm', 1), row('softmax', 0)])
    view.foldAll(false)
    view.filter('matm')
    expect(shown(view)).toEqual(['-predict', '   MatMul'])
    expect(view.matchCount).toBe(1)
    view.filter('')
    expect(shown(view)).toEqual(['+predict'])
  })

  it('unfolds what is around a row that is to be seen, whatever detail hides', () => {
    const view = new OpView([row('op', -1), row('compute', 0, { role: 'phase' }), row('inner', 1), row('leaf', 2)])
    view.foldAll(false)
    view.show('Default')
    view.reveal(view.nearestShown(3))
    expect(shown(view)).toEqual(['-op', '  -inner', '     leaf'])
    expect(view.nearestShown(1)).toBe(0)
  })

  it('begins with as many whole levels unfolded as fit', () => {
    const wide = Array.from({ length: 100 }, (_, i) => row(`leaf ${i}`, 1))
    const view = new OpView([row('a', -1), row('b', 0), ...wide])
    expect(shown(view)).toEqual(['-a', '  +b'])
  })

  it('walks a tree of 100,000 levels', () => {
    const view = new OpView(Array.from({ length: 100_000 }, (_, i) => row(`level ${i}`, i - 1)))
    view.foldAll(true)
    expect(view.visible().length).toBe(100_000)
    view.filter('level 99999')
    expect(view.visible().length).toBe(100_000)
    view.show('Default')
    view.reveal(99_999)
    expect(view.visible().at(-1)).toEqual({ op: 99_999, depth: 99_999, isOpen: undefined })
  })
})
