import { type Command, Option } from 'commander'

import type { FileOptions } from '../bench/measure-files.js'
import { duration } from './duration.js'
import { share } from './share.js'

/** What `bench` and `gate` have in common: how files are measured. */
export interface BenchFlags {
  budget: number
  warmup?: number
  sample?: number
  deadline?: number
  interval?: number
  filter?: string
  ops: boolean
  oneProcess?: boolean
  json?: string
  columns?: number
}

export function addBenchFlags(command: Command, budgetMs: number): Command {
  return command
    .addOption(
      new Option('--budget <time>', 'how long the measurement may take')
        .argParser(duration)
        .default(budgetMs, `${budgetMs / 1000}s`),
    )
    .addOption(new Option('--interval <share>', 'how narrow intervals of medians are to be (1%)').argParser(share))
    .addOption(new Option('--warmup <time>', 'how long each case runs before it is timed (200ms)').argParser(duration))
    .addOption(new Option('--sample <time>', 'how long a sample should be (10ms)').argParser(duration))
    .addOption(
      new Option('--deadline <time>', 'how long a sample may take before its case fails (10s)').argParser(duration),
    )
    .option('--filter <text>', 'only cases with this in their names')
    .option('--one-process', 'no fresh process for every few rounds: for files whose setup takes long')
    .option('--no-ops', 'do not profile: no ops, no cost of recording')
    .option('--json <path>', 'where the results go as JSON; "-" is standard output, instead of the report')
}

/** Options of the library for these flags. */
export function fileOptions(flags: BenchFlags): FileOptions {
  const { budget, warmup, sample, deadline, interval, filter, ops, oneProcess } = flags
  return {
    budgetMs: budget,
    ...(warmup !== undefined && { warmupMs: warmup }),
    ...(sample !== undefined && { sampleMs: sample }),
    ...(deadline !== undefined && { deadlineMs: deadline }),
    ...(interval !== undefined && { targetInterval: interval }),
    ...(filter !== undefined && { filter }),
    ...(!ops && { profile: false as const }),
    ...(oneProcess === true && { isOneProcess: true }),
  }
}
