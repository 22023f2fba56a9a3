import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture, type CaptureRows, mergeCaptures, writeTimeline } from '../../src/index.js'
import { cli } from '../cli/run-cli.js'
import { CLIENT, EPOCH_NS, SERVER } from './two-hosts.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-merge-'))
const at = (name: string) => join(folder, name)
let client: Capture
let server: Capture
beforeAll(async () => {
  client = await buildCapture(CLIENT)
  server = await buildCapture(SERVER)
  await client.export(at('client.pftrace'))
  await server.export(at('server.pftrace'))
})

async function failure(...args: Parameters<typeof mergeCaptures>): Promise<{ code: string; message: string }> {
  const error = await mergeCaptures(...args).catch(thrown => thrown)
  expect(error).toMatchObject({ name: 'OpscopeError' })
  return error
}

describe('a merge that cannot be', () => {
  it('is refused without a capture', async () => {
    expect(await failure([])).toMatchObject({ code: 'ERR_OPSCOPE_OPTION_VALUE' })
    expect(await failure(undefined as never)).toMatchObject({ code: 'ERR_OPSCOPE_OPTION_VALUE' })
    expect((await failure([client, 7 as never])).message).toContain('captures[1]')
  })

  it('names the capture that does not say when it was', async () => {
    const { originEpochNs: _, ...timeless } = SERVER
    await (await buildCapture(timeless)).export(at('timeless.json'))
    expect(await failure([client, at('timeless.json')])).toMatchObject({
      code: 'ERR_OPSCOPE_MERGE',
      message: expect.stringMatching(/timeless\.json does not say when it was recorded[\s\S]*opscope timeline/),
    })
    expect((await failure([client, await buildCapture(timeless)])).message).toContain('captures[1]')
  })

  it('names both of a capture that is given twice, under one name or two, alone or in a merged one', async () => {
    const twice = async (...captures: (Capture | string)[]) => {
      const { code, message } = await failure(captures)
      expect(code).toBe('ERR_OPSCOPE_MERGE')
      return message
    }
    copyFileSync(at('client.pftrace'), at('copy.pftrace'))
    symlinkSync(at('client.pftrace'), at('link.pftrace'))
    await (await mergeCaptures([client, server])).export(at('both.json'))
    expect(await twice(at('client.pftrace'), at('client.pftrace'))).toContain('client.pftrace and ')
    expect(await twice(at('client.pftrace'), at('link.pftrace'))).toContain('link.pftrace and ')
    expect(await twice(at('client.pftrace'), at('copy.pftrace'))).toContain('copy.pftrace and ')
    expect(await twice(at('both.json'), at('server.pftrace'))).toMatch(
      /server\.pftrace and .*both\.json.*server\.mjs 12 on host-b/,
    )
    expect(await twice(client, client)).toContain('captures[1] and captures[0]')
    const { processId: _, ...unnumbered } = CLIENT
    const nobody = await buildCapture(unnumbered)
    expect(await twice(nobody, nobody)).toContain('captures[1] and captures[0]')
    // Two that look alike in all that is known may yet be two.
    expect((await mergeCaptures([nobody, await buildCapture(unnumbered)])).processes).toHaveLength(2)
  })

  it('names the capture whose clock is off by years', async () => {
    const far = await buildCapture({ ...SERVER, originEpochNs: EPOCH_NS + 9_100_000_000_000_000n })
    expect(await failure([client, far])).toMatchObject({
      code: 'ERR_OPSCOPE_MERGE',
      message: expect.stringContaining('captures[1] lies more than 104 days after captures[0]'),
    })
  })

  it('names the file that is missing, no capture, empty or damaged', async () => {
    writeFileSync(at('notes.txt'), 'not a capture')
    writeFileSync(at('empty.pftrace'), '')
    writeFileSync(at('head.pftrace'), readFileSync(at('client.pftrace')).subarray(0, 3))
    for (const [name, code] of [
      ['missing.pftrace', 'ERR_OPSCOPE_FILE_READ'],
      ['notes.txt', 'ERR_OPSCOPE_FILE_FORMAT'],
      ['empty.pftrace', 'ERR_OPSCOPE_FILE_DAMAGED'],
      ['head.pftrace', 'ERR_OPSCOPE_FILE_DAMAGED'],
    ] as const) {
      expect(await failure([client, at(name)])).toMatchObject({ code, message: expect.stringContaining(name) })
    }
  })

  it('refuses a shift of a host that is not there, one that is no number, and one inside a merged capture', async () => {
    expect(await failure([client, server], { shiftNs: { 'host-c': 1 } })).toMatchObject({
      code: 'ERR_OPSCOPE_OPTION_VALUE',
      message: expect.stringContaining('No capture is of host "host-c"'),
    })
    const half = { shiftNs: { 'host-a': 0.5 } }
    expect(await failure([client, server], half)).toMatchObject({ code: 'ERR_OPSCOPE_OPTION_VALUE' })
    expect(await failure([client], { shift: {} } as never)).toMatchObject({ code: 'ERR_OPSCOPE_OPTION_UNKNOWN' })
    const both = await mergeCaptures([client, server])
    const third = await buildCapture({ ...SERVER, host: 'host-c' })
    expect(await failure([both, third], { shiftNs: { 'host-a': 5 } })).toMatchObject({ code: 'ERR_OPSCOPE_MERGE' })
  })
})

