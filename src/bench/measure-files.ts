import { ChildHost } from './child-host.js'
import { checkedCompareOptions } from './compare-options.js'
import type { CompareOptions } from './comparison.js'
import { currentEnvironment } from './environment.js'
import { areNarrow, caseResult } from './figures.js'
import { measurePair, type PairedResults } from './measure-pair.js'
import { MeasurementRun } from './measurement.js'
import { checkedMeasureOptions, filtered, type MeasureOptions } from './options.js'
import { BenchResults } from './results.js'

export interface FileOptions extends MeasureOptions {
  /** One process for all samples, rather than a fresh one for every few: for files whose setup takes long. @default false */
  isOneProcess?: boolean
}

// Of a median, an interval of 97.5 % takes 7 launches.
const FIRST_LOOK = 8
// An odd number, for their median. The start and the warm-up of a process take as long as ten, so fewer save little.
const ROUNDS_OF_LAUNCH = 5
const FILE_KEYS = ['isOneProcess'] as const

/**
 * Measures the cases of a file in child processes, a fresh one for every few rounds: what differs from process to
 * process (where code and data lie, what was compiled when) is part of the spread then, as it is for users.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export async function benchmarkFile(path: string, options: FileOptions = {}): Promise<BenchResults> {
  const measure = checkedMeasureOptions(options, FILE_KEYS)
  const { isOneProcess = false } = options
  const caseNames = filtered(await caseNamesOf(path, measure.deadlineMs), name => name, measure.filter)
  const environment = currentEnvironment()
  const start = performance.now()
  const { arms, look, warnings } = await new MeasurementRun({
    ...measure,
    caseNames,
    launch: async () => [await ChildHost.open(path, measure.deadlineMs)],
    sides: 1,
    unit: isOneProcess ? 'round' : { rounds: ROUNDS_OF_LAUNCH },
    firstLook: isOneProcess ? 12 : FIRST_LOOK,
    isEnough: (running, at) => areNarrow(running, at, measure.targetInterval),
  }).run()
  return new BenchResults({
    title: path,
    unit: isOneProcess ? 'round' : 'launch',
    targetInterval: measure.targetInterval,
    look,
    durationMs: performance.now() - start,
    environment,
    warnings,
    cases: arms.map(arm => caseResult(arm, look, measure.targetInterval)),
  })
}

/**
 * Measures two files against each other: each launch has a process for either, and their samples take turns. It is
 * enough when every case of both is decided.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export async function compareFiles(
  basePath: string,
  headPath: string,
  options: FileOptions & Omit<CompareOptions, 'allowUnlike'> = {},
): Promise<PairedResults> {
  const measure = checkedMeasureOptions(options, [...FILE_KEYS, 'threshold', 'confidence'])
  const { isOneProcess = false } = options
  const compared = checkedCompareOptions(pick(options, ['threshold', 'confidence']))
  const ofBase = await caseNamesOf(basePath, measure.deadlineMs)
  const ofHead = await caseNamesOf(headPath, measure.deadlineMs)
  const shared = ofBase.filter(name => ofHead.includes(name))
  return measurePair({
    ...measure,
    ...compared,
    titles: [basePath, headPath],
    caseNames: shared.length === 0 ? [] : filtered(shared, name => name, measure.filter),
    launch: sides => openBoth([basePath, headPath], sides, measure.deadlineMs),
    unit: isOneProcess ? 'round' : { rounds: ROUNDS_OF_LAUNCH },
    leftOut: [
      ...ofBase.filter(name => !shared.includes(name)).map(name => `${name}: only in ${basePath}`),
      ...ofHead.filter(name => !shared.includes(name)).map(name => `${name}: only in ${headPath}`),
    ],
  })
}

async function caseNamesOf(path: string, deadlineMs: number): Promise<readonly string[]> {
  const host = await ChildHost.open(path, deadlineMs)
  await host.close()
  return host.caseNames
}

/** Both at once, begun in the order of `sides`; base first in the result. */
async function openBoth(
  paths: readonly [string, string],
  sides: readonly number[],
  deadlineMs: number,
): Promise<ChildHost[]> {
  const opening: Promise<ChildHost>[] = []
  for (const side of sides) opening[side] = ChildHost.open(paths[side]!, deadlineMs)
  const opened = await Promise.allSettled(opening)
  const hosts = opened.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = opened.find(each => each.status === 'rejected')
  if (failed === undefined) return hosts
  await Promise.all(hosts.map(host => host.close()))
  throw failed.reason
}

function pick<T extends object, K extends keyof T>(options: T, keys: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(keys.filter(key => options[key] !== undefined).map(key => [key, options[key]])) as Partial<
    Pick<T, K>
  >
}
