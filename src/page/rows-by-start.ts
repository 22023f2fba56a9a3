import type { PageThread } from './recording.js'

/** The thread's rows by start; undefined: they are in that order, as all are but where a parent says that it began after its child. */
export function rowsByStart(
  starts: Float64Array,
  { firstRow, rowCount }: Pick<PageThread, 'firstRow' | 'rowCount'>,
): Uint32Array | undefined {
  let isOrdered = true
  for (let row = firstRow + 1; row < firstRow + rowCount && isOrdered; row++) {
    isOrdered = starts[row - 1]! <= starts[row]!
  }
  if (isOrdered) return undefined
  const rows = Uint32Array.from({ length: rowCount }, (_, at) => firstRow + at)
  return rows.sort((a, b) => starts[a]! - starts[b]! || a - b)
}
