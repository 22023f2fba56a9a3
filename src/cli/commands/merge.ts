import { resolve } from 'node:path'

import { Command } from 'commander'

import { ROLES } from '../../binding.js'
import type { Capture } from '../../capture.js'
import { OpscopeError } from '../../errors.js'
import { openOutput } from '../../export/index.js'
import { mergeCaptures } from '../../merge-captures.js'
import { durationText, plural } from '../../model/figure-text.js'
import { placesText } from '../../model/processes.js'
import { loadInput, tell, writeOutput } from '../streams.js'

interface Options {
  output: string
  shift?: Record<string, number>
}

const NS_OF: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 }

export function mergeCommand(): Command {
  return new Command('merge')
    .description('Join captures of several processes and hosts to one, on one timeline.')
    .argument('<files...>', 'captures, and CPU profiles of their processes; "-" is standard input')
    .requiredOption('-o, --output <file>', 'where it goes, the format by the suffix; "-" is standard output')
    .option('--shift <host=time>', 'add to the wall clock of a host, such as host-b=+1.5ms; repeatable', addShift)
    .addHelpText(
      'after',
      `
Processes of one host stand exactly where they were; hosts stand where their wall clocks say. What node --cpu-prof wrote
is laid under the spans of its process, and changes no figure of them.

Examples:
  opscope merge opscope-*.pftrace -o all.pftrace
  opscope merge client.pftrace server.json.gz -o both.json.gz --shift server-1=-350us
  opscope merge a.pftrace b.pftrace -o - | opscope report -
  opscope merge run.pftrace CPU.*.cpuprofile -o both.pftrace`,
    )
    .action(async (files: string[], { output, shift }: Options) => {
      if (output !== '-') {
        openOutput(output) // a bad path fails before long files are read
        checkApart(files, output)
      }
      const inputs = await Promise.all(files.map(file => (file === '-' ? loadInput(file) : file)))
      const merged = await mergeCaptures(inputs, shift === undefined ? {} : { shiftNs: shift })
      tell(merged.warnings)
      const written = await writeOutput(output, path => merged.export(path))
      tell(written.warnings)
      const line = `${summaryOf(merged, files.length)}${output === '-' ? '' : `: ${output}`}\n`
      if (output === '-') process.stderr.write(line)
      else process.stdout.write(line)
    })
}

/** `merged 3 captures: 3 processes on 1 host, 120 spans in 1.2 s`. */
function summaryOf(merged: Capture, files: number): string {
  const { processes, spans, durationNs } = merged
  const profiles = profileCount(merged)
  const inputs = plural(files - profiles, 'capture') + (profiles === 0 ? '' : ` and ${plural(profiles, 'CPU profile')}`)
  return `merged ${inputs}: ${placesText(processes)}, ${plural(spans.length, 'span')} in ${durationText(durationNs)}`
}
/** Each profile has a track of its own. */
function profileCount({ threads, spans }: Capture): number {
  let row = 0
  return threads.filter(({ spanCount }) => {
    const name = spanCount === 0 ? undefined : spans.names[spans.name[row]!]
    row += spanCount
    return name !== undefined && ROLES[name.role] === 'sample'
  }).length
}

/** A pattern of the shell that matches the output too would merge the last merge. */
function checkApart(files: string[], output: string): void {
  if (files.some(file => file !== '-' && resolve(file) === resolve(output))) {
    throw usageError(`${output} is both read and written.`, 'Write to another name, or to another folder.')
  }
}

function addShift(text: string, shifts: Record<string, number> = {}): Record<string, number> {
  const [, host, number, unit] = /^(.+)=([+-]?\d+(?:\.\d+)?)(ns|us|µs|ms|s)$/.exec(text) ?? []
  if (host === undefined || number === undefined || unit === undefined) {
    throw usageError(`Cannot understand the shift ${JSON.stringify(text)}.`, 'Write HOST=TIME, such as host-b=+1.5ms.')
  }
  if (host in shifts) {
    throw usageError(`Host ${host} is shifted twice.`, 'Give one shift for each host.')
  }
  return { ...shifts, [host]: Math.round(Number(number) * NS_OF[unit]!) }
}

function usageError(message: string, hint: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, hint)
}
