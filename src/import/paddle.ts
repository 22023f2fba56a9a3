// Paddle's profile proto (package paddle.platform.proto, versions 1.x to 2.2), written by Paddle or by us.
// Spans: names are paths, `a/b/c`; nesting is found again by time, and the last part is the name. API calls
// (device −1) and GPU rows carry no correlation id: what joins them is that both are named by the path of the
// event that launched them, in the order of their starts. Memory events become one counter per place.
// Lost by the format: thread names, ids, attributes, marks, which of several launches caused which kernel.
import { RowsBuilder } from '../rows-builder.js'
import { type MemoryEvent, memoryCounters } from './paddle-memory.js'
import { addPaddleRows } from './paddle-rows.js'
import {
  bigintOfVarint,
  type Field,
  LENGTH,
  numberOfVarint,
  readFields,
  VARINT,
  varintMinus,
  WireReader,
} from './wire-reader.js'

/** A decoded Event; times are ns since the first event's start. */
export interface PaddleEvent {
  name: string
  startNs: number
  endNs: number
  device: number
  subDevice: number
  bytes: number
  isGpu: boolean
  detail: string
}
type Base = { high: number; low: number; ns: bigint }

/** Throws WireError for bytes that are no such proto. */
export async function importPaddle(chunks: AsyncIterable<Buffer>): Promise<RowsBuilder> {
  const events: PaddleEvent[] = []
  const memory: MemoryEvent[] = []
  let base: Base | undefined
  const relative = (field: Field): number => {
    base ??= { high: field.high, low: field.low, ns: bigintOfVarint(field) }
    return varintMinus(field, base)
  }
  const isWhole = await readFields(chunks, field => {
    if (field.number === 1 && field.wireType === LENGTH) {
      events.push(decodeEvent(field.bytes, relative))
    } else if (field.number === 4 && field.wireType === LENGTH) {
      memory.push(decodeMemoryEvent(field.bytes, relative))
    }
  })
  const builder = new RowsBuilder()
  if (!isWhole) {
    builder.warn('file-cut', 'the file ends in the middle; every whole event was read')
  }
  addPaddleRows(builder, events)
  memoryCounters(builder, memory)
  const { startNs } = builder.timeRange()
  builder.shiftBy(-startNs)
  builder.originEpochNs = (base?.ns ?? 0n) + BigInt(startNs)
  return builder
}

function decodeEvent(bytes: Uint8Array, relative: (field: Field) => number): PaddleEvent {
  const event = { name: '', startNs: 0, endNs: 0, device: 0, subDevice: 0, bytes: 0, isGpu: false, detail: '' }
  const reader = new WireReader(bytes)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    const isVarint = field.wireType === VARINT
    if (field.number === 1) {
      event.name = text(field.bytes)
    } else if (field.number === 2 && isVarint) {
      event.startNs = relative(field)
    } else if (field.number === 3 && isVarint) {
      event.endNs = relative(field)
    } else if (field.number === 5 && isVarint) {
      event.device = numberOfVarint(field)
    } else if (field.number === 6 && isVarint) {
      event.subDevice = numberOfVarint(field)
    } else if (field.number === 7) {
      const copy = new WireReader(field.bytes).next()
      event.bytes = copy === undefined ? 0 : numberOfVarint(copy)
    } else if (field.number === 8 && isVarint) {
      event.isGpu = numberOfVarint(field) !== 0
    } else if (field.number === 9) {
      event.detail = text(field.bytes)
    }
  }
  event.endNs = Math.max(event.startNs, event.endNs)
  return event
}
function decodeMemoryEvent(bytes: Uint8Array, relative: (field: Field) => number): MemoryEvent {
  const event: MemoryEvent = { allocNs: 0, freeNs: 0, bytes: 0, place: 0, device: 0 }
  const reader = new WireReader(bytes)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wireType !== VARINT) {
      continue
    }
    if (field.number === 1) {
      event.allocNs = relative(field)
    } else if (field.number === 2) {
      event.freeNs = relative(field)
    } else if (field.number === 3) {
      event.bytes = numberOfVarint(field)
    } else if (field.number === 4) {
      event.place = numberOfVarint(field)
    } else if (field.number === 6) {
      event.device = numberOfVarint(field)
    }
  }
  return event
}
const decoder = new TextDecoder()
const text = (bytes: Uint8Array) => decoder.decode(bytes)
