import { shownText } from './event-text.js'
import { make } from './frame.js'
import type { Band, Heading, Layout } from './layout.js'

const NAME_PX = 24

/** Names beside the tracks in view: a name stays in sight as long as its track is. Each is a button that folds it. */
export class TrackNames {
  readonly #host: HTMLElement
  readonly #layout: Layout
  readonly #onFold: (band: Band) => void
  readonly #shown = new Map<Band | Heading, HTMLElement>()

  constructor(host: HTMLElement, layout: Layout, onFold: (band: Band) => void) {
    this.#host = host
    this.#layout = layout
    this.#onFold = onFold
  }

  update(scrollTop: number, height: number): void {
    const { bands, headings } = this.#layout
    const seen = new Set<Band | Heading>()
    const isInView = ({ top, height: own }: Band | Heading) => top + own > scrollTop && top < scrollTop + height
    for (let at = this.#layout.indexAt(scrollTop); at < bands.length; at++) {
      const band = bands[at]!
      if (!isInView(band)) break
      seen.add(band)
      const name = this.#element(band, () => this.#name(band))
      const room = Math.min(NAME_PX, band.height)
      const top = Math.min(Math.max(band.top, scrollTop), band.top + band.height - room)
      name.style.transform = `translateY(${top - scrollTop}px)`
      name.setAttribute('aria-expanded', String(!band.folded))
    }
    for (const heading of headings) {
      if (!isInView(heading)) continue
      seen.add(heading)
      const make = () => this.#heading(heading)
      this.#element(heading, make).style.transform = `translateY(${heading.top - scrollTop}px)`
    }
    for (const [key, element] of this.#shown) {
      if (seen.has(key)) continue
      element.remove()
      this.#shown.delete(key)
    }
  }

  #element(key: Band | Heading, make: () => HTMLElement): HTMLElement {
    let element = this.#shown.get(key)
    if (element === undefined) {
      element = make()
      this.#shown.set(key, element)
      this.#host.append(element)
    }
    return element
  }
  #name(band: Band): HTMLElement {
    const text = shownText(band.track.name)
    // Not on the way of the tab key, which would stop at each: the canvas folds by the space key.
    const name = make('button', { type: 'button', class: 'timeline-name', title: text, tabindex: '-1' }, text)
    name.addEventListener('click', () => this.#onFold(band))
    return name
  }
  #heading({ name }: Heading): HTMLElement {
    return make('div', { class: 'timeline-heading', title: name }, name)
  }
}
