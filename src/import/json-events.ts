// Reads the two shapes of a JSON trace, `[event, …]` and `{…, "traceEvents": [event, …], …}`, chunk by
// chunk: a file may be longer than the longest JavaScript string, and may be cut anywhere. A scanner
// finds where events begin and end, JSON.parse reads them a chunkful at a time.
// Tolerated, since real files have it: missing or doubled commas, a missing end, events that are not JSON.

/** What is not an event. */
export interface JsonTrace {
  /** The other keys of the outer object; of an array, nothing. */
  head: Record<string, unknown>
  /** The file ended before its JSON did. */
  isCut: boolean
  /** Events that are not valid JSON. */
  damaged: number
  /** Not a byte of it looks like a trace: neither an object with "traceEvents" nor an array of objects. */
  isForeign: boolean
  eventCount: number
}
export type EventBatch = (
  events: Record<string, unknown>[],
  textOf: (index: number) => string,
  head: JsonTrace['head'],
) => void

// A value outside the event array longer than this is no trace we know; without a limit, a foreign
// file of any size would be collected in memory.
const LONGEST_VALUE = 256 << 20

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const BYTE_ORDER_MARK = '\uFEFF'

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

export async function readJsonEvents(chunks: AsyncIterable<Buffer>, onBatch: EventBatch): Promise<JsonTrace> {
  const reader = new EventReader(onBatch)
  for await (const chunk of chunks) {
    if (!reader.push(chunk)) {
      break
    }
  }
  return reader.finish()
}

type Place = 'start' | 'key' | 'colon' | 'value' | 'after-value' | 'events' | 'end'

class EventReader {
  readonly #trace: JsonTrace = { head: {}, isCut: false, damaged: 0, isForeign: false, eventCount: 0 }
  readonly #onBatch: EventBatch
  #place: Place = 'start'
  #isBareArray = false
  #key = ''
  // Bytes not used up yet; the value being scanned starts at 0 and is scanned up to #position.
  #buffer: Buffer = Buffer.alloc(0)
  #position = 0
  #valueStart = -1
  #depth = 0
  #isInString = false
  #isScalar = false
  // Events of this buffer that are whole but not handed on yet.
  #bounds: number[] = []

  constructor(onBatch: EventBatch) {
    this.#onBatch = onBatch
  }

  /** False: no need to read on. */
  push(chunk: Buffer): boolean {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    this.#scan()
    this.#flush()
    const used = this.#valueStart === -1 ? this.#position : this.#valueStart
    this.#buffer = this.#buffer.subarray(used)
    this.#position -= used
    this.#valueStart = this.#valueStart === -1 ? -1 : 0
    this.#trace.isForeign ||= this.#buffer.length > LONGEST_VALUE
    return !this.#trace.isForeign && this.#place !== 'end'
  }
  finish(): JsonTrace {
    const trace = this.#trace
    trace.isCut = this.#place !== 'end'
    if (trace.eventCount === 0 && this.#place !== 'events' && !this.#isBareArray && !('traceEvents' in trace.head)) {
      trace.isForeign = true
    }
    delete trace.head.traceEvents
    return trace
  }

