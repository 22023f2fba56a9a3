import { Table } from './table.js'
import type { TraceRows } from './trace-rows.js'

/** The finished spans of category inference, by start. */
export function inferenceTable(rows: TraceRows): Table {
  const inferences = rows.inOrder.filter(row => rows.isInference(row) && rows.isFinished(row))
  const columns = rows.columnsNamed(['trace_id', 'span_id', 'thread.id', 'name', 'dur'])
  return new Table(columns, inferences, 'No inferences: no span of category inference was finished.')
}
