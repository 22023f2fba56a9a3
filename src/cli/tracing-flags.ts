// The flags of request tracing, for commands that start a program.
import { resolve } from 'node:path'

import type { Command } from 'commander'

import { OpscopeError } from '../errors.js'
import { openPlace } from '../export/output.js'
import { environmentOfTraceFlags, parseTraceFlags, type TraceFlags, traceFlagsOf } from '../serving/trace-flags.js'
import { TraceSettings } from '../serving/trace-settings.js'
import { checkTracerOptions, startSettings } from '../serving/tracer-options.js'

/** As commander hands them over. */
export interface TracingFlags {
  traceFile?: string
  traceRate?: string
  traceLevel?: string
  traceCount?: string
  traceLogFrequency?: string
  traceConfig?: string[]
}

export function addTracingFlags(command: Command): Command {
  const collect = (value: string, before: string[] = []): string[] => [...before, value]
  return command
    .option('--trace-file <path>', 'where traces of inference requests go, as JSON of Triton')
    .option('--trace-rate <n>', 'every how many-th request is traced (1000)')
    .option('--trace-level <level>', 'OFF, TIMESTAMPS or TENSORS; of old MIN or MAX')
    .option('--trace-count <n>', 'how many are traced; -1: no limit')
    .option('--trace-log-frequency <n>', 'how many traces make a file <path>.0, .1, …; 0: one file')
    .option('--trace-config <setting>', 'one of these as Triton spells it, rate=100 say; several times', collect)
}

/**
 * The variables of the program's environment that the flags set.
 * @param isProfiled whether requests are also spans of a profile
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_FILE_WRITE
 */
export function tracingEnvironment(flags: TracingFlags, isProfiled: boolean): Record<string, string> {
  const given: TraceFlags = {
    file: flags.traceFile && resolve(flags.traceFile),
    rate: flags.traceRate,
    level: flags.traceLevel,
    count: flags.traceCount,
    logFrequency: flags.traceLogFrequency,
    config: flags.traceConfig,
  }
  const variables = environmentOfTraceFlags(given)
  if (Object.keys(variables).length === 0) return {}
  // With what the environment has already: the program must not be the first to find that it does not fit.
  const { options = {} } = parseTraceFlags(traceFlagsOf({ ...process.env, ...variables })) ?? {}
  checkTracerOptions(options)
  const start = startSettings(options)
  new TraceSettings(start)
  if (start.mode === 'spans' && !isProfiled) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      'Traces of requests have nowhere to go.',
      'Add --trace-file, or --profile-path to have the requests in a profile.',
    )
  }
  if (options.file !== undefined) openPlace(options.file)
  return variables
}
