// What the panels share: the model, the state, and ways to get from one place of the page to another.
import type { FindingPlace, PageModel } from '../page-model.js'
import type { PageState, TimeRange } from '../page-state.js'
import { byId } from './dom.js'

export class PanelContext {
  /** Unfolds and focuses a row of the op table; set by it. */
  showOp: (op: number) => void = () => this.showSection('ops')

  constructor(
    readonly model: PageModel,
    readonly state: PageState,
  ) {}

  showSection(id: string): void {
    // A section without anything in it is not there.
    const section = byId(id).hidden ? byId('ops') : byId(id)
    const heading = section.querySelector<HTMLElement>('h2') ?? section
    section.scrollIntoView({ block: 'start' })
    // So that the keyboard goes on from there.
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  }

  showTime({ startNs, endNs }: TimeRange): void {
    const { durationNs } = this.model
    // A fifth on each side, so that what is meant is seen with its neighbours; no closer than 100 ns.
    const margin = Math.max(50, (endNs - startNs) / 5)
    const from = Math.max(0, startNs - margin)
    const to = Math.min(Math.max(1, durationNs), endNs + margin)
    this.state.change({ visible: { startNs: Math.min(from, to - 1), endNs: to } })
    byId('timeline-panel').scrollIntoView({ block: 'start' })
    const focusable = byId('timeline').querySelector<HTMLElement>('[tabindex="0"]')
    focusable?.focus({ preventScroll: true })
  }

  showPlace(place: FindingPlace): void {
    if (place.kind === 'op') this.showOp(place.op)
    else if (place.kind === 'time') this.showTime(place)
    else this.showSection(place.section)
  }
}
