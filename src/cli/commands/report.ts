import { Command, Option } from 'commander'

import { SORTED_KEYS, type SortedKey, type TracerOption } from '../../model/ops.js'
import { positiveInteger } from '../positive-integer.js'
import { loadInput } from '../streams.js'

interface Options {
  sortedKey?: SortedKey
  style?: 'default' | 'paddle'
  tracerOption?: TracerOption
  columns?: number
  json?: boolean
}

export function reportCommand(): Command {
  return new Command('report')
    .description('Print the op report of a capture or trace.')
    .argument('<file>', 'a capture, or a trace of another tool; "-" is standard input')
    .addOption(new Option('--sorted-key <key>', 'order of the rows').choices(SORTED_KEYS))
    .addOption(
      new Option('--style <style>', "paddle: the layout of PaddlePaddle's profiler, byte for byte").choices([
        'default',
        'paddle',
      ]),
    )
    .addOption(
      new Option('--tracer-option <option>', 'how much op detail is shown').choices([
        'Default',
        'OpDetail',
        'AllOpDetail',
      ]),
    )
    .addOption(new Option('--columns <n>', 'width of the text').argParser(positiveInteger))
    .option('--json', 'rows and summaries as JSON, times in ns')
    .addHelpText(
      'after',
      `
Examples:
  opscope report trace.pftrace --sorted-key total
  opscope report trace.pftrace --tracer-option OpDetail     compute, infer_shape and prepare_data apart
  opscope report profile.paddle.pb --style paddle
  opscope report trace.json.gz --json | jq '.ops[0]'`,
    )
    .action(async (file: string, { json, ...options }: Options) => {
      const capture = await loadInput(file)
      if (json === true) {
        const { sortedKey, tracerOption } = options
        const ops = capture.ops({ ...(sortedKey && { sortedKey }), ...(tracerOption && { tracerOption }) })
        process.stdout.write(`${JSON.stringify({ ...capture.toJSON(), ops }, null, 2)}\n`)
      } else {
        process.stdout.write(capture.report(options))
      }
    })
}
