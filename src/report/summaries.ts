import { type CopyFigures, type CopyRow, copySummary } from '../model/copies.js'
import { bytesText, countText, percentText, rateText } from '../model/figure-text.js'
import type { ReportSource } from '../model/ops.js'
import { overhead } from '../model/overhead.js'
import { hasGpuTime } from '../model/quality.js'
import { wrap } from '../text-width.js'
import { bar, TimeScale } from './number-text.js'
import type { Block } from './op-report.js'
import { type Column, type TableRow, tableLines } from './text-table.js'

const BAR_CELLS = 20

export function overheadLines(source: ReportSource, width: number): Block {
  const figures = overhead(source)
  const { state } = source.meta
  const meaning = state === 'GPU' ? 'GPU time' : state === 'All' && hasGpuTime(source) ? 'CPU + GPU time' : 'CPU time'
  const scale = TimeScale.ofLargest([figures.totalNs, figures.accumulatedNs])
  const columns: Column[] = [
    { head: '', keep: Number.POSITIVE_INFINITY },
    { head: scale.unit.name, keep: Number.POSITIVE_INFINITY },
    { head: 'Ratio', keep: Number.POSITIVE_INFINITY },
    { head: '', keep: 1, align: 'left' },
  ]
  const row = (name: string, ns: number, ratio?: number): TableRow => ({
    cells: [
      name,
      scale.cell(ns),
      ...(ratio === undefined ? [] : [percentText(ratio), bar(ratio, BAR_CELLS).trimEnd()]),
    ],
    indent: 1,
  })
  const rows =
    figures.elapsedNs === undefined
      ? [row('Total time', figures.totalNs)]
      : [row('Elapsed time of events', figures.elapsedNs), row('Accumulated time of events', figures.accumulatedNs)]
  rows.push(
    row('Computation time', figures.computationNs, figures.computationRatio),
    row('Framework overhead', figures.frameworkNs, figures.frameworkRatio),
  )
  const notes = [
    ...(figures.hasPhases
      ? []
      : ['No op recorded a compute phase: the time of ops without inner ops counts as computation.']),
    ...(figures.elapsedNs === undefined
      ? []
      : ['Ops of several threads ran at once under one event: their accumulated time may exceed the elapsed time.']),
    ...(figures.isClamped
      ? ['Computation exceeds the total (ops of other threads under a row); overhead is shown as 0.']
      : []),
  ]
  return {
    title: 'Overhead Summary',
    note: `${meaning} of top-level ops, all threads`,
    lines: [...tableLines(columns, rows, width), ...notes.flatMap(note => indented(note, width))],
  }
}

export function copyLines(source: ReportSource, width: number): Block {
  const summary = copySummary(source)
  const title = 'GpuMemcpy Summary'
  if (summary.calls === 0) return { title, lines: [] }
  const modes = (['async', 'sync', 'peer'] as const).flatMap(mode => {
    const figures = summary[mode]
    return figures === undefined || figures.calls === 0 ? [] : [{ mode, figures }]
  })
  const perCall = summary.rows.map(row => row.totalNs / row.calls)
  const total = TimeScale.ofLargest([summary.totalNs])
  const each = TimeScale.ofMedian(perCall, Math.max(...perCall))
  const hasBytes = summary.rows.some(row => row.bytes > 0)
  const hasPeak = summary.rows.some(row => row.peakBytesPerSecond > 0)
  const columns: Column[] = [
    { head: '', keep: Number.POSITIVE_INFINITY },
    { head: 'Calls', keep: Number.POSITIVE_INFINITY },
    { head: `Total ${total.unit.name}`, keep: Number.POSITIVE_INFINITY },
    { head: `Ave ${each.unit.name}`, keep: 2 },
    { head: 'Ratio', keep: Number.POSITIVE_INFINITY },
    ...(hasBytes
      ? [
          { head: 'Bytes', keep: 3 },
          { head: 'Rate', keep: 1 },
          ...(hasPeak ? [{ head: 'Peak', keep: 0, isSpare: true }] : []),
        ]
      : []),
  ]
  const row = (name: string, indent: number, figures: CopyFigures & Partial<CopyRow>): TableRow => ({
    indent,
    cells: [
      name,
      countText(figures.calls),
      total.cell(figures.totalNs),
      each.cell(figures.totalNs / figures.calls),
      percentText(figures.ratio),
      ...(figures.bytes
        ? [bytesText(figures.bytes), rateText(figures.bytesPerSecond ?? 0), rateText(figures.peakBytesPerSecond ?? 0)]
        : []),
    ],
  })
  const rows = [row('GpuMemcpy', 1, summary)]
  for (const { mode, figures } of modes) {
    rows.push(row({ async: 'GpuMemcpyAsync', sync: 'GpuMemcpySync', peer: 'GpuMemcpyPeer' }[mode], 2, figures))
    for (const copy of summary.rows) if (copy.mode === mode) rows.push(row(direction(copy.name), 3, copy))
  }
  return { title, note: 'all copies of the tree below', lines: tableLines(columns, rows, width) }
}

// The mode stands one line above; `same_gpu` tells GPU->GPU copies apart.
function direction(name: string): string {
  const [mode = '', way] = name.split(':')
  return way === undefined ? name : mode.includes('(same_gpu)') ? `${way} (same GPU)` : way
}

function indented(text: string, width: number): string[] {
  return wrap(text, width - 2).map(line => `  ${line}`)
}
