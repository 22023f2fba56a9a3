// Classes that grow by a factor, for what spreads over orders of magnitude. Pure.

export interface LogClasses {
  count: number
  /** Lower edge of class n; of `count`, the upper edge of the last. */
  edge(at: number): number
  /** Place of a value, counted in classes: 2.5 is the middle, by factor, of class 2. */
  placeOf(value: number): number
  classOf(value: number): number
}

// Steps of an octave: 9, 19, 41 and 100 %.
const STEPS = [8, 4, 2, 1]
const MOST_CLASSES = 60
// One bar alone says nothing of where it stands.
const FEWEST_CLASSES = 8

/** Classes of a power of two or an even part of one, from the smallest to the largest value; both positive. */
export function logClasses(smallest: number, largest: number, steps?: number): LogClasses {
  const octaves = Math.log2(largest / smallest)
  const perOctave = steps ?? STEPS.find(step => octaves * step < MOST_CLASSES) ?? 1
  const lowest = Math.floor(Math.log2(smallest) * perOctave)
  const missing = Math.max(0, FEWEST_CLASSES - 1 - (Math.floor(Math.log2(largest) * perOctave) - lowest))
  const first = lowest - Math.floor(missing / 2)
  const last = Math.floor(Math.log2(largest) * perOctave) + Math.ceil(missing / 2)
  const count = last - first + 1
  const placeOf = (value: number): number => Math.log2(value) * perOctave - first
  return {
    count,
    edge: at => 2 ** ((first + at) / perOctave),
    placeOf,
    classOf: value => Math.min(count - 1, Math.max(0, Math.floor(placeOf(value)))),
  }
}
