import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture } from '../../src/rows.js'
import { REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { workedVector } from '../fixtures/worked-vector.js'
import { cli, startCli } from './run-cli.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)
const trace = at('trace.pftrace')
beforeAll(async () => {
  await (await buildCapture(REQUEST_ROWS)).export(trace)
})

describe('opscope', () => {
  it.each([
    ['--help'],
    ['report', '--help'],
    ['convert', '--help'],
    ['timeline', '--help'],
    ['merge', '--help'],
    ['tables', '--help'],
    ['diff', '--help'],
    ['summary', '--help'],
    ['show-profile', '--help'],
    ['bench', '--help'],
    ['gate', '--help'],
    ['doctor', '--help'],
    ['view', '--help'],
  ])('%s %s teaches by examples', async (...args) => {
    const { code, stdout, stderr } = await cli(args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/Examples?:\n +opscope \w+/)
  })
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
  it.each<[string[], RegExp]>([
    [['raport', 'x'], /unknown command 'raport'[\s\S]*report/],
    [['report'], /missing required argument 'file'/],
    [['report', 'x', '--sortedKey', 'total'], /unknown option '--sortedKey'[\s\S]*--sorted-key/],
    [['report', 'x', '--sorted-key', 'totl'], /Allowed choices are default, calls, total/],
    [['report', 'x', '--columns', '-3'], /positive whole number/],
    [['convert', 'x'], /missing required argument 'out'/],
    [['convert', trace, at('x.json'), '--absolute'], /"absolute" option is for arrow, parquet, csv files/],
    [['timeline', 'x'], /needs an input and an output/],
    [['tables', 'x', '--table', 'inference'], /Allowed choices are summary, inferences/],
    [['tables', 'x', '--rows', '0'], /positive whole number/],
    [[], /Usage: opscope/],
  ])('answers wrong usage %j with code 2, on standard error', async (args, message) => {
    const { code, stdout, stderr } = await cli(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })
  it.each<[string[], RegExp]>([
    [['report', at('nothing')], /Cannot read .*nothing/],
    [['report', folder], /is a directory/],
    [['convert', trace, '/no/such/dir/x.json'], /its directory does not exist/],
    [['timeline', at('nothing'), at('t.json')], /Cannot read/],
  ])('answers failure %j with code 1 and no stack', async (args, message) => {
    const { code, stdout, stderr } = await cli(args)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

describe('opscope report', () => {
  it('prints what capture.report() gives', async () => {
    const { loadCapture } = await import('../../src/load-capture.js')
    const { code, stdout } = await cli([
      'report',
      trace,
      '--style',
      'paddle',
      '--sorted-key',
      'total',
      '--tracer-option',
      'OpDetail',
    ])
    expect(code).toBe(0)
    const text = (await loadCapture(trace)).report({ style: 'paddle', sortedKey: 'total', tracerOption: 'OpDetail' })
    expect(Buffer.from(stdout, 'latin1').toString()).toBe(text)
  })
  it('prints rows as JSON', async () => {
    const { stdout } = await cli(['report', trace, '--json', '--sorted-key', 'total'])
    const { ops, state } = JSON.parse(stdout)
    expect([state, ops[0].path, ops[0].calls]).toEqual(['All', ['predict'], 1])
  })
  it('reads standard input', async () => {
    const { code, stdout } = await cli(['report', '-', '--json'], readFileSync(trace))
    expect([code, JSON.parse(stdout).processId]).toEqual([0, 100])
  })
  it('is quiet when its reader has seen enough', async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, index) => `{"ph":"X","name":"op ${index}","ts":${index},"dur":1,"pid":1,"tid":1}`,
    )
    writeFileSync(at('many.json'), `[${rows.join(',')}]`)
    const child = startCli(['report', at('many.json')])
    let stderr = ''
    child.stderr!.on('data', chunk => {
      stderr += chunk
    })
    child.stdout!.once('data', () => child.stdout!.destroy())
    const code = await new Promise(resolve => child.on('close', resolve))
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('opscope convert', () => {
  it('writes what the suffix says', async () => {
    expect(await cli(['convert', trace, at('out.json.gz')])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(JSON.parse(gunzipSync(readFileSync(at('out.json.gz'))).toString()).traceEvents.length).toBeGreaterThan(10)
  })
  it('writes the rows as a table, on demand with absolute times', async () => {
    const capture = await buildCapture(workedVector())
    await capture.export(at('rows.pftrace'))
    for (const more of [[], ['--absolute']]) {
      expect(await cli(['convert', at('rows.pftrace'), at('rows.csv'), ...more])).toMatchObject({ code: 0, stderr: '' })
      const lines = readFileSync(at('rows.csv'), 'utf8').trimEnd().split('\r\n')
      expect([lines[0], lines.length]).toEqual([capture.rows().columns.join(','), 1 + 12])
      expect(lines[1]!.split(',')[4]).toBe(more.length === 0 ? '10000' : '2025-11-22T02:53:20.000010000Z')
    }
  })
  it('tells on standard error what the format could not carry', async () => {
    const { code, stdout, stderr } = await cli(['convert', trace, at('out.paddle.pb')])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^opscope: warning: /)
  })
  it('writes to standard output', async () => {
    const { code, stdout } = await cli(['convert', trace, '-', '--format', 'chrome'])
    expect([code, Array.isArray(JSON.parse(stdout).traceEvents)]).toEqual([0, true])
  })
  it('fails before it reads when the output is bad, and leaves nothing there', async () => {
    const { code } = await cli(['convert', at('nothing'), at('x.json'), '--absolute'])
    expect([code, existsSync(at('x.json'))]).toEqual([2, false])
  })
})

interface ChromeEvent {
  ph: string
  name: string
  pid: number
  ts: number
  args: Record<string, unknown>
}
const eventsOf = (path: string): ChromeEvent[] => JSON.parse(readFileSync(path, 'utf8')).traceEvents
const processesOf = (events: ChromeEvent[]) =>
  events.filter(({ name }) => name === 'process_name').map(({ args }) => String(args.name))

describe('opscope timeline', () => {
  it('writes a Chrome trace whatever the name', async () => {
    expect((await cli(['timeline', trace, at('timeline')])).code).toBe(0)
    expect(eventsOf(at('timeline')).some(({ ph, name }) => ph === 'X' && name === 'predict')).toBe(true)
  })
  it("takes Paddle's own spelling, also with a single label", async () => {
    expect(
      (await cli(['timeline', '--profile_path', `trainer1=${trace}`, '--timeline_path', at('one.json')])).code,
    ).toBe(0)
    expect(processesOf(eventsOf(at('one.json'))).every(name => name.startsWith('trainer1'))).toBe(true)
  })
  it('puts several inputs side by side, each on its own wall clock', async () => {
    const later = at('later.pftrace')
    await (await buildCapture({ ...REQUEST_ROWS, originEpochNs: REQUEST_ROWS.originEpochNs! + 5_000_001n })).export(
      later,
    )
    const list = `trainer=${trace},ps=${later}`
    expect((await cli(['timeline', '--profile_path', list, '--timeline_path', at('two.json')])).code).toBe(0)
    const events = eventsOf(at('two.json'))
    const predicts = events.filter(({ ph, name }) => ph === 'X' && name === 'predict')
    expect(new Set(predicts.map(({ pid }) => pid)).size).toBe(2)
    expect(predicts.map(({ ts }) => Math.round(ts * 1000)).sort((a, b) => a - b)).toEqual([1, 5_000_002])
    const labels = processesOf(events).map(name => name.split(':')[0])
    expect(new Set(labels)).toEqual(new Set(['trainer', 'ps']))
    const flows = events.filter(({ ph }) => ph === 's') as (ChromeEvent & { id: number })[]
    expect(new Set(flows.map(({ id }) => id)).size).toBe(flows.length)
  })
})

describe('opscope tables', () => {
  const vector = at('vector.pftrace')
  const utf8 = (stdout: string) => Buffer.from(stdout, 'latin1').toString()
  beforeAll(async () => {
    await (await buildCapture(workedVector())).export(vector)
  })

  it('prints what the calls give, each under its name', async () => {
    const { code, stdout, stderr } = await cli(['tables', vector])
    expect([code, stderr]).toEqual([0, ''])
    const capture = await buildCapture(workedVector())
    const tables = [
      String(capture.summary()),
      `inferences\n${capture.inferences()}`,
      `executions\n${capture.executions()}`,
      `operators\n${capture.operators()}`,
      `cpuOperators\n${capture.cpuOperators()}`,
    ]
    expect(utf8(stdout)).toBe(`${tables.join('\n\n')}\n`)
  })
  it('prints one table, no longer than asked', async () => {
    const { stdout } = await cli(['tables', vector, '--table', 'operators', '--rows', '2'])
    const capture = await buildCapture(workedVector())
    expect(utf8(stdout)).toBe(`${capture.operators().toString({ maxRows: 2 })}\n`)
  })
  it("has the columns of Furiosa's profiler on demand", async () => {
    const { stdout } = await cli(['tables', vector, '--furiosa', '--table', 'executions'])
    expect(utf8(stdout)).toMatch(/┆ NPU Total ┆ NPU Run ┆ NPU IoWait │/)
  })
  it('gives all rows as JSON', async () => {
    const all = JSON.parse((await cli(['tables', vector, '--json', '--rows', '1'])).stdout)
    expect(Object.keys(all)).toEqual(['summary', 'inferences', 'executions', 'operators', 'cpuOperators'])
    expect([all.summary.medianNs, all.operators.length, all.executions[1].Idle]).toEqual([150_333, 3, 10_100])
    const { stdout } = await cli(['tables', vector, '--json', '--table', 'cpuOperators'])
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'Quantize', operator_index: 0, dur: 39_000 }])
  })
  it('tells on standard error what the file lost', async () => {
    const whole = readFileSync(vector)
    writeFileSync(at('cut.pftrace'), whole.subarray(0, whole.length - 20))
    const { code, stderr } = await cli(['tables', at('cut.pftrace'), '--table', 'summary'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^opscope: warning: /)])
  })
})

describe('opscope doctor', () => {
  it('says what it found, for people and for programs', async () => {
    const { code, stdout } = await cli(['doctor', '--json'])
    const diagnosis = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(diagnosis).toMatchObject({
      native: { found: true, path: expect.stringContaining('.node') },
      clock: { source: expect.any(String), spanCostNs: expect.any(Number) },
      gpu: { available: expect.any(Boolean) },
      cpu: { count: expect.any(Number) },
    })
    expect((await cli(['doctor'])).stdout).toContain(diagnosis.native.path)
  })
})
