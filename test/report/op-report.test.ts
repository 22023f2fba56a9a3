import { describe, expect, it } from 'vitest'

import type { ReportSource } from '../../src/model/ops.js'
import { formatReport } from '../../src/report/op-report.js'
import { tableLines } from '../../src/report/text-table.js'
import { cutMiddle, textWidth, wrap } from '../../src/text-width.js'
import { phase, type RowSpec, row, sourceFromRows } from '../model/source-builder.js'
import { busyServer, conditionalBlock } from './captures.js'

const print = (source: ReportSource, columns = 120): string => formatReport(source, { sortedKey: 'total', columns })
const widest = (text: string): number => Math.max(...text.split('\n').map(textWidth))
function block(text: string, title: string): string {
  const from = text.slice(text.indexOf(`\n${title} · `) + 1 || text.indexOf(`\n${title} ─`) + 1)
  return from.slice(0, from.indexOf('\n\n') + 1 || undefined)
}

describe('the report', () => {
  it.each([80, 120])('looks like its golden at %d columns', async columns => {
    const folder = '../fixtures/report'
    await expect(print(conditionalBlock(), columns)).toMatchFileSnapshot(`${folder}/conditional-block.${columns}.txt`)
    await expect(print(busyServer(), columns)).toMatchFileSnapshot(`${folder}/busy-server.${columns}.txt`)
  })

  it.each([60, 72, 80, 100, 120, 160])('has no line wider than %d columns', columns => {
    for (const source of [conditionalBlock(), busyServer()])
      expect(widest(print(source, columns))).toBeLessThanOrEqual(columns)
  })

  it('ends with the findings, five at most', () => {
    const findings = block(print(busyServer()), 'Findings')
    expect(print(busyServer()).endsWith(findings)).toBe(true)
    expect(findings.match(/^ {2}\d\. /gm)).toHaveLength(5)
  })

  it('says so when it found nothing, and leaves out blocks that have nothing to say', () => {
    const text = print(sourceFromRows([{ rows: [row('matmul', 1, 1, 0, [phase('compute', 1, 0.9)])] }]))
    expect(text).toContain('None: nothing crossed a threshold.')
    expect(text).not.toMatch(/GpuMemcpy|Async|Per Thread|Event Loop|GPU/)
  })

  it('tells the reader of an empty capture what to do', () => {
    expect(print(sourceFromRows([{ rows: [] }]))).toContain('No ops were recorded. Wrap work in record()')
  })

  it('has CPU and GPU columns only when the state is All and something ran on a GPU', () => {
    const one = (state: 'CPU' | 'All', gpu: number): string =>
      block(print(sourceFromRows([{ rows: [row('op', 1, 2, gpu)] }], { meta: { state } })), 'Event Summary')
    expect(one('All', 1)).toMatch(/ CPU +GPU /)
    expect(one('All', 0)).not.toMatch(/ CPU +GPU /)
    expect(one('CPU', 1)).not.toMatch(/ CPU +GPU /)
  })

  it('gives the reason when there is no GPU', () => {
    const source = sourceFromRows([{ rows: [row('op', 1, 2)] }], {
      meta: { gpu: { available: false, reason: 'no-driver' } },
    })
    expect(print(source)).toContain('state All (no GPU: no-driver)')
  })

  it('shows the tables of threads only when several ran ops', () => {
    expect(block(print(busyServer()), 'Per Thread')).toMatch(/thread 0 \(main\)[\s\S]*thread 1 \(image worker\)/)
    expect(print(conditionalBlock())).not.toContain('Per Thread')
  })

  it('keeps the column that it is sorted by, whatever the width', () => {
    for (const [key, head] of [
      ['min', 'Min'],
      ['cpu', 'CPU'],
    ] as const) {
      const text = formatReport(conditionalBlock(), { sortedKey: key, columns: 60 })
      expect(block(text, 'Event Summary')).toMatch(new RegExp(` ${head} `))
    }
  })

  it('lets no name break the table or pass for a path', () => {
    const names = ['line\nbreak', 'bell\u0007 esc\u001b[31m', 'a/b', 'back\\slash', 'r\u202etl']
    const text = print(sourceFromRows([{ rows: names.map((name, i) => row(name, 1, 9 - i)) }]))
    const rows = block(text, 'Event Summary').split('\n').slice(3, 8)
    expect(rows.map(line => line.trim().split(/ {2,}/)[0])).toEqual([
      'line\\nbreak',
      'bell\\u0007 esc\\u001b[31m',
      'a\\/b',
      'back\\\\slash',
      'r\\u202etl',
    ])
  })

  it('keeps the figures of wide names in their columns', () => {
    const text = print(
      sourceFromRows([{ rows: [row('行列積', 1, 2), row('👩‍🔬 lab', 1, 1), row('cafe\u0301', 1, 0.5)] }]),
    )
    const rows = block(text, 'Event Summary').split('\n').slice(2, 6)
    const ends = rows.map(line => textWidth(line.match(/^.*?(?:Calls| 1(?= ))/)![0]))
    expect(new Set(ends).size).toBe(1)
  })

  it('survives a tree deeper than the page is wide', () => {
    const deep = (level: number): RowSpec[] => (level === 0 ? [] : [row(`level${level}`, 1, level, 0, deep(level - 1))])
    const text = print(sourceFromRows([{ rows: deep(200) }]), 80)
    expect(widest(text)).toBeLessThanOrEqual(80)
    expect(text).toContain('level1 ')
  })
})

describe('both styles', () => {
  it('print a recursion as deep as the recorder follows one', () => {
    const depth = 3072
    const source = sourceFromRows([{ rows: Array.from({ length: depth }, () => row('recurse', 1, 1)) }])
    const chain = { ...source.perThread, parent: Int32Array.from({ length: depth }, (_, index) => index - 1) }
    const deep = { ...source, perThread: chain, merged: { ...chain, thread: new Int32Array(depth).fill(-1) } }
    for (const style of ['default', 'paddle'] as const) {
      expect(formatReport(deep, { style }).match(/recurse /g)!.length).toBeGreaterThanOrEqual(depth)
    }
  })
})

describe('tableLines', () => {
  it('drops the least wanted column first, and cuts names only when no spare column is left', () => {
    const columns = [
      { head: 'name', keep: Number.POSITIVE_INFINITY },
      { head: 'calls', keep: Number.POSITIVE_INFINITY },
      { head: 'spare', keep: 1, isSpare: true },
      { head: 'useful', keep: 2 },
    ]
    const name = 'a-name-of-thirty-two-characters!'
    const heads = (width: number): string => tableLines(columns, [{ cells: [name, '1', '2', '3'] }], width)[0]!.trim()
    expect(heads(60)).toMatch(/calls +spare +useful/)
    expect(heads(50)).toMatch(/calls +useful/)
    expect(heads(34)).toMatch(/calls$/)
  })
})

describe('text', () => {
  it('is cut in the middle, never inside a character', () => {
    expect(cutMiddle('FastThreadedSSAGraphExecutorPrepare', 15)).toBe('FastThr…Prepare')
    expect(cutMiddle('行列積行列積', 8)).toBe('行列…積')
    expect(textWidth(cutMiddle('👩‍🔬👩‍🔬👩‍🔬', 4))).toBeLessThanOrEqual(4)
  })

  it('is wrapped at spaces, never before a unit', () => {
    expect(wrap('takes 12 ms here', 10)).toEqual(['takes', '12 ms here'])
    expect(wrap('takes 123 ms here', 9)).toEqual(['takes', '123 ms', 'here'])
  })
})
