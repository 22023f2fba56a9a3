import { CATEGORIES, type Category } from './binding.js'
import { OpscopeError } from './errors.js'
import { nameHint } from './nearest-name.js'
import { internName } from './span-calls.js'

// A category has few names in a healthy program; one with ids in its names must not grow without bound.
const MAX_CACHED_NAMES = 100_000
const idsByCategory = new Map<Category, Map<string, number>>()

/** The numbers of the names that were used in a category. */
export function idsOf(category: Category): Map<string, number> {
  let ids = idsByCategory.get(category)
  if (ids === undefined) {
    ids = new Map()
    idsByCategory.set(category, ids)
  }
  return ids
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
export function nameId(name: string, category: Category): number {
  const ids = idsOf(category)
  let id = ids.get(name)
  if (id === undefined) {
    checkName(name)
    checkCategory(category)
    if (ids.size >= MAX_CACHED_NAMES) ids.clear()
    id = internName(name, category)
    ids.set(name, id)
  }
  return id
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
export function checkName(name: unknown): void {
  if (typeof name !== 'string') {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected a name to be a string, got ${name === null ? 'null' : typeof name}.`,
    )
  }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
export function checkCategory(category: unknown): void {
  if (!CATEGORIES.includes(category as Category)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Unknown category ${JSON.stringify(category)}.`,
      nameHint(String(category), CATEGORIES),
    )
  }
}
