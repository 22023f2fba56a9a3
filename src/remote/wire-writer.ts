// Protobuf wire format, writing side, for small messages: callers name field numbers.
import { FIXED64, LENGTH, VARINT } from '../import/wire-reader.js'

/** Builds one message. What is 0, empty or false is left out, as proto3 does. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }
  varint(field: number, value: number | bigint): this {
    return Number(value) === 0 ? this : this.#add(tag(field, VARINT), varint(BigInt.asUintN(64, BigInt(value))))
  }
  bool(field: number, value: boolean): this {
    return this.varint(field, value ? 1 : 0)
  }
  double(field: number, value: number): this {
    if (value === 0) return this
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    return this.#add(tag(field, FIXED64), bytes)
  }
  string(field: number, value: string): this {
    return value === '' ? this : this.bytes(field, Buffer.from(value))
  }
  /** Also where there are none: a message or a map's value may be empty and there. */
  bytes(field: number, value: Uint8Array): this {
    return this.#add(tag(field, LENGTH), varint(BigInt(value.length)), value)
  }
  /** The beginning of a field whose bytes follow the message: it must be the last. */
  head(field: number, length: number): this {
    return this.#add(tag(field, LENGTH), varint(BigInt(length)))
  }
  message(field: number, value: WireWriter): this {
    // Its parts as they are: what is inside may be hundreds of MiB, and is copied once, by finish().
    return this.#add(tag(field, LENGTH), varint(BigInt(value.length)), ...value.#parts)
  }
  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length)
  }

  #add(...parts: Uint8Array[]): this {
    for (const part of parts) this.#length += part.length
    this.#parts.push(...parts)
    return this
  }
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(BigInt(field * 8 + wireType))
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(rest)])
}
