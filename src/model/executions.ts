import { groupBy } from './groups.js'
import { coveredNs, type Interval } from './intervals.js'
import { type ColumnSpec, Table } from './table.js'
import type { TraceRows } from './trace-rows.js'

/** One run of a model on one device. */
interface Execution extends Interval {
  /** The span that it is, or in which it ran. */
  row: number
  device: 'cpu' | 'gpu'
  deviceIndex: number | bigint | null
  /** As told by who recorded it; else they are counted. */
  index?: number | bigint | null
  operators: readonly Interval[]
}

const COLUMNS = [
  { name: 'trace_id', type: 'str' },
  { name: 'span_id', type: 'str' },
  { name: 'inference_span_id', type: 'str' },
  { name: 'device', type: 'str' },
  { name: 'device_index', type: 'i64' },
  { name: 'execution_index', type: 'i64' },
  { name: 'Total', type: 'i64' },
  { name: 'Busy', type: 'i64' },
  { name: 'Idle', type: 'i64' },
  { name: 'OpSum', type: 'i64' },
] as const satisfies ColumnSpec[]

/**
 * The executions that a capture tells of. Where it tells of none, what each inference did on each device, from its
 * first start there to its last end; without any, the inference itself, on the host.
 */
export function executionTable(rows: TraceRows): Table {
  const told = toldExecutions(rows)
  const executions = told.length > 0 ? told : executionsOfInferences(rows)
  const counts = new Map<Execution['deviceIndex'], number>()
  const cells = executions.map(execution => {
    const { row, device, deviceIndex, operators } = execution
    const count = counts.get(deviceIndex) ?? 0
    counts.set(deviceIndex, count + 1)
    const total = execution.endNs - execution.startNs
    const busy = coveredNs(operators, execution)
    return {
      trace_id: rows.traceId(row),
      span_id: rows.spanId(row),
      inference_span_id: rows.inferenceSpanId(row),
      device,
      device_index: deviceIndex,
      execution_index: execution.index ?? count,
      Total: total,
      Busy: busy,
      Idle: total - busy,
      OpSum: operators.reduce((sum, { startNs, endNs }) => sum + (endNs - startNs), 0),
    }
  })
  return Table.ofRows(COLUMNS, cells, 'No executions: no span of category inference was finished.')
}

function toldExecutions(rows: TraceRows): Execution[] {
  const told = rows.inOrder.filter(row => rows.isExecution(row))
  if (told.length === 0) return []
  const around = rows.nearest(row => rows.isExecution(row))
  const operators = groupBy(
    rows.inOrder.filter(row => rows.isDeviceOperator(row)),
    row => around[row]!,
  )
  return told.map(row => ({
    row,
    device: 'gpu',
    deviceIndex: rows.number(row, 'device_index'),
    index: rows.number(row, 'execution_index'),
    ...rows.interval(row),
    operators: (operators.get(row) ?? []).map(operator => rows.interval(operator)),
  }))
}

function executionsOfInferences(rows: TraceRows): Execution[] {
  const ofInference = (isOne: (row: number) => boolean) =>
    groupBy(rows.inOrder.filter(isOne), row => rows.inference[row]!)
  const deviceWork = ofInference(row => rows.isDeviceWork(row))
  const cpuOperators = ofInference(row => rows.isCpuOperator(row))
  const executions = rows.inOrder
    .filter(row => rows.isInference(row) && rows.isFinished(row))
    .flatMap((row): Execution[] => {
      const work = deviceWork.get(row)
      if (work !== undefined) return executionsOnDevices(rows, row, work)
      const operators = (cpuOperators.get(row) ?? []).map(operator => rows.interval(operator))
      return [{ row, device: 'cpu', deviceIndex: null, ...rows.interval(row), operators }]
    })
  return executions.sort((a, b) => a.startNs - b.startNs)
}

function executionsOnDevices(rows: TraceRows, inference: number, work: readonly number[]): Execution[] {
  const byDevice = groupBy(work, row => rows.number(row, 'device_index'))
  return Array.from(byDevice, ([deviceIndex, onDevice]) => ({
    row: inference,
    device: 'gpu',
    deviceIndex,
    startNs: rows.startNs[onDevice[0]!]!,
    endNs: onDevice.reduce((latest, row) => Math.max(latest, rows.endNs[row]!), 0),
    operators: onDevice.filter(row => rows.isDeviceOperator(row)).map(row => rows.interval(row)),
  }))
}
