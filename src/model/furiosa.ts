// Names and order of the columns that the profiler of furiosa-sdk (0.10) gives, so that what was written for its data
// frames finds them here. Idle is what it calls IoWait; unlike there, it is never below zero.
import { checkKeys } from '../option-checks.js'
import type { Table, TableColumn } from './table.js'

export interface TableOptions {
  /** The columns that Furiosa's profiler has, under its names. @default false */
  furiosa?: boolean
}

/** A column under another name. */
type As = (name: string, from?: string) => TableColumn

type Kind = 'inferences' | 'executions' | 'operators' | 'cpuOperators' | 'rows'

const COLUMNS: Record<Kind, (as: As) => TableColumn[]> = {
  inferences: as => [as('trace_id'), as('span_id'), as('thread.id'), as('dur')],
  executions: as => [
    as('trace_id'),
    as('span_id'),
    as('pe_index', 'device_index'),
    as('execution_index'),
    as('NPU Total', 'Total'),
    as('NPU Run', 'Busy'),
    as('NPU IoWait', 'Idle'),
  ],
  operators: as => [as('name'), as('average_elapsed (ns)', 'average_ns'), as('count')],
  cpuOperators: as => [as('trace_id'), as('span_id'), as('thread.id'), as('name'), as('operator_index'), as('dur')],
  rows: as => [
    as('trace_id'),
    as('parent_span_id'),
    as('span_id'),
    as('start'),
    as('end'),
    sideOf(as('cat')),
    as('name'),
    as('thread.id'),
    { name: 'dram_base', type: 'i64', at: () => null },
    as('pe_index', 'device_index'),
    as('execution_index'),
    as('instruction_index'),
    as('operator_index'),
    as('dur'),
  ],
}

/** The table as asked for. */
export function named(table: Table, kind: Kind, options: TableOptions): Table {
  checkKeys(options, ['furiosa'])
  if (options.furiosa !== true) return table
  return table.withColumns(find => COLUMNS[kind]((name, from = name) => ({ ...find(from), name })))
}

function sideOf(category: TableColumn): TableColumn {
  return { ...category, at: row => (category.at(row) === 'device' ? 'NPU' : 'Runtime') }
}
