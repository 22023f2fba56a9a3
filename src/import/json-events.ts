// Reads the two shapes of a JSON trace, `[event, …]` and `{…, "traceEvents": [event, …], …}`, chunk by
// chunk: a file may be longer than the longest JavaScript string, and may be cut anywhere. A scanner
// finds where events begin and end, JSON.parse reads them a chunkful at a time. Objects with other long
// arrays are read likewise.
// Tolerated, since real files have it: missing or doubled commas, a missing end, events that are not JSON.

/** What is not an event. */
export interface JsonTrace {
  /** The other keys of the outer object; of an array, nothing. An array that is told in batches is `true` here. */
  head: Record<string, unknown>
  /** The file ended before its JSON did. */
  isCut: boolean
  /** Events that are not valid JSON. */
  damaged: number
  /** Not a byte of it looks like a trace: neither an object with a wanted array nor an array of objects. */
  isForeign: boolean
  eventCount: number
}
export type JsonObject = Record<string, unknown>
export type EventBatch = (events: JsonObject[], textOf: (index: number) => string, head: JsonTrace['head']) => void

/** Arrays that are too long to be read at once. */
interface LongArrays<T> {
  keys: ReadonlySet<string>
  /** Other values are counted as damaged. */
  isElement(value: unknown): value is T
  onBatch(values: T[], textOf: (index: number) => string, head: JsonTrace['head'], key: string): void
  /** Arrays of whole numbers, which go here one by one. Whatever else is in them goes to onBatch. */
  numberKeys?: ReadonlySet<string>
  onNumber?(value: number, key: string): void
}

// A value outside the event array longer than this is no trace we know; without a limit, a foreign
// file of any size would be collected in memory.
const LONGEST_VALUE = 256 << 20

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const BYTE_ORDER_MARK = '\uFEFF'

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const EVENTS = 'traceEvents'
const EVENT_KEYS: ReadonlySet<string> = new Set([EVENTS])

export async function readJsonEvents(chunks: AsyncIterable<Buffer>, onBatch: EventBatch): Promise<JsonTrace> {
  const trace = await readJsonArrays(chunks, { keys: EVENT_KEYS, isElement: isObject, onBatch })
  delete trace.head[EVENTS]
  return trace
}

/** The elements of some arrays of a JSON object in batches, and the rest of it as `head`. */
export async function readJsonArrays<T>(chunks: AsyncIterable<Buffer>, arrays: LongArrays<T>): Promise<JsonTrace> {
  const reader = new ArrayReader(arrays)
  for await (const chunk of chunks) {
    if (!reader.push(chunk)) {
      break
    }
  }
  return reader.finish()
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Place = 'start' | 'key' | 'colon' | 'value' | 'after-value' | 'events' | 'end'

class ArrayReader<T> {
  readonly #trace: JsonTrace = { head: {}, isCut: false, damaged: 0, isForeign: false, eventCount: 0 }
  readonly #arrays: LongArrays<T>
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
  // Elements of this buffer that are whole but not handed on yet.
  #bounds: number[] = []

  constructor(arrays: LongArrays<T>) {
    this.#arrays = arrays
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
    if (trace.eventCount === 0 && this.#place !== 'events' && !this.#isBareArray && !this.#hasArray()) {
      trace.isForeign = true
    }
    return trace
  }
  #hasArray(): boolean {
    return Object.keys(this.#trace.head).some(key => this.#arrays.keys.has(key))
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
      if (this.#isInNumbers() && !this.#scanNumbers()) {
        return
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

  #isInNumbers(): boolean {
    return this.#place === 'events' && this.#arrays.numberKeys?.has(this.#key) === true
  }
  // Whole numbers and what is between them, up to anything else; false: up to the end of what is there. A profile has millions of them: read as other
  // values are, 100 MB take 8 s, like this 2 s.
  #scanNumbers(): boolean {
    const buffer = this.#buffer
    let start = this.#position
    let value = 0
    for (let position = start; position < buffer.length; position++) {
      const byte = buffer[position] as number
      if (byte >= DIGIT_0 && byte <= DIGIT_9) {
        value = value * 10 + byte - DIGIT_0
        continue
      }
      const isNegative = buffer[start] === MINUS
      if (byte === MINUS && position === start) {
        continue
      }
      const isEnd = byte === COMMA || byte === CLOSE_ARRAY || isSpace(byte)
      if (!isEnd || (isNegative && position === start + 1)) {
        this.#position = start
        return true
      }
      if (position > start) {
        this.#arrays.onNumber?.(isNegative ? -value : value, this.#key)
        this.#trace.eventCount++
      }
      if (byte === CLOSE_ARRAY) {
        this.#position = position
        return true
      }
      value = 0
      start = position + 1
    }
    this.#position = start
    return false
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
        this.#flush()
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
      if (this.#arrays.keys.has(this.#key) && byte === OPEN_ARRAY) {
        this.#trace.head[this.#key] = true
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
    // Without a wanted array such a thing is no damaged trace, it is something else.
    this.#trace.isForeign = byte !== CLOSE_OBJECT && !this.#hasArray()
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
      if (this.#isInNumbers()) {
        this.#flush() // before the numbers behind it
      }
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
    let values: unknown[]
    if (Array.isArray(whole) && whole.length === bounds.length / 2) {
      values = whole
    } else {
      values = []
      for (let i = 0; i < bounds.length; i += 2) {
        values.push(parseOrUndefined(buffer.toString('utf8', bounds[i], bounds[i + 1])))
      }
    }
    const kept: T[] = []
    const starts: number[] = []
    for (const [i, value] of values.entries()) {
      if (this.#arrays.isElement(value)) {
        kept.push(value)
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
    this.#arrays.onBatch(kept, textOf, this.#trace.head, this.#key)
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
