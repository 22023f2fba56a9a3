// XSpace (openxla/xla, xplane.proto) from bytes to planes and events; what they mean is read elsewhere.
import { bigintOfVarint, FIXED64, type Field, LENGTH, numberOfVarint, VARINT, WireReader } from './wire-reader.js'

export type StatValue = string | number | bigint
export type Stats = Map<string, StatValue>
export interface XEventMetadata {
  name: string
  displayName: string
  /** Of all events that refer to it. */
  stats: Stats
}
export interface XEvent {
  metadata: XEventMetadata
  /** From the start of the line. */
  offsetNs: number
  endOffsetNs: number
  stats: Stats
}
export interface XLine {
  id: number
  name: string
  /** Most tell it from the session's start, some since the Unix epoch. */
  timestampNs: bigint
  /** Decoded one by one while they are walked; undefined for an event without a time or a name. */
  events(): Generator<XEvent | undefined>
}
export interface XPlane {
  name: string
  stats: Stats
  lines: XLine[]
}
export interface XSpace {
  planes: XPlane[]
  /** Errors and warnings. */
  messages: string[]
  isCut: boolean
}

const NO_METADATA: XEventMetadata = { name: '', displayName: '', stats: new Map() }
const decoder = new TextDecoder()
const textOf = (field: Field): string => (field.wireType === LENGTH ? decoder.decode(field.bytes) : '')

/** Throws WireError for bytes that are no protobuf. */
export function readXSpace(bytes: Uint8Array): XSpace {
  const space: XSpace = { planes: [], messages: [], isCut: false }
  const reader = fieldsOf(bytes)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number === 1 && field.wireType === LENGTH) {
      space.planes.push(new PlaneReader(field.bytes))
    } else if (field.number === 2 || field.number === 3) {
      space.messages.push(textOf(field))
    }
  }
  space.isCut = !reader.isAtEnd
  return space
}

// A plane may be as long as the whole file.
function fieldsOf(bytes: Uint8Array): WireReader {
  return new WireReader(bytes, Number.POSITIVE_INFINITY)
}

class PlaneReader implements XPlane {
  name = ''
  readonly lines: XLine[] = []
  readonly #events = new Map<number, XEventMetadata>()
  readonly #statNames = new Map<number, string>()
  readonly stats: Stats

  constructor(bytes: Uint8Array) {
    const lines: Uint8Array[] = []
    const events: Uint8Array[] = []
    const stats: Uint8Array[] = []
    const reader = fieldsOf(bytes)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.wireType !== LENGTH) continue
      if (field.number === 2) this.name = textOf(field)
      else if (field.number === 3) lines.push(field.bytes)
      else if (field.number === 4) events.push(field.bytes)
      else if (field.number === 5) this.#addStatName(field.bytes)
      else if (field.number === 6) stats.push(field.bytes)
    }
    // All refer to the names of stats, which come late.
    for (const entry of events) this.#addEventMetadata(entry)
    this.stats = new Map()
    for (const stat of stats) this.#readStat(stat, this.stats)
    for (const line of lines) this.lines.push(this.#line(line))
  }

  #addStatName(entry: Uint8Array): void {
    const [key, value] = mapEntry(entry)
    const reader = fieldsOf(value)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 2) this.#statNames.set(key, textOf(field))
    }
  }
  #addEventMetadata(entry: Uint8Array): void {
    const [key, value] = mapEntry(entry)
    const metadata = { name: '', displayName: '', stats: new Map() }
    const reader = fieldsOf(value)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 2) metadata.name = textOf(field)
      else if (field.number === 4) metadata.displayName = textOf(field)
      else if (field.number === 5 && field.wireType === LENGTH) this.#readStat(field.bytes, metadata.stats)
    }
    this.#events.set(key, metadata)
  }

  #line(bytes: Uint8Array): XLine {
    const line = { id: 0, name: '', timestampNs: 0n, events: () => this.#eventsOf(bytes) }
    let displayName = ''
    const reader = fieldsOf(bytes)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 1 && field.wireType === VARINT) line.id = numberOfVarint(field)
      else if (field.number === 2) line.name = textOf(field)
      else if (field.number === 3 && field.wireType === VARINT) line.timestampNs = bigintOfVarint(field)
      else if (field.number === 11) displayName = textOf(field)
    }
    line.name = displayName || line.name
    return line
  }
  *#eventsOf(line: Uint8Array): Generator<XEvent | undefined> {
    const reader = fieldsOf(line)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 4 && field.wireType === LENGTH) yield this.#event(field.bytes)
    }
  }
  #event(bytes: Uint8Array): XEvent | undefined {
    let metadata = NO_METADATA
    let offset: { high: number; low: number } | undefined
    let duration = { high: 0, low: 0 }
    const stats: Stats = new Map()
    const reader = fieldsOf(bytes)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 4 && field.wireType === LENGTH) this.#readStat(field.bytes, stats)
      if (field.wireType !== VARINT) continue
      if (field.number === 1) metadata = this.#events.get(numberOfVarint(field)) ?? NO_METADATA
      else if (field.number === 2) offset = { high: field.high, low: field.low }
      else if (field.number === 3) duration = { high: field.high, low: field.low }
    }
    if (offset === undefined || metadata === NO_METADATA) return undefined
    const offsetNs = nsOfPs(offset.high, offset.low)
    const endOffsetNs = nsOfPs(offset.high + duration.high, offset.low + duration.low)
    return { metadata, offsetNs, endOffsetNs, stats }
  }

  // Of a stat that comes twice the first value, but all links.
  #readStat(bytes: Uint8Array, stats: Stats): void {
    let name: string | undefined
    let value: StatValue | undefined
    const reader = fieldsOf(bytes)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.number === 1) name = this.#statNames.get(numberOfVarint(field))
      else if (field.number === 2 && field.wireType === FIXED64) value = doubleOf(field.bytes)
      else if (field.number === 3 && field.wireType === VARINT) value = BigInt.asUintN(64, bigintOfVarint(field))
      else if (field.number === 4 && field.wireType === VARINT) value = bigintOfVarint(field)
      else if (field.number === 5 && field.wireType === LENGTH) value = textOf(field)
      else if (field.number === 7 && field.wireType === VARINT) value = this.#statNames.get(numberOfVarint(field))
    }
    if (name === undefined || value === undefined) return
    const known = stats.get(name)
    if (known === undefined) stats.set(name, value)
    else if (name === 'opscope.link') stats.set(name, `${known} ${value}`)
  }
}

function mapEntry(bytes: Uint8Array): [key: number, value: Uint8Array] {
  let key = 0
  let value = new Uint8Array(0)
  const reader = fieldsOf(bytes)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number === 1 && field.wireType === VARINT) key = numberOfVarint(field)
    else if (field.number === 2 && field.wireType === LENGTH) value = Uint8Array.from(field.bytes)
  }
  return [key, value]
}
function doubleOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true)
}

const TWO_28 = 2 ** 28
/** Picoseconds of a varint, rounded; exact beyond what a double holds, where they are whole ns. */
function nsOfPs(high: number, low: number): number {
  if (high < 2 ** 24) return Math.round((high * TWO_28 + low) / 1000)
  const ps = BigInt.asIntN(64, (BigInt(high) << 28n) + BigInt(low))
  return Number((ps + 500n) / 1000n)
}
