import type { HostProgress } from '../remote/capture-client.js'
import { bar } from '../report/number-text.js'
import { cutMiddle, padEnd } from '../text-width.js'

const REDRAW_MS = 100
const BAR_CELLS = 16
// `recording 1.2 of 2 s`, of an hour too.
const PHASE_CELLS = 24
const WORDS: Record<HostProgress['phase'], string> = {
  connecting: 'connecting',
  waiting: 'waiting',
  recording: 'recording',
  receiving: 'receiving',
  done: 'done',
  failed: 'failed',
}

/** One line for each host; of more than have room, how many are how far. */
export function progressLines(
  hosts: readonly HostProgress[],
  { nowMs, durationMs, columns, rows }: { nowMs: number; durationMs: number; columns: number; rows: number },
): string[] {
  if (hosts.length >= rows) return [cutMiddle(countsOf(hosts), columns)]
  const nameCells = Math.max(1, Math.min(longest(hosts), columns - PHASE_CELLS - BAR_CELLS - 4))
  return hosts.map(({ address, phase, startMs }) => {
    const elapsedMs = Math.min(durationMs, Math.max(0, nowMs - startMs))
    const name = padEnd(cutMiddle(address, nameCells), nameCells)
    const drawn = phase === 'recording' ? `  ${bar(elapsedMs / durationMs, BAR_CELLS)}` : ''
    return cutMiddle(
      `${name}  ${padEnd(phaseText(phase, elapsedMs, durationMs), PHASE_CELLS)}${drawn}`.trimEnd(),
      columns,
    )
  })
}

function phaseText(phase: HostProgress['phase'], elapsedMs: number, durationMs: number): string {
  if (phase !== 'recording') return WORDS[phase]
  return `recording ${(elapsedMs / 1000).toFixed(1)} of ${durationMs / 1000} s`
}

/** `12 recording, 3 done, 1 failed`. */
function countsOf(hosts: readonly HostProgress[]): string {
  const counts = (Object.keys(WORDS) as HostProgress['phase'][]).map(phase => {
    const count = hosts.filter(host => host.phase === phase).length
    return count === 0 ? [] : `${count} ${WORDS[phase]}`
  })
  return counts.flat().join(', ')
}
function longest(hosts: readonly HostProgress[]): number {
  return hosts.reduce((width, { address }) => Math.max(width, address.length), 0)
}

/** Draws how far the hosts are on a terminal, in place; elsewhere it draws nothing. */
export class CaptureProgress {
  readonly #hosts = new Map<string, HostProgress>()
  readonly #stream: NodeJS.WriteStream
  readonly #durationMs: number
  readonly #timer: NodeJS.Timeout | undefined
  #drawnLines = 0

  constructor(stream: NodeJS.WriteStream, durationMs: number) {
    this.#stream = stream
    this.#durationMs = durationMs
    if (stream.isTTY) this.#timer = setInterval(() => this.#draw(), REDRAW_MS)
  }

  update(progress: HostProgress): void {
    this.#hosts.set(progress.address, progress)
  }

  /** Takes the drawing away: what is printed now tells the result. */
  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#stream.write(this.#erase())
  }

  #draw(): void {
    const { columns = 80, rows = 24 } = this.#stream
    const size = { nowMs: Date.now(), durationMs: this.#durationMs, columns, rows }
    const lines = progressLines([...this.#hosts.values()], size)
    this.#stream.write(`${this.#erase()}${lines.map(line => `${line}\n`).join('')}`)
    this.#drawnLines = lines.length
  }
  #erase(): string {
    const erase = this.#drawnLines === 0 ? '' : `\r\x1b[${this.#drawnLines}A\x1b[J`
    this.#drawnLines = 0
    return erase
  }
}
