import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { OpscopeError } from '../../src/errors.js'
import { Table } from '../../src/model/table.js'

const BIG = 2n ** 60n
const table = Table.ofRows(
  [
    { name: 'name', type: 'str' },
    { name: 'dur', type: 'i64' },
    { name: 'share', type: 'f64' },
  ],
  [
    { name: 'conv', dur: 40, share: 0.5 },
    { name: '畳み込み', dur: null, share: 2 / 3 },
    { name: 'a/b\n', dur: BIG, share: 20 },
  ],
  'Nothing here.',
)
function errorOf(run: () => unknown): OpscopeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(OpscopeError)
    return error as OpscopeError
  }
  throw new Error('nothing was thrown')
}

describe('a table', () => {
  it('tells its shape and schema', () => {
    expect(table.numRows).toBe(3)
    expect(table.columns).toEqual(['name', 'dur', 'share'])
    expect(table.schema[1]).toEqual({ name: 'dur', type: 'i64' })
  })
  it('gives its rows one by one, at once, and as JSON', () => {
    expect([...table]).toEqual(table.toArray())
    expect(table.toArray()[2]).toEqual({ name: 'a/b\n', dur: BIG, share: 20 })
    expect(JSON.parse(JSON.stringify(table))[2]).toEqual({ name: 'a/b\n', dur: String(BIG), share: 20 })
  })
  it('does not change with what it gave', () => {
    table.column('dur').fill(0)
    table.columns.pop()
    table.toArray()[0]!.name = 'other'
    expect(table.toArray()[0]).toEqual({ name: 'conv', dur: 40, share: 0.5 })
    expect(table.columns).toHaveLength(3)
  })
  it('filters by value, by null, by bigint and by function, in its order', () => {
    expect(table.filter('dur', 40).column('name')).toEqual(['conv'])
    expect(table.filter('dur', 40n).column('name')).toEqual(['conv'])
    expect(table.filter('dur', BIG).column('name')).toEqual(['a/b\n'])
    expect(table.filter('dur', null).column('name')).toEqual(['畳み込み'])
    expect(table.filter('share', (share: number) => share < 1).column('name')).toEqual(['conv', '畳み込み'])
    expect(table.filter('share', 0.5).filter('dur', 41).numRows).toBe(0)
  })
  it.each<[string, () => unknown, string, RegExp]>([
    ['column', () => table.column('durr'), 'ERR_OPSCOPE_COLUMN_UNKNOWN', /no column "durr"[\s\S]*Did you mean "dur"\?/],
    ['filter column', () => table.filter('xyzzy', 1), 'ERR_OPSCOPE_COLUMN_UNKNOWN', /Known: name, dur, share\./],
    ['filter value', () => table.filter('dur', undefined as never), 'ERR_OPSCOPE_OPTION_VALUE', /got undefined/],
    ['print option', () => table.toString({ maxRow: 3 } as never), 'ERR_OPSCOPE_OPTION_UNKNOWN', /"maxRows"\?/],
    ['count of rows', () => table.toString({ maxRows: 0 }), 'ERR_OPSCOPE_OPTION_VALUE', /positive number, got 0/],
  ])('names what is wrong with a %s', (_, run, code, message) => {
    const error = errorOf(run)
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
  })

  it('prints as data frames do, in a REPL and console.log too', () => {
    const box = [
      'shape: (3, 3)',
      '┌──────────┬─────────────────────┬──────────┐',
      '│ name     ┆ dur                 ┆ share    │',
      '│ ---      ┆ ---                 ┆ ---      │',
      '│ str      ┆ i64                 ┆ f64      │',
      '╞══════════╪═════════════════════╪══════════╡',
      '│ conv     ┆ 40                  ┆ 0.5      │',
      '│ 畳み込み ┆ null                ┆ 0.666667 │',
      '│ a/b\\n    ┆ 1152921504606846976 ┆ 20.0     │',
      '└──────────┴─────────────────────┴──────────┘',
    ].join('\n')
    expect(String(table)).toBe(box)
    expect(inspect(table)).toBe(box)
  })
  it('leaves out rows in the middle of a long table, and cuts long names', () => {
    const rows = Array.from({ length: 1234 }, (_, row) => ({ name: `${row}_${'x'.repeat(60)}` }))
    const long = Table.ofRows([{ name: 'name', type: 'str' }], rows, '')
    const lines = long.toString({ maxRows: 3 }).split('\n')
    expect(lines[0]).toBe('shape: (1_234, 1)')
    expect(lines.slice(6, -1).map(line => line.slice(2, 8).trim())).toEqual(['0_xxxx', '1_xxxx', '…', '1233_x'])
    expect(new Set(lines.slice(1).map(line => line.length))).toEqual(new Set([44]))
  })
  it('prints one line when it has no rows', () => {
    expect(String(Table.ofRows([{ name: 'name', type: 'str' }], [], 'Nothing here.'))).toBe('Nothing here.')
    expect(String(table.filter('name', 'relu'))).toBe(`No row: no "name" is 'relu'.`)
    expect(String(table.filter('name', () => false))).toBe('No row: no "name" passes the filter.')
  })
})

describe('in a notebook, a table', () => {
  const shown = (value: object) =>
    (value as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]!()

  it('is HTML, with its names as they are and the shape above', () => {
    const odd = Table.ofRows([{ name: 'name', type: 'str' }], [{ name: '<b>&"' }], 'Nothing here.')
    expect(shown(odd)).toEqual({
      'text/plain': String(odd),
      'text/html':
        '<p>shape: (1, 1)</p><table><thead><tr><th style="text-align:left">name</th></tr></thead>' +
        '<tbody><tr><td style="text-align:left">&lt;b&gt;&amp;&quot;</td></tr></tbody></table>',
    })
  })
  it('shows the ends of many rows, and says so of none', () => {
    const rows = Array.from({ length: 100 }, (_, index) => ({ dur: index }))
    const many = shown(Table.ofRows([{ name: 'dur', type: 'i64' }], rows, 'Nothing here.'))['text/html']!
    expect(many.match(/<tr>/g)).toHaveLength(1 + 61)
    expect(many).toMatch(/>29<.*>…<.*>70</)
    expect(shown(table.filter('name', 'none'))['text/html']).toBe("<p>No row: no &quot;name&quot; is 'none'.</p>")
  })
})
