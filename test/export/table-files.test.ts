import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture, type Row, type Value } from '../../src/index.js'
import { workedVector } from '../fixtures/worked-vector.js'
import { randomRows } from './random-rows.js'
import {
  arrowOf,
  arrowTypes,
  type Columns,
  columnsOfArrow,
  duckdb,
  parquetColumns,
  parquetMetadata,
  pl,
} from './table-readers.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)

function columnsOf(capture: Capture): Columns {
  const rows = capture.rows()
  return Object.fromEntries(rows.columns.map(name => [name, rows.column(name)]))
}
/** Names the column that differs, and where; toEqual() on whole tables would print both. */
function expectSame(actual: Columns, expected: Columns): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected))
  for (const [name, values] of Object.entries(expected)) {
    const row = values.findIndex((value, index) => !Object.is(actual[name]![index], value))
    expect({ name, row, value: actual[name]![row], count: actual[name]!.length }).toEqual({
      name,
      row: -1,
      value: undefined,
      count: values.length,
    })
  }
}

describe('a large recording', () => {
  let capture: Capture
  let expected: Columns
  beforeAll(async () => {
    capture = await buildCapture(randomRows(60_000))
    expected = columnsOf(capture)
  }, 60_000)

  it('has something of everything, in more than one batch', () => {
    expect(expected.span_id!.length).toBeGreaterThan(65_536)
    for (const [name, values] of Object.entries(expected)) {
      expect({ name, hasValues: values.some(value => value !== null) }).toEqual({ name, hasValues: true })
    }
    expect(new Set(expected.status)).toEqual(new Set(['ok', 'error', 'unfinished']))
    expect(new Set(expected['node.thread'])).toEqual(new Set([0, 3, null]))
  })
  it('is in the Arrow file as in rows(), value by value', async () => {
    await capture.export(at('large.arrow'))
    const table = await arrowOf(at('large.arrow'))
    expect(table.batches.length).toBe(2)
    expectSame(columnsOfArrow(table), expected)
  }, 60_000)
  it('is the same in memory as in a file', async () => {
    await capture.export(at('same.arrow'))
    expect(Buffer.from(await capture.toArrow()).equals(readFileSync(at('same.arrow')))).toBe(true)
  }, 60_000)
  it('is in the Parquet file as in rows()', async () => {
    const { bytes } = await capture.export(at('large.parquet'))
    expect(readFileSync(at('large.parquet')).length).toBe(bytes)
    expectSame(await parquetColumns(at('large.parquet')), expected)
  }, 60_000)
  it('is in the CSV file as in rows(), read by DuckDB', async () => {
    const { bytes } = await capture.export(at('large.csv'))
    expect(readFileSync(at('large.csv')).length).toBe(bytes)
    const types = capture.rows().schema.map(({ name, type }) => `'${name}': '${type === 'str' ? 'VARCHAR' : 'BIGINT'}'`)
    const options = `header = true, columns = {${types}}, max_line_size = 1000000`
    const rows = await duckdb(`select * from read_csv('${at('large.csv')}', ${options})`)
    const names = Object.keys(expected)
    expectSame(Object.fromEntries(names.map((name, i) => [name, rows.map(row => row[i]!)])), expected)
  }, 60_000)
  it('is the same compressed', async () => {
    await capture.export(at('packed.csv.gz'))
    await capture.export(at('plain.csv'))
    expect(gunzipSync(readFileSync(at('packed.csv.gz'))).equals(readFileSync(at('plain.csv')))).toBe(true)
  }, 60_000)
  it('is a data frame that has the same rows', async () => {
    const frame = await capture.toDataFrame<ReturnType<typeof pl.readIPC>>()
    expect(frame.columns).toEqual(Object.keys(expected))
    for (const name of ['name', 'cat', 'status', 'trace_id', 'attrs', 'span_id', 'parent_span_id', 'node.thread']) {
      const values = frame.getColumn(name).toArray() as Value[]
      expect({ name, row: values.findIndex((value, row) => value !== expected[name]![row]) }).toEqual({ name, row: -1 })
      expect(values.length).toBe(expected[name]!.length)
    }
    // get() and [] of Polars cut 64 bits to 32, toArray() rounds; a typed array is exact.
    expect(Array.from(frame.getColumn('start').toTypedArray(), Number)).toEqual(expected.start)
  }, 60_000)
})

