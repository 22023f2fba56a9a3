import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { OpscopeError, reasonOf } from '../errors.js'
import { type BenchCases, type NamedCase, namedCases } from './cases.js'
import { collectedCases } from './collect.js'

/**
 * The cases of a file: those that it adds by bench(), and those of its default export, an object of cases by name or a
 * list of named ones.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_FORMAT (no cases), ERR_OPSCOPE_OPTION_VALUE
 */
export async function loadCases(path: string): Promise<NamedCase[]> {
  const before = collectedCases().length
  let exported: unknown
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
    exported = module.default
  } catch (error) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_READ', `Cannot run ${path}: ${reasonOf(error)}`, undefined, {
      cause: error,
    })
  }
  const collected = collectedCases().slice(before)
  const given = isFilled(exported) ? namedCases(exported) : []
  if (collected.length + given.length === 0) {
    throw new OpscopeError(
      'ERR_OPSCOPE_FILE_FORMAT',
      `${path} has no case to run.`,
      'Call bench(name, body) of opscope/bench in it, or export default { name: body }.',
    )
  }
  return namedCases([...collected, ...given])
}

/** A CommonJS file without exports has an empty object for its default. */
function isFilled(exported: unknown): exported is BenchCases {
  return typeof exported === 'object' && exported !== null && Object.keys(exported).length > 0
}
