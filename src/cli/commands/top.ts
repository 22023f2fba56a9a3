import { Command, InvalidArgumentError, Option } from 'commander'

import { type LiveFrame, watchLive } from '../../remote/live-client.js'
import { addConnectionFlags, type ConnectionFlags, connectionOf } from '../connection-flags.js'
import { liveLines } from '../live-screen.js'
import { LiveTerminal } from '../live-terminal.js'
import { positiveInteger } from '../positive-integer.js'

interface Options extends ConnectionFlags {
  once?: boolean
  json?: boolean
  interval: number
  ops?: number
}

const TEXT_COLUMNS = 80
const TEXT_OPS = 20
const MOST_OPS = 40

export function topCommand(): Command {
  const command = new Command('top')
    .description('Show what a running process does, second by second.')
    .argument('<address>', 'HOST:PORT of a process that serves opscope')
    .option('--once', 'one second, and end')
    .option('--json', 'a line of JSON for each second, times in ns')
    .addOption(new Option('--interval <seconds>', 'between two looks').argParser(positiveInteger).default(1))
    .addOption(new Option('--ops <n>', `ops to show, at most ${MOST_OPS}`).argParser(opCount))
  return addConnectionFlags(command)
    .addHelpText(
      'after',
      `
Keys: q or Ctrl-C ends. The process records only while somebody watches. What is no terminal gets plain text.

Examples:
  opscope top localhost:9012
  opscope top gpu-1:9012 --once
  opscope top gpu-1:9012 --json | jq '.request.p99Ns'

Exit codes: 0 done, 1 the process is gone or could not be watched, 2 wrong usage.`,
    )
    .action(async (address: string, options: Options) => {
      const { once = false, json = false, interval, ops } = options
      const end = new AbortController()
      const terminal = json || once || !process.stdout.isTTY ? undefined : new LiveTerminal(() => end.abort())
      const interrupt = () => end.abort()
      process.on('SIGINT', interrupt)
      process.on('SIGTERM', interrupt)
      const frames = watchLive(address, {
        ...connectionOf(options),
        everySeconds: interval,
        ops: ops ?? (terminal === undefined ? TEXT_OPS : MOST_OPS),
        signal: end.signal,
      })
      try {
        for await (const frame of frames) {
          if (terminal !== undefined) terminal.show(frame)
          else process.stdout.write(json ? `${JSON.stringify(frame)}\n` : textOf(frame))
          if (once) break
        }
      } finally {
        terminal?.close()
        process.off('SIGINT', interrupt)
        process.off('SIGTERM', interrupt)
      }
    })
}

function textOf(frame: LiveFrame): string {
  const columns = process.stdout.columns ?? TEXT_COLUMNS
  return `${liveLines(frame, { columns, rows: Infinity }).join('\n')}\n\n`
}

function opCount(text: string): number {
  const value = positiveInteger(text)
  if (value > MOST_OPS) throw new InvalidArgumentError(`Expected at most ${MOST_OPS}.`)
  return value
}