describe('the worked vector', () => {
  let capture: Capture
  beforeAll(async () => {
    capture = await buildCapture(workedVector())
    for (const suffix of ['arrow', 'parquet', 'csv']) await capture.export(at(`worked.${suffix}`))
  })
  const SUMMARY = [
    'count',
    'minNs',
    'maxNs',
    'meanNs',
    'medianNs',
    'p90Ns',
    'p95Ns',
    'p97Ns',
    'p99Ns',
    'p999Ns',
  ] as const
  const summary = () => SUMMARY.map(key => capture.summary()[key])
  const operators = () =>
    capture
      .operators()
      .toArray()
      .map((row: Row) => [row.name, row.average_ns, row.count])

  it('has the schema that is documented', async () => {
    expect(arrowTypes(await arrowOf(at('worked.arrow')))).toEqual([
      'trace_id dictionary<int32, utf8> null',
      'span_id utf8',
      'parent_span_id utf8 null',
      'inference_span_id utf8 null',
      'start int64',
      'end int64 null',
      'dur int64 null',
      'cat dictionary<int32, utf8>',
      'name dictionary<int32, utf8>',
      'status dictionary<int32, utf8>',
      'thread.id int64 null',
      'node.thread int32 null',
      'device_index int32 null',
      'stream int32 null',
      'context int32 null',
      'execution_index int64 null',
      'instruction_index int32 null',
      'operator_index int32 null',
      'correlation_id int64 null',
      'bytes int64 null',
      'paused_ns int64 null',
      'attrs utf8 null',
    ])
  })
  it('tells beside the rows where its times begin', async () => {
    const { metadata } = (await arrowOf(at('worked.arrow'))).schema
    expect(metadata.get('opscope.origin_epoch_ns')).toBe('1763780000000000000')
    expect(metadata.get('opscope.duration_ns')).toBe('1000000')
    expect(JSON.parse(metadata.get('opscope.meta')!)).toMatchObject({ state: 'All' })
    const { key_value_metadata } = await parquetMetadata(at('worked.parquet'))
    expect(Object.fromEntries(key_value_metadata!.map(({ key, value }) => [key, value]))).toEqual(
      Object.fromEntries(metadata),
    )
  })
  it('is read by apache-arrow and hyparquet', async () => {
    expectSame(columnsOfArrow(await arrowOf(at('worked.arrow'))), columnsOf(capture))
    expectSame(await parquetColumns(at('worked.parquet')), columnsOf(capture))
  })
  it.each(['parquet', 'csv'])('gives DuckDB the same summary from %s', async suffix => {
    const percentiles = [0.5, 0.9, 0.95, 0.97, 0.99, 0.999].map(p => `quantile_cont(dur, ${p})`)
    const figures = ['count(*)', 'min(dur)', 'max(dur)', 'avg(dur)', ...percentiles].map(
      each => `round(${each})::bigint`,
    )
    const query = `select ${figures} from '${at(`worked.${suffix}`)}' where cat = 'inference' and dur is not null`
    expect(await duckdb(query)).toEqual([summary()])
  })
  it.each(['parquet', 'csv'])('gives DuckDB the same operators from %s', async suffix => {
    const query = `select name, avg(dur), count(*) from '${at(`worked.${suffix}`)}'
      where cat = 'device' and instruction_index is not null group by name order by 2 desc, name`
    expect(await duckdb(query)).toEqual(operators())
  })
  it('gives DuckDB the same busy time of executions', async () => {
    // Gaps and islands: the operators of an execution, cut into stretches that do not touch, added up.
    const query = `
      with all_rows as (from '${at('worked.parquet')}'),
      op as (
        select d.span_id as execution, greatest(o.start, d.start) as first, least(o."end", d."end") as last
        from all_rows o join all_rows d on o.parent_span_id = d.span_id
        where o.cat = 'device' and d.execution_index is not null and d.instruction_index is null),
      marked as (
        select *, coalesce(first > max(last) over (partition by execution order by first, last
          rows between unbounded preceding and 1 preceding), true) as is_new from op),
      island as (select *, sum(is_new::int) over (partition by execution order by first, last) as number from marked),
      stretch as (select execution, max(last) - min(first) as ns from island group by execution, number)
      select execution, sum(ns)::bigint from stretch group by execution order by execution`
    const busy = capture
      .executions()
      .toArray()
      .map((row: Row) => [row.span_id, row.Busy])
    expect(busy).toEqual([
      ['00000000000000d1', 80_000],
      ['00000000000000d2', 90_000],
    ])
    expect(await duckdb(query)).toEqual(busy)
  })
  it.each([
    ['arrow', (path: string) => pl.readIPC(readFileSync(path))],
    ['parquet', (path: string) => pl.readParquet(path)],
    ['csv', (path: string) => pl.readCSV(path)],
  ])('gives Polars the same summary and operators from %s', (suffix, read) => {
    const frame = read(at(`worked.${suffix}`)).withColumns(pl.col('cat').cast(pl.Utf8), pl.col('name').cast(pl.Utf8))
    const dur = frame.filter(pl.col('cat').eq(pl.lit('inference'))).getColumn('dur')
    const percentiles = [0.5, 0.9, 0.95, 0.97, 0.99, 0.999].map(p => dur.quantile(p, 'linear'))
    expect([dur.length, dur.min(), dur.max(), dur.mean(), ...percentiles].map(Math.round)).toEqual(summary())
    const grouped = frame
      .filter(pl.col('cat').eq(pl.lit('device')).and(pl.col('instruction_index').isNotNull()))
      .groupBy('name')
      .agg(pl.col('dur').mean().alias('average'), pl.count('dur').alias('count'))
      .sort('average', true)
    expect(grouped.select('name', 'average', 'count').rows()).toEqual(operators())
  })
})

