import { writeFile } from 'node:fs/promises'

import { Command, Option } from 'commander'

import { compare } from '../../bench/compare-separate.js'
import type { BenchComparison } from '../../bench/comparison.js'
import { loadResults } from '../../bench/load-results.js'
import { benchmarkFile, compareFiles } from '../../bench/measure-files.js'
import { BenchResults } from '../../bench/results.js'
import { OpscopeError } from '../../errors.js'
import { openOutput } from '../../export/index.js'
import { addBenchFlags, type BenchFlags, fileOptions } from '../bench-flags.js'
import { positiveInteger } from '../positive-integer.js'
import { share } from '../share.js'

interface Flags extends BenchFlags {
  against?: string
  with?: string
  threshold?: number
}

const FAILED = 1
const SLOWER = 3

export function benchCommand(): Command {
  return addBenchFlags(new Command('bench'), 30_000)
    .description('Measure the cases of benchmark files, with an op report, until their intervals are narrow.')
    .argument('<files...>', 'modules that call bench() of opscope/bench, or export their cases')
    .option('--against <results>', 'compare with earlier results, of --json')
    .option('--with <file>', 'compare with the same cases of another file, in turns')
    .addOption(new Option('--threshold <share>', 'the smallest change that is to be found (3%)').argParser(share))
    .addOption(new Option('--columns <n>', 'width of the text').argParser(positiveInteger))
    .addHelpText(
      'after',
      `
Cases run in processes of their own, a fresh one for every few rounds; what does not end is ended with its process.
Exit codes: 0 done, 1 a case failed or nothing was compared, 2 wrong usage, 3 a case is slower.

Examples:
  opscope bench resnet.bench.mjs
  opscope bench resnet.bench.mjs --budget 2m --interval 0.5% --json resnet.json
  opscope bench resnet.bench.mjs --against resnet.json
  opscope bench old/resnet.bench.mjs --with new/resnet.bench.mjs`,
    )
    .action(async (files: string[], flags: Flags) => {
      if (flags.json !== undefined && flags.json !== '-') openOutput(flags.json)
      const before = flags.against === undefined ? undefined : await loadResults(flags.against)
      const { results, comparison } = await measure(files, flags, before)
      await tellResults(results, comparison, flags)
    })
}

interface Outcome {
  results: BenchResults
  comparison: BenchComparison | undefined
}

async function measure(files: string[], flags: Flags, before: BenchResults | undefined): Promise<Outcome> {
  const options = fileOptions(flags)
  const threshold = flags.threshold === undefined ? {} : { threshold: flags.threshold }
  if (flags.with !== undefined) {
    if (files.length > 1 || before !== undefined) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        '--with compares one file with one other.',
        'Give one file, and --with or --against.',
      )
    }
    const { head, comparison } = await compareFiles(files[0]!, flags.with, { ...options, ...threshold })
    return { results: head, comparison }
  }
  const measured: BenchResults[] = []
  for (const file of files) measured.push(await benchmarkFile(file, { ...options, ...budgetOf(options, files.length) }))
  const results = united(measured)
  return { results, comparison: before === undefined ? undefined : compare(before, results, threshold) }
}

function budgetOf({ budgetMs = 0 }: { budgetMs?: number }, files: number): { budgetMs: number } {
  return { budgetMs: Math.max(1, Math.round(budgetMs / files)) }
}

/** Cases of several files are told apart by the file's name before theirs. */
function united(measured: readonly BenchResults[]): BenchResults {
  const [first] = measured
  if (measured.length === 1) return first!
  return new BenchResults({
    ...first!.toJSON(),
    title: measured.map(({ title }) => title).join(', '),
    look: measured.reduce((most, { look }) => Math.max(most, look), 0),
    durationMs: measured.reduce((sum, { durationMs }) => sum + durationMs, 0),
    warnings: measured.flatMap(({ warnings }) => warnings),
    cases: measured.flatMap(({ title, cases }, run) =>
      cases.map(each => ({ ...each, run, name: `${title} > ${each.name}` })),
    ),
  })
}

async function tellResults(
  results: BenchResults,
  comparison: BenchComparison | undefined,
  flags: Flags,
): Promise<void> {
  const { json, columns } = flags
  const width = columns === undefined ? {} : { columns }
  if (json !== undefined) {
    const text = `${JSON.stringify(results, null, 2)}\n`
    if (json === '-') process.stdout.write(text)
    else await writeFile(json, text)
  }
  if (json !== '-') {
    process.stdout.write(`${results.report(width)}\n`)
    if (comparison !== undefined) process.stdout.write(`\n${comparison.report(width)}\n`)
  } else if (comparison !== undefined) {
    process.stderr.write(`${comparison.report(width)}\n`)
  }
  const isCompared = comparison === undefined || comparison.isDecided
  process.exitCode = comparison?.isRegression ? SLOWER : results.hasFailures || !isCompared ? FAILED : 0
}
