import process from 'node:process'

import { copySummary } from '../model/copies.js'
import { countText, durationText, percentText, plural } from '../model/figure-text.js'
import { findings } from '../model/findings.js'
import { printedPath } from '../model/names.js'
import { opRows, type ReportSource, type SortedKey, type TracerOption } from '../model/ops.js'
import { overhead } from '../model/overhead.js'
import { placesText, processRows } from '../model/processes.js'
import { traceQuality } from '../model/quality.js'
import { sampledTracks } from '../model/samples.js'
import { pieces, textWidth } from '../text-width.js'
import { deviceLines, gapLines, kernelLines, memoryLines } from './gpu-blocks.js'
import { asyncLines, eventSummaryLines, perThreadLines } from './op-tables.js'
import { paddleReport } from './paddle-report.js'
import { findingLines, loopLines, qualityLines } from './side-blocks.js'
import { copyLines, overheadLines } from './summaries.js'

export interface ReportOptions {
  /** `paddle`: the layout of the original, byte for byte. @default 'default' */
  style?: 'default' | 'paddle'
  /** @default the capture's own, else 'default': order of first end */
  sortedKey?: SortedKey
  /** @default the capture's own */
  tracerOption?: TracerOption
  /** Width in cells; no line is longer. @default that of the terminal, else 100; between 60 and 160 */
  columns?: number
  /** Reserved: reports are plain text. */
  color?: false
}

/** One block of the default style: lines under a title. No lines: the block is left out. */
export interface Block {
  title: string
  /** What the block's figures mean, on the title's line. */
  note?: string
  lines: string[]
}

const DEFAULT_COLUMNS = 100
// Below, the columns that must stay leave no room for names; above, the eye loses the row.
const MIN_COLUMNS = 60
const MAX_COLUMNS = 160

/**
 * The op report as text, ending in a newline.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for an unknown sortedKey.
 */
export function formatReport(source: ReportSource, options: ReportOptions = {}): string {
  const sortedKey = options.sortedKey ?? source.meta.sortedKey ?? 'default'
  const tracerOption = options.tracerOption ?? source.meta.tracerOption
  if (options.style === 'paddle') return paddleReport(source, sortedKey, tracerOption)

  const width = reportWidth(options.columns)
  const blocks = [
    overheadLines(source, width),
    copyLines(source, width),
    eventSummaryLines(source, sortedKey, tracerOption, width),
    kernelLines(source, width),
    ...deviceLines(source, width),
    gapLines(source, width),
    memoryLines(source, width),
    asyncLines(source, width),
    perThreadLines(source, sortedKey, tracerOption, width),
    loopLines(source, width),
    qualityLines(source, width),
    findingLines(findings(source), width),
  ]
  const lines = headline(source, width)
  for (const block of blocks) {
    if (block.lines.length > 0) lines.push('', titleLine(block, width), ...block.lines)
  }
  return `${lines.join('\n')}\n`
}

/** Cells of a line: as asked for, else those of the terminal. */
export function reportWidth(columns: number | undefined): number {
  const asked = columns ?? process.stdout.columns ?? DEFAULT_COLUMNS
  return Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, Math.floor(asked) || DEFAULT_COLUMNS))
}

export function titleLine({ title, note }: Pick<Block, 'title' | 'note'>, width: number): string {
  const withNote = note === undefined ? title : `${title} · ${note}`
  const text = textWidth(withNote) <= width ? withNote : title
  const rule = width - textWidth(text) - 1
  return rule > 0 ? `${text} ${'─'.repeat(rule)}` : text
}

function headline(source: ReportSource, width: number): string[] {
  const { meta } = source
  const quality = traceQuality(source)
  const tracks = sampledTracks(source.view)
  const threads = new Set(source.perThread.thread.filter(thread => !tracks.has(thread))).size
  const frames = source.view.spans.startNs.length - quality.spans
  const gpuMissing = meta.state !== 'CPU' && meta.gpu?.available === false
  const facts = [
    `opscope${meta.opscope === undefined ? '' : ` ${meta.opscope}`}`,
    `wall ${durationText(quality.wallNs)}${quality.pausedNs > 0 ? ` (paused ${durationText(quality.pausedNs)})` : ''}`,
    `${plural(quality.spans, 'span')} on ${plural(threads, 'thread')}`,
    ...(frames === 0 ? [] : [`${plural(frames, 'frame')} of a CPU profile`]),
    ...processFacts(source),
    `state ${meta.state}${gpuMissing ? ` (no GPU: ${meta.gpu?.reason ?? 'unknown reason'})` : ''}`,
    ...Object.entries(meta.attributes ?? {}).map(([key, value]) => `${key} ${value}`),
  ]
  return [...pieces(facts, width, ''), ...pieces(whereTimeWent(source), width, '')]
}

function processFacts({ view, meta }: ReportSource): string[] {
  return view.processes.length === 0 ? [] : [placesText(processRows(view, meta))]
}

function whereTimeWent(source: ReportSource): string[] {
  const { totalNs, accumulatedNs, computationRatio, frameworkRatio, hasPhases } = overhead(source)
  if (totalNs === 0) return ['Time: no finished ops']
  const copies = copySummary(source)
  const { recordedNs } = traceQuality(source)
  const top = opRows(source, { sortedKey: 'total' })[0]!
  return [
    `Time: ${durationText(accumulatedNs)} in ops`,
    `${percentText(computationRatio)} ${hasPhases ? 'computation' : 'in leaf ops'}`,
    `${percentText(frameworkRatio)} ${hasPhases ? 'framework overhead' : 'around them'}`,
    ...(copies.calls > 0 ? [`${percentText(copies.ratio)} in ${countText(copies.calls)} copies`] : []),
    ...(source.gpu.busyNs > 0 && recordedNs > 0
      ? [`GPU busy ${percentText(source.gpu.busyNs / recordedNs)} of wall`]
      : []),
    `most in ${printedPath(top.path)} (${percentText(top.ratio)})`,
  ]
}
