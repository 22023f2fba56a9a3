import { groupBy } from './groups.js'
import { percentile } from './percentiles.js'
import { type ColumnSpec, Table } from './table.js'
import type { TraceRows } from './trace-rows.js'

const COLUMNS = [
  { name: 'name', type: 'str' },
  { name: 'average_ns', type: 'f64' },
  { name: 'count', type: 'i64' },
  { name: 'total_ns', type: 'i64' },
  { name: 'pct', type: 'f64' },
  { name: 'min', type: 'i64' },
  { name: 'p50', type: 'i64' },
  { name: 'p99', type: 'i64' },
  { name: 'max', type: 'i64' },
] as const satisfies ColumnSpec[]

/** What devices computed, by name; where they computed nothing, what the host did. The longest on average first. */
export function operatorTable(rows: TraceRows): Table {
  const onDevice = rows.inOrder.filter(row => rows.isDeviceOperator(row))
  const operators = onDevice.length > 0 ? onDevice : rows.inOrder.filter(row => rows.isCpuOperator(row))
  const sum = (durations: readonly number[]) => durations.reduce((total, ns) => total + ns, 0)
  const allNs = sum(operators.map(row => rows.durationNs(row)))
  const cells = Array.from(
    groupBy(operators, row => rows.name(row)),
    ([name, members]) => {
      const durations = members.map(row => rows.durationNs(row)).sort((a, b) => a - b)
      const total = sum(durations)
      return {
        name,
        average_ns: total / durations.length,
        count: durations.length,
        total_ns: total,
        pct: allNs === 0 ? 0 : (100 * total) / allNs,
        min: durations[0]!,
        p50: percentile(durations, 0.5),
        p99: percentile(durations, 0.99),
        max: durations.at(-1)!,
      }
    },
  )
  cells.sort((a, b) => b.average_ns - a.average_ns || (a.name < b.name ? -1 : 1))
  return Table.ofRows(COLUMNS, cells, 'No operators: nothing of category device, and no cpu_op in an inference.')
}

/** Each operator that the host computed, by start. */
export function cpuOperatorTable(rows: TraceRows): Table {
  const operators = rows.inOrder.filter(row => rows.isCpuOperator(row))
  const columns = rows.columnsNamed([
    'trace_id',
    'span_id',
    'inference_span_id',
    'thread.id',
    'name',
    'operator_index',
    'dur',
  ])
  const emptyLine = 'No CPU operators: no cpu_op in an inference, and no span with an operator_index.'
  return new Table(columns, operators, emptyLine)
}
