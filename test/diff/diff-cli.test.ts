import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { type Capture, diffCaptures } from '../../src/index.js'
import { cli } from '../cli/run-cli.js'
import { batchCapture, NETWORK, slowed } from './batch-capture.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)
const files = {
  before: at('before.pftrace'),
  before2: at('before2.json'),
  after: at('after.pftrace'),
  after2: at('after2.pftrace'),
}
let captures: Record<keyof typeof files, Capture>
beforeAll(async () => {
  captures = {
    before: await batchCapture({ ops: NETWORK, seed: 1, batches: 20 }),
    before2: await batchCapture({ ops: NETWORK, seed: 2, batches: 20 }),
    after: await batchCapture({ ops: slowed('conv', 1.3), seed: 3, batches: 20 }),
    after2: await batchCapture({ ops: slowed('conv', 1.3), seed: 4, batches: 20 }),
  }
  for (const [name, path] of Object.entries(files)) await captures[name as keyof typeof files].export(path)
})
const printed = (text: string) => Buffer.from(`${text}\n`).toString('latin1')

describe('opscope diff', () => {
  it('prints what capture.diff() gives, and ends well whatever changed', async () => {
    const expected = captures.before.diff(captures.after).report({ columns: 90 })
    const { code, stdout, stderr } = await cli(['diff', files.before, files.after, '--columns', '90'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(printed(expected))
    expect(expected).toMatch(/^batch\/conv got/)
  })
  it('hands its options on', async () => {
    const options = ['--min-change', '40%', '--min-impact', '0.01', '--confidence', '90%', '--drift', 'off']
    const more = ['--sorted-key', 'name', '--tracer-option', 'AllOpDetail', '--json']
    const { stdout } = await cli(['diff', files.before, files.after, ...options, ...more])
    const { options: used, ops } = JSON.parse(stdout)
    expect(used).toEqual({
      minChange: 0.4,
      minImpact: 0.01,
      confidence: 0.9,
      drift: 'off',
      sortedKey: 'name',
      tracerOption: 'AllOpDetail',
    })
    expect(ops.map(({ verdict }: { verdict: string }) => verdict)).toEqual(new Array(7).fill('same'))
  })
  it('shows all rows if asked', async () => {
    const { stdout } = await cli(['diff', files.before, files.after, '--columns', '90', '--all'])
    expect(stdout).toBe(printed(captures.before.diff(captures.after).report({ columns: 90, all: true })))
  })
  it('writes a page, and prints the answer', async () => {
    const diff = captures.before.diff(captures.after)
    const { code, stdout } = await cli(['diff', files.before, files.after, '--html', at('diff.html')])
    expect([code, stdout]).toEqual([0, printed(diff.summary)])
    expect(readFileSync(at('diff.html'), 'utf8')).toBe(await diff.html())
    const direct = await cli(['diff', files.before, files.after, '--html', '-'])
    expect(direct.stdout).toBe(Buffer.from(await diff.html()).toString('latin1'))
  })
  it('takes several captures on a side, of any format', async () => {
    const sides = ['--before', files.before, files.before2, '--after', files.after, files.after2]
    const { before, before2, after, after2 } = captures
    const expected = diffCaptures([before, before2], [after, after2]).report({ columns: 100 })
    expect((await cli(['diff', ...sides, '--columns', '100'])).stdout).toBe(printed(expected))
  })
  it('reads one of them from standard input', async () => {
    const { code, stdout } = await cli(['diff', '-', files.after, '--json'], readFileSync(files.before))
    expect(code).toBe(0)
    expect(JSON.parse(stdout).comparable).toBe(true)
  })
  it.each<[string[], RegExp]>([
    [[], /needs two captures/],
    [[files.before], /needs two captures/],
    [[files.before, files.after, 'third'], /too many arguments/],
    [['--before', files.before], /needs two captures/],
    [[files.before, '--before', files.before, '--after', files.after], /needs two captures/],
    [['-', '-'], /only one of the captures/],
    [[files.before, files.after, '--min-change', 'much'], /Expected a share: 3% or 0.03/],
    [[files.before, files.after, '--confidence', '100%'], /"confidence" option/],
    [[files.before, files.after, '--json', '--html', at('x.html')], /cannot be had at once/],
  ])('answers wrong usage %j with code 2', async (args, message) => {
    const { code, stdout, stderr } = await cli(['diff', ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })
  it('answers a file that cannot be read or written with code 1, before anything is written', async () => {
    const unread = await cli(['diff', files.before, at('nothing'), '--html', at('none.html')])
    expect([unread.code, unread.stdout]).toEqual([1, ''])
    expect(unread.stderr).toMatch(/Cannot read .*nothing/)
    expect(existsSync(at('none.html'))).toBe(false)
    const unwritten = await cli(['diff', at('nothing'), at('nothing'), '--html', '/no/such/dir/x.html'])
    expect(unwritten.code).toBe(1)
    expect(unwritten.stderr).toMatch(/its directory does not exist/)
  })
  it('tells of captures that cannot be compared, and ends well', async () => {
    const empty = at('empty.json')
    await (await batchCapture({ ops: [], batches: 0 })).export(empty)
    const { code, stdout } = await cli(['diff', files.before, empty])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Not comparable: after has no finished op/)
  })
})
