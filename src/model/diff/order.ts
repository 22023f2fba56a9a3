import type { DiffSortedKey } from './options.js'
import type { DiffFigures } from './rows.js'

type Row = DiffFigures & ({ path: string[] } | { name: string })

const nameOf = (row: Row) => ('path' in row ? row.path.join('\n') : row.name)
const FIGURES: Record<Exclude<DiffSortedKey, 'name'>, (row: Row) => number> = {
  effect: ({ effectNs }) => Math.abs(effectNs),
  change: ({ change }) => Math.abs(Math.log1p(change?.ratio ?? 0)),
  total: ({ ownNs }) => ownNs.after,
  calls: ({ calls }) => calls.after,
}

/** The largest first; names in their order. */
export function ordered<R extends Row>(rows: readonly R[], key: DiffSortedKey): R[] {
  if (key === 'name') return rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const figure = FIGURES[key]
  return rows.toSorted((a, b) => figure(b) - figure(a))
}
