// The report of PaddlePaddle 2.0, byte for byte where the original is right. Where it was wrong and the layout can
// stay, the figures are right: framework overhead is never negative, peer copies are counted, spans pair per
// thread, instances number correctly, and captures without compute phases still tell computation from overhead.
import { copyMode, outermostCopies } from '../model/copies.js'
import { printedName } from '../model/names.js'
import { byThread, type ReportSource, type SortedKey, type TracerOption } from '../model/ops.js'
import { compareBy } from '../model/order.js'
import { overhead } from '../model/overhead.js'
import { depthOf, narrow, type OpNode, opTree, sumTotal, totalOf, walk } from '../model/tree.js'
import { padEnd, textWidth } from '../text-width.js'
import { fixed6, general } from './number-text.js'
import { ORDER_TEXT } from './op-tables.js'

const LABEL_WIDTH = 25
const DATA_WIDTH = 12
// The original's column of names is this much wider than the longest of them.
const NAME_MARGIN = 8
const PLACES = { CPU: 'CPU', GPU: 'CUDA', All: 'All' } as const
const RULE = '-'.repeat(25)

interface Table {
  groups: OpNode[][]
  isMerged: boolean
  hasSummaries: boolean
}

export function paddleReport(source: ReportSource, sortedKey: SortedKey, tracerOption: TracerOption): string {
  // The newest thread came first in the original's list of threads.
  const perThread = byThread(opTree(source, 'per-thread')).reverse()
  const tables: Table[] = []
  if (perThread.length > 1) tables.push({ groups: [opTree(source, 'merged')], isMerged: true, hasSummaries: true })
  tables.push({ groups: perThread, isMerged: false, hasSummaries: perThread.length < 2 })
  return tables.map(table => tableText(source, table, sortedKey, tracerOption)).join('')
}

function tableText(source: ReportSource, table: Table, sortedKey: SortedKey, tracerOption: TracerOption): string {
  const lines = [
    '',
    `${RULE}>     Profiling Report     <${RULE}`,
    '',
    ...(table.isMerged ? ['Note! This Report merge all thread info into one.'] : []),
    `Place: ${PLACES[source.meta.state]}`,
    'Time unit: ms',
    `Sorted by ${ORDER_TEXT[sortedKey]} in descending order in the same thread`,
    '',
    ...(table.hasSummaries ? [...overheadLines(source), '', ...copyLines(source)] : []),
    '',
    `${RULE}       Event Summary       ${RULE}`,
    '',
    ...eventLines(source, table, sortedKey, tracerOption),
  ]
  return `${lines.join('\n')}\n`
}

function overheadLines(source: ReportSource): string[] {
  const figures = overhead(source)
  const { accumulatedNs, computationNs, frameworkNs, elapsedNs, hasPhases, isClamped } = figures
  const computation = isClamped ? 1 : Math.fround(computationNs / accumulatedNs)
  const framework = Math.fround(1 - computation)
  const line = (label: string, ns: number, ratio: number, note: string): string =>
    `${cell(label, LABEL_WIDTH)}Total: ${cell(ms(ns), DATA_WIDTH)}Ratio: ${percent(ratio)}${note}`
  return [
    `${RULE}     Overhead Summary      ${RULE}`,
    '',
    ...(elapsedNs === undefined
      ? [`Total time: ${ms(figures.totalNs)}`]
      : [
          'Ops of several threads run at the same time inside `ParallelExecutor::Run`, so that',
          'thread1::OP1 + thread2::OP2 may be more than the time of `ParallelExecutor::Run`:',
          'Elapsed counts that event, Accumulated counts the ops inside it.',
          '',
          `Elapsed time of events: ${ms(elapsedNs)}`,
          `Accumulated time of events: ${ms(accumulatedNs)}`,
        ]),
    line('  Computation time', computationNs, computation, hasPhases || accumulatedNs === 0 ? '' : ' (of leaf ops)'),
    line('  Framework overhead', frameworkNs, framework, isClamped ? ' (clamped)' : ''),
  ]
}

