/**
 * A change of the whole page, told to elements by an event at each. Only those in the document are told, and nothing
 * keeps those that were replaced: tables come and go with each range.
 */
export class Watched {
  readonly #attribute: string
  readonly #event: string

  constructor(name: string) {
    this.#attribute = `data-watches-${name}`
    this.#event = `opscope-${name}`
  }
  /** Calls back after every change during which the element is in the document. */
  watch(element: Element, onChange: () => void): void {
    element.setAttribute(this.#attribute, '')
    element.addEventListener(this.#event, onChange)
  }
  tell(): void {
    for (const element of document.querySelectorAll(`[${this.#attribute}]`))
      element.dispatchEvent(new Event(this.#event))
  }
}