  #scan(): void {
    while (!this.#trace.isForeign && this.#place !== 'end') {
      if (this.#valueStart !== -1) {
        if (!this.#scanValue()) {
          return
        }
        this.#endValue(this.#valueStart, this.#position)
        this.#valueStart = -1
        continue
      }
      const byte = this.#buffer[this.#position]
      if (byte === undefined) {
        return
      }
      if (isSpace(byte)) {
        this.#position++
      } else {
        this.#step(byte)
      }
    }
  }

  // One byte between values.
  #step(byte: number): void {
    const place = this.#place
    if (place === 'start') {
      if (
        this.#buffer.length - this.#position >= 3 &&
        this.#buffer.toString('utf8', this.#position, this.#position + 3) === BYTE_ORDER_MARK
      ) {
        this.#position += 3
        return
      }
      this.#isBareArray = byte === OPEN_ARRAY
      this.#trace.isForeign = byte !== OPEN_ARRAY && byte !== OPEN_OBJECT
      this.#place = this.#isBareArray ? 'events' : 'key'
      this.#position++
    } else if (place === 'events') {
      if (byte === CLOSE_ARRAY) {
        this.#place = this.#isBareArray ? 'end' : 'after-value'
        this.#position++
      } else if (byte === COMMA || byte === CLOSE_OBJECT) {
        // A bracket that closes nothing stands behind an event that was cut short.
        this.#trace.damaged += byte === CLOSE_OBJECT ? 1 : 0
        this.#position++
      } else {
        this.#beginValue(byte)
      }
    } else if (place === 'key') {
      if (byte === QUOTE) {
        this.#beginValue(byte)
      } else {
        this.#endObject(byte)
      }
    } else if (place === 'colon') {
      this.#trace.isForeign = byte !== COLON
      this.#place = 'value'
      this.#position++
    } else if (place === 'value') {
      if (this.#key === 'traceEvents' && byte === OPEN_ARRAY) {
        this.#trace.head.traceEvents = true
        this.#place = 'events'
        this.#position++
      } else {
        this.#beginValue(byte)
      }
    } else if (byte === COMMA) {
      this.#place = 'key'
      this.#position++
    } else {
      this.#endObject(byte)
    }
  }
  #endObject(byte: number): void {
    // Without the event array such a thing is no damaged trace, it is something else.
    this.#trace.isForeign = byte !== CLOSE_OBJECT && !('traceEvents' in this.#trace.head)
    this.#place = 'end'
    this.#position++
  }

  #beginValue(byte: number): void {
    this.#valueStart = this.#position
    this.#depth = 0
    this.#isInString = false
    this.#isScalar = byte !== OPEN_ARRAY && byte !== OPEN_OBJECT && byte !== QUOTE
  }

  // True when the value ends in this buffer; #position is then behind it.
  #scanValue(): boolean {
    const buffer = this.#buffer
    const end = buffer.length
    let position = this.#position
    let depth = this.#depth
    let isInString = this.#isInString
    let isWhole = false
    while (position < end) {
      const byte = buffer[position] as number
      if (isInString) {
        if (byte === BACKSLASH) {
          if (position + 1 === end) {
            break // the escaped byte is in the next chunk: come back to the backslash
          }
          position++
        } else if (byte === QUOTE) {
          isInString = false
          isWhole = depth === 0
        }
      } else if (byte === QUOTE) {
        isInString = true
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth++
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (this.#isScalar) {
          isWhole = true
          break
        }
        isWhole = --depth === 0
      } else if (this.#isScalar && (byte === COMMA || isSpace(byte))) {
        isWhole = true
        break
      }
      position++
      if (isWhole) {
        break
      }
    }
    this.#position = position
    this.#depth = depth
    this.#isInString = isInString
    return isWhole
  }

  #endValue(start: number, end: number): void {
    if (this.#place === 'events') {
      this.#bounds.push(start, end)
      return
    }
    const value = parseOrUndefined(this.#buffer.toString('utf8', start, end))
    if (this.#place === 'key') {
      this.#key = String(value)
      this.#place = 'colon'
    } else {
      this.#trace.head[this.#key] = value
      this.#place = 'after-value'
    }
  }

  #flush(): void {
    const bounds = this.#bounds
    if (bounds.length === 0) {
      return
    }
    this.#bounds = []
    const buffer = this.#buffer
    const whole = parseOrUndefined(`[${buffer.toString('utf8', bounds[0], bounds.at(-1))}]`)
    let events: unknown[]
    if (Array.isArray(whole) && whole.length === bounds.length / 2) {
      events = whole
    } else {
      events = []
      for (let i = 0; i < bounds.length; i += 2) {
        events.push(parseOrUndefined(buffer.toString('utf8', bounds[i], bounds[i + 1])))
      }
    }
    const kept: Record<string, unknown>[] = []
    const starts: number[] = []
    for (const [i, event] of events.entries()) {
      if (typeof event === 'object' && event !== null && !Array.isArray(event)) {
        kept.push(event as Record<string, unknown>)
        starts.push(i * 2)
      } else {
        this.#trace.damaged++
      }
    }
    this.#trace.eventCount += kept.length
    const textOf = (index: number) => {
      const at = starts[index] as number
      return buffer.toString('utf8', bounds[at], bounds[at + 1])
    }
    this.#onBatch(kept, textOf, this.#trace.head)
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
