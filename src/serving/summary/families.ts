import type { RequestTracePiece } from '../../binding.js'

/** Calls `each` with the rows of every family: a request, and behind it all that it led to. */
export function forEachFamily(piece: RequestTracePiece, each: (first: number, end: number) => void): void {
  const { rows, parentRows } = piece
  for (let first = 0; first < rows; ) {
    let end = first + 1
    while (end < rows && parentRows[end]! >= 0) end++
    each(first, end)
    first = end
  }
}
