import process from 'node:process'

import type { LogCounts } from '../../import/profile-log/records.js'
import { countText, durationText, percentText, plural } from '../../model/figure-text.js'
import { TimeScale } from '../../report/number-text.js'
import { type Column, tableLines } from '../../report/text-table.js'
import type { PipelineSummary } from './pipeline.js'
import type { ProcessRow, ProfileSummary, StageRow } from './statistics.js'

const DEFAULT_COLUMNS = 100
const MOST_PROCESSES_SHOWN = 32

/**
 * The report as text, ending in a newline.
 * @param columns width of the text. @default that of the terminal, else 100
 */
export function profileReport(summary: ProfileSummary, columns?: number): string {
  const width = Math.max(60, columns ?? process.stdout.columns ?? DEFAULT_COLUMNS)
  const { requests, records, processes, stages, threads } = summary
  const wallNs = Number(summary.lastNs - summary.firstNs)
  const rate = wallNs === 0 ? '' : ` · ${(requests / (wallNs / 1e9)).toFixed(1)} requests/s`
  const facts = [plural(requests, 'request'), plural(records, 'record'), processCount(processes.length)]
  const lines = [`${facts.join(' · ')} · wall ${durationText(wallNs)}${rate}`]
  if (stages.length > 0) lines.push('', ...stageLines(stages, threads, width))
  if (summary.pipeline !== undefined) lines.push('', ...pipelineLines(summary.pipeline, width))
  if (processes.length > 1) lines.push('', ...processLines(processes, width))
  const notes = [...damageNotes(summary.counts), ...limitNotes(summary)]
  if (notes.length > 0) lines.push('', ...notes)
  return `${lines.join('\n')}\n`
}

function stageLines(stages: readonly StageRow[], threads: number, width: number): string[] {
  const totals = TimeScale.ofLargest(stages.map(({ totalNs }) => totalNs))
  const per = TimeScale.ofMedian(
    stages.map(({ meanNs }) => meanNs),
    stages.reduce((max, { maxNs }) => Math.max(max, maxNs), 0),
  )
  const total = [`total in ${totals.unit.name}`, `in ${totals.unit.name}`, totals.unit.name]
  const calls = [`per stage in ${per.unit.name}`, per.unit.name]
  const columns: Column[] = [
    { head: 'Stage', keep: Number.POSITIVE_INFINITY },
    { head: 'Side', keep: 2, align: 'left' },
    { head: 'Count', keep: Number.POSITIVE_INFINITY },
    { head: 'Total', keep: 9, block: total },
    { head: `1/${threads}`, keep: 1, block: total },
    { head: 'Mean', keep: 8, block: calls },
    { head: 'p50', keep: 6, block: calls },
    { head: 'p90', keep: 4, block: calls },
    { head: 'p99', keep: 7, block: calls },
    { head: 'Max', keep: 3, block: calls },
    { head: 'of wall', keep: 5 },
  ]
  const rows = stages.map(row => ({
    indent: 1,
    cells: [
      row.stage,
      row.side,
      countText(row.count),
      totals.cell(row.totalNs),
      totals.cell(row.perThreadNs),
      per.cell(row.meanNs),
      per.cell(row.p50Ns),
      per.cell(row.p90Ns),
      per.cell(row.p99Ns),
      per.cell(row.maxNs),
      percentText(row.shareOfWall),
    ],
  }))
  return tableLines(columns, rows, width)
}

function pipelineLines({ ops, theoreticalQps }: PipelineSummary, width: number): string[] {
  const names = [...new Set(ops.flatMap(({ steps }) => steps.map(({ step }) => step)))]
  const scale = TimeScale.ofMedian(
    ops.flatMap(({ steps }) => steps.map(({ meanNs }) => meanNs)),
    ops.reduce((max, { totalNs }) => Math.max(max, totalNs), 0),
  )
  const rate = ['QPS of a slot', 'QPS']
  const mean = [`mean in ${scale.unit.name}`, scale.unit.name]
  const columns: Column[] = [
    { head: 'Pipeline op', keep: Number.POSITIVE_INFINITY },
    { head: 'Slots', keep: 3 },
    ...names.map(head => ({ head, keep: 8, block: mean })),
    { head: 'All', keep: 9, block: mean },
    ...names.map(head => ({ head, keep: 5, block: rate })),
    { head: 'Needed', keep: 7 },
  ]
  const rows = ops.map(({ op, slots, steps, totalNs, neededConcurrency }) => {
    const found = names.map(name => steps.find(({ step }) => step === name))
    const means = found.map(step => (step === undefined ? '' : scale.cell(step.meanNs)))
    const rates = found.map(step => (step === undefined ? '' : step.qps.toFixed(1)))
    return {
      indent: 1,
      cells: [op, countText(slots), ...means, scale.cell(totalNs), ...rates, neededConcurrency.toFixed(3)],
    }
  })
  const best = `At most ${theoreticalQps.toFixed(1)} requests/s, by the slowest step. Needed: slots that keep it busy.`
  return [...tableLines(columns, rows, width), best]
}

function processLines(processes: readonly ProcessRow[], width: number): string[] {
  const scale = TimeScale.ofLargest(processes.map(({ wallNs }) => wallNs))
  const columns: Column[] = [
    { head: 'Process', keep: Number.POSITIVE_INFINITY },
    { head: 'Requests', keep: 9 },
    { head: '/s', keep: 7 },
    { head: 'Wall', keep: 8, block: [`in ${scale.unit.name}`, scale.unit.name] },
  ]
  const rows = processes.slice(0, MOST_PROCESSES_SHOWN).map(({ pid, requests, wallNs }) => {
    const rate = wallNs === 0 ? '' : (requests / (wallNs / 1e9)).toFixed(1)
    return { indent: 1, cells: [pid === 0 ? 'unknown' : String(pid), countText(requests), rate, scale.cell(wallNs)] }
  })
  const more = processes.length - rows.length
  return [...tableLines(columns, rows, width), ...(more > 0 ? [`  and ${countText(more)} more`] : [])]
}

/** What of a log could not be read, a sentence each. */
function damageNotes(counts: LogCounts): string[] {
  const { malformedTokens, impossibleStages, unpairedEvents, longLines } = counts
  return [
    ...(malformedTokens > 0 ? [`${plural(malformedTokens, 'event')} could not be read.`] : []),
    ...(impossibleStages > 0
      ? [`${plural(impossibleStages, 'stage')} left out: the end is before the begin, or a day behind.`]
      : []),
    ...(unpairedEvents > 0 ? [`${plural(unpairedEvents, 'event')} had no begin or no end.`] : []),
    ...(longLines > 0 ? [`${plural(longLines, 'line')} of more than 1 MiB were left out.`] : []),
  ]
}
function limitNotes({ stages, lumped }: ProfileSummary): string[] {
  return [
    ...(stages.some(({ relativeError }) => relativeError > 0)
      ? ['Percentiles of stages with more than 65,536 values are within 0.05%.']
      : []),
    ...(lumped.stages > 0 ? ['Stages after the first 1,000 names are one row.'] : []),
    ...(lumped.processes > 0 ? ['Processes after the first 10,000 are counted as the unknown one.'] : []),
  ]
}
function processCount(count: number): string {
  return `${countText(count)} ${count === 1 ? 'process' : 'processes'}`
}
