// Reads a file of OPSCOPE_CAPTURE_RAW (binding/gpu/raw_capture.h tells its form) without opscope, and counts records.
import { readFileSync } from 'node:fs'

const MAGIC = 'OPSCRAW1'
const SECTION_BYTES = 16

/** @returns {{ bytes: number, version: number, driver: number, records: Map<number, number>, tornBytes: number }} */
export function readRawFile(path) {
  const file = readFileSync(path)
  if (file.toString('latin1', 0, 8) !== MAGIC) throw new Error(`${path} does not begin with ${MAGIC}`)
  const found = { bytes: file.length, version: 0, driver: 0, records: new Map(), tornBytes: 0 }
  let strides = []
  for (let at = MAGIC.length; at + SECTION_BYTES <= file.length; ) {
    const tag = file.toString('latin1', at, at + 4)
    const length = Number(file.readBigUInt64LE(at + 8))
    const section = file.subarray(at + SECTION_BYTES, at + SECTION_BYTES + length)
    at += SECTION_BYTES + length
    if (tag === 'HEAD') [found.version, found.driver] = [section.readUInt32LE(0), section.readInt32LE(4)]
    if (tag === 'STRD')
      strides = Array.from({ length: section.length / 2 }, (_, kind) => section.readUInt16LE(2 * kind))
    if (tag === 'BUFF') countRecords(section, strides, found)
  }
  return found
}

function countRecords(buffer, strides, found) {
  let at = 0
  while (at + 4 <= buffer.length) {
    const kind = buffer.readUInt32LE(at)
    const stride = strides[kind] ?? 0
    if (stride === 0 || at + stride > buffer.length) break
    found.records.set(kind, (found.records.get(kind) ?? 0) + 1)
    at += stride
  }
  found.tornBytes += buffer.length - at
}