describe('absolute times', () => {
  const origin = 1_763_780_000_000_000_000n
  let capture: Capture
  beforeAll(async () => {
    capture = await buildCapture(workedVector())
    for (const suffix of ['arrow', 'parquet', 'csv']) await capture.export(at(`absolute.${suffix}`), { absolute: true })
  })
  const starts = () =>
    capture
      .rows()
      .column('start')
      .map(ns => origin + BigInt(ns as number))

  it('are timestamps of ns in Arrow', async () => {
    const table = await arrowOf(at('absolute.arrow'))
    expect(arrowTypes(table).slice(4, 7)).toEqual([
      'start timestamp<nanosecond, utc>',
      'end timestamp<nanosecond, utc> null',
      'dur int64 null',
    ])
    const values = table.getChild('start')!.data.flatMap(({ values }) => Array.from(values as BigInt64Array))
    expect(values).toEqual(starts())
    expect(table.schema.metadata.get('opscope.time')).toBe('ns since the Unix epoch')
  })
  it('are the moments that DuckDB reads from Parquet and CSV', async () => {
    expect((await duckdb(`select epoch_ns(start) from '${at('absolute.parquet')}'`)).flat()).toEqual(
      starts().map(String).map(BigInt),
    )
    const [[first]] = (await duckdb(
      `select epoch_ns(start::timestamp_ns) from read_csv('${at('absolute.csv')}', all_varchar = true)`,
    )) as [[bigint]]
    expect(first).toBe(starts()[0])
  })
  it('are moments for Polars', async () => {
    const frame = pl.readIPC(Buffer.from(await capture.toArrow({ absolute: true })))
    expect(String(frame.getColumn('start').dtype)).toContain('Datetime')
    expect(frame.select(pl.col('start').cast(pl.Int64)).getColumn('start').toTypedArray()[1]).toBe(starts()[1])
  })
  it('are refused where a capture has none, and in other formats', async () => {
    const unknown = await buildCapture({ spans: [{ thread: 'main', name: 'a', startNs: 0, endNs: 1 }] })
    const error = { code: 'ERR_OPSCOPE_OPTION_VALUE' }
    await expect(unknown.toArrow({ absolute: true })).rejects.toMatchObject(error)
    await expect(unknown.export(at('a.csv'), { absolute: true })).rejects.toMatchObject(error)
    await expect(capture.export(at('a.json'), { absolute: true })).rejects.toMatchObject(error)
    await expect(capture.toArrow({ absolute: 1 } as never)).rejects.toMatchObject(error)
    await expect(capture.toArrow({ absolut: true } as never)).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_OPTION_UNKNOWN',
    })
  })
  it('are right in CSV on the days of leap years', async () => {
    for (const text of [
      '1970-01-01T00:00:00.000000001Z',
      '2000-02-29T23:59:59.999999999Z',
      '2100-03-01T00:00:00.000000000Z',
    ]) {
      const ns = BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000_000n + BigInt(text.slice(20, 29))
      const one = await buildCapture({
        spans: [{ thread: 'main', name: 'a', startNs: 0, endNs: 1 }],
        originEpochNs: ns,
      })
      await one.export(at('moment.csv'), { absolute: true })
      expect(readFileSync(at('moment.csv'), 'utf8').split('\r\n')[1]!.split(',')[4]).toBe(text)
    }
  })
})

