import type { BenchData } from './results.js'

/** Names of fields, and what each holds. */
type Shape = Readonly<Record<string, (value: unknown) => boolean>>

const isText = (value: unknown): boolean => typeof value === 'string'
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isNumber = (value: unknown): boolean => Number.isFinite(value)
const isTime = (value: unknown): boolean => isNumber(value) && (value as number) > 0
const oneOf = (...values: unknown[]) => values.includes.bind(values)
const listOf = (isGood: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(isGood)
const orNothing = (isGood: (value: unknown) => boolean) => (value: unknown) =>
  value === null || value === undefined || isGood(value)

function of(shape: Shape): (value: unknown) => boolean {
  return value =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([key, isGood]) => isGood((value as Readonly<Record<string, unknown>>)[key]))
}

const INTERVAL = { low: isNumber, high: isNumber, confidence: isNumber }
const FIGURES = { medianNs: isNumber, madNs: isNumber, p99Ns: isNumber, interval: orNothing(of(INTERVAL)) }
const OP = { ...FIGURES, path: listOf(isText), calls: isNumber, gpuNs: isNumber, valuesNs: listOf(isNumber) }
const CASE = {
  ...FIGURES,
  name: isText,
  run: isNumber,
  isAsync: isFlag,
  items: isNumber,
  itemsPerSecond: isNumber,
  iterations: isNumber,
  samples: isNumber,
  p99Of: oneOf('iteration', 'sample'),
  waitShare: isNumber,
  isWaitLeftOut: isFlag,
  isSettled: isFlag,
  unitsNs: listOf(isTime),
  roundsNs: listOf(listOf(isTime)),
  paceNs: listOf(isNumber),
  ops: listOf(of(OP)),
  profilerCost: orNothing(of({ value: isNumber, interval: orNothing(of(INTERVAL)) })),
  failure: orNothing(of({ stage: isText, message: isText })),
}
const ENVIRONMENT = {
  node: isText,
  v8: isText,
  opscope: isText,
  platform: isText,
  arch: isText,
  cpu: isText,
  cores: isNumber,
  memoryBytes: isNumber,
  load: isNumber,
  at: isText,
}
const RESULTS = {
  title: isText,
  unit: oneOf('round', 'launch'),
  targetInterval: isNumber,
  look: isTime,
  durationMs: isNumber,
  environment: of(ENVIRONMENT),
  warnings: listOf(isText),
  cases: listOf(of(CASE)),
}

/** What a report and a comparison read is there, and fits together. */
export function isWhole(data: Partial<BenchData>): data is BenchData {
  if (!of(RESULTS)(data)) return false
  const { cases } = data as BenchData
  const rounds = new Set(cases.flatMap(({ roundsNs }) => roundsNs.map(({ length }) => length)))
  return (
    rounds.size <= 1 &&
    !rounds.has(0) &&
    cases.every(({ unitsNs, roundsNs, paceNs }) => [roundsNs, paceNs].every(({ length }) => length === unitsNs.length))
  )
}
