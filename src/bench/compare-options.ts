import { OpscopeError } from '../errors.js'
import { checkKeys } from '../option-checks.js'
import type { CompareOptions } from './comparison.js'

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function checkedCompareOptions(options: CompareOptions): Required<CompareOptions> {
  checkKeys(options, ['threshold', 'confidence', 'allowUnlike'])
  const { threshold = 0.03, confidence = 0.99, allowUnlike = false } = options
  checkShare({ threshold }, 0.0001, 10)
  checkShare({ confidence }, 0.5, 0.999999)
  return { threshold, confidence, allowUnlike }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE unless the one option lies between the two. */
export function checkShare(option: Readonly<Record<string, unknown>>, least: number, most: number): void {
  for (const [key, value] of Object.entries(option)) {
    if (typeof value === 'number' && value >= least && value <= most) continue
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected the "${key}" option to be a number from ${least} to ${most}, got ${String(value)}.`,
      key === 'threshold' || key === 'targetInterval' ? 'It is a share: 0.03 is 3 %.' : undefined,
    )
  }
}
