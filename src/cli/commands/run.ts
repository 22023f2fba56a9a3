import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Command, Option } from 'commander'

import { openOutput } from '../../export/index.js'
import { checkText, environmentName, type ResolvedOptions } from '../../options.js'
import { captureOptionsOf } from '../../register/capture-options.js'
import { chooseIntegrations } from '../../register/settings.js'
import { runInPlace } from '../child.js'
import { addTracingFlags, type TracingFlags, tracingEnvironment } from '../tracing-flags.js'

type Flags = Record<string, string | true | undefined> & TracingFlags

const DEFAULT_PATH = 'opscope-%p.pftrace'
const REGISTER = fileURLToPath(new URL('../../register.cjs', import.meta.url))

/** Options of the recording: what follows the flag, if anything does, and what it means. Each sets its variable. */
const RECORDING: Record<Exclude<keyof ResolvedOptions, 'print'>, [argument: string, meaning: string]> = {
  profilePath: ['<path>', `where the capture goes; %p is the process id (default: "${DEFAULT_PATH}")`],
  format: ['<format>', 'format of the file, else by its suffix'],
  compress: ['<how>', 'none, or gzip'],
  maxFileMB: ['<n>', 'size at which a new file is begun, in MiB (1024, Chrome traces 200)'],
  keepMs: ['<ms>', 'keep only the last so many ms, in memory: a flight recorder'],
  dumpSignal: ['<signal>', 'writes what a flight recorder keeps'],
  slowMs: ['<ms>', 'writes it when a request, inference or section takes longer'],
  onFull: ['<what>', 'drop-new or drop-old, when memory is full'],
  flushMs: ['<ms>', 'how often what was recorded is brought to the file (250; 0: only at the end)'],
  state: ['<state>', 'CPU, GPU or All'],
  tracerOption: ['<option>', 'Default, OpDetail or AllOpDetail'],
  categories: ['<list>', 'all, host, device, or what is recorded; -gc leaves one out'],
  sortedKey: ['<key>', 'order of the report'],
  gpu: ['<choice>', 'auto, off or required'],
  gpuStartMs: ['<ms>', 'how long the start may wait for the GPU'],
  memory: ['', 'record GPU allocations too'],
  graphTrace: ['<choice>', 'CUDA graphs by node or by graph'],
  attribution: ['<choice>', 'auto, or exact across await'],
  bufferMB: ['<n>', 'memory for spans, in MiB'],
  startPaused: ['', 'record nothing until the program or the signal resumes'],
  delayMs: ['<ms>', 'how long after the start the recording begins'],
  durationMs: ['<ms>', 'how long it lasts; the file is complete then'],
  signal: ['<name>', 'pauses and resumes it: SIGUSR2'],
  traceparent: ['<header>', 'parent of what has none, as W3C Trace Context names it'],
  attributes: ['<list>', 'facts about the recording, key=value,key=value'],
}

export function runCommand(): Command {
  const command = new Command('run')
    .description('Profile a Node.js program, its worker threads and child processes, without touching its code.')
    .argument('<app>', 'the program; after "--" options of node may stand before it')
    .argument('[args...]', 'its arguments')
    .passThroughOptions()
  for (const [key, [argument, meaning]] of Object.entries(RECORDING)) {
    command.addOption(new Option(`${flagOf(key)} ${argument}`.trim(), meaning))
  }
  return addTracingFlags(command)
    .option('--capture-port <port>', 'where TensorBoard and others capture the program; 0: any port that is free')
    .option('--capture-host <list>', 'addresses that it listens at (127.0.0.1,::1)')
    .option('--summary', 'print the report to standard error at the end')
    .option('--integrations <list>', 'packages to record, of onnxruntime and tfjs; -tfjs leaves one out')
    .option('--quiet', 'do not say where the file is')
    .addHelpText(
      'after',
      `
Each process gets a file. Standard input, output and errors, signals and the exit code are those of the program.
With --capture-port or a flag of tracing, nothing else is recorded unless --profile-path or --summary asks for it.

Examples:
  opscope run server.mjs --port 8080
  opscope run --trace-file trace.json --trace-rate 100 --trace-level MAX server.mjs
  opscope run --summary --sorted-key total --profile-path trace.json.gz predict.js
  opscope run -- --max-old-space-size=8192 predict.js`,
    )
    .action((app: string, args: string[], flags: Flags) => {
      const env = environmentOf(flags)
      return runInPlace(process.execPath, ['--require', REGISTER, app, ...args], env)
    })
}

/**
 * The environment of the program. Register stands in it as well as on the command line: neither reaches every worker.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_FILE_WRITE, before the program starts
 */
function environmentOf(flags: Flags): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const key of Object.keys(RECORDING) as (keyof typeof RECORDING)[]) {
    const value = flags[new Option(flagOf(key)).attributeName()]
    if (value === undefined) continue
    const text = value === true ? '1' : value
    checkText(key, text)
    env[environmentName(key)] = text
  }
  if (flags.integrations !== undefined) {
    chooseIntegrations(String(flags.integrations))
    env.OPSCOPE_INTEGRATIONS = String(flags.integrations)
  }
  if (flags.summary) env.OPSCOPE_SUMMARY = '1'
  if (flags.quiet) env.OPSCOPE_QUIET = '1'
  if (flags.capturePort !== undefined) env.OPSCOPE_CAPTURE_PORT = String(flags.capturePort)
  if (flags.captureHost !== undefined) env.OPSCOPE_CAPTURE_HOST = String(flags.captureHost)
  const isCapturable = flags.capturePort !== undefined && captureOptionsOf(env) !== undefined
  const isProfiled = Boolean(env.OPSCOPE_PROFILE_PATH || env.FURIOSA_PROFILER_OUTPUT_PATH || env.OPSCOPE_SUMMARY)
  const tracing = tracingEnvironment(flags, isProfiled)
  Object.assign(env, tracing)
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --require ${JSON.stringify(REGISTER)}`.trim()
  if ((Object.keys(tracing).length > 0 || isCapturable) && !isProfiled) {
    if (flags.traceFile !== undefined) delete env.OPSCOPE_ROOT_PID
    return env
  }
  const isInherited = flags.profilePath === undefined && env.OPSCOPE_ROOT_PID !== undefined
  // The program is the first of its own processes, unless it writes where a profiled process above it writes.
  if (!isInherited) delete env.OPSCOPE_ROOT_PID
  env.OPSCOPE_PROFILE_PATH = resolve(env.OPSCOPE_PROFILE_PATH || env.FURIOSA_PROFILER_OUTPUT_PATH || DEFAULT_PATH)
  openOutput(env.OPSCOPE_PROFILE_PATH)
  return env
}

/** `bufferMB` → `--buffer-mb`. */
function flagOf(key: string): string {
  return `--${environmentName(key).replace('OPSCOPE_', '').toLowerCase().replaceAll('_', '-')}`
}
