import { Command } from 'commander'

import { OpscopeError } from '../../errors.js'
import { profileReport } from '../../serving/profile-log/report-text.js'
import { paddleShowProfile, summarizeProfileLog } from '../../serving/show-profile.js'
import { positiveInteger } from '../positive-integer.js'
import { readInput, tell } from '../streams.js'

interface Options {
  compat?: boolean
  json?: boolean
  columns?: number
}

export function showProfileCommand(): Command {
  return new Command('show-profile')
    .description('Print what the stages of requests took, from a log of stage lines (FLAGS_profile_client).')
    .argument('<log>', 'a log with stage lines among whatever else; "-" is standard input')
    .argument('[threads]', 'how many clients the totals are divided by (default: the processes)', positiveInteger)
    .option('--compat', "the report of Paddle Serving's show_profile.py, byte for byte; needs threads")
    .option('--json', 'the figures as JSON, times in ns')
    .option('--columns <n>', 'width of the text', positiveInteger)
    .addHelpText(
      'after',
      `
Examples:
  opscope show-profile profile 4                      of four clients
  opscope show-profile profile 4 --compat
  opscope show-profile profile --json | jq '.stages[0]'
  opscope timeline profile timeline.json              the same on a timeline
  FLAGS_profile_client=1 node client.mjs > profile    what writes such a log`,
    )
    .action(async (log: string, threads: number | undefined, { compat, json, columns }: Options) => {
      if (compat === true) {
        if (threads === undefined || json === true) {
          throw new OpscopeError(
            'ERR_OPSCOPE_OPTION_VALUE',
            threads === undefined ? '--compat needs the number of threads.' : '--compat and --json exclude each other.',
            'opscope show-profile LOG THREADS --compat',
          )
        }
        const { text, warnings } = await readInput(log, path => paddleShowProfile(path, threads))
        process.stdout.write(text)
        tell(warnings)
        return
      }
      const summary = await readInput(log, path => summarizeProfileLog(path, threads))
      process.stdout.write(
        json === true
          ? `${JSON.stringify(summary, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`
          : profileReport(summary, columns),
      )
    })
}