describe('an empty capture', () => {
  it('is a table without rows, in every format', async () => {
    const capture = await buildCapture({})
    const table = await arrowOf(await capture.toArrow())
    expect([table.numRows, table.schema.fields.length]).toEqual([0, capture.rows().columns.length])
    for (const suffix of ['arrow', 'parquet', 'csv']) await capture.export(at(`empty.${suffix}`))
    expect(readFileSync(at('empty.csv'), 'utf8')).toBe(`${capture.rows().columns.join(',')}\r\n`)
    expect(await duckdb(`select count(*) from '${at('empty.parquet')}'`)).toEqual([[0]])
    expect(pl.readIPC(readFileSync(at('empty.arrow'))).height).toBe(0)
    expect((await capture.toDataFrame<{ height: number }>()).height).toBe(0)
  })
})

describe('CSV', () => {
  it('quotes what holds a comma, a quote or a line end, and leaves null out', async () => {
    const span = (name: string, startNs: number, more = {}) => ({
      thread: 'main',
      name,
      startNs,
      endNs: startNs + 1,
      ...more,
    })
    const capture = await buildCapture({
      spans: [span('plain', 0), span('a,"b"\r\nc', 10, { attributes: { note: 'é' } })],
    })
    await capture.export(at('quotes.csv'))
    const nulls = ','.repeat(9)
    expect(readFileSync(at('quotes.csv'), 'utf8').split('\r\n').slice(1).join('\r\n')).toBe(
      `00000000000000000000000100000000,0000000100000000,0000000000000000,,0,1,1,user,plain,ok${','.repeat(10)}${nulls.slice(9)},0,\r\n` +
        `00000000000000000000000100000001,0000000100000001,0000000000000000,,10,11,1,user,"a,""b""\r\nc",ok${','.repeat(11)}0,"{""note"":""é""}"\r\n`,
    )
  })
})

const child = (code: string, cwd = process.cwd()) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd })

// The installed package of scripts/test-matrix.mjs finds them above it.
describe.skipIf(process.env.TEST_INSTALLED === '1')('without the packages that opscope may use', () => {
  const bare = at('bare')
  beforeAll(() => {
    mkdirSync(join(bare, 'node_modules'), { recursive: true })
    for (const name of ['lib', 'package.json']) cpSync(name, join(bare, name), { recursive: true })
    for (const name of [
      'build',
      'node_modules/commander',
      'node_modules/node-gyp-build',
      'node_modules/string-width',
    ]) {
      symlinkSync(join(process.cwd(), name), join(bare, name))
    }
  })
  const failureOf = async (call: string) => {
    const code = `import { buildCapture, startProfiler } from './lib/index.js'
      const capture = await buildCapture({})
      try { ${call} } catch (error) { console.log(JSON.stringify([error.code, error.message])) }
      await capture.export('fine.arrow')`
    return JSON.parse((await child(code, bare)).stdout) as [code: string, message: string]
  }

  it('a data frame fails with what to install, and for which Node', async () => {
    const [code, message] = await failureOf('await capture.toDataFrame()')
    expect(code).toBe('ERR_OPSCOPE_PACKAGE_MISSING')
    expect(message).toMatch(
      /"nodejs-polars" is needed .*\n.*Node 22.*npm install nodejs-polars-(linux|darwin|win32)-\w+/,
    )
  })
  it.each(["await capture.export('a.parquet')", "startProfiler({ profilePath: 'a.parquet' })"])(
    '%s fails before anything is done',
    async call => {
      const [code, message] = await failureOf(call)
      expect(code).toBe('ERR_OPSCOPE_PACKAGE_MISSING')
      expect(message).toMatch(/"hyparquet-writer" is needed .*\n.*npm install hyparquet-writer/)
    },
  )
})

describe('a program that ends', () => {
  it('has its Parquet file when it calls exit while it is profiled', async () => {
    await child(`import { op, startProfiler } from './lib/index.js'
      startProfiler({ profilePath: ${JSON.stringify(at('exit.parquet'))}, gpu: 'off' })
      const work = op('work'); work.begin(); work.end(); process.exit()`)
    expect(await duckdb(`select name from '${at('exit.parquet')}' where name = 'work'`)).toEqual([['work']])
  })
  it('has an Arrow file instead where no JavaScript can run any more', async () => {
    await child(`import { Worker } from 'node:worker_threads'
      const path = ${JSON.stringify(at('worker.parquet'))}
      const code = \`import('${process.cwd()}/lib/index.js').then(({ op, startProfiler }) => {
        startProfiler({ profilePath: \${JSON.stringify(path)}, gpu: 'off' })
        const work = op('work'); work.begin(); work.end()
        process.getBuiltinModule('node:worker_threads').parentPort.postMessage('ready'); setInterval(() => {}, 1000) })\`
      const worker = new Worker(code, { eval: true })
      worker.on('message', () => worker.terminate())`)
    const table = await arrowOf(at('worker.parquet.arrow'))
    expect(columnsOfArrow(table).name).toContain('work')
  })
})
