/** Index of the first element that is no less, among ascending ones; their number when all are less. */
export function lowerBound(sorted: Uint32Array | Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
