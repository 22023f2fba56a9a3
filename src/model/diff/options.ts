import { OpscopeError } from '../../errors.js'
import { checkChoice, checkKeys } from '../../option-checks.js'
import { TRACER_OPTIONS } from '../capture-meta.js'
import type { TracerOption } from '../ops.js'

export const DIFF_SORTED_KEYS = ['effect', 'change', 'total', 'calls', 'name'] as const
/** Order of a diff's rows: by time won or lost, by relative change, by own time after, by calls after, by path. */
export type DiffSortedKey = (typeof DIFF_SORTED_KEYS)[number]

export interface DiffOptions {
  /** @default 'effect' */
  sortedKey?: DiffSortedKey
  /** The least change per call that counts, as a share: 0.1 is 10 %. @default 0.1 */
  minChange?: number
  /** The least change that counts, as a share of the time of all that is compared with it. @default 0.01 */
  minImpact?: number
  /** How sure `slower` and `faster` must be, over all rows together. @default 0.95 */
  confidence?: number
  /** `off`: what moved like most others is judged as if it had moved alone. @default 'auto' */
  drift?: 'auto' | 'off'
  /** How much op detail is compared. @default that of the capture with less */
  tracerOption?: TracerOption
}
export type CheckedDiffOptions = Required<Omit<DiffOptions, 'tracerOption'>> & Pick<DiffOptions, 'tracerOption'>

const KEYS = ['sortedKey', 'minChange', 'minImpact', 'confidence', 'drift', 'tracerOption'] as const

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function checkedDiffOptions(options: DiffOptions): CheckedDiffOptions {
  checkKeys(options, KEYS)
  checkChoice(options, 'sortedKey', DIFF_SORTED_KEYS)
  checkChoice(options, 'drift', ['auto', 'off'])
  checkChoice(options, 'tracerOption', TRACER_OPTIONS)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const checked = {
    sortedKey: 'effect',
    // Two recordings of one program were seen to differ by 11 % in an op of plain JavaScript beside a changed one.
    minChange: 0.1,
    minImpact: 0.01,
    confidence: 0.95,
    drift: 'auto',
    ...given,
  } as CheckedDiffOptions
  checkShare('minChange', checked.minChange, share => share >= 0 && share <= 10, 'from 0 to 10')
  checkShare('minImpact', checked.minImpact, share => share >= 0 && share <= 1, 'from 0 to 1')
  checkShare('confidence', checked.confidence, share => share >= 0.5 && share < 1, 'from 0.5 to below 1')
  return checked
}

function checkShare(key: string, value: unknown, isGood: (share: number) => boolean, range: string): void {
  if (typeof value === 'number' && isGood(value)) return
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "${key}" option to be a number ${range}, got ${String(value)}.`,
    'Shares are fractions: 0.05 is 5 %.',
  )
}
