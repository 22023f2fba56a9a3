// opscope/bench: benchmarks with an op report, and comparisons that know how sure they are.

export { type BenchmarkOptions, benchmark, type CaseCompareOptions, compareCases } from './benchmark.js'
export type { CaseStage, Failure } from './case-failure.js'
export type { BenchCases, CaseBody, CaseDefinition, NamedCase } from './cases.js'
export { bench, suite } from './collect.js'
export { compare } from './compare-separate.js'
export {
  BenchComparison,
  type CaseComparison,
  type CompareOptions,
  type Comparison,
  type ComparisonData,
  type OpComparison,
} from './comparison.js'
export type { BenchEnvironment } from './environment.js'
export { loadResults } from './load-results.js'
export { benchmarkFile, compareFiles, type FileOptions } from './measure-files.js'
export type { PairedResults } from './measure-pair.js'
export type { MeasureOptions } from './options.js'
export {
  type BenchData,
  BenchResults,
  type CaseResult,
  type Figures,
  type Interval,
  type OpResult,
  type ResultsReportOptions,
  type Share,
} from './results.js'
export type { Verdict } from './verdict.js'
