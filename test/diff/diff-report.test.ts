import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

import { type CaptureDiff, diffCaptures } from '../../src/index.js'
import { textWidth } from '../../src/text-width.js'
import { batchCapture, NETWORK, type OpSpec, slowed, withOp } from './batch-capture.js'

// Without noise every figure is arithmetic.
const exact = (ops: readonly OpSpec[], batches = 20) => batchCapture({ ops, batches, noise: 0 })
async function diffOf(ops: readonly OpSpec[], other: readonly OpSpec[], batches = 20): Promise<CaptureDiff> {
  return (await exact(ops)).diff(await exact(other, batches), { minChange: 0.05 })
}

describe('the summary', () => {
  it('names the op, its change and its part of all', async () => {
    const diff = await diffOf(NETWORK, slowed('conv', 1.3))
    expect(diff.summary).toBe(
      // 20 × 120 µs
      'batch/conv got 30.0% slower per call (400.0 → 520.0 µs, interval +30.0% to +30.0%); ' +
        'it explains all of the added 2.40 ms. Nothing else changed.',
    )
  })
  it('tells what part of all that is', async () => {
    const other = slowed('conv', 1.3).map(op => (op.name === 'load' ? { ...op, ns: 330_000 } : op))
    // 120 of 150 µs a batch.
    expect((await diffOf(NETWORK, other)).summary).toContain(
      '; it explains 80.0% of the added 3 ms; then batch/load (+10.0%).',
    )
  })
  it('says what was won where an op got faster', async () => {
    const diff = await diffOf(NETWORK, slowed('conv', 0.75))
    expect(diff.summary).toMatch(
      /^batch\/conv got 25\.0% faster per call \(400\.0 → 300\.0 µs.*; it explains all of the saved 2 ms\./,
    )
  })
  it('tells the largest first, and that others went the other way', async () => {
    const other = slowed('conv', 1.3).map(op => (op.name === 'load' ? { ...op, ns: 100_000 } : op))
    const diff = await diffOf(NETWORK, other)
    expect(diff.summary).toBe(
      'batch/load got 66.7% faster per call (300.0 → 100.0 µs, interval −66.7% to −66.7%); that saves 4 ms; ' +
        'all ops took 1.60 ms less; then batch/conv (+30.0%). Nothing else changed.',
    )
    expect(diff.report({ columns: 120 })).toMatch(/batch\/load .* −66\.7% .* −4 ms {2}faster\n/)
  })
  it('tells calls apart from time per call', async () => {
    const twice = withOp('conv', op => ({ ...op, ns: [400_000, 400_000] }))
    expect((await diffOf(NETWORK, twice)).summary).toMatch(
      /^batch\/conv is called more often \(calls 20 → 40\); it explains all of the added 8 ms\./,
    )
    const both = withOp('conv', op => ({ ...op, ns: [600_000, 600_000] }))
    expect((await diffOf(NETWORK, both, 40)).summary).toMatch(
      /^batch\/conv got 50\.0% slower per call .* and is called more often \(calls 20 → 80 for 2\.00× the work\)/,
    )
  })
  it('tells what is new and what is gone by its outermost row', async () => {
    const other = [...NETWORK.slice(1), { name: 'decode', ns: 250_000, inside: [{ name: 'parse', ns: 100_000 }] }]
    expect((await diffOf(NETWORK, other)).summary).toMatch(
      /^batch\/load is gone \(20 calls, 6 ms\).*; then batch\/decode \(new\)\. Nothing else changed\.$/,
    )
    expect((await diffOf(other, NETWORK)).summary).toMatch(
      /^batch\/load is new \(20 calls, 6 ms\).*; then batch\/decode \(gone\)\. Nothing else changed\.$/,
    )
  })
  it('says so where nothing changed, and where all moved alike', async () => {
    const one = await batchCapture({ ops: NETWORK, noise: 0.2 })
    const noisy = await batchCapture({ ops: NETWORK, noise: 0.2, seed: 2 })
    expect(one.diff(noisy).summary).toMatch(
      /^Nothing changed beyond noise: \d of 7 rows have no change that counts, \d cannot be told\.$/,
    )
    const slow = await batchCapture({ ops: NETWORK, noise: 0, load: () => 1.4 })
    expect((await exact(NETWORK)).diff(slow).summary).toBe(
      'Ops and stages got 40.0% slower alike, and none stands out: another state of the machine, or one cause for all (6 rows compared).',
    )
  })
  it('is of kernels where no op changed', async () => {
    const launching = (gemm: number) => withOp('conv', op => ({ ...op, kernels: { gemm, bias: 50_000 } }))
    const [one, other] = await Promise.all(
      [100_000, 110_000].map(gemm => batchCapture({ ops: launching(gemm), noise: 0 })),
    )
    expect(one!.diff(other!, { minChange: 0.05 }).summary).toMatch(
      /^gemm got 10\.0% slower per call \(100\.0 → 110\.0 µs/,
    )
  })
})

describe('the report', () => {
  let diff: CaptureDiff
  beforeAll(async () => {
    const long = 'a name that is far too long for a column of a table, and says so at great length'
    const odd: OpSpec[] = [
      { name: 'two\nlines', ns: 50_000 },
      { name: '矩阵乘法 🚀', ns: 60_000 },
      { name: long, ns: 70_000 },
    ]
    const other = withOp('conv', op => ({ ...op, ns: [500_000, 500_000], kernels: { gemm: 120_000 } }))
    diff = (await batchCapture({ ops: [...NETWORK, ...odd], noise: 0.05 })).diff(
      await batchCapture({
        ops: [...other, ...odd],
        noise: 0.05,
        load: (batch, op) => (op === 'relu' && batch % 3 > 0 ? 2 : 1),
      }),
    )
  })

  it.each([40, 60, 80, 100, 120, 160, 500])('has no line longer than %i cells, or 60', columns => {
    for (const all of [false, true]) {
      for (const line of diff.report({ columns, all }).split('\n')) {
        expect(textWidth(line)).toBeLessThanOrEqual(Math.max(60, Math.min(160, columns)))
      }
    }
  })
  it('shows what changed, then what cannot be told, and counts the rest', () => {
    const lines = diff.report({ columns: 120 }).split('\n')
    const ops = lines.slice(lines.findIndex(line => line.startsWith('Ops')))
    expect(ops[0]).toMatch(/^Ops · own host time ─+$/)
    expect(ops[2]).toMatch(/^ {2}Name +Calls +Before +After +Change +Interval +Effect +Verdict$/)
    expect(ops[3]).toMatch(/^ {2}batch\/conv +60 → 120 .* slower, more calls$/)
    expect(ops[4]).toMatch(/^ {2}batch\/relu .* unsure: uneven$/)
    expect(ops[5]).toBe('  8 rows without a change that counts')
    expect(diff.report({ columns: 120, all: true })).toMatch(/batch\/two\\nlines .* same\n/)
  })
  it('is how a diff prints itself', () => {
    expect(String(diff)).toBe(diff.report())
    expect(inspect(diff)).toBe(diff.report())
  })
  it('says how verdicts were found', () => {
    expect(diff.report({ columns: 160 })).toMatch(
      /^What counts: 10\.0% per call and 1\.0% of all time · 95\.0% sure of times over all rows · drift \S+% ± \S+% over \d+ rows/m,
    )
  })
  it('orders its rows', async () => {
    const [one, other] = await Promise.all([exact(NETWORK), exact(slowed('relu', 1.5))])
    const names = (sortedKey: 'effect' | 'change' | 'total' | 'calls' | 'name') =>
      one.diff(other, { sortedKey }).ops.map(({ path }) => path.at(-1))
    expect(names('effect')[0]).toBe('relu')
    expect(names('total').slice(0, 3)).toEqual(['conv', 'load', 'dense'])
    expect(names('name')).toEqual(['batch', 'conv', 'dense', 'load', 'pool', 'relu', 'softmax'])
  })
})

describe('JSON', () => {
  it('has the answer, the options and all rows, without a NaN', async () => {
    const diff = (await exact(NETWORK, 2)).diff(await exact(slowed('conv', 1.3), 2))
    const text = JSON.stringify(diff)
    const parsed = JSON.parse(text)
    expect(parsed).toMatchObject({ summary: diff.summary, comparable: true, options: { minChange: 0.1 } })
    expect(parsed.ops).toEqual(diff.ops)
    expect(parsed).not.toHaveProperty('nested')
    expect(parsed.ops[0].change).toMatchObject({ low: null, high: null })
  })
})

describe('HTML', () => {
  it('is a page that loads and runs nothing', async () => {
    const page = await (await diffOf(NETWORK, slowed('conv', 1.3))).html()
    expect(page).not.toMatch(/<script|<link|<img|https?:|javascript:| on\w+=| style=/)
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`)
  })
  it('has the answer above, and every row', async () => {
    const diff = await diffOf(NETWORK, slowed('conv', 1.3))
    const page = await diff.html()
    expect(page).toContain('<h1>batch/conv got 30.0% slower per call')
    expect(page.match(/<tr class="/g)).toHaveLength(7)
    expect(page).toMatch(/<tr class="slower changed"><td>batch\/conv<\/td>/)
  })
  it('shows names as text, whatever they are', async () => {
    const evil: OpSpec[] = [{ name: '<img src=x onerror=alert(1)>&"\'', ns: 500_000 }]
    const page = await (await diffOf(evil, [{ ...evil[0]!, ns: 900_000 }])).html()
    expect(page).not.toContain('<img')
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;')
  })
  it('has the colours of the HTML report', async () => {
    const page = await (await diffOf(NETWORK, NETWORK)).html()
    const tokens = readFileSync(new URL('../../src/page/styles/tokens.css', import.meta.url), 'utf8')
    const [light = '', dark = ''] = tokens.split('@media screen')
    const [, own = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? []
    const [ownLight = '', ownDark = ''] = own.split('@media screen')
    const colours = (text: string) => [...text.matchAll(/--[\w-]+: #\w+/g)].map(([colour]) => colour)
    expect(colours(ownLight).length).toBeGreaterThan(5)
    expect(colours(light)).toEqual(expect.arrayContaining(colours(ownLight)))
    expect(colours(dark)).toEqual(expect.arrayContaining(colours(ownDark)))
  })
  it('is a table of what changed in notebooks', async () => {
    const diff = await diffOf(NETWORK, slowed('conv', 1.3))
    const display = (diff as never)[Symbol.for('Jupyter.display')] as () => Record<string, string>
    const html = display.call(diff)['text/html']!
    expect(html).toContain('batch/conv')
    expect(html).not.toContain('batch/relu')
  })
})

it('several recordings on a side print as one', async () => {
  const captures = await Promise.all([1, 2].map(seed => batchCapture({ ops: NETWORK, batches: 20, seed })))
  expect(diffCaptures(captures, captures).summary).toMatch(/^Nothing changed/)
})
