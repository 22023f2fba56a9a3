import { Command, Option } from 'commander'

import type { Capture } from '../../capture.js'
import { positiveInteger } from '../positive-integer.js'
import { loadInput, tell } from '../streams.js'

const TABLES = ['summary', 'inferences', 'executions', 'operators', 'cpuOperators'] as const
type TableName = (typeof TABLES)[number]
interface Options {
  table?: TableName
  rows?: number
  json?: boolean
}

export function tablesCommand(): Command {
  return new Command('tables')
    .description('Print latency, executions and operators of the inferences in a capture.')
    .argument('<file>', 'a capture, or a trace of another tool; "-" is standard input')
    .addOption(new Option('--table <name>', 'only this one').choices(TABLES))
    .addOption(new Option('--rows <n>', 'most rows of a table that are printed (10)').argParser(positiveInteger))
    .option('--json', 'all rows as JSON, times in ns')
    .addHelpText(
      'after',
      `
Examples:
  opscope tables trace.pftrace
  opscope tables trace.pftrace --table operators --rows 100
  opscope tables trace.pftrace --table inferences --json | jq '.[].dur'`,
    )
    .action(async (file: string, { table, rows, json }: Options) => {
      const capture = await loadInput(file)
      tell(capture.warnings)
      const text = json === true ? jsonOf(capture, table) : printed(capture, table, rows)
      process.stdout.write(`${text}\n`)
    })
}

function jsonOf(capture: Capture, only: TableName | undefined): string {
  const given = only === undefined ? Object.fromEntries(TABLES.map(name => [name, capture[name]()])) : capture[only]()
  return JSON.stringify(given, null, 2)
}

function printed(capture: Capture, only: TableName | undefined, maxRows = 10): string {
  const text = (name: TableName) =>
    name === 'summary' ? capture.summary().toString() : capture[name]().toString({ maxRows })
  if (only !== undefined) return text(only)
  return TABLES.map(name => (name === 'summary' ? text(name) : `${name}\n${text(name)}`)).join('\n\n')
}
