import { Command, Option } from 'commander'

import type { Capture } from '../../capture.js'
import { diffCaptures } from '../../diff-captures.js'
import { OpscopeError } from '../../errors.js'
import { type Output, writeOutput } from '../../export/index.js'
import { openPlace, writeWhole } from '../../export/output.js'
import { DIFF_SORTED_KEYS, type DiffOptions } from '../../model/diff/options.js'
import { positiveInteger } from '../positive-integer.js'
import { share } from '../share.js'
import { loadInput, tell } from '../streams.js'

interface Options extends DiffOptions {
  before?: string[]
  after?: string[]
  columns?: number
  all?: boolean
  json?: boolean
  html?: string
}

export function diffCommand(): Command {
  return new Command('diff')
    .description('Tell what got slower or faster between two captures, and whether that is more than noise.')
    .argument('[before]', 'a capture, or a trace of another tool; "-" is standard input')
    .argument('[after]', 'what it is compared with')
    .option('--before <files...>', 'several captures of the one side, instead of the arguments')
    .option('--after <files...>', 'several of the other')
    .addOption(
      new Option('--min-change <share>', 'least change per call that counts, 3% or 0.03 (10%)').argParser(share),
    )
    .addOption(new Option('--min-impact <share>', 'least share of all time that counts (1%)').argParser(share))
    .addOption(
      new Option('--confidence <share>', 'how sure slower and faster are, over all rows (95%)').argParser(share),
    )
    .addOption(new Option('--drift <mode>', 'off: judge what moved like most others too').choices(['auto', 'off']))
    .addOption(new Option('--sorted-key <key>', 'order of the rows').choices(DIFF_SORTED_KEYS))
    .addOption(
      new Option('--tracer-option <option>', 'how much op detail is compared').choices([
        'Default',
        'OpDetail',
        'AllOpDetail',
      ]),
    )
    .addOption(new Option('--columns <n>', 'width of the text').argParser(positiveInteger))
    .option('--all', 'all rows, not only those that changed or cannot be told')
    .option('--json', 'the answer and all rows as JSON, times in ns')
    .option('--html <file>', 'write a page instead; "-" is standard output')
    .addHelpText(
      'after',
      `
The exit code is 0 whatever changed.

Examples:
  opscope diff before.pftrace after.pftrace
  opscope diff before.pftrace after.pftrace --min-change 3% --html diff.html
  opscope diff before.pftrace after.pftrace --json | jq '.ops[] | select(.verdict == "slower") | .path'
  opscope diff --before a1.pftrace a2.pftrace a3.pftrace --after b1.pftrace b2.pftrace b3.pftrace`,
    )
    .action(async (before: string | undefined, after: string | undefined, options: Options) => {
      const { before: befores, after: afters, columns, all, json, html, ...diffOptions } = options
      const sides = sidesOf([before, after], befores, afters)
      if (json === true && html !== undefined) throw usageError('--json and --html cannot be had at once.')
      const page = html === undefined || html === '-' ? undefined : pageOutput(html) // before long files are read
      const [one = [], other = []] = await loadSides(sides)
      const diff = diffCaptures(one, other, diffOptions)
      if (page !== undefined) {
        const bytes = Buffer.from(await diff.html())
        await writeOutput(page, async fd => ({ bytes: writeWhole(fd, bytes), warnings: [] }))
        process.stdout.write(`${diff.summary}\n`)
      } else if (html !== undefined) {
        process.stdout.write(await diff.html())
      } else if (json === true) {
        process.stdout.write(`${JSON.stringify(diff, null, 2)}\n`)
      } else {
        process.stdout.write(`${diff.report({ ...(columns && { columns }), ...(all && { all }) })}\n`)
      }
    })
}

/** @throws OpscopeError ERR_OPSCOPE_FILE_WRITE */
function pageOutput(path: string): Output {
  return { ...openPlace(path), format: 'html', gzip: false, absolute: false }
}

function sidesOf(
  files: [string | undefined, string | undefined],
  before: string[] | undefined,
  after: string[] | undefined,
): [string[], string[]] {
  const given = files.filter(file => file !== undefined)
  if (before === undefined && after === undefined && given.length === 2) return [[given[0]!], [given[1]!]]
  if (before !== undefined && after !== undefined && given.length === 0) return [before, after]
  throw usageError('opscope diff needs two captures, or --before and --after with one or more each.')
}

/** One after the other: standard input can be read once, and captures are large. */
async function loadSides(sides: readonly string[][]): Promise<Capture[][]> {
  const loaded: Capture[][] = []
  if (sides.flat().filter(file => file === '-').length > 1)
    throw usageError('Standard input can be only one of the captures.')
  for (const files of sides) {
    const captures: Capture[] = []
    for (const file of files) captures.push(await loadInput(file))
    for (const capture of captures) tell(capture.warnings)
    loaded.push(captures)
  }
  return loaded
}

function usageError(message: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, 'opscope diff --help has examples.')
}
