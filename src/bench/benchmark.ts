import { checkKeys } from '../option-checks.js'
import { type BenchCases, namedCases } from './cases.js'
import { collectedCases } from './collect.js'
import { checkedCompareOptions } from './compare-options.js'
import { comparePaired, firstLook, logRatio, type PairedDecision } from './compare-paired.js'
import { BenchComparison, type CompareOptions, unlikeTimes } from './comparison.js'
import { currentEnvironment } from './environment.js'
import { areNarrow, caseResult } from './figures.js'
import { LocalHost } from './local-host.js'
import { MeasurementRun } from './measurement.js'
import { caseNamed, checkedMeasureOptions, filtered, type MeasureOptions } from './options.js'
import { BenchResults, type CaseResult } from './results.js'
import { verdictOf } from './verdict.js'

export interface BenchmarkOptions extends MeasureOptions {
  /** @default those that bench() has added */
  cases?: BenchCases
  /** Of the report. @default 'benchmark' */
  title?: string
  /** A case that all others are compared with: it is enough when each comparison is decided. @default none */
  baseline?: string
  /** The smallest change that the comparisons are to find. @default 0.03 */
  threshold?: number
}

/** Comparisons of all with one may be wrong about equal code this often, together. */
const COMPARISON_ERROR = 0.01
// Rounds before the first look: an interval of 97.5 % takes 7, and of 12 it is of use.
const FIRST_LOOK = 12

/**
 * Measures cases in this process, in turns: rounds of samples in random, mirrored order, until the interval of each
 * median is as narrow as `targetInterval`, or the budget is spent. Times are of samples without the profiler; blocks
 * with and without it follow, which tell the ops and what recording costs.
 *
 * A case that throws, or whose promise does not settle in time, fails and the others go on. A body that never returns
 * blocks this process: `opscope bench FILE` runs cases where they can be ended.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, before anything is run
 * @example
 * const results = await benchmark({ cases: { sort: () => list.toSorted(), copy: () => list.slice() } })
 * console.log(results.report())
 */
export async function benchmark(options: BenchmarkOptions = {}): Promise<BenchResults> {
  const measure = checkedMeasureOptions(options, ['cases', 'title', 'baseline', 'threshold'])
  const { cases = collectedCases(), title = 'benchmark', baseline, threshold = 0.03 } = options
  checkedCompareOptions({ threshold })
  const named = filtered(namedCases(cases), ({ name }) => name, measure.filter)
  if (baseline !== undefined) caseNamed(named, baseline)
  const decision = { threshold, error: COMPARISON_ERROR, comparisons: Math.max(1, named.length - 1) }
  const host = new LocalHost(named, measure.deadlineMs)
  const environment = currentEnvironment()
  const start = performance.now()
  const { arms, look, warnings } = await new MeasurementRun({
    ...measure,
    caseNames: named.map(({ name }) => name),
    launch: async () => [host],
    sides: 1,
    areCasesCompared: baseline !== undefined,
    unit: 'round',
    firstLook: Math.max(FIRST_LOOK, baseline === undefined ? 0 : firstLook(decision)),
    isEnough: (running, at) => {
      const base = running.find(({ caseName }) => caseName === baseline)
      if (base === undefined) return areNarrow(running, at, measure.targetInterval)
      const heads = running.filter(arm => arm !== base)
      return heads.every(
        arm => verdictOf(logRatio(base.roundNs(), arm.roundNs(), decision, at), threshold) !== 'undecided',
      )
    },
  }).run()
  return new BenchResults({
    title,
    unit: 'round',
    targetInterval: measure.targetInterval,
    look,
    durationMs: performance.now() - start,
    environment,
    warnings,
    cases: arms.map(arm => caseResult(arm, look, measure.targetInterval)),
  })
}

/**
 * Compares cases of one run, whose samples took turns: what slows the machine slows both. Those of another file that the
 * results have, too, are left out.
 * @param base the name of a case
 * @param heads those to compare with it; all others when absent
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a name that no case has
 * @example
 * const results = await benchmark({ cases: { before, after }, baseline: 'before' })
 * console.log(compareCases(results, 'before').report())
 */
export function compareCases(results: BenchResults, base: string, options: CaseCompareOptions = {}): BenchComparison {
  checkKeys(options, ['threshold', 'confidence', 'heads'])
  const { heads, ...rest } = options
  const { threshold, confidence } = checkedCompareOptions(rest)
  const baseCase = caseNamed(results.cases, base)
  const named = heads?.map(name => caseNamed(results.cases, name)) ?? results.cases
  const others = results.cases.filter(each => each !== baseCase && named.includes(each))
  const decision: PairedDecision = { threshold, error: 1 - confidence, comparisons: Math.max(1, others.length) }
  const whyNot = (each: CaseResult): string | undefined => {
    const isMeasured = each.unitsNs.length > 0 && each.unitsNs.length === baseCase.unitsNs.length
    if (each.run !== baseCase.run) return `its samples did not take turns with those of ${base}`
    return isMeasured ? unlikeTimes(baseCase, each) : 'nothing to compare'
  }
  const compared = others.filter(each => whyNot(each) === undefined)
  return new BenchComparison({
    before: base,
    after: results.title,
    method: 'interleaved',
    threshold,
    confidence,
    cases: compared.map(each => comparePaired(each.name, baseCase, each, decision, results.look)),
    leftOut: others.filter(each => !compared.includes(each)).map(each => `${each.name}: ${whyNot(each)}`),
    warnings: results.warnings,
  })
}

export interface CaseCompareOptions extends Omit<CompareOptions, 'allowUnlike'> {
  /** Cases to compare with the base. @default all others */
  heads?: readonly string[]
}
