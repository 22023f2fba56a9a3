import { countText, plural } from '../../model/figure-text.js'
import { factLines } from '../../report/fact-lines.js'
import { TimeScale } from '../../report/number-text.js'
import { type Column, type TableRow, tableLines } from '../../report/text-table.js'
import { cutMiddle, wrap } from '../../text-width.js'
import type { TraceTensor } from '../trace-batch.js'
import { HISTOGRAM_ERROR, MOST_EXACT } from '../value-distribution.js'
import type { DataFlowTrace } from './data-flow.js'
import type { EnsembleSummary } from './ensembles.js'
import type { LineFigures } from './line-figures.js'
import type { IncompleteTraces, ModelSummary } from './model-groups.js'
import { modelText, oneLine } from './request-trace.js'
import type { TraceSummaryData } from './trace-summary.js'

const KEPT = Number.POSITIVE_INFINITY

export function traceSummaryText(summary: TraceSummaryData, width: number): string {
  const { traces, complete, incomplete, models, ensembles, dataFlow } = summary
  const head = [
    `File: ${oneLine(summary.file)}`,
    ...wrap(
      [plural(traces, 'trace'), `${countText(complete)} complete`, ...incomplete.map(reasonText)].join(' · '),
      width,
    ),
  ]
  const blocks = [head, ...models.map(model => modelLines(model, width))]
  if (ensembles.length > 0) blocks.push(ensembleLines(ensembles, width))
  if (dataFlow !== null) blocks.push([`Data flow of trace ${dataFlow.id}`, ...flowLines(dataFlow, 1, width)])
  const isApproximate = models.some(({ lines }) => lines.some(({ relativeError }) => relativeError > 0))
  if (isApproximate) {
    const share = `${(HISTOGRAM_ERROR * 100).toFixed(2)}%`
    blocks.push(
      wrap(`p50, p90 and p99 of lines with more than ${countText(MOST_EXACT)} traces are within ${share}.`, width),
    )
  }
  return blocks.map(lines => lines.join('\n')).join('\n\n')
}

function reasonText({ reason, count }: IncompleteTraces): string {
  if (reason === 'reversed') return `${countText(count)} with an end before its start`
  return `${countText(count)} without ${reason === 'model' ? 'a model' : reason}`
}

function modelLines({ model, version, role, traces, complete, incomplete, lines }: ModelSummary, width: number) {
  const counts = incomplete.length === 0 ? [] : [`${countText(complete)} complete`, ...incomplete.map(reasonText)]
  const title = wrap([modelText(model, version), role, plural(traces, 'trace'), ...counts].join(' · '), width)
  if (lines.length === 0) return title
  // An idle wait may be hours: its decimals would take the room of a column.
  const scale = scaleOf(lines.filter(({ name }) => name !== 'wait_read'))
  const rows = lines.map(line => ({
    cells: [
      line.label,
      countText(line.count),
      ...timeCells(line, line.name === 'wait_read' ? wholeCell(scale) : ns => scale.cell(ns)),
    ],
    indent: line.depth + 1,
  }))
  return [...title, ...tableLines(timeColumns('', 'n', scale), rows, width)]
}

function timeColumns(first: string, count: string, scale: TimeScale): Column[] {
  const block = [`time of one in ${scale.unit.name}`, scale.unit.name]
  return [
    { head: first, keep: KEPT },
    { head: count, keep: KEPT },
    { head: 'mean', keep: KEPT, block },
    { head: 'p50', keep: 4, block },
    { head: 'p90', keep: 2, block },
    { head: 'p99', keep: 3, block },
    { head: 'max', keep: 1, block },
  ]
}
function scaleOf(lines: readonly LineFigures[]): TimeScale {
  return TimeScale.ofMedian(
    lines.map(({ p50Ns }) => p50Ns),
    lines.reduce((largest, { maxNs }) => Math.max(largest, maxNs), 0),
  )
}
type Cell = (ns: number) => string
const wholeCell =
  (scale: TimeScale): Cell =>
  ns =>
    countText(ns / scale.unit.ns)
const timeCells = ({ meanNs, p50Ns, p90Ns, p99Ns, maxNs }: LineFigures, cell: Cell): string[] =>
  [meanNs, p50Ns, p90Ns, p99Ns, maxNs].map(cell)

function ensembleLines(roots: readonly EnsembleSummary[], width: number): string[] {
  const all: EnsembleSummary[] = []
  const collect = (each: EnsembleSummary) => {
    all.push(each)
    each.children.forEach(collect)
  }
  roots.forEach(collect)
  const scale = scaleOf(all.flatMap(({ handler, self }) => [handler, self].filter(figures => figures !== undefined)))
  const block = [`time of one in ${scale.unit.name}`, scale.unit.name]
  const columns: Column[] = [
    { head: 'ensemble', keep: KEPT },
    { head: 'calls', keep: KEPT },
    { head: 'handler', keep: KEPT, block },
    { head: 'p50', keep: 2, block },
    { head: 'p99', keep: 1, block },
    { head: 'self', keep: KEPT, block },
    { head: 'p50', keep: 2, block },
    { head: 'p99', keep: 1, block },
  ]
  const rows: TableRow[] = []
  const add = ({ model, version, role, calls, handler, self, children }: EnsembleSummary, depth: number) => {
    const name = model === '' ? '(requests that are not in the file)' : modelText(model, version)
    const cell = (figures: LineFigures | undefined, key: 'meanNs' | 'p50Ns' | 'p99Ns') =>
      figures === undefined ? '' : scale.cell(figures[key])
    rows.push({
      cells: [
        depth === 1 && model !== '' ? `${name} ${role}` : name,
        countText(calls),
        ...(['meanNs', 'p50Ns', 'p99Ns'] as const).map(key => cell(handler, key)),
        ...(['meanNs', 'p50Ns', 'p99Ns'] as const).map(key => cell(self, key)),
      ],
      indent: depth,
    })
    for (const child of children) add(child, depth + 1)
  }
  for (const root of roots) add(root, 1)
  return tableLines(columns, rows, width)
}

const STEP = '  '
function flowLines({ model, version, tensors, children }: DataFlowTrace, depth: number, width: number): string[] {
  const indent = STEP.repeat(Math.min(depth, width / 4))
  const facts = tensors.map(
    ({ activity, name, ...rest }) =>
      [`${activity.replace(/^TENSOR_/, '')} ${oneLine(name)}`, [tensorText(rest)]] satisfies [string, string[]],
  )
  return [
    cutMiddle(indent + modelText(model, version), width),
    ...factLines(facts, width - indent.length).map(line => indent + line),
    ...children.flatMap(child => flowLines(child, depth + 1, width)),
  ]
}
// The first values are enough to tell whether it is the tensor that one thinks it is.
const MOST_DATA = 40
function tensorText({ dtype, shape, data }: Omit<TraceTensor, 'activity' | 'name'>): string {
  const values =
    data.length <= MOST_DATA
      ? data
      : `${data.slice(0, data.lastIndexOf(',', MOST_DATA) + 1) || data.slice(0, MOST_DATA)}…`
  return oneLine(`${dtype}[${shape}] ${values.replaceAll(',', ' ')}`.trimEnd())
}
