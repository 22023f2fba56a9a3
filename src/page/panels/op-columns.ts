// Columns of a table of ops: what they are called, ordered by and show. As in the text report, all times of one kind
// have one unit, so that they can be compared at a glance.
import { countText, percentText } from '../../model/figure-text.js'
import { TimeScale } from '../../report/number-text.js'
import type { OpOrder, OpView, ViewedOp } from './op-view.js'

export interface OpColumn {
  key: OpOrder['key']
  head: string
  unit?: string
  title: string
  /** False: the smallest first when it is first ordered by. */
  isDescendingFirst: boolean
  cell(op: ViewedOp, at: number): string
}

/** Without GPU time there is no column for it, and CPU would repeat Total. Of a range no percentiles are known. */
export function opColumns(view: OpView, shows: { gpu: boolean; percentiles: boolean }): OpColumn[] {
  const { ops } = view
  const finished = ops.filter(op => op.calls > 0)
  const total = TimeScale.ofLargest(ops.map(op => op.totalNs))
  const each = TimeScale.ofMedian(
    finished.map(op => op.totalNs / op.calls),
    finished.reduce((ns, op) => Math.max(ns, op.maxNs), 0),
  )
  const time = (
    key: OpColumn['key'],
    head: string,
    scale: TimeScale,
    title: string,
    ns: (op: ViewedOp, at: number) => number,
  ): OpColumn => ({
    key,
    head,
    unit: scale.unit.name,
    title,
    isDescendingFirst: true,
    cell: (op, at) => (op.calls === 0 && ns(op, at) === 0 ? '–' : scale.cell(ns(op, at))),
  })
  return [
    { key: 'calls', head: 'Calls', title: 'Finished calls', isDescendingFirst: true, cell: op => countText(op.calls) },
    time('total', 'Total', total, 'Time of all calls, with what is inside', op => op.totalNs),
    time('self', 'Self', total, 'Host time that no op inside covers', (_, at) => view.selfNs[at]!),
    ...(shows.gpu
      ? [
          time('cpu', 'CPU', total, 'Host time', op => op.cpuNs),
          time('gpu', 'GPU', total, 'GPU time of what was launched inside', op => op.gpuNs),
        ]
      : []),
    time('min', 'Min', each, 'The shortest call', op => op.minNs),
    time('ave', 'Ave', each, 'Mean of all calls', op => (op.calls > 0 ? op.totalNs / op.calls : 0)),
    ...(shows.percentiles
      ? [
          time('p50', 'p50', each, 'Half of the calls took no longer', op => op.p50Ns),
          time('p99', 'p99', each, '99 of 100 calls took no longer', op => op.p99Ns),
        ]
      : []),
    time('max', 'Max', each, 'The longest call', op => op.maxNs),
    ...(shows.percentiles ? [firstEnd(ops)] : []),
    {
      key: 'ratio',
      head: 'Ratio',
      title: 'Share of the sum of the top-level totals',
      isDescendingFirst: true,
      cell: op => (op.calls === 0 ? '–' : percentText(view.ratioOf(op))),
    },
  ]
}

function firstEnd(ops: readonly ViewedOp[]): OpColumn {
  const scale = TimeScale.ofLargest(ops.filter(op => op.calls > 0).map(op => op.firstEndNs))
  return {
    key: 'default',
    head: 'First',
    unit: scale.unit.name,
    title: 'When the first call ended, since the start of the recording: the default order',
    isDescendingFirst: false,
    cell: op => (op.calls === 0 ? '–' : scale.cell(op.firstEndNs)),
  }
}