describe('a merge that can be, with a warning', () => {
  const codes = (capture: Capture) => capture.warnings.map(({ code }) => code)

  it('has what is whole of a file that was cut, and names its process', async () => {
    const whole = readFileSync(at('client.pftrace'))
    writeFileSync(at('cut.pftrace'), whole.subarray(0, whole.length - 40))
    const merged = await mergeCaptures([at('cut.pftrace'), server])
    expect(merged.warnings).toContainEqual(
      expect.objectContaining({ code: 'file-cut', detail: expect.stringContaining('[client.mjs 12 on host-a]') }),
    )
    expect(merged.ops().some(({ name }) => name === 'call')).toBe(true)
  })

  it('keeps the warnings of a session, and the figures that they count', async () => {
    const warned: CaptureRows = { ...SERVER, spans: [...SERVER.spans!, ...SERVER.spans!] }
    const single = await buildCapture(warned)
    expect(codes(single)).toEqual(['duplicate-ids'])
    const merged = await mergeCaptures([client, single])
    expect(merged.warnings).toMatchObject([{ code: 'duplicate-ids', count: single.warnings[0]!.count }])
    expect(merged.warnings[0]!.message).toContain('[server.mjs 12 on host-b]')
    await merged.export(at('warned.pftrace'))
    expect((await mergeCaptures([at('warned.pftrace')])).warnings).toEqual(merged.warnings)
  })

  it('takes the wider state and detail of captures that were recorded differently', async () => {
    const cpu = await buildCapture({ ...SERVER, state: 'CPU', tracerOption: 'OpDetail' })
    const merged = await mergeCaptures([client, cpu])
    expect([merged.state, merged.tracerOption]).toEqual(['All', 'OpDetail'])
    expect(merged.warnings.map(({ code, detail }) => [code, detail])).toEqual([
      ['options-differ', 'state is All in captures[0], CPU in captures[1]'],
      ['options-differ', 'tracerOption is Default in captures[0], OpDetail in captures[1]'],
    ])
    expect(codes(await mergeCaptures([client, server]))).toEqual([])
  })
})

/** A capture file with other facts in its head, as only a recording process writes them. */
async function retold(rows: CaptureRows, name: string, meta: object, clockNs: bigint): Promise<string> {
  await (await buildCapture(rows)).export(at(name))
  const trace = JSON.parse(readFileSync(at(name), 'utf8'))
  trace.metadata.meta = JSON.stringify({ ...JSON.parse(trace.metadata.meta), ...meta })
  trace.metadata.base_clock_ns = String(clockNs)
  writeFileSync(at(name), JSON.stringify(trace))
  return at(name)
}

describe('captures of one boot of a host', () => {
  it('keep their distance when the wall clock was set between them, and say so', async () => {
    const one = { ...CLIENT, processId: 1 }
    const two = { ...CLIENT, processId: 2, originEpochNs: EPOCH_NS + 3_600_000_000_000n }
    const files = [
      await retold(one, 'before.json', { clockId: 'boot 1', opscope: '0.1.0' }, 1_000_000n),
      await retold(two, 'after.json', { clockId: 'boot 1', opscope: '0.2.0' }, 1_004_000n),
    ]
    const merged = await mergeCaptures(files)
    expect(merged.processes.map(({ pid, startNs }) => [pid, startNs])).toEqual([
      [1, 0],
      [2, 4_000],
    ])
    expect(merged.originEpochNs).toBe(two.originEpochNs - 4_000n)
    expect(merged.warnings.map(({ code }) => code)).toEqual(['versions-differ', 'clock-stepped'])
    const [versions, step] = merged.warnings
    expect(versions!.detail).toMatch(/^recorded by opscope 0\.1\.0 in .*before\.json, 0\.2\.0 in .*after\.json$/)
    expect(step!.detail).toMatch(/^the wall clock of host-a was set by 3599999\.996 ms between its captures/)
    // The whole still knows its clock: a third one is aligned by it too.
    const three = await retold({ ...CLIENT, processId: 3 }, 'third.json', { clockId: 'boot 1' }, 1_009_000n)
    const all = await mergeCaptures([merged, three])
    expect(all.processes.map(({ pid, startNs }) => [pid, startNs])).toEqual([
      [1, 0],
      [2, 4_000],
      [3, 9_000],
    ])
  })
})

