import { readFile, writeFile } from 'node:fs/promises'

import { Command, Option } from 'commander'

import { compare } from '../../bench/compare-separate.js'
import type { BenchComparison } from '../../bench/comparison.js'
import { loadResults } from '../../bench/load-results.js'
import { benchmarkFile, compareFiles } from '../../bench/measure-files.js'
import { OpscopeError, reasonOf } from '../../errors.js'
import { openOutput } from '../../export/index.js'
import { addBenchFlags, type BenchFlags, fileOptions } from '../bench-flags.js'
import { positiveInteger } from '../positive-integer.js'
import { share } from '../share.js'

interface Flags extends BenchFlags {
  threshold?: number
  confidence?: number
  allowUnlike?: boolean
}

const FAILED = 1
const SLOWER = 3

export function gateCommand(): Command {
  return addBenchFlags(new Command('gate'), 60_000)
    .description('Say whether a benchmark got slower: for CI.')
    .argument('<base>', 'a benchmark file, or results as JSON')
    .argument('<head>', 'the same, of the change')
    .addOption(new Option('--threshold <share>', 'the smallest slowdown that is to be found (3%)').argParser(share))
    .addOption(
      new Option('--confidence <share>', 'how sure it is that equal code passes, all cases together (99%)').argParser(
        share,
      ),
    )
    .option('--allow-unlike', 'compare results of unlike machines')
    .addOption(new Option('--columns <n>', 'width of the text').argParser(positiveInteger))
    .addHelpText(
      'after',
      `
Two files are measured in turns, which finds the most; results are of different moments, and need larger changes.
Exit codes: 0 no case is slower, 1 a case failed or nothing could be compared, 2 wrong usage, 3 a case is slower.

Examples:
  opscope gate main/resnet.bench.mjs branch/resnet.bench.mjs
  opscope gate base.json head.json --threshold 5%
  opscope gate base.json resnet.bench.mjs --budget 2m`,
    )
    .action(async (base: string, head: string, flags: Flags) => {
      if (flags.json !== undefined && flags.json !== '-') openOutput(flags.json)
      const { comparison, hasFailures } = await gate(base, head, flags)
      await tell(comparison, flags)
      process.exitCode = comparison.isRegression ? SLOWER : hasFailures || !comparison.isDecided ? FAILED : 0
    })
}

async function gate(
  base: string,
  head: string,
  flags: Flags,
): Promise<{ comparison: BenchComparison; hasFailures: boolean }> {
  const options = fileOptions(flags)
  const { threshold, confidence, allowUnlike } = flags
  const decision = { ...(threshold !== undefined && { threshold }), ...(confidence !== undefined && { confidence }) }
  const [isBaseSaved, isHeadSaved] = await Promise.all([holdsJson(base), holdsJson(head)])
  if (!isBaseSaved && !isHeadSaved) {
    const found = await compareFiles(base, head, { ...options, ...decision })
    return { comparison: found.comparison, hasFailures: found.head.hasFailures }
  }
  const before = isBaseSaved ? await loadResults(base) : await benchmarkFile(base, options)
  const after = isHeadSaved ? await loadResults(head) : await benchmarkFile(head, options)
  const unlike = allowUnlike === true ? { allowUnlike } : {}
  return { comparison: compare(before, after, { ...decision, ...unlike }), hasFailures: after.hasFailures }
}

/** JSON begins so, and no JavaScript module that has cases does. */
async function holdsJson(path: string): Promise<boolean> {
  try {
    return path.endsWith('.json') || /^\s*\{\s*"/.test(await readFile(path, 'utf8'))
  } catch (error) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_READ', `Cannot read ${path}: ${reasonOf(error)}`)
  }
}

async function tell(comparison: BenchComparison, { json, columns }: Flags): Promise<void> {
  const text = `${JSON.stringify(comparison, null, 2)}\n`
  const report = `${comparison.report(columns === undefined ? {} : { columns })}\n`
  if (json === '-') {
    process.stdout.write(text)
    process.stderr.write(report)
    return
  }
  if (json !== undefined) await writeFile(json, text)
  process.stdout.write(report)
}
