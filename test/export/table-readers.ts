// The files that hold rows as a table, read by programs that are not ours.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Table as ArrowTable, DataType, tableFromIPC } from 'apache-arrow'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'

import type { Value } from '../../src/index.js'

/** Of nodejs-polars, whose own types need `skipLibCheck`. */
export const pl = createRequire(import.meta.url)('nodejs-polars')

export type Columns = Record<string, Value[]>

/** A bigint becomes a number where that is exact, as in a Table. */
function plain(value: unknown): Value {
  return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : (value as Value)
}

export async function arrowOf(file: string | Uint8Array): Promise<ArrowTable> {
  return tableFromIPC(typeof file === 'string' ? await readFile(file) : file)
}
export function columnsOfArrow(table: ArrowTable): Columns {
  return Object.fromEntries(
    table.schema.fields.map(({ name }) => [name, Array.from(table.getChild(name)!, value => plain(value))]),
  )
}
export function arrowTypes(table: ArrowTable): string[] {
  return table.schema.fields.map(({ name, type, nullable }) => {
    const text = DataType.isDictionary(type) ? `dictionary<${type.indices}, ${type.dictionary}>` : String(type)
    return `${name} ${text.toLowerCase()}${nullable ? ' null' : ''}`
  })
}

export async function parquetColumns(path: string): Promise<Columns> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) })
  const names = Object.keys(rows[0] ?? {})
  return Object.fromEntries(names.map(name => [name, rows.map(row => plain(row[name] ?? null))]))
}
export async function parquetMetadata(path: string): Promise<Awaited<ReturnType<typeof parquetMetadataAsync>>> {
  return parquetMetadataAsync(await asyncBufferFromFile(path))
}

/** The rows that a query gives in DuckDB, values in the order selected. */
export async function duckdb(query: string): Promise<Value[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const result = await connection.runAndReadAll(query)
    return result.getRows().map(row => row.map(plain))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
