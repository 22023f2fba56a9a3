import { Command, Option } from 'commander'

import { EXPORT_FORMATS, type ExportFormat, openOutput } from '../../export/index.js'
import { loadInput, tell, writeOutput } from '../streams.js'

const SUFFIXES =
  '.pftrace Perfetto, .json or .json.gz Chrome trace, .paddle.pb Paddle, .pb.gz pprof, .otlp.json OTLP, .xplane.pb TensorBoard; .arrow, .parquet, .csv or .csv.gz the rows; .html a page to look at'

export function convertCommand(): Command {
  return new Command('convert')
    .description('Write a capture or trace in another format, which the suffix of the output decides.')
    .argument('<in>', 'a capture, or a trace of another tool; "-" is standard input')
    .argument('<out>', `${SUFFIXES}; "-" is standard output`)
    .addOption(new Option('--format <format>', 'whatever the suffix says').choices(EXPORT_FORMATS))
    .option('--absolute', 'times in a table are moments, not ns since the start of the session')
    .addHelpText(
      'after',
      `
Examples:
  opscope convert trace.pftrace trace.json.gz
  opscope convert kineto.json trace.pftrace
  opscope convert trace.pftrace rows.parquet --absolute
  opscope convert trace.pftrace - --format chrome | gzip > trace.json.gz`,
    )
    .action(async (input: string, output: string, options: { format?: ExportFormat; absolute?: boolean }) => {
      if (output !== '-') {
        openOutput(output, options) // a bad path fails before a long file is read
      }
      const capture = await loadInput(input)
      tell(capture.warnings)
      tell((await writeOutput(output, path => capture.export(path, options))).warnings)
    })
}
