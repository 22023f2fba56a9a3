// Links to the sections that have something to show, with the one in view marked, and the way back from a range.
import { durationText } from '../../model/figure-text.js'
import type { PanelContext } from './context.js'
import { announce, button, byId } from './dom.js'

/** Hides the links to sections that have nothing; called again when more sections have been filled. */
export function mountNavigation(): void {
  const links = [...byId('links').querySelectorAll('a')]
  for (const link of links) link.parentElement!.hidden = sectionOf(link).hidden
  markCurrent(links.filter(link => !sectionOf(link).hidden))
}
const sectionOf = (link: HTMLAnchorElement): HTMLElement => byId(link.hash.slice(1))

let stopMarking: () => void = () => {}

function markCurrent(links: readonly HTMLAnchorElement[]): void {
  stopMarking()
  const sections = links.map(sectionOf)
  let isAsked = false
  const mark = (): void => {
    isAsked = false
    // The last one whose head is near the upper edge of the window, or above it.
    const line = innerHeight / 5
    const at = sections.findLastIndex(section => section.getBoundingClientRect().top <= line)
    links.forEach((link, index) => {
      if (index === at) link.setAttribute('aria-current', 'true')
      else link.removeAttribute('aria-current')
    })
  }
  const ask = (): void => {
    if (!isAsked) requestAnimationFrame(mark)
    isAsked = true
  }
  addEventListener('scroll', ask, { passive: true })
  stopMarking = () => removeEventListener('scroll', ask)
  ask()
}

/** While a range is selected, the bar says so on every screen and leads back. */
export function mountRangeChip({ state }: PanelContext): void {
  const chip = byId('range-chip')
  state.watch(({ range }, before) => {
    if (range === before.range) return
    chip.hidden = range === undefined
    if (range === undefined) {
      chip.replaceChildren()
      announce('The whole recording')
      return
    }
    const text = `${durationText(range.endNs - range.startNs)} from ${durationText(range.startNs)}`
    const clear = button('✕', () => state.change({ range: undefined }), { 'aria-label': 'Back to the whole recording' })
    chip.replaceChildren(text, clear)
    announce(`Range of ${text}`)
  })
}
