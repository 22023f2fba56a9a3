// Parquet by hyparquet-writer: a row group at a time, from columns as Arrow has them. No row becomes an object. What
// the package does blocks the event loop for the time of a row group; between two of them other work gets its turn.
import { write } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ByteWriter, ParquetWriter } from 'hyparquet-writer'

import { native, type RecordingHandle, type TableColumnInfo, type TableHandle } from '../binding.js'
import { importPackage, PARQUET_WRITER, requirePackage } from './optional-package.js'
import { writeWhole } from './output.js'

// A group blocks for 0.2 s or so (docs/data-frames.md); smaller ones make files larger and slower to read.
const GROUP_ROWS = 16_384

interface Library {
  ByteWriter: typeof ByteWriter
  ParquetWriter: typeof ParquetWriter
}
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]
type Values = (string | number | bigint | null)[] | Int32Array | BigInt64Array

class ParquetFile {
  readonly #table: TableHandle
  readonly #rowCount: number
  readonly #columns: readonly TableColumnInfo[]
  readonly #bytes: ByteWriter
  readonly #writer: ParquetWriter
  #nextRow = 0

  constructor({ ByteWriter, ParquetWriter }: Library, table: TableHandle) {
    const { rows, columns, metadata } = native().describeTable(table)
    this.#table = table
    this.#rowCount = rows
    this.#columns = columns
    this.#bytes = new ByteWriter()
    const kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }))
    const schema = [{ name: 'opscope', num_children: columns.length }, ...columns.map(elementOf)]
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema, kvMetadata, createdBy: 'opscope' })
  }

  /** Bytes of the file so far. */
  get length(): number {
    return this.#bytes.offset
  }
  /** The bytes that follow, valid until the next call; undefined: that was the end. */
  *parts(): Generator<Uint8Array> {
    while (this.#nextRow < this.#rowCount) {
      this.#addGroup()
      yield this.#take()
    }
    this.#writer.finish()
    yield this.#take()
  }

  #addGroup(): void {
    const batch = native().tableBatch(this.#table, this.#nextRow, GROUP_ROWS)
    const count = Math.min(GROUP_ROWS, this.#rowCount - this.#nextRow)
    const columnData = this.#columns.map((column, index) => {
      // Bounds of a group's ids and names would let a reader skip nothing, and cost a fifth of the time.
      const statistics = column.type !== 'dictionary' && column.type !== 'text'
      const textsOf = (codes: Int32Array) => native().tableTexts(this.#table, index, codes)
      return { name: column.name, data: valuesOf(column.type, batch[index]!, count, textsOf), statistics }
    })
    this.#writer.write({ columnData, rowGroupSize: count })
    this.#nextRow += count
  }
  #take(): Uint8Array {
    const part = this.#bytes.getBytes()
    this.#bytes.index = 0
    return part
  }
}

const writeSome = promisify(write)

/** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING, as the next. */
export async function writeParquet(recording: RecordingHandle, absolute: boolean, fd: number): Promise<number> {
  const library = await importPackage<Library>(PARQUET_WRITER)
  const file = new ParquetFile(library, await native().openTable(recording, absolute))
  for (const part of file.parts()) {
    for (let at = 0; at < part.length; ) at += (await writeSome(fd, part, at)).bytesWritten
    await nextTurn()
  }
  return file.length
}
export function writeParquetSync(recording: RecordingHandle, absolute: boolean, fd: number): number {
  const library = requirePackage<Library>(PARQUET_WRITER)
  const file = new ParquetFile(library, native().openTableSync(recording, absolute))
  for (const part of file.parts()) {
    writeWhole(fd, part)
  }
  return file.length
}

function elementOf({ name, type, nullable }: TableColumnInfo): SchemaElement {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
  switch (type) {
    case 'int32':
      return { name, repetition_type, type: 'INT32' }
    case 'int64':
      return { name, repetition_type, type: 'INT64' }
    case 'timestamp': {
      const logical_type = { type: 'TIMESTAMP' as const, isAdjustedToUTC: true, unit: 'NANOS' as const }
      return { name, repetition_type, type: 'INT64', logical_type }
    }
    case 'dictionary':
    case 'text':
      return { name, repetition_type, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
  }
}

type Batch = { validity: Uint8Array; offsets: Int32Array; values: Uint8Array }

function valuesOf(
  type: TableColumnInfo['type'],
  { validity, offsets, values }: Batch,
  count: number,
  textsOf: (codes: Int32Array) => string[],
): Values {
  const isNull = (row: number) => validity.length > 0 && ((validity[row >> 3]! >> (row & 7)) & 1) === 0
  const each = <T>(at: (row: number) => T) => Array.from({ length: count }, (_, row) => (isNull(row) ? null : at(row)))
  switch (type) {
    case 'int32': {
      const numbers = new Int32Array(values.buffer, values.byteOffset, count)
      return validity.length === 0 ? numbers : each(row => numbers[row]!)
    }
    case 'int64':
    case 'timestamp': {
      const numbers = new BigInt64Array(values.buffer, values.byteOffset, count)
      return validity.length === 0 ? numbers : each(row => numbers[row]!)
    }
    case 'dictionary': {
      const codes = new Int32Array(values.buffer, values.byteOffset, count)
      const used = Int32Array.from(new Set(codes.filter((_, row) => !isNull(row))))
      const texts = new Map(textsOf(used).map((text, index) => [used[index]!, text]))
      return each(row => texts.get(codes[row]!)!)
    }
    case 'text': {
      const bytes = Buffer.from(values.buffer, values.byteOffset, values.length)
      return each(row => bytes.toString('utf8', offsets[row], offsets[row + 1]))
    }
  }
}
