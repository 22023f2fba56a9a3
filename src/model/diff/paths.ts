import { CATEGORIES, type Category, ROLES, type Role } from '../../binding.js'
import { instanceLabels } from '../instances.js'
import type { ReportSource, TracerOption } from '../ops.js'

/** A path of ops or async stages, the same number in all captures of a diff. */
export interface DiffPath {
  /** Index of the path around it; -1: none. */
  parent: number
  name: string
  category: Category
  role: Role
  isAsync: boolean
}

/** Numbers for paths, so that those of deep trees are never spelled out to be compared. */
export class DiffPaths {
  readonly list: DiffPath[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(path: DiffPath): number {
    const key = `${path.parent} ${path.category} ${path.role} ${path.isAsync} ${path.name}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.list.push(path) - 1
    this.#numbers.set(key, number)
    return number
  }
  /** Names from the outermost to this one. */
  namesOf(path: number): string[] {
    const names: string[] = []
    for (let at = path; at >= 0; at = this.list[at]!.parent) names.push(this.list[at]!.name)
    return names.reverse()
  }
}

// Not ops: they have figures of their own.
const NOT_OPS: ReadonlySet<Category> = new Set(['gc', 'event_loop', 'overhead'])

/** What each row of a merged op table is in a diff. */
export interface RowPaths {
  /** -1: not compared. */
  path: Int32Array
  /** 1: hidden by the tracer option, so a part of the row that is shown around it, and no call of its own. */
  isPart: Uint8Array
}

/** As narrow() of tree.ts decides what is shown: a row of the top is, whatever its role. */
export function rowPaths(source: ReportSource, option: TracerOption, paths: DiffPaths): RowPaths {
  const { merged, view } = source
  const labels = instanceLabels(source, merged)
  const path = new Int32Array(merged.parent.length)
  const isPart = new Uint8Array(merged.parent.length)
  const isOp = new Uint8Array(merged.parent.length)
  for (let row = 0; row < path.length; row++) {
    const entry = view.names[merged.name[row]!]!
    const category = CATEGORIES[entry.category]!
    const parent = merged.parent[row]!
    const isAsync = merged.isAsync[row] === 1
    if (NOT_OPS.has(category)) {
      path[row] = -1
      continue
    }
    const role = ROLES[entry.role]!
    isOp[row] = Number(!isAsync)
    isPart[row] = Number(!isAsync && isOp[parent] === 1 && isHidden(role, option))
    const above = parent < 0 ? -1 : path[parent]!
    const name = labels[row]!
    path[row] = isPart[row] === 1 ? above : paths.numberOf({ parent: above, name, category, role, isAsync })
  }
  return { path, isPart }
}

function isHidden(role: Role, option: TracerOption): boolean {
  if (option === 'AllOpDetail') return false
  return role === 'instance' || (role === 'phase' && option === 'Default')
}
