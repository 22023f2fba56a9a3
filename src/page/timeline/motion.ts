import type { TimeRange } from '../page-state.js'

// Long enough to be followed by the eye, short enough not to be waited for.
const DURATION_MS = 140

/** Goes from one range to another over some frames; at once where the user asked for less motion. */
export class Motion {
  #target: TimeRange | undefined
  #frame = 0
  #isShowing = false
  readonly #show: (range: TimeRange) => void
  readonly #reduced = matchMedia('(prefers-reduced-motion: reduce)')

  constructor(show: (range: TimeRange) => void) {
    this.#show = show
  }
  /** A range is being shown by it just now. */
  get isShowing(): boolean {
    return this.#isShowing
  }
  /** Where it is going; undefined: it stands. */
  get target(): TimeRange | undefined {
    return this.#target
  }
  go(from: TimeRange, to: TimeRange): void {
    this.stop()
    if (this.#reduced.matches) {
      this.#tell(to)
      return
    }
    this.#target = to
    const begin = performance.now()
    const step = (now: number) => {
      const share = Math.min(1, Math.max(0, (now - begin) / DURATION_MS))
      if (share === 1) this.#target = undefined
      else this.#frame = requestAnimationFrame(step)
      this.#tell(share === 1 ? to : between(from, to, 1 - (1 - share) ** 3))
    }
    this.#frame = requestAnimationFrame(step)
  }
  #tell(range: TimeRange): void {
    this.#isShowing = true
    this.#show(range)
    this.#isShowing = false
  }
  stop(): void {
    cancelAnimationFrame(this.#frame)
    this.#target = undefined
  }
}

const between = (from: TimeRange, to: TimeRange, share: number): TimeRange => ({
  startNs: from.startNs + (to.startNs - from.startNs) * share,
  endNs: from.endNs + (to.endNs - from.endNs) * share,
})
