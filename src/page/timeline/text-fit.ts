// Text cut to a width. Names are measured a character at a time, once for each character: a name of a C++ template has
// thousands, of which a label needs the first few.

const ELLIPSIS = '…'

export class TextFit {
  readonly #measure: (text: string) => number
  readonly #widths = new Map<string, number>()
  readonly #ellipsisWidth: number

  constructor(measure: (text: string) => number) {
    this.#measure = measure
    this.#ellipsisWidth = measure(ELLIPSIS)
  }
  /** The text, or its beginning with an ellipsis; empty where not even one character has room. */
  fit(text: string, width: number): string {
    let used = 0
    let kept = 0
    let at = 0
    for (const character of text) {
      used += this.#width(character)
      at += character.length
      if (used + this.#ellipsisWidth <= width) kept = at
      if (used > width) return kept === 0 ? '' : text.slice(0, kept) + ELLIPSIS
    }
    return text
  }
  #width(character: string): number {
    let width = this.#widths.get(character)
    if (width === undefined) {
      width = this.#measure(character)
      this.#widths.set(character, width)
    }
    return width
  }
}
