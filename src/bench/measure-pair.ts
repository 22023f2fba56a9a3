import { comparePaired, firstLook, logRatio, type PairedDecision } from './compare-paired.js'
import { BenchComparison, type CompareOptions } from './comparison.js'
import { currentEnvironment } from './environment.js'
import { caseResult } from './figures.js'
import { type MeasurementOptions, MeasurementRun } from './measurement.js'
import type { MeasureOptions } from './options.js'
import { BenchResults, type CaseResult } from './results.js'
import { verdictOf } from './verdict.js'

export interface PairOptions
  extends Required<Omit<MeasureOptions, 'filter' | 'deadlineMs'>>,
    Required<Omit<CompareOptions, 'allowUnlike'>>,
    Pick<MeasurementOptions, 'caseNames' | 'launch' | 'unit' | 'now'> {
  /** Of base and head. */
  titles: readonly [base: string, head: string]
  /** Why some cases are not among those to compare. */
  leftOut: readonly string[]
}

export interface PairedResults {
  base: BenchResults
  head: BenchResults
  comparison: BenchComparison
}

/** Measures base and head in turns, wherever they run, until every case is decided or the budget is spent. */
export async function measurePair(options: PairOptions): Promise<PairedResults> {
  const { caseNames, unit, titles, targetInterval, threshold, confidence } = options
  const decision: PairedDecision = { threshold, error: 1 - confidence, comparisons: Math.max(1, caseNames.length) }
  const environment = currentEnvironment()
  const start = performance.now()
  const { arms, look, warnings } = await new MeasurementRun({
    ...options,
    sides: 2,
    firstLook: firstLook(decision),
    isEnough: (running, at) =>
      caseNames.every(name => {
        const [base, head] = running.filter(({ caseName }) => caseName === name)
        if (base === undefined || head === undefined) return true
        return verdictOf(logRatio(base.roundNs(), head.roundNs(), decision, at), threshold) !== 'undecided'
      }),
  }).run()
  const durationMs = performance.now() - start
  const [base, head] = titles.map((title, side) => {
    const cases = arms.filter(arm => arm.side === side).map(arm => caseResult(arm, look, targetInterval))
    const unitName = unit === 'round' ? ('round' as const) : ('launch' as const)
    return new BenchResults({ title, unit: unitName, targetInterval, look, durationMs, environment, warnings, cases })
  }) as [BenchResults, BenchResults]
  const pairs = base.cases.map((each, at) => [each, head.cases[at]!] as const)
  return {
    base,
    head,
    comparison: new BenchComparison({
      before: titles[0],
      after: titles[1],
      method: 'interleaved',
      threshold,
      confidence,
      cases: pairs.filter(isMeasured).map(([a, b]) => comparePaired(a.name, a, b, decision, look)),
      leftOut: [...options.leftOut, ...pairs.filter(pair => !isMeasured(pair)).map(([each]) => whyNot(each))],
      warnings,
    }),
  }
}

function isMeasured([base]: readonly [CaseResult, CaseResult]): boolean {
  return base.unitsNs.length > 0 && base.failure === undefined
}

function whyNot({ name, failure }: CaseResult): string {
  return failure === undefined
    ? `${name}: nothing was measured`
    : `${name}: it failed in its ${failure.stage}: ${failure.message}`
}
