import { OpscopeError } from '../errors.js'
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { type ProfilerOptions, resolveOptions } from '../options.js'
import { checkShare } from './compare-options.js'

/** How a benchmark is measured. */
export interface MeasureOptions {
  /** How long each case runs before it is timed. @default 200 */
  warmupMs?: number
  /** How long all may take together; a case that runs is not cut short. @default 10000 */
  budgetMs?: number
  /** Half the width that intervals are to have, as a share of the median; then it is enough. @default 0.01 */
  targetInterval?: number
  /** How long a sample should be: a short case is repeated in it. @default 10 */
  sampleMs?: number
  /** How long one sample, setup or teardown may take before its case fails. @default 10000 */
  deadlineMs?: number
  /** Options of the recording that tells the ops; false: none is made. @default {} */
  profile?: ProfilerOptions | false
  /** Only cases whose names have this in them. @default all */
  filter?: string
  /** Of the random order. @default 1 */
  seed?: number
}

export const MEASURE_KEYS: readonly (keyof MeasureOptions)[] = [
  'warmupMs',
  'budgetMs',
  'targetInterval',
  'sampleMs',
  'deadlineMs',
  'profile',
  'filter',
  'seed',
]

const DAY_MS = 86_400_000

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function checkedMeasureOptions<More extends string>(
  options: MeasureOptions,
  more: readonly More[] = [],
): Required<MeasureOptions> {
  checkKeys(options, [...MEASURE_KEYS, ...more])
  const { warmupMs = 200, budgetMs = 10_000, targetInterval = 0.01, sampleMs = 10, deadlineMs = 10_000 } = options
  const { profile = {}, filter = '', seed = 1 } = options
  checkWholeNumber({ warmupMs }, 0, DAY_MS)
  checkWholeNumber({ budgetMs }, 1, DAY_MS)
  checkShare({ targetInterval }, 0.0001, 10)
  checkWholeNumber({ sampleMs }, 1, DAY_MS)
  checkWholeNumber({ deadlineMs }, 1, DAY_MS)
  checkWholeNumber({ seed }, 0, 2 ** 32 - 1)
  if (typeof filter !== 'string') {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected the "filter" option to be a text, got ${filter}.`)
  }
  if (profile !== false) resolveOptions(profile)
  return { warmupMs, budgetMs, targetInterval, sampleMs, deadlineMs, profile, filter, seed }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE when no case has the name */
export function caseNamed<T extends { name: string }>(cases: readonly T[], name: string): T {
  const found = cases.find(each => each.name === name)
  if (found !== undefined) return found
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `No case is named ${JSON.stringify(name)}.`,
    `There are: ${cases.map(each => each.name).join(', ')}.`,
  )
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE when no name is left */
export function filtered<T>(cases: readonly T[], nameOf: (each: T) => string, filter: string): T[] {
  const kept = cases.filter(each => nameOf(each).includes(filter))
  if (kept.length > 0) return kept
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `No case has ${JSON.stringify(filter)} in its name.`,
    `There are: ${cases.map(nameOf).join(', ')}.`,
  )
}