describe('one capture', () => {
  it('alone is what it was', async () => {
    expect(await mergeCaptures([client])).toBe(client)
    expect((await mergeCaptures([at('client.pftrace')])).ops()).toEqual(client.ops())
  })
})

describe('a timeline', () => {
  it('keeps the processes of a merged capture apart from each other and from those of other captures', async () => {
    const both = await mergeCaptures([client, server])
    const third = await buildCapture({ ...SERVER, host: 'host-c' })
    await writeTimeline(
      [
        { label: 'two', capture: both },
        { label: 'one', capture: third },
      ],
      at('timeline.json'),
    )
    const { traceEvents } = JSON.parse(readFileSync(at('timeline.json'), 'utf8')) as {
      traceEvents: { ph: string; name: string; pid: number }[]
    }
    const spans = traceEvents.filter(({ ph, name }) => ph === 'X' && name === 'encode')
    expect(new Set(spans.map(({ pid }) => pid)).size).toBe(3)
  })
})

describe('opscope merge', () => {
  it('writes one file and says in one line what is in it', async () => {
    const { code, stdout, stderr } = await cli([
      'merge',
      at('server.pftrace'),
      at('client.pftrace'),
      '-o',
      at('all.json.gz'),
    ])
    expect([code, stderr]).toEqual([0, ''])
    expect(Buffer.from(stdout, 'latin1').toString()).toBe(
      `merged 2 captures: 2 processes on 2 hosts, 12 spans in 10 µs: ${at('all.json.gz')}\n`,
    )
    expect((await mergeCaptures([at('all.json.gz')])).processes).toHaveLength(2)
  })

  it('shifts the clock of a host', async () => {
    const files = [at('server.pftrace'), at('client.pftrace')]
    const { code, stdout } = await cli([
      'merge',
      ...files,
      '-o',
      at('shifted.pftrace'),
      '--shift',
      'host-b=-2us',
      '--shift',
      'host-a=+0.25µs',
    ])
    expect([code, stdout.split(':')[0]]).toEqual([0, 'merged 2 captures'])
    // 1500 − 2000 ns of the server against 250 of the client: the server is 750 ns ahead.
    const { processes } = await mergeCaptures([at('shifted.pftrace')])
    expect(processes.map(({ host, startNs }) => [host, startNs])).toEqual([
      ['host-b', 0],
      ['host-a', 750],
    ])
  })

  it('reads standard input and writes standard output, which another command reads', async () => {
    const merged = await cli(['merge', '-', at('client.pftrace'), '-o', '-'], readFileSync(at('server.pftrace')))
    expect([merged.code, merged.stderr]).toEqual([0, 'merged 2 captures: 2 processes on 2 hosts, 12 spans in 10 µs\n'])
    const { code, stdout } = await cli(['report', '-'], Buffer.from(merged.stdout, 'latin1'))
    expect([code, stdout]).toEqual([0, expect.stringContaining('2 processes on 2 hosts')])
  })

  it.each<[string[], number, RegExp]>([
    [['merge', '-o', 'x'], 2, /missing required argument 'files'/],
    [['merge', at('client.pftrace')], 2, /required option '-o, --output <file>'/],
    [['merge', at('client.pftrace'), '-o', at('client.pftrace')], 2, /both read and written/],
    [
      ['merge', at('client.pftrace'), '-o', at('x.json'), '--shift', 'host-a'],
      2,
      /Cannot understand the shift "host-a"/,
    ],
    [['merge', at('client.pftrace'), '-o', at('x.json'), '--shift', 'a=1s', '--shift', 'a=2s'], 2, /shifted twice/],
    [['merge', at('client.pftrace'), '-o', at('x.json'), '--shift', 'host-q=1s'], 2, /No capture is of host "host-q"/],
    [['merge', at('client.pftrace'), at('client.pftrace'), '-o', at('x.json')], 1, /hold the same recording/],
    [['merge', at('nothing'), '-o', at('x.json')], 1, /Cannot read .*nothing/],
    [['merge', at('client.pftrace'), '-o', '/no/such/dir/x.json'], 1, /its directory does not exist/],
  ])('answers %j with code %i, on standard error', async (args, expected, message) => {
    const { code, stdout, stderr } = await cli(args)
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})
