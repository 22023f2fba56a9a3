// Protobuf wire format, reading side: walks the fields of one message, also of a message that arrives in chunks.

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

/** One field. A varint is high·2^28 + low: a double alone would round wall-clock ns. */
export interface Field {
  number: number
  wireType: number
  high: number
  low: number
  bytes: Uint8Array
}

/** Bytes that are no protobuf. A message that merely ends too early is none of this. */
export class WireError extends Error {}

const NO_BYTES = new Uint8Array(0)
const TWO_28 = 2 ** 28
const SIGN = 2 ** 35
// No message that we read comes near; a longer one means that the bytes are something else.
const LONGEST_FIELD = 256 << 20

/** A varint as a number: exact to 2^53, negative where the 64-bit value is. */
export function numberOfVarint(field: Field): number {
  return (field.high >= SIGN ? field.high - 2 * SIGN : field.high) * TWO_28 + field.low
}
export function bigintOfVarint(field: Field): bigint {
  return BigInt.asIntN(64, (BigInt(field.high) << 28n) | BigInt(field.low))
}
/** Difference of two varints, exact where it fits a double. */
export function varintMinus(field: Field, base: { high: number; low: number }): number {
  return (field.high - base.high) * TWO_28 + (field.low - base.low)
}

/** Reads fields one after the other. The returned field is reused by the next call. */
export class WireReader {
  readonly bytes: Uint8Array
  /** Behind the last whole field. */
  position = 0
  readonly #field: Field = { number: 0, wireType: 0, high: 0, low: 0, bytes: NO_BYTES }
  #at = 0
  #high = 0
  #low = 0

  /** `longestField`: more than that is damage. */
  constructor(
    bytes: Uint8Array,
    readonly longestField: number = LONGEST_FIELD,
  ) {
    this.bytes = bytes
  }

  /** undefined at the end, and where the next field is not whole. */
  next(): Field | undefined {
    this.#at = this.position
    if (!this.#readVarint()) {
      return undefined
    }
    const tag = this.#high * TWO_28 + this.#low
    const field = this.#field
    field.number = Math.floor(tag / 8)
    field.wireType = tag % 8
    field.bytes = NO_BYTES
    if (field.number === 0 || field.number >= 2 ** 29) {
      throw new WireError(`field number ${field.number}`)
    }
    if (field.wireType === VARINT || field.wireType === LENGTH) {
      if (!this.#readVarint()) {
        return undefined
      }
      field.high = this.#high
      field.low = this.#low
    }
    let length = 0
    if (field.wireType === LENGTH) {
      length = this.#high * TWO_28 + this.#low
      if (length > this.longestField) {
        throw new WireError(`a field of ${length} bytes`)
      }
    } else if (field.wireType === FIXED64 || field.wireType === FIXED32) {
      length = field.wireType === FIXED64 ? 8 : 4
    } else if (field.wireType !== VARINT) {
      throw new WireError(`wire type ${field.wireType}`)
    }
    if (this.#at + length > this.bytes.length) {
      return undefined
    }
    if (length > 0) {
      field.bytes = this.bytes.subarray(this.#at, this.#at + length)
    }
    this.position = this.#at + length
    return field
  }
  get isAtEnd(): boolean {
    return this.position === this.bytes.length
  }

  #readVarint(): boolean {
    let low = 0
    let high = 0
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.#at]
      if (byte === undefined) {
        return false
      }
      this.#at++
      if (i < 4) {
        low += (byte & 0x7f) << (7 * i)
      } else {
        high += (byte & 0x7f) * 2 ** (7 * (i - 4))
      }
      if (byte < 0x80) {
        this.#low = low
        this.#high = high % (2 * SIGN)
        return true
      }
    }
    throw new WireError('a varint of more than 10 bytes')
  }
}

/** Hands on the fields of one message that arrives in chunks; false when it ends in the middle of a field. */
export async function readFields(chunks: AsyncIterable<Buffer>, onField: (field: Field) => void): Promise<boolean> {
  let rest: Uint8Array = NO_BYTES
  for await (const chunk of chunks) {
    const reader = new WireReader(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      onField(field)
    }
    rest = reader.bytes.subarray(reader.position)
  }
  return rest.length === 0
}
