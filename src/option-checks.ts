import { OpscopeError } from './errors.js'
import { nameHint } from './nearest-name.js'

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN with the name that was most likely meant. */
export function checkKeys(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected options to be an object, got ${typeof options}.`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new OpscopeError('ERR_OPSCOPE_OPTION_UNKNOWN', `Unknown option "${key}".`, nameHint(key, known))
    }
  }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE unless the option is absent or one of the choices. */
export function checkChoice<O extends object>(options: O, key: keyof O & string, choices: readonly string[]): void {
  const value: unknown = options[key]
  if (value !== undefined && !choices.includes(value as string)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected the "${key}" option to be one of ${choices.join(', ')}, got ${JSON.stringify(value)}.`,
      typeof value === 'string' ? nameHint(value, choices) : undefined,
    )
  }
}

/**
 * @param option the one option to check, by its name
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
 */
export function checkWholeNumber(option: Readonly<Record<string, unknown>>, least: number, most: number): void {
  for (const [key, value] of Object.entries(option)) {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) continue
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected the "${key}" option to be a whole number from ${least} to ${most}, got ${String(value)}.`,
    )
  }
}
