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
