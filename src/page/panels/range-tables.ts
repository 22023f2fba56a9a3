// Tables of the range that is selected on the timeline: they say which, and lead back to the whole.
import { bytesText, countText, durationText, plural } from '../../model/figure-text.js'
import type { TimeRange } from '../page-state.js'
import type { PageRecording } from '../recording.js'
import type { PanelContext } from './context.js'
import { dataTable } from './data-table.js'
import { button, byId, element, fillSection } from './dom.js'
import { bytesColumn, codeColumn, countColumn, rateColumn, shareColumn, textColumn, timeColumn } from './figures.js'
import { OpTable } from './op-table.js'
import { type RangeCopy, type RangeKernel, rangeCopies, rangeKernels } from './range/range-gpu.js'
import { rangeOps } from './range/range-ops.js'
import type { SpanPaths } from './range/span-paths.js'

export function mountRangeTables(context: PanelContext, recording: PageRecording, paths: () => SpanPaths): void {
  const { state } = context
  const show = (range: TimeRange | undefined): void => {
    if (range === undefined) byId('range').hidden = true
    else showRange(context, recording, paths(), range)
  }
  state.watch(({ range }, before) => {
    if (range !== before.range) show(range)
  })
  show(state.fields.range)
}

function showRange(context: PanelContext, recording: PageRecording, paths: SpanPaths, range: TimeRange): void {
  const { model, state } = context
  const ops = rangeOps(recording, paths, range, model.state)
  const kernels = rangeKernels(recording, range)
  const copies = rangeCopies(recording, range)
  const label = `${durationText(range.startNs)} to ${durationText(range.endNs)}`
  const line = element('p', {}, element('strong', {}, `${durationText(range.endNs - range.startNs)}, from ${label}`))
  const ways = element(
    'div',
    { class: 'tools' },
    button('Zoom to it', () => context.showTime(range)),
    button('Back to the whole recording', () => state.change({ range: undefined })),
  )
  const note = element('p', { class: 'note' }, NOTE)
  const table =
    ops.length === 0
      ? element('p', { class: 'quiet' }, 'No op lies in this range.')
      : new OpTable(ops, {
          label: `Ops from ${label}`,
          hasGpu: model.state === 'All' && ops.some(op => op.gpuNs > 0),
          hasPercentiles: false,
          order: { key: 'total', isDescending: true },
          detail: 'AllOpDetail',
          onSelect: op => state.change({ search: op === undefined ? '' : ops[op]!.name }),
        }).element
  fillSection(
    'range',
    line,
    note,
    ways,
    element('h3', {}, `Ops, ${plural(ops.length, 'row')}`),
    table,
    ...kernelPart(kernels, label),
    ...copyPart(copies, label),
  )
}
const NOTE =
  'Times are the parts that lie in the range. GPU time goes to the op that launched it, so an op that had returned ' +
  'before can have GPU time here and no call.'

function kernelPart(rows: readonly RangeKernel[], label: string): HTMLElement[] {
  if (rows.length === 0) return []
  const calls = rows.reduce((sum, row) => sum + row.calls, 0)
  return [
    element('h3', {}, `Kernels, ${plural(calls, 'call')}`),
    dataTable<RangeKernel>({
      label: `Kernels from ${label}`,
      rows,
      columns: [
        codeColumn('Kernel', row => row.name),
        ...deviceColumn(rows),
        countColumn('Calls', row => row.calls),
        timeColumn('Total', row => row.totalNs),
        timeColumn('Ave', row => row.totalNs / row.calls),
        timeColumn('Min', row => row.minNs),
        timeColumn('Max', row => row.maxNs),
        shareColumn('Ratio', row => row.ratio, 'Of the kernel time in the range'),
      ],
    }),
  ]
}

function copyPart(rows: readonly RangeCopy[], label: string): HTMLElement[] {
  if (rows.length === 0) return []
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0)
  const count = rows.reduce((sum, row) => sum + row.count, 0)
  return [
    element('h3', {}, `Copies and fills, ${countText(count)} of ${bytesText(bytes)}`),
    dataTable<RangeCopy>({
      label: `Copies from ${label}`,
      rows,
      columns: [
        textColumn('Direction', row => row.direction),
        ...deviceColumn(rows),
        countColumn('Count', row => row.count),
        bytesColumn('Bytes', row => row.bytes),
        timeColumn('GPU time', row => row.gpuNs),
        rateColumn('Rate', row => row.bytesPerSecond, 'Of the whole copies'),
      ],
    }),
  ]
}

function deviceColumn<Row extends { device: number }>(rows: readonly Row[]) {
  return new Set(rows.map(row => row.device)).size > 1 ? [countColumn<Row>('GPU', row => row.device)] : []
}
