// The op table of the whole recording. A row that is selected is searched for on the timeline.
import type { AsyncRow } from '../../model/async-rows.js'
import type { SortedKey } from '../../model/ops.js'
import type { PanelContext } from './context.js'
import { dataTable } from './data-table.js'
import { element, fillSection } from './dom.js'
import { countColumn, pathColumn, timeColumn } from './figures.js'
import { OpTable } from './op-table.js'
import type { OpOrder } from './op-view.js'

export function mountOps(context: PanelContext): void {
  const { model, state } = context
  if (model.ops.length === 0) {
    const text = 'No ops were recorded. Wrap work in record(), recordSync() or op().'
    fillSection('ops', element('p', { class: 'quiet' }, text), ...asyncTable(model.asyncOps))
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
  fillSection('ops', element('p', { class: 'note' }, note), table.element, ...asyncTable(model.asyncOps))
}

const TOTAL_TEXT = { CPU: 'host time', GPU: 'GPU time', All: 'host time plus GPU time' } as const

/** Wall time of async calls, which overlap each other and all ops. */
function asyncTable(rows: readonly AsyncRow[]): HTMLElement[] {
  if (rows.length === 0) return []
  const hasGpu = rows.some(row => row.gpuNs > 0)
  const hasOpen = rows.some(row => row.unfinished > 0)
  return [
    element('h3', {}, 'Async operations'),
    element('p', { class: 'note' }, 'From the call to its settlement. They overlap, so they are in no total.'),
    dataTable<AsyncRow>({
      label: 'Async operations',
      rows,
      columns: [
        pathColumn('Event', row => row.path),
        countColumn('Calls', row => row.calls),
        timeColumn('Mean', row => row.meanNs),
        timeColumn('p50', row => row.p50Ns),
        timeColumn('p99', row => row.p99Ns),
        timeColumn('Max', row => row.maxNs),
        ...(hasGpu ? [timeColumn<AsyncRow>('GPU', row => row.gpuNs, 'GPU time of what was launched inside')] : []),
        countColumn('Peak', row => row.peakConcurrency, 'Most of them open at one time'),
        ...(hasOpen ? [countColumn<AsyncRow>('Open', row => row.unfinished, 'Still open at the end')] : []),
      ],
    }),
  ]
}

/** As the report orders by this key: first end ascending, all else descending. */
export function orderOf(key: SortedKey): OpOrder {
  return { key, isDescending: key !== 'default' }
}
