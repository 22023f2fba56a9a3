// The op table of the whole recording. A row that is selected is searched for on the timeline.
import type { SortedKey } from '../../model/ops.js'
import type { PanelContext } from './context.js'
import { element, fillSection } from './dom.js'
import { OpTable } from './op-table.js'
import type { OpOrder } from './op-view.js'

export function mountOps(context: PanelContext): void {
  const { model, state } = context
  if (model.ops.length === 0) {
    const text = 'No ops were recorded. Wrap work in record(), recordSync() or op().'
    fillSection('ops', element('p', { class: 'quiet' }, text))
    return
  }
  const table = new OpTable(model.ops, {
    label: 'Ops of the whole recording',
    hasGpu: model.state === 'All' && model.ops.some(op => op.gpuNs > 0),
    hasPercentiles: true,
    order: orderOf(model.sortedKey),
    detail: 'AllOpDetail',
    onSelect: op => state.change({ search: op === undefined ? '' : model.ops[op]!.name }),
  })
  state.watch(({ search }, before) => {
    if (search !== before.search && search === '') table.deselect()
  })
  context.showOp = op => {
    context.showSection('ops')
    table.reveal(op)
  }
  const note = `Calls of one path, added up. Total is ${TOTAL_TEXT[model.state]}. Select a row to find it on the timeline.`
  fillSection('ops', element('p', { class: 'note' }, note), table.element)
}

const TOTAL_TEXT = { CPU: 'host time', GPU: 'GPU time', All: 'host time plus GPU time' } as const

/** As the report orders by this key: first end ascending, all else descending. */
export function orderOf(key: SortedKey): OpOrder {
  return { key, isDescending: key !== 'default' }
}
