import { writeWhole } from './output.js'

// A few hundred KB at a time.
const FULL_CHARS = 1 << 18

/** The text of a Chrome trace, written as its events come: there may be more of them than memory has room for. */
export class EventText {
  readonly #fd: number
  #text = '{"displayTimeUnit":"ns","traceEvents":['
  #separator = '\n'
  #bytes = 0

  constructor(fd: number) {
    this.#fd = fd
  }
  /** @param event as JSON */
  add(event: string): void {
    this.#text += this.#separator + event
    this.#separator = ',\n'
    if (this.#text.length > FULL_CHARS) this.#write()
  }
  /** How many bytes it took. */
  end(): number {
    this.#text += '\n]}\n'
    this.#write()
    return this.#bytes
  }
  #write(): void {
    this.#bytes += writeWhole(this.#fd, Buffer.from(this.#text))
    this.#text = ''
  }
}
