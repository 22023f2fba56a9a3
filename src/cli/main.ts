#!/usr/bin/env node
import { Command, CommanderError } from 'commander'

import { OpscopeError } from '../errors.js'
import { VERSION } from '../version.js'
import { benchCommand } from './commands/bench.js'
import { captureCommand } from './commands/capture.js'
import { convertCommand } from './commands/convert.js'
import { diffCommand } from './commands/diff.js'
import { doctorCommand } from './commands/doctor.js'
import { gateCommand } from './commands/gate.js'
import { mergeCommand } from './commands/merge.js'
import { reportCommand } from './commands/report.js'
import { runCommand } from './commands/run.js'
import { showProfileCommand } from './commands/show-profile.js'
import { summaryCommand } from './commands/summary.js'
import { tablesCommand } from './commands/tables.js'
import { timelineCommand } from './commands/timeline.js'
import { topCommand } from './commands/top.js'
import { viewCommand } from './commands/view.js'

const DONE = 0
const FAILED = 1
const WRONG_USAGE = 2

const program = new Command('opscope')
  .description('Where did the time of an inference go: which op, CPU or GPU, compute or overhead, which copy.')
  .version(VERSION)
  .showHelpAfterError('Run with --help for the options and examples.')
  .addHelpText(
    'after',
    `
Files are told by their content: captures of opscope (.pftrace, .json, .json.gz), Paddle profiles, Chrome traces,
PyTorch and ONNX Runtime profiles, logs of stage lines. "-" is standard input or output.

Examples:
  opscope run --summary server.mjs                 profile a program as it is
  opscope report trace.pftrace                     what took the time
  opscope report ort_profile.json --sorted-key total
  opscope view trace.pftrace                       look at it in your browser
  opscope convert trace.pftrace trace.json.gz      another format, by its suffix
  opscope timeline /tmp/profile timeline.json      open it in https://ui.perfetto.dev
  opscope merge opscope-*.pftrace -o all.pftrace   processes and hosts on one timeline
  opscope tables trace.pftrace                     latency, executions and operators of inferences
  opscope diff before.pftrace after.pftrace        what got slower or faster, beyond noise
  opscope summary trace.json                       where requests to a model server spent their time
  opscope show-profile profile 4                   stages of requests, of FLAGS_profile_client=1
  opscope capture gpu-1:9012 --duration 2s         a running process, over the network
  opscope top gpu-1:9012                           what it does now, second by second
  opscope bench resnet.bench.mjs                   how fast, how sure, and which op takes it
  opscope gate base.bench.mjs head.bench.mjs       did it get slower: for CI
  opscope doctor                                   what this machine can record

Exit codes: 0 done, 1 failed, 2 wrong usage; of run, those of the program; of summary, bench and gate, see their help.`,
  )
// What follows the program of `run` is the program's.
program.enablePositionalOptions()
for (const command of [
  runCommand(),
  reportCommand(),
  convertCommand(),
  timelineCommand(),
  mergeCommand(),
  tablesCommand(),
  diffCommand(),
  summaryCommand(),
  showProfileCommand(),
  captureCommand(),
  topCommand(),
  viewCommand(),
  benchCommand(),
  gateCommand(),
  doctorCommand(),
]) {
  // A command that is made on its own inherits nothing; an error must not end the process before it is told.
  program.addCommand(command.copyInheritedSettings(program).exitOverride())
}
program.exitOverride()

// The reader of a pipe may have seen enough: `opscope report … | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? DONE : FAILED)
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = failureCode(error)
}

function failureCode(error: unknown): number {
  if (error instanceof CommanderError) {
    // commander has told the user already; help and version come this way too.
    return error.exitCode === 0 ? DONE : WRONG_USAGE
  }
  if (error instanceof OpscopeError) {
    process.stderr.write(`opscope: ${error.message}\n`)
    return error.code.startsWith('ERR_OPSCOPE_OPTION_') ? WRONG_USAGE : FAILED
  }
  process.stderr.write(`opscope: ${error instanceof Error ? error.stack : String(error)}\n`)
  return FAILED
}
