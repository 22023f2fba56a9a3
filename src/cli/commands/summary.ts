import { Command, Option } from 'commander'

import { OpscopeError } from '../../errors.js'
import { plural } from '../../model/figure-text.js'
import { writePythonJson } from '../../serving/summary/python-json.js'
import { requestTraceText } from '../../serving/summary/request-trace.js'
import { summarizeTraces } from '../../serving/summary/summarize-traces.js'
import type { TraceFilterOptions } from '../../serving/summary/trace-filter.js'
import type { TraceSummary } from '../../serving/summary/trace-summary.js'
import { TRITON_VERSIONS, type TritonVersion } from '../../serving/summary/triton-passes.js'
import { tritonSummary } from '../../serving/summary/triton-summary.js'
import { positiveInteger } from '../positive-integer.js'
import { readInput, tell } from '../streams.js'

interface Options extends TraceFilterOptions {
  showTrace?: boolean
  verbose?: boolean
  compat?: string | true
  json?: boolean
  chrome?: string
  columns?: number
}
const UNREADABLE = 2
const NO_TRACES = 3

export function summaryCommand(): Command {
  return new Command('summary')
    .description('Print where requests to a model server spent their time, from its request traces.')
    .argument('[files...]', 'JSON that Triton or opscope/serving wrote, also packed as .gz; "-" is standard input')
    .option('-t, --show-trace', 'the stamps of each trace first')
    .addOption(new Option('--model <name>', 'only this model, NAME or NAME:VERSION'))
    .addOption(new Option('--since <time>', 'requests from here on: 10s after the first one, or ns of the trace'))
    .addOption(new Option('--until <time>', 'requests before'))
    .option('--json', 'all figures as JSON, times in ns')
    .option('--chrome <out>', 'write the requests as a Chrome trace, .json or .json.gz')
    .option('--compat [version]', `the text of Triton's trace_summary.py, byte for byte: ${TRITON_VERSIONS.join(', ')}`)
    .addOption(new Option('--columns <n>', 'width of the text (80)').argParser(positiveInteger))
    .option('-v, --verbose', 'also how much was read; with --compat the whole file first, as the original prints it')
    .addHelpText(
      'after',
      `
Examples:
  opscope summary trace.json
  opscope summary trace.json.* --model resnet50:3 --since 10s
  opscope summary trace.json --json | jq '.[].models[] | {model, complete}'
  opscope summary trace.json --chrome timeline.json.gz
  opscope summary --compat=v2.41 -t trace.json

Exit codes: 0 done, 1 failed, 2 wrong usage or a file that cannot be read, 3 no complete trace in any file.`,
    )
    .action(async (given: string[], options: Options) => {
      const { version, files } = compatOf(options.compat, given)
      if (options.compat !== undefined && (options.json === true || options.chrome !== undefined)) {
        throw new OpscopeError(
          'ERR_OPSCOPE_OPTION_VALUE',
          `--compat prints the text of another program: ${options.json ? '--json' : '--chrome'} is not part of it.`,
        )
      }
      if (options.chrome !== undefined && files.length > 1) {
        throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', '--chrome is for one file at a time.')
      }
      const summaries: TraceSummary[] = []
      let complete = 0
      for (const file of files) {
        try {
          complete += await summarize(file, options, version, summaries)
        } catch (error) {
          if (!isUnreadable(error)) throw error
          process.stderr.write(`opscope: ${error.message}\n`)
          process.exitCode = UNREADABLE
        }
      }
      if (options.json === true) process.stdout.write(`${JSON.stringify(summaries, null, 2)}\n`)
      if (complete === 0) process.exitCode ??= NO_TRACES
    })
}

/** `--compat FILE` has taken the file for its version. */
function compatOf(compat: Options['compat'], given: string[]): { version: TritonVersion | undefined; files: string[] } {
  const version = TRITON_VERSIONS.find(known => known === compat)
  const isFile = typeof compat === 'string' && version === undefined
  if (isFile && /^v?\d+(\.\d+)*$/.test(compat)) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected --compat=${TRITON_VERSIONS.join('|')}, got ${compat}.`)
  }
  const files = isFile ? [compat, ...given] : given
  if (files.length === 0) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'A summary needs a file.', 'opscope summary trace.json')
  }
  return { version, files }
}

/** Prints one file; how many traces its figures are of. */
async function summarize(
  file: string,
  options: Options,
  version: TritonVersion | undefined,
  summaries: TraceSummary[],
): Promise<number> {
  const { model, since, until, compat, chrome, showTrace: showTraces = false, json = false, verbose = false } = options
  const filter = {
    ...(model === undefined ? {} : { model }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
  const name = file === '-' ? '<stdin>' : file
  if (compat !== undefined) {
    const asked = version === undefined ? {} : { version }
    return readInput(file, async path => {
      const found = await tritonSummary(path, { ...filter, ...asked, showTraces, name })
      tell(found.warnings)
      if (verbose) await writePythonJson(path, found.version, print)
      await print(found.text)
      return found.traces
    })
  }
  const onTrace = async (trace: Parameters<typeof requestTraceText>[0]) => print(`${requestTraceText(trace)}\n\n`)
  const summary = await readInput(file, path =>
    summarizeTraces(path, {
      ...filter,
      name,
      ...(chrome === undefined ? {} : { chrome }),
      ...(showTraces && !json ? { onTrace } : {}),
    }),
  )
  tell(summary.warnings)
  if (verbose) {
    const { fragments, traces } = summary
    process.stderr.write(`opscope: ${name}: ${plural(traces, 'trace')} in ${plural(fragments, 'fragment')}\n`)
  }
  if (json) summaries.push(summary)
  else await print(`${summary.text(options.columns)}\n\n`)
  return summary.complete
}

/** Waits for a reader that is slower: the text of a long file would else be held in memory. */
async function print(text: string): Promise<void> {
  if (process.stdout.write(text)) return
  await new Promise(resolve => process.stdout.once('drain', resolve))
}

function isUnreadable(error: unknown): error is OpscopeError {
  return (
    error instanceof OpscopeError &&
    (error.code === 'ERR_OPSCOPE_FILE_READ' || error.code === 'ERR_OPSCOPE_FILE_FORMAT')
  )
}
