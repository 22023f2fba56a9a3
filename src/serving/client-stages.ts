import { addWarning } from '../hooks.js'
import { inject, type TraceCarrier } from '../propagation.js'
import { type Span, span } from '../record.js'
import { parseProfileTimes, type TimePair } from './profile-header.js'
import type { StageEvent, StageTimer } from './stage-timer.js'

const REQUEST = { category: 'request' } as const

/** Lines that wait for a body that may never be read. */
const waiting = new Set<ClientStages>()
let isExitWatched = false

/**
 * The stages of one request as its client sees them, and those that its server told of, in Paddle Serving's order. Each
 * of the client's is a span too while a session records.
 */
export class ClientStages {
  readonly #timer: StageTimer
  readonly #startUs: number
  #sentUs: number | undefined
  #receivedUs: number | undefined
  #decodeUs: number | undefined
  #decodedUs: number | undefined
  #server: readonly TimePair[] = []
  #open: Span
  #isOver = false

  constructor(timer: StageTimer) {
    this.#timer = timer
    this.#startUs = timer.nowUs()
    this.#open = span('prepro', REQUEST)
  }

  /** Whether anything comes of it. */
  get isWanted(): boolean {
    return this.#timer.isOn || this.#open.isRecording
  }

  /** The span of client_infer begins here, as it is what the server's spans are inside of. */
  beginInfer(): TraceCarrier | undefined {
    this.#next('client_infer')
    return inject(this.#open.isRecording ? this.#open : undefined)
  }
  /** The request was handed over. */
  sent(): void {
    this.#sentUs ??= this.#timer.nowUs()
  }
  /** The response is there, or will not come. */
  received(error?: unknown): void {
    this.#receivedUs = this.#timer.nowUs()
    this.#sentUs ??= this.#receivedUs
    this.#open.end(error)
  }
  /** A header or metadata that came with it; what is no list of times is counted and ignored. */
  answered(times: unknown): void {
    if (times === undefined || times === null) return
    const pairs = parseProfileTimes(times)
    if (pairs === undefined) addWarning('server-times-ignored', 'times of a server that are no pairs of whole numbers')
    else this.#server = pairs
  }
  get isDecoding(): boolean {
    return this.#decodeUs !== undefined
  }
  /** One message of several has come; the last one ends client_infer. */
  messageCame(): void {
    this.#receivedUs = this.#timer.nowUs()
    this.#decodeUs = this.#receivedUs
  }
  messageDecoded(): void {
    this.#decodedUs = this.#timer.nowUs()
  }
  beginDecode(): void {
    this.#next('postpro')
    this.#decodeUs = this.#timer.nowUs()
  }
  endDecode(error?: unknown): void {
    this.#open.end(error)
    this.#decodedUs = this.#timer.nowUs()
  }

  /** Writes the line, if it is not written. */
  finish(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    waiting.delete(this)
    this.#open.end(error)
    this.#timer.line(this.#events())
  }
  /** The line will be written at the exit of the process at the latest. */
  wait(): void {
    if (!isExitWatched) process.once('exit', finishWaiting)
    isExitWatched = true
    waiting.add(this)
  }

  #next(name: string): void {
    this.#open.end()
    this.#open = span(name, REQUEST)
  }
  #events(): StageEvent[] {
    const sentUs = this.#sentUs ?? this.#startUs
    const events: StageEvent[] = [
      { stage: 'prepro', startUs: this.#startUs, endUs: sentUs },
      { stage: 'client_infer', startUs: sentUs, endUs: this.#receivedUs ?? sentUs },
      ...this.#server.map(([startUs, endUs], index) => ({ stage: `op${index}`, startUs, endUs })),
    ]
    if (this.#decodeUs !== undefined && this.#decodedUs !== undefined) {
      events.push({ stage: 'postpro', startUs: this.#decodeUs, endUs: this.#decodedUs })
    }
    return events
  }
}

function finishWaiting(): void {
  for (const stages of [...waiting]) stages.finish()
}
