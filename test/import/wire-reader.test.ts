import { describe, expect, it } from 'vitest'

import {
  bigintOfVarint,
  numberOfVarint,
  readFields,
  varintMinus,
  WireError,
  WireReader,
} from '../../src/import/wire-reader.js'

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return bytes
}
const field1 = (value: bigint) => new WireReader(Uint8Array.from([0x08, ...varint(value)])).next()!

describe('WireReader', () => {
  it.each([0n, 1n, 127n, 128n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 53n, -1n, -(2n ** 63n), 1_763_780_000_000_000_001n])(
    'reads %s exactly',
    value => {
      expect(bigintOfVarint(field1(value))).toBe(value)
      expect(numberOfVarint(field1(value))).toBe(Number(value))
    },
  )

  it('subtracts wall-clock times without rounding', () => {
    const base = { ...field1(1_763_780_000_000_000_000n) }
    expect(varintMinus(field1(1_763_780_000_000_000_001n), base)).toBe(1)
  })

  it('refuses bytes that are no protobuf', () => {
    expect(() => new WireReader(Uint8Array.from([0x07])).next()).toThrow(WireError) // wire type 7
    expect(() => new WireReader(Uint8Array.from([0x00, 0x00])).next()).toThrow(WireError) // field 0
    expect(() => new WireReader(Uint8Array.from([0x08, ...Array(11).fill(0xff)])).next()).toThrow(WireError)
  })
})

it('readFields() sees the same fields whatever the chunks, and says when the last is cut', async () => {
  const bytes = Buffer.from([0x0a, 0x03, 1, 2, 3, 0x10, 0x96, 0x01, 0x0d, 1, 2, 3, 4, 0x11, 1, 2, 3, 4, 5, 6, 7, 8])
  for (let size = 1; size <= bytes.length; size++) {
    const numbers: number[] = []
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    expect(await readFields(chunks(), field => numbers.push(field.number))).toBe(true)
    expect(numbers).toEqual([1, 2, 1, 2])
  }
  async function* cut() {
    yield bytes.subarray(0, -1)
  }
  expect(await readFields(cut(), () => {})).toBe(false)
})
