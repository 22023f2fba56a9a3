import { Command, Option } from 'commander'

import { OpscopeError } from '../../errors.js'
import { loadCapture } from '../../load-capture.js'
import { mergeCaptures } from '../../merge-captures.js'
import { bytesText, plural } from '../../model/figure-text.js'
import { SORTED_KEYS, type SortedKey } from '../../model/ops.js'
import { captureRemote, type HostCapture, type RemoteCapture } from '../../remote/capture-client.js'
import { CaptureProgress } from '../capture-progress.js'
import { addConnectionFlags, type ConnectionFlags, connectionOf } from '../connection-flags.js'
import { duration } from '../duration.js'
import { positiveInteger } from '../positive-integer.js'

interface Options extends ConnectionFlags {
  duration: number
  logdir: string
  delay?: number
  sortedKey?: SortedKey
  columns?: number
  report: boolean
}

const FAILED = 1
const INTERRUPTED = 130

export function captureCommand(): Command {
  const command = new Command('capture')
    .description('Capture running processes over the network, many at the same time.')
    .argument('<addresses...>', 'HOST:PORT, several by commas: processes of opscope, TensorFlow or JAX')
    .addOption(
      new Option('--duration <time>', 'how long, such as 500ms, 2s or 1m').argParser(duration).default(1000, '1s'),
    )
    .option('--logdir <dir>', 'where TensorBoard looks for profiles', 'tb')
    .addOption(
      new Option('--delay <time>', 'until the common start (none for one host, 500ms for several)').argParser(duration),
    )
    .option('--no-report', 'print the names of the files instead of the report')
    .addOption(new Option('--sorted-key <key>', 'order of the rows of the report').choices(SORTED_KEYS))
    .addOption(new Option('--columns <n>', 'width of the report').argParser(positiveInteger))
  return addConnectionFlags(command)
    .addHelpText(
      'after',
      `
Ctrl-C ends the recordings early, and keeps what they have.

Examples:
  opscope capture localhost:9012 --duration 2s
  opscope capture gpu-1:9012,gpu-2:9012 --logdir /shared/tb --sorted-key total
  opscope capture tf-serving:8500 --no-report

Exit codes: 0 done, 1 no host gave anything, 2 wrong usage.`,
    )
    .action(async (addresses: string[], options: Options) => {
      const hosts = addresses.flatMap(list => list.split(',')).filter(address => address.trim() !== '')
      const capture = await captureInteractively(hosts, options)
      for (const host of capture.hosts) tellHost(host)
      const files = capture.hosts.flatMap(host => host.files)
      if (files.length === 0) {
        process.exitCode = FAILED
        return
      }
      process.stderr.write(`captured ${summaryOf(capture)}\n`)
      if (options.report) await printReports(capture, options)
      else process.stdout.write(files.map(({ path }) => `${path}\n`).join(''))
    })
}

async function captureInteractively(hosts: readonly string[], options: Options): Promise<RemoteCapture> {
  const { duration: durationMs, logdir, delay } = options
  const interruption = new AbortController()
  const interrupt = () => {
    // Whoever asks twice does not want to wait for what the hosts have.
    if (interruption.signal.aborted) process.exit(INTERRUPTED)
    interruption.abort()
  }
  const progress = new CaptureProgress(process.stderr, durationMs)
  process.on('SIGINT', interrupt)
  try {
    return await captureRemote(hosts, {
      ...connectionOf(options),
      durationMs,
      logdir,
      ...(delay === undefined ? {} : { startDelayMs: delay }),
      onProgress: each => progress.update(each),
      signal: interruption.signal,
    })
  } finally {
    process.off('SIGINT', interrupt)
    progress.end()
  }
}

function tellHost({ address, failure, warnings }: HostCapture): void {
  for (const warning of warnings) process.stderr.write(`opscope: ${address}: warning: ${warning}\n`)
  if (failure === undefined) return
  const hint = failure.hint === undefined ? '' : `\n  ${failure.hint}`
  process.stderr.write(`opscope: ${address}: ${failure.message}${hint}\n`)
}

/** `2 of 3 hosts, 1.2 MiB: tb/plugins/profile/2026_11_26_02_17_59`. */
function summaryOf({ hosts, folder }: RemoteCapture): string {
  const good = hosts.filter(({ failure }) => failure === undefined).length
  const which = good === hosts.length ? plural(good, 'host') : `${good} of ${plural(hosts.length, 'host')}`
  const bytes = hosts.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0)
  return `${which}, ${bytesText(bytes)}: ${folder}`
}

/** All hosts in one report; where their captures cannot be joined, one after the other. */
async function printReports({ hosts }: RemoteCapture, { sortedKey, columns }: Options): Promise<void> {
  const reportOptions = { ...(sortedKey && { sortedKey }), ...(columns && { columns }) }
  const captured = hosts.flatMap(({ address, files }) => {
    const file = files.find(({ path }) => path.endsWith('.xplane.pb'))
    return file === undefined ? [] : { address, path: file.path }
  })
  if (captured.length === 0) return
  try {
    const merged = await mergeCaptures(captured.map(({ path }) => path))
    process.stdout.write(`${merged.report(reportOptions)}\n`)
  } catch (error) {
    if (!(error instanceof OpscopeError) || error.code !== 'ERR_OPSCOPE_MERGE') throw error
    process.stderr.write(`opscope: ${error.message}\n`)
    for (const { address, path } of captured) {
      process.stdout.write(`${address}\n${(await loadCapture(path)).report(reportOptions)}\n\n`)
    }
  }
}
