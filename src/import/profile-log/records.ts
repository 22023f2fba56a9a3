// Lines of Paddle Serving's timing tool:
//   PROFILE <tab> pid:87322 <tab> bert_pre_0:1700000000000000 bert_pre_1:1700000000000250
// _0 begins a stage and _1 ends it, in µs since the Unix epoch. `name#track` puts it on a track of its process.
// Read too: lines without the pid field (tools before 2020-03), lines behind a logger's prefix, several records on one
// line (writers that shared a pipe), any number of spaces. What cannot be read is counted.
import { lineBatches } from './line-batches.js'

/** A stage that was begun and ended. */
export interface LoggedStage {
  name: string
  /** Empty: the process's own. */
  track: string
  startUs: number
  endUs: number
}
/** One record of a log: the stages that it ends, in their order. */
export interface ProfileRecord {
  /** 0: unknown. */
  pid: number
  stages: LoggedStage[]
}

interface Event {
  /** With the track. */
  fullName: string
  isBegin: boolean
  timeUs: number
}

/** What was read of a log, and what could not be. */
export interface LogCounts {
  lines: number
  records: number
  /** Tokens of records that are no `stage_0:time` or `stage_1:time`. */
  malformedTokens: number
  /** Stages whose end is before their begin, or more than a day behind. */
  impossibleStages: number
  /** Begins without an end, and ends without a begin. */
  unpairedEvents: number
  /** Lines of more than 1 MiB. */
  longLines: number
}

const MARK = 'PROFILE\t'
const PID_FIELD = /^pid:(\d*)[^\t]*\t/
const MOST_DIGITS = 16
/** A day. What is longer is a digit that was damaged, and would outweigh all that is not. */
const LONGEST_STAGE_US = 86_400e6
const UNDERSCORE = 0x5f
const ZERO = 0x30
const ONE = 0x31
/** Events whose end may still come. More are damage: the oldest name is forgotten. */
const MOST_OPEN_NAMES = 65_536
const MOST_OPEN_OF_NAME = 1_024

/** Whether a text holds a record; it may begin and end anywhere. */
export function holdsProfileRecord(text: string): boolean {
  return /PROFILE\t(?:pid:\d+\t)?[^\s:]+_[01]:\d/.test(text)
}

/** Hands on the records of a log, in their order. Files of any size and content are read in bounded memory. */
export async function readProfileLog(
  chunks: AsyncIterable<Uint8Array>,
  onRecord: (record: ProfileRecord) => void,
): Promise<LogCounts> {
  const reader = new RecordReader(onRecord)
  for await (const lines of lineBatches(chunks, reader.counts)) {
    for (const line of lines) reader.line(line)
  }
  return reader.finish()
}

class RecordReader {
  readonly counts: LogCounts = {
    lines: 0,
    records: 0,
    malformedTokens: 0,
    impossibleStages: 0,
    unpairedEvents: 0,
    longLines: 0,
  }
  readonly #onRecord: (record: ProfileRecord) => void
  /** Times of begins that have no end yet, the innermost last, by process and full name. */
  readonly #open = new Map<string, number[]>()

  constructor(onRecord: (record: ProfileRecord) => void) {
    this.#onRecord = onRecord
  }

  line(line: string): void {
    if (line === '' || line === '\r') return
    this.counts.lines += 1
    for (let at = line.indexOf(MARK); at !== -1; ) {
      const next = line.indexOf(MARK, at + MARK.length)
      this.#record(line.slice(at + MARK.length, next === -1 ? undefined : next))
      at = next
    }
  }
  finish(): LogCounts {
    for (const begins of this.#open.values()) this.counts.unpairedEvents += begins.length
    this.#open.clear()
    return this.counts
  }

  #record(text: string): void {
    const [pidField = '', digits = ''] = PID_FIELD.exec(text) ?? []
    const pid = Number(digits)
    const record: ProfileRecord = { pid: Number.isSafeInteger(pid) ? pid : 0, stages: [] }
    let last: Event | undefined
    for (const token of eventTokens(text, pidField.length)) {
      const event = eventOf(token)
      if (event === undefined) {
        this.counts.malformedTokens += 1
      } else if (last !== undefined && !event.isBegin && event.fullName === last.fullName) {
        // As it nearly always is: an end right behind its begin, which need not be looked up.
        this.#end(event, last.timeUs, record)
        last = undefined
      } else {
        if (last !== undefined) this.#begin(last, record)
        last = event.isBegin ? event : undefined
        if (!event.isBegin) this.#endOpen(event, record)
      }
    }
    if (last !== undefined) this.#begin(last, record)
    this.counts.records += 1
    this.#onRecord(record)
  }

  #endOpen(event: Event, record: ProfileRecord): void {
    const key = `${record.pid} ${event.fullName}`
    const begins = this.#open.get(key)
    const startUs = begins?.pop()
    if (begins?.length === 0) this.#open.delete(key)
    if (startUs === undefined) this.counts.unpairedEvents += 1
    else this.#end(event, startUs, record)
  }
  #end({ fullName, timeUs }: Event, startUs: number, record: ProfileRecord): void {
    if (startUs > timeUs || timeUs - startUs > LONGEST_STAGE_US) {
      this.counts.impossibleStages += 1
      return
    }
    const at = fullName.lastIndexOf('#')
    const hasTrack = at > 0 && at < fullName.length - 1
    const name = hasTrack ? fullName.slice(0, at) : fullName
    record.stages.push({ name, track: hasTrack ? fullName.slice(at + 1) : '', startUs, endUs: timeUs })
  }

  #begin({ fullName, timeUs }: Event, { pid }: ProfileRecord): void {
    const key = `${pid} ${fullName}`
    const begins = this.#open.get(key)
    if (begins === undefined) {
      if (this.#open.size >= MOST_OPEN_NAMES) {
        const [oldest = '', lost = []] = this.#open.entries().next().value ?? []
        this.#open.delete(oldest)
        this.counts.unpairedEvents += lost.length
      }
      this.#open.set(key, [timeUs])
      return
    }
    if (begins.length >= MOST_OPEN_OF_NAME) {
      begins.shift()
      this.counts.unpairedEvents += 1
    }
    begins.push(timeUs)
  }
}

function eventTokens(text: string, from: number): string[] {
  const tokens = text.slice(from).split(' ')
  return tokens.some(token => token === '' || /[\t\r\v\f]/.test(token))
    ? text.slice(from).split(/\s+/).filter(Boolean)
    : tokens
}

/** undefined: it is none. By hand, as a log has millions: half the time of a regular expression. */
function eventOf(token: string): Event | undefined {
  const colon = token.indexOf(':')
  const edge = token.charCodeAt(colon - 1)
  const isEvent = colon >= 3 && token.charCodeAt(colon - 2) === UNDERSCORE && (edge === ZERO || edge === ONE)
  const digitCount = token.length - colon - 1
  if (!isEvent || digitCount === 0 || digitCount > MOST_DIGITS) return undefined
  let timeUs = 0
  for (let at = colon + 1; at < token.length; at++) {
    const digit = token.charCodeAt(at) - ZERO
    if (!(digit >= 0 && digit <= 9)) return undefined
    timeUs = timeUs * 10 + digit
  }
  if (!Number.isSafeInteger(timeUs)) return undefined
  return { fullName: token.slice(0, colon - 2), isBegin: edge === ZERO, timeUs }
}
