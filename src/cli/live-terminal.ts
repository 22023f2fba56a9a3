import type { LiveFrame } from '../remote/live-client.js'
import { liveLines } from './live-screen.js'

// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: the screen beside the one that scrolls, and the cursor.
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const CTRL_C = '\x03'

/** Shows frames in place, until its user wants no more; what was on the screen before comes back. */
export class LiveTerminal {
  readonly #onEnd: () => void
  #frame: LiveFrame | undefined

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
    process.stdout.write(ENTER)
    process.stdout.write(`${HOME}Connecting…`)
    process.stdout.on('resize', this.#draw)
    if (!process.stdin.isTTY) return
    process.stdin.setRawMode(true)
    process.stdin.on('data', this.#onKeys)
  }

  show(frame: LiveFrame): void {
    this.#frame = frame
    this.#draw()
  }

  close(): void {
    process.stdout.off('resize', this.#draw)
    process.stdin.off('data', this.#onKeys)
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stdout.write(LEAVE)
  }

  readonly #onKeys = (keys: Buffer): void => {
    const text = keys.toString()
    if (text.includes('q') || text.includes(CTRL_C)) this.#onEnd()
  }
  readonly #draw = (): void => {
    if (this.#frame === undefined) return
    const { columns, rows } = process.stdout
    // Written over, not cleared first: that flickers. No line end after the last line, which would scroll.
    const lines = liveLines(this.#frame, { columns, rows }).map(line => `${line}${CLEAR_LINE}`)
    process.stdout.write(`${HOME}${lines.join('\r\n')}${CLEAR_BELOW}`)
  }
}
