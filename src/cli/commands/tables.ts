import { Command, Option } from 'commander'

import type { Summary } from '../../model/summary.js'
import { Table } from '../../model/table.js'
import { positiveInteger } from '../positive-integer.js'
import { loadInput, tell } from '../streams.js'

const TABLES = ['summary', 'inferences', 'executions', 'operators', 'cpuOperators'] as const
type TableName = (typeof TABLES)[number]
interface Options {
  table?: TableName
  rows?: number
  furiosa?: boolean
  json?: boolean
}

export function tablesCommand(): Command {
  return new Command('tables')
    .description('Print latency, executions and operators of the inferences in a capture.')
    .argument('<file>', 'a capture, or a trace of another tool; "-" is standard input')
    .addOption(new Option('--table <name>', 'only this one').choices(TABLES))
    .addOption(new Option('--rows <n>', 'most rows of a table that are printed (10)').argParser(positiveInteger))
    .option('--furiosa', "the columns of Furiosa's profiler, under its names")
    .option('--json', 'all rows as JSON, times in ns')
    .addHelpText(
      'after',
      `
Examples:
  opscope tables trace.pftrace
  opscope tables trace.pftrace --table operators --rows 100
  opscope tables trace.pftrace --table inferences --json | jq '.[].dur'`,
    )
    .action(async (file: string, { table, rows, furiosa = false, json }: Options) => {
      const capture = await loadInput(file)
      tell(capture.warnings)
      const get = (name: TableName) => (name === 'summary' ? capture.summary() : capture[name]({ furiosa }))
      process.stdout.write(`${json === true ? jsonOf(get, table) : printed(get, table, rows)}\n`)
    })
}

type Get = (name: TableName) => Summary | Table

function jsonOf(get: Get, only: TableName | undefined): string {
  const given = only === undefined ? Object.fromEntries(TABLES.map(name => [name, get(name)])) : get(only)
  return JSON.stringify(given, null, 2)
}

function printed(get: Get, only: TableName | undefined, maxRows = 10): string {
  const text = (name: TableName) => {
    const table = get(name)
    return table instanceof Table ? table.toString({ maxRows }) : table.toString()
  }
  if (only !== undefined) return text(only)
  return TABLES.map(name => (name === 'summary' ? text(name) : `${name}\n${text(name)}`)).join('\n\n')
}
