/** A stretch of time on a row of a timeline. */
export interface Stretch {
  startUs: number
  endUs: number
  /** Nothing of its own thread happens inside it: what does is of another request. */
  isWait: boolean
}

/**
 * Rows for what one thread did, so that on each of them stretches are side by side or one inside the other. A process
 * with several requests in flight, as those of Node.js are, needs more than one.
 */
export class Lanes {
  readonly #lanes: Stretch[][] = []
  readonly mostLanes: number

  constructor(mostLanes: number) {
    this.mostLanes = mostLanes
  }

  /** The lane of stretches that belong together; undefined: there is none. To be asked in order of the starts. */
  place(group: readonly Stretch[]): number | undefined {
    const startUs = Math.min(...group.map(stretch => stretch.startUs))
    for (let index = 0; index < this.mostLanes; index++) {
      const open = (this.#lanes[index] ?? []).filter(({ endUs }) => endUs > startUs)
      if (group.every(stretch => open.every(other => fits(stretch, other)))) {
        this.#lanes[index] = [...open, ...group]
        return index
      }
    }
    return undefined
  }
}

function fits(stretch: Stretch, earlier: Stretch): boolean {
  if (stretch.startUs >= earlier.endUs || stretch.endUs <= earlier.startUs) return true
  return !earlier.isWait && stretch.startUs >= earlier.startUs && stretch.endUs <= earlier.endUs
}
