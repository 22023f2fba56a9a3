// GpuMemcpy: calls by name, direction and mode as in the report; then the copies themselves by size.

import type { CopyRow } from '../../model/copies.js'
import { bytesText, countText, durationText, percentText, plural } from '../../model/figure-text.js'
import type { PageModel } from '../page-model.js'
import type { PageRecording } from '../recording.js'
import { barChart } from './bar-chart.js'
import { type CopySizes, copySizes, type SizeClass } from './copy-sizes.js'
import { dataTable } from './data-table.js'
import { byId, element, fillSection } from './dom.js'
import { bytesColumn, countColumn, rateColumn, shareColumn, textColumn, timeColumn } from './figures.js'

export function mountCopies({ copies }: PageModel): void {
  if (copies.rows.length === 0) return
  const modes = [
    ['async', copies.async],
    ['sync', copies.sync],
    ['between GPUs', copies.peer],
  ] as const
  const parts = modes.flatMap(([mode, figures]) =>
    figures === undefined || figures.calls === 0
      ? []
      : [`${mode}: ${plural(figures.calls, 'call')}, ${durationText(figures.totalNs)}, ${percentText(figures.ratio)}`],
  )
  fillSection(
    'copies',
    element(
      'p',
      { class: 'note' },
      `${plural(copies.calls, 'call')} take ${durationText(copies.totalNs)}. ${parts.join(' · ')}.`,
    ),
    dataTable<CopyRow>({
      label: 'Copy calls of the whole recording',
      rows: copies.rows,
      columns: [
        textColumn('Call', row => row.name),
        textColumn('Mode', row => row.mode),
        countColumn('Calls', row => row.calls),
        timeColumn('Total', row => row.totalNs),
        timeColumn('GPU', row => row.gpuNs),
        bytesColumn('Bytes', row => row.bytes),
        rateColumn('Rate', row => row.bytesPerSecond, 'Bytes over GPU time'),
        rateColumn('Peak', row => row.peakBytesPerSecond, 'The fastest copy of at least 1 µs and 4 KiB'),
        countColumn('Blocking', row => row.blocking.calls, 'Calls that returned only when the copy was done'),
        shareColumn('Ratio', row => row.ratio, 'Of the sum of the top-level totals'),
      ],
    }),
  )
}

/** Needs the columns: every copy's own size. */
export function mountCopySizes(recording: PageRecording): void {
  const sizes = copySizes(recording)
  if (sizes === undefined) return
  const section = byId('copies')
  if (section.hidden) fillSection('copies')
  const rates = element('details', {}, element('summary', {}, 'As a table, with rates'), sizeTable(sizes))
  section.append(
    element('h3', {}, 'By size'),
    element('div', { class: 'charts' }, countChart(sizes), bytesChart(sizes)),
    rates,
  )
}

const HUES = 8

function countChart(sizes: CopySizes): HTMLElement {
  const count = sizes.rows.reduce((sum, row) => sum + row.count, 0)
  const most = sizes.rows.reduce((a, b) => (b.count > a.count ? b : a))
  const unsized = sizes.unsized > 0 ? ` Of ${countText(sizes.unsized)} more no size was recorded.` : ''
  return sizeChart(
    sizes,
    'Copies',
    `${plural(count, 'time')}; most often ${rangeText(most)}, ${most.direction}.${unsized}`,
    row => row.count,
    countText,
  )
}
function bytesChart(sizes: CopySizes): HTMLElement {
  const bytes = sizes.rows.reduce((sum, row) => sum + row.bytes, 0)
  const most = sizes.rows.reduce((a, b) => (b.bytes > a.bytes ? b : a))
  const summary = `${bytesText(bytes)}; ${percentText(most.bytes / bytes)} in copies of ${rangeText(most)}, ${most.direction}.`
  return sizeChart(sizes, 'Bytes', summary, row => row.bytes, bytesText, true)
}

function sizeChart(
  { classes, directions, rows }: CopySizes,
  title: string,
  summary: string,
  figure: (row: SizeClass) => number,
  valueText: (value: number) => string,
  isBinary = false,
): HTMLElement {
  const series = directions.map((direction, at) => {
    const values = new Array<number>(classes.count).fill(0)
    for (const row of rows) if (row.direction === direction) values[row.at] = figure(row)
    return { label: direction, colour: `--hue-${at % HUES}` as const, values }
  })
  return barChart({ title, summary, series, valueText, isBinary, edgeText: edge => bytesText(classes.edge(edge)) })
}

const rangeText = ({ fromBytes, toBytes }: SizeClass): string => `${bytesText(fromBytes)} to ${bytesText(toBytes)}`

function sizeTable({ rows }: CopySizes): HTMLElement {
  return dataTable<SizeClass>({
    label: 'Copies by size and direction',
    rows,
    columns: [
      { head: 'Size', value: row => row.fromBytes, cell: rangeText },
      textColumn('Direction', row => row.direction),
      countColumn('Copies', row => row.count),
      bytesColumn('Bytes', row => row.bytes),
      timeColumn('GPU time', row => row.gpuNs),
      rateColumn('Rate', row => row.bytesPerSecond, 'Bytes over GPU time'),
    ],
  })
}
