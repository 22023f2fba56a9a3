import { Command, Option } from 'commander'

import { OpscopeError } from '../../errors.js'
import { openOutput } from '../../export/index.js'
import { writePaddleTimeline } from '../../serving/show-profile.js'
import { type TimelineInput, writeTimeline } from '../../timeline.js'
import { loadInput, readInput, tell, writeOutput } from '../streams.js'

interface Options {
  profile_path?: string
  timeline_path?: string
  compat?: boolean
}
interface LabelledPath {
  label?: string
  path: string
}

// The defaults of Paddle's timeline.py.
const PROFILE_PATH = '/tmp/profile'
const TIMELINE_PATH = '/tmp/timeline'

export function timelineCommand(): Command {
  return new Command('timeline')
    .description('Write a Chrome trace for chrome://tracing or https://ui.perfetto.dev, of one or several captures.')
    .argument('[files...]', 'inputs, the output last; LABEL=FILE names the processes of an input')
    .addOption(new Option('--profile_path <list>', `Paddle's spelling: one file, or LABEL=FILE,…`))
    .addOption(new Option('--timeline_path <file>', `Paddle's spelling of the output`))
    .option('--compat', "of one log of stage lines: the file of Paddle Serving's timeline_trace.py, byte for byte")
    .addHelpText(
      'after',
      `
Several inputs stand side by side, each as processes of its own, on one clock where they know theirs.

Examples:
  opscope timeline trace.pftrace timeline.json
  opscope timeline client=client.pftrace server=server.pftrace timeline.json.gz
  opscope timeline --profile_path trainer1=f1,trainer2=f2,ps=f3 --timeline_path timeline.json
  opscope timeline profile timeline.json                        stage lines of FLAGS_profile_client`,
    )
    .action(async (files: string[], options: Options) => {
      const { inputs, output } = pathsOf(files, options)
      if (output !== '-') {
        openOutput(output, { format: 'chrome' })
      }
      if (options.compat === true) {
        await writeCompat(inputs, output)
        return
      }
      const loaded: TimelineInput[] = []
      for (const { path, label } of inputs) {
        const capture = await loadInput(path)
        tell(capture.warnings)
        loaded.push({ capture, ...(label === undefined ? {} : { label }) })
      }
      tell((await writeOutput(output, path => writeTimeline(loaded, path))).warnings)
    })
}

async function writeCompat(inputs: readonly LabelledPath[], output: string): Promise<void> {
  const [input] = inputs
  if (input === undefined || inputs.length > 1 || input.label !== undefined) {
    throw usageError('A timeline with --compat is of one log, without a label.')
  }
  const skipped = await readInput(input.path, from => writeOutput(output, to => writePaddleTimeline(from, to)))
  tell(skipped.warnings)
}

function pathsOf(files: string[], options: Options): { inputs: LabelledPath[]; output: string } {
  const { profile_path: profilePath, timeline_path: timelinePath } = options
  if (profilePath !== undefined || timelinePath !== undefined) {
    if (files.length > 0) {
      throw usageError('Files are given both by --profile_path or --timeline_path and without a name.')
    }
    return { inputs: (profilePath ?? PROFILE_PATH).split(',').map(labelled), output: timelinePath ?? TIMELINE_PATH }
  }
  const output = files.at(-1)
  if (output === undefined || files.length < 2) {
    throw usageError('A timeline needs an input and an output.')
  }
  return { inputs: files.slice(0, -1).map(labelled), output }
}

function labelled(item: string): LabelledPath {
  const at = item.indexOf('=')
  // A path may hold a "=" too, in its directories: a label has no slash.
  const isLabel = at > 0 && !item.slice(0, at).includes('/')
  return isLabel ? { label: item.slice(0, at), path: item.slice(at + 1) } : { path: item }
}

function usageError(message: string): OpscopeError {
  return new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    message,
    'opscope timeline IN OUT, or opscope timeline LABEL=IN LABEL=IN OUT',
  )
}
