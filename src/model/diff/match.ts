import type { DiffPath, DiffPaths } from './paths.js'

/**
 * For paths that only `after` has, the one of `before` that they are: the only row of that name on either side, or what
 * lies under one that was found so at the same place. A name that either side has twice may be anything, and a phase is
 * nothing without its op; those stay added and removed.
 */
export function movedPaths(
  paths: DiffPaths,
  before: ReadonlySet<number>,
  after: ReadonlySet<number>,
): Map<number, number> {
  const identity = ({ name, category, role, isAsync }: DiffPath) => `${category} ${role} ${isAsync} ${name}`
  const only = (side: ReadonlySet<number>) => {
    const byName = new Map<string, number[]>()
    for (const path of side) {
      if (paths.list[path]!.role === 'phase') continue
      const name = identity(paths.list[path]!)
      const known = byName.get(name)
      if (known === undefined) byName.set(name, [path])
      else known.push(path)
    }
    return byName
  }
  const beforeNames = only(before)
  const moved = new Map<number, number>()
  const taken = new Set<number>()
  for (const [name, [path, ...others]] of only(after)) {
    const [old, ...olds] = beforeNames.get(name) ?? []
    if (path === undefined || old === undefined || others.length + olds.length > 0 || path === old) continue
    moved.set(path, old)
    taken.add(old)
  }
  const childOf = new Map<string, number>()
  for (const path of before) childOf.set(`${paths.list[path]!.parent} ${identity(paths.list[path]!)}`, path)
  // A path has a higher number than the one around it, so what is around it is known.
  for (const path of [...after].sort((a, b) => a - b)) {
    if (before.has(path) || moved.has(path)) continue
    const { parent } = paths.list[path]!
    const oldParent = moved.get(parent)
    if (oldParent === undefined) continue
    const old = childOf.get(`${oldParent} ${identity(paths.list[path]!)}`)
    if (old === undefined || taken.has(old) || after.has(old)) continue
    moved.set(path, old)
    taken.add(old)
  }
  return moved
}
