// Instances of an op print as type<k>: k counts the variables under one parent path and one type, in order of
// first start. The key is the whole path plus the variable, so nested instances never share a number by accident
// (the original keyed a nested instance by the text between two variables and did).
import { ROLES } from '../binding.js'
import type { OpColumns } from '../native-tables.js'
import type { ReportSource } from './ops.js'

/**
 * The name of each row of `columns` as it is printed, before escaping. Numbers come from the merged table, so an
 * instance has one name in all tables.
 */
export function instanceLabels(source: ReportSource, columns: OpColumns): string[] {
  const { names } = source.view
  const instanceRole = ROLES.indexOf('instance')
  if (!names.some(name => name.role === instanceRole)) return Array.from(columns.name, name => names[name]!.text)

  const paths = new PathIds()
  const numbers = new Map<string, number>()
  const counts = new Map<string, number>()
  const numberOf = (parentPath: number, name: number): number => {
    const { text, instance } = names[name]!
    const key = JSON.stringify([parentPath, text, instance])
    const known = numbers.get(key)
    if (known !== undefined) return known
    const group = JSON.stringify([parentPath, text])
    const number = counts.get(group) ?? 0
    counts.set(group, number + 1)
    numbers.set(key, number)
    return number
  }

  const { merged } = source
  const mergedParents = paths.parents(merged)
  const instances = [...merged.name.keys()].filter(row => names[merged.name[row]!]!.role === instanceRole)
  instances.sort((a, b) => merged.firstStartNs[a]! - merged.firstStartNs[b]! || a - b)
  for (const row of instances) numberOf(mergedParents[row]!, merged.name[row]!)

  return paths.parents(columns).map((parentPath, row) => {
    const name = columns.name[row]!
    const { role, text } = names[name]!
    return role === instanceRole ? `${text}${numberOf(parentPath, name)}` : text
  })
}

/** One small number per path of names, the same in all tables. */
class PathIds {
  readonly #ids = new Map<string, number>()

  /** The id of each row's parent path; -1 at the top. */
  parents(columns: OpColumns): number[] {
    const own: number[] = []
    return Array.from(columns.parent, (parent, row) => {
      const above = parent < 0 ? -1 : own[parent]!
      const key = `${above}/${columns.name[row]}`
      const id = this.#ids.get(key) ?? this.#ids.size
      this.#ids.set(key, id)
      own.push(id)
      return above
    })
  }
}