function copyLines(source: ReportSource): string[] {
  const roots = opTree(source, 'merged')
  const totalNs = sumTotal(roots)
  const sums = {
    async: { calls: 0, ns: 0, ratio: 0 },
    sync: { calls: 0, ns: 0, ratio: 0 },
    peer: { calls: 0, ns: 0, ratio: 0 },
  }
  const all = { calls: 0, ns: 0, ratio: 0 }
  for (const node of outermostCopies(roots)) {
    const sum = sums[copyMode(node.trail.label)]
    sum.calls += node.columns.calls[node.row]!
    sum.ns += totalOf(node)
    sum.ratio = Math.fround(sum.ratio + Math.fround(totalOf(node) / totalNs))
  }
  for (const { calls, ns, ratio } of Object.values(sums)) {
    all.calls += calls
    all.ns += ns
    all.ratio = Math.fround(all.ratio + ratio)
  }
  const line = (label: string, { calls, ns, ratio }: typeof all): string =>
    `${cell(label, LABEL_WIDTH)}Calls: ${cell(String(calls), DATA_WIDTH)}Total: ${cell(ms(ns), DATA_WIDTH)}Ratio: ${percent(ratio)}`
  const labels = { async: '  GpuMemcpyAsync', sync: '  GpuMemcpySync', peer: '  GpuMemcpyPeer' }
  return [
    `${RULE}     GpuMemCpy Summary     ${RULE}`,
    '',
    line('GpuMemcpy', all),
    ...(['async', 'sync', 'peer'] as const).flatMap(mode =>
      sums[mode].calls > 0 ? [line(labels[mode], sums[mode])] : [],
    ),
  ]
}

function eventLines(source: ReportSource, table: Table, sortedKey: SortedKey, tracerOption: TracerOption): string[] {
  const isAll = source.meta.state === 'All'
  const nameWidth = NAME_MARGIN + longestName(table, tracerOption)
  const order = compareBy(sortedKey)
  const heads = [
    'Calls',
    'Total',
    ...(isAll ? ['CPU Time (Ratio)', 'GPU Time (Ratio)'] : []),
    'Min.',
    'Max.',
    'Ave.',
    'Ratio.',
  ]
  const widths = ['CPU Time (Ratio)', 'GPU Time (Ratio)']
  const lines = [
    cell('Event', nameWidth) + heads.map(head => cell(head, DATA_WIDTH * (widths.includes(head) ? 2 : 1))).join(''),
  ]

  for (const group of table.groups) {
    const tableNs = sumTotal(group)
    for (const node of walk(narrow(group, tracerOption), () => true, order)) {
      const { columns, row } = node
      const calls = columns.calls[row]!
      // Calls that never ended are no rows in the original.
      if (calls === 0) continue
      const totalNs = totalOf(node)
      const split = (ns: number): string => cell(`${fixed6(ns / 1e6)} (${fixed6(ns / totalNs)})`, 2 * DATA_WIDTH)
      lines.push(
        [
          cell('  '.repeat(depthOf(node)) + printedAs(node, table), nameWidth),
          cell(String(calls), DATA_WIDTH),
          cell(ms(totalNs), DATA_WIDTH),
          ...(isAll ? [split(columns.cpuNs[row]!), split(columns.gpuNs[row]!)] : []),
          ...[columns.minNs[row]!, columns.maxNs[row]!, totalNs / calls].map(ns => cell(ms(ns), DATA_WIDTH)),
          cell(general(Math.fround(totalNs / tableNs)), DATA_WIDTH),
        ].join(''),
      )
    }
  }
  return lines
}

/** The last name of the path; a phase prints with the op that it belongs to. The thread belongs to the first name. */
function printedAs(node: OpNode, table: Table): string {
  const name = printedName(node.trail.label)
  const thread = table.isMerged ? '' : `thread${node.thread}::`
  const owner = node.trail.above
  if (node.role !== 'phase' || owner === undefined) return node.parent === undefined ? thread + name : name
  const isOwnerFirst = node.parent === undefined || owner.above === undefined
  return `${isOwnerFirst ? thread : ''}${printedName(owner.label)}/${name}`
}

// Hidden rows count, as in the original; with Default a phase counts by its last name only.
function longestName(table: Table, tracerOption: TracerOption): number {
  let longest = 0
  for (const node of table.groups.flatMap(group => [...walk(group)])) {
    const isShort = node.role === 'phase' && tracerOption === 'Default' && node.parent !== undefined
    longest = Math.max(longest, textWidth(isShort ? printedName(node.trail.label) : printedAs(node, table)))
  }
  return longest
}

/** Left-justified. A cell that fills its column still gets a space, which the original left out. */
function cell(text: string, width: number): string {
  return textWidth(text) < width ? padEnd(text, width) : `${text} `
}
const ms = (ns: number): string => general(ns / 1e6)
const percent = (ratio: number): string => `${general(Math.fround(ratio * 100))}%`
