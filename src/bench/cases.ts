import { OpscopeError } from '../errors.js'
import { checkKeys } from '../option-checks.js'

/** What is measured: one iteration of it. May return a promise, which is then awaited as part of the iteration. */
export type CaseBody = (context: never) => unknown

/** A case with more to say than its body. */
export interface CaseDefinition {
  run: CaseBody
  /** Runs once before the case is measured, untimed; what it returns or resolves to is the body's argument. */
  setup?: () => unknown
  /** Runs once afterwards, with the same argument. */
  teardown?: (context: never) => unknown
  /** How many items one iteration works on, such as its batch size: the throughput counts them. @default 1 */
  items?: number
}
export interface NamedCase extends CaseDefinition {
  name: string
}
/** Cases by name, or a list of named ones. */
export type BenchCases = Readonly<Record<string, CaseBody | CaseDefinition>> | readonly NamedCase[]

const CASE_KEYS = ['run', 'setup', 'teardown', 'items']

/**
 * Checked and with names, in their order.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_OPTION_UNKNOWN
 */
export function namedCases(cases: BenchCases): NamedCase[] {
  if (typeof cases !== 'object' || cases === null) {
    throw badCase(`Expected cases to be an object or a list, got ${cases === null ? 'null' : typeof cases}.`)
  }
  const named = Array.isArray(cases)
    ? (cases as NamedCase[]).map(each => checkedCase(each?.name, each))
    : Object.entries(cases).map(([name, given]) => checkedCase(name, given))
  const seen = new Set<string>()
  for (const { name } of named) {
    if (seen.has(name)) throw badCase(`Two cases are named ${JSON.stringify(name)}.`, 'Give each a name of its own.')
    seen.add(name)
  }
  if (named.length === 0) throw badCase('There is no case to run.', 'Give cases, or call bench(name, body).')
  return named
}

function checkedCase(name: unknown, given: CaseBody | CaseDefinition): NamedCase {
  if (typeof name !== 'string' || name.trim() === '') {
    throw badCase(`Expected the name of a case to be a text, got ${JSON.stringify(name)}.`)
  }
  const definition: CaseDefinition = typeof given === 'function' ? { run: given } : given
  if (typeof definition !== 'object' || definition === null || typeof definition.run !== 'function') {
    throw badCase(`Expected the case ${JSON.stringify(name)} to be a function, or an object with "run".`)
  }
  checkKeys(definition, ['name', ...CASE_KEYS])
  for (const hook of ['setup', 'teardown'] as const) {
    if (definition[hook] !== undefined && typeof definition[hook] !== 'function') {
      throw badCase(`Expected "${hook}" of the case ${JSON.stringify(name)} to be a function.`)
    }
  }
  const { items } = definition
  if (items !== undefined && !(Number.isFinite(items) && items > 0)) {
    throw badCase(`Expected "items" of the case ${JSON.stringify(name)} to be a positive number, got ${items}.`)
  }
  return { ...definition, name }
}

function badCase(message: string, hint?: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, hint)
}
