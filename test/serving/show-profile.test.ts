import { execFile } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { profileReport } from '../../src/serving/profile-log/report-text.js'
import { summarizeProfileLog } from '../../src/serving/show-profile.js'
import { cli } from '../cli/run-cli.js'
import { showProfile, timelineTrace, vectorP1 } from './paddle-tools.js'

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
let fileCount = 0
function logOf(content: string | Uint8Array): string {
  const path = join(folder, `profile${fileCount++}`)
  writeFileSync(path, content)
  return path
}
const summaryOf = (content: string | Uint8Array, threads?: number) => summarizeProfileLog(logOf(content), threads)
const stagesOf = async (content: string | Uint8Array) =>
  Object.fromEntries((await summaryOf(content)).stages.map(({ stage, count, totalNs }) => [stage, [count, totalNs]]))
const p1 = logOf(vectorP1())

describe('opscope show-profile --compat', () => {
  it("prints the worked example as Paddle Serving's show_profile.py does, byte for byte", async () => {
    const { code, stdout, stderr } = await cli(['show-profile', p1, '2', '--compat'])
    expect([code, stderr]).toEqual([0, ''])
    const figures = [
      ['bert_pre', '0.00025'],
      ['prepro', '4e-05'],
      ['client_infer', '0.003'],
      ['op0', '2e-05'],
      ['op1', '0.00256'],
      ['op2', '3e-05'],
      ['op3', '0.0027'],
      ['postpro', '2e-05'],
      ['py_prepro', '4e-05'],
      ['py_client', '0.003074'],
      ['py_postpro', '3e-05'],
    ]
    const lines = figures.map(([stage, seconds]) => `${stage} cost: ${seconds}s in each thread \n`)
    expect(stdout).toBe(`thread_num: 2\nquery_count: 6\n${lines.join('')}`)
  })
  it('has the figures of the oracle', async () => {
    const { costs, queryCount } = showProfile(vectorP1(), 2)
    expect([queryCount, costs.get('py_client'), costs.size]).toEqual([6, 0.003074, 11])
  })
  it('ignores the last event of an odd line', async () => {
    const { stdout } = await cli(['show-profile', logOf('PROFILE\tpid:1\ta_0:1 a_1:2 b_0:3\n'), '1', '--compat'])
    expect(stdout).toBe('thread_num: 1\nquery_count: 1\na cost: 1e-06s in each thread \n')
  })
  it('goes on where the original ends with an error, and counts it', async () => {
    const log = 'PROFILE\tpid:1\nPROFILE\tpid:1\ta_0:1 a_1:2  b_0:3 b_1:5 c_0 c_1:9 d_0:1 d_1:3\n'
    const { code, stdout, stderr } = await cli(['show-profile', logOf(log), '1', '--compat'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('a cost: 1e-06s')])
    expect(stderr).toMatch(/^opscope: warning: events of stage lines that could not be read \(\d\)\n$/)
  })
  it.each([
    [3_000_000, '3.0'],
    [1_700_000_000_000_000 - 1, '1699999999.999999'],
    [9_000_000_000_000_000, '9000000000.0'],
    [123, '0.000123'],
    [100, '0.0001'],
    [99, '9.9e-05'],
    [0, '0.0'],
  ])('writes %d µs as Python does: %s', async (us, seconds) => {
    const { stdout } = await cli(['show-profile', logOf(`PROFILE\tpid:1\ta_0:0 a_1:${us}\n`), '1', '--compat'])
    expect(stdout).toContain(`a cost: ${seconds}s in each thread \n`)
  })
  it.each([[['--compat']], [['2', '--compat', '--json']], [['0', '--compat']]])('refuses %j', async more => {
    expect((await cli(['show-profile', p1, ...more])).code).toBe(2)
  })
})

describe('opscope timeline --compat', () => {
  it("writes the worked example as Paddle Serving's timeline_trace.py does", async () => {
    const { code, stdout, stderr } = await cli(['timeline', '--compat', p1, '-'])
    expect([code, stderr]).toEqual([0, ''])
    const events = JSON.parse(stdout)
    expect(stdout).toBe(JSON.stringify(timelineTrace(vectorP1()), undefined, 2).replaceAll('": ', '":'))
    expect(events.length).toBe(44)
    expect(events[0]).toEqual({ name: 'bert_pre', tid: 0, pid: '87322', ts: '1700000000000000', ph: 'B' })
    expect(events.at(-1)).toEqual({ name: 'py_postpro', tid: 0, pid: '87324', ts: '1700000000003526', ph: 'E' })
    expect(stdout).toContain('"name":"py_client_infer"')
    expect(stdout.startsWith('[\n  {\n    "name":"bert_pre",\n    "tid":0,\n')).toBe(true)
  })
  it('takes the track of a Pipeline server from its names', async () => {
    const log = logOf('\nPROFILE\tpid:7\tprep#[bert|0]_0:100 prep#[bert|0]_1:120\n')
    const [begin] = JSON.parse((await cli(['timeline', '--compat', log, '-'])).stdout)
    expect(begin).toEqual({ name: 'prep', tid: '[bert|0]', pid: '7', ts: '100', ph: 'B' })
  })
  it('writes names as ASCII, and an empty list for a log without lines', async () => {
    const log = logOf('PROFILE\tpid:7\tprüf"_0:100 prüf"_1:120\n')
    expect((await cli(['timeline', '--compat', log, '-'])).stdout).toContain('"name":"pr\\u00fcf\\""')
    expect((await cli(['timeline', '--compat', logOf('nothing\n'), '-'])).stdout).toBe('[]')
  })
  it('writes a file, packed by its suffix, and takes one log', async () => {
    const out = join(folder, 'out.json')
    expect(await cli(['timeline', '--compat', p1, out])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(JSON.parse(readFileSync(out, 'utf8')).length).toBe(44)
    expect((await cli(['timeline', '--compat', p1, p1, out])).code).toBe(2)
  })
})

describe('opscope show-profile', () => {
  it('tells count, total, mean, percentiles and share of each stage', async () => {
    const { stages, requests, threads, processes, firstNs, lastNs } = await summarizeProfileLog(p1)
    const infer = stages.find(({ stage }) => stage === 'client_infer')
    // Two processes, each with 3,401 µs from its first to its last event.
    expect(infer).toEqual({
      stage: 'client_infer',
      side: 'client',
      count: 2,
      totalNs: 6_000_000,
      meanNs: 3_000_000,
      p50Ns: 3_000_000,
      p90Ns: 3_000_000,
      p99Ns: 3_000_000,
      maxNs: 3_000_000,
      shareOfWall: 6000 / 6802,
      perThreadNs: 3_000_000,
      relativeError: 0,
    })
    expect([requests, threads]).toEqual([2, 2])
    expect(processes).toEqual([
      { pid: 87322, requests: 1, wallNs: 3_401_000 },
      { pid: 87324, requests: 1, wallNs: 3_401_000 },
    ])
    expect([firstNs, lastNs]).toEqual([1_700_000_000_000_000_000n, 1_700_000_000_003_526_000n])
  })
  it('names the op that encloses the others, and no other', async () => {
    expect(Object.keys(await stagesOf(vectorP1()))).toContain('server_total')
    const skewed = vectorP1().replaceAll(/op3_0:(\d+)/g, (_, us) => `op3_0:${Number(us) + 40}`)
    expect(Object.keys(await stagesOf(skewed))).not.toContain('server_total')
  })
  it('divides by the threads that are given', async () => {
    const { stages, threads } = await summarizeProfileLog(p1, 4)
    expect([threads, stages[0]!.perThreadNs]).toEqual([4, 500_000 / 4])
  })
  it.each([
    ['PROFILE\tpid:1\tpy_client_infer_0:1 py_client_infer_1:2\nPROFILE\tpid:1\tbert_pre_0:1 bert_pre_1:2\n', 1],
    ['PROFILE\tpid:1\tpre_0:1 pre_1:9 in_0:2 in_1:3\nPROFILE\tpid:1\tpre_0:10 pre_1:19\n', 2],
    ['PROFILE\tpid:1\tcall_3#DAG-3_0:1 call_3#DAG-3_1:2 call_4#DAG-4_0:1 call_4#DAG-4_1:2\n', 2],
  ])('counts the requests of %j', async (log, requests) => {
    expect((await summaryOf(log)).requests).toBe(requests)
  })
  it('pairs by name within process and track, the innermost first', async () => {
    const log = [
      'PROFILE\tpid:1\ta_0:100 b_0:110 a_0:120 b_0:125 a_1:130 b_1:140 b_1:145 a_1:200',
      'PROFILE\tpid:1\tc_0:300',
      'PROFILE\tpid:2\tc_1:310', // of another process
      'PROFILE\tpid:1\tc#4_1:320', // of another track
      'PROFILE\tpid:1\tc_1:330',
      '',
    ].join('\n')
    expect(await stagesOf(log)).toEqual({ a: [2, 110_000], b: [2, 50_000], c: [1, 30_000] })
    const { counts, stages } = await summaryOf(log)
    // 100 to 200, not to 130.
    expect([counts.unpairedEvents, stages.map(({ stage, maxNs }) => [stage, maxNs])]).toEqual([
      2,
      [
        ['a', 100_000],
        ['b', 35_000],
        ['c', 30_000],
      ],
    ])
  })
  it('reads lines behind a prefix, with \\r\\n, without a pid, and several that share one', async () => {
    const log = [
      'I0101 00:00:00.000001 12 client.cpp:50] PROFILE\tpid:1\ta_0:1 a_1:3\r',
      'PROFILE\ta_0:10 a_1:20',
      'PROFILE\tpid:1\tb_0:1 b_PROFILE\tpid:2\ta_0:1 a_1:2',
      '  PROFILE\tpid:1\ta_0:100  a_1:200 ',
      'PROFILEpid:1 a_0:1 a_1:2',
      'PROFILE\tpid:1\ta_0:300 a_1:301', // no line feed at the end
    ].join('\n')
    const { counts, processes } = await summaryOf(log)
    expect(await stagesOf(log)).toEqual({ a: [5, (2 + 10 + 1 + 100 + 1) * 1000] })
    expect(processes.map(({ pid }) => pid)).toEqual([1, 0, 2])
    expect([counts.lines, counts.records, counts.malformedTokens]).toEqual([6, 6, 1])
  })
  it.each([
    ['a_0', 'malformedTokens'],
    ['a_2:5', 'malformedTokens'],
    ['a_0:-5', 'malformedTokens'],
    ['a_0:5.5', 'malformedTokens'],
    ['_0:5', 'malformedTokens'],
    ['a_0:', 'malformedTokens'],
    ['a:b_0:5', 'malformedTokens'],
    ['a_0:9999999999999999', 'malformedTokens'],
    ['a_0:12345678901234567', 'malformedTokens'],
    ['\u0000\uFFFD', 'malformedTokens'],
    ['a_0:5 a_1:4', 'impossibleStages'],
    ['a_0:5 a_1:86400000006', 'impossibleStages'],
    ['a_1:4', 'unpairedEvents'],
    ['a_0:4', 'unpairedEvents'],
  ] as const)('counts %j and reads on', async (token, counter) => {
    const summary = await summaryOf(`PROFILE\tpid:1\tx_0:1 x_1:2 ${token} y_0:1 y_1:2\n`)
    expect(summary.counts).toMatchObject({ [counter]: 1 })
    expect(summary.stages.map(({ stage }) => stage)).toEqual(['x', 'y'])
  })
  it('pairs no stage with another that ends behind it', async () => {
    const { stages, counts } = await summaryOf('PROFILE\tpid:1\tunt_pre_0:1 unet_pre_1:2\n')
    expect([stages, counts.unpairedEvents]).toEqual([[], 2])
  })
  it('tells of a Pipeline server what each op and step takes and needs', async () => {
    const log = [
      'PROFILE\tpid:9\tprep#[bert|0]_0:100 prep#[bert|0]_1:200 midp#[bert|0]_0:200 midp#[bert|0]_1:1200',
      'PROFILE\tpid:9\tprep#[bert|1]_0:100 prep#[bert|1]_1:400 midp#[bert|1]_0:400 midp#[bert|1]_1:1400',
      'PROFILE\tpid:9\tmidp#[cut|0]_0:0 midp#[cut|0]_1:250 prepack_1#@DAGExecutor_0:1 prepack_1#@DAGExecutor_1:3',
      'PROFILE\tpid:9\tcall_1#DAG-1_0:0 call_1#DAG-1_1:1500 prepack_2#@DAGExecutor_0:1 prepack_2#@DAGExecutor_1:3',
      '',
    ].join('\n')
    const { pipeline, stages } = await summaryOf(log)
    expect(pipeline).toEqual({
      ops: [
        {
          op: 'bert',
          slots: 2,
          steps: [
            { step: 'prep', count: 2, meanNs: 200_000, qps: 5000 },
            { step: 'midp', count: 2, meanNs: 1_000_000, qps: 1000 },
          ],
          totalNs: 1_200_000,
          neededConcurrency: 1.2,
        },
        {
          op: 'cut',
          slots: 1,
          steps: [{ step: 'midp', count: 1, meanNs: 250_000, qps: 4000 }],
          totalNs: 250_000,
          neededConcurrency: 0.25,
        },
      ],
      theoreticalQps: 1000,
    })
    const counts = stages.map(({ stage, count, side }) => `${stage} ${count} ${side}`)
    expect(counts).toEqual([
      'bert/prep 2 server',
      'bert/midp 2 server',
      'cut/midp 1 server',
      'prepack 2 server',
      'call 1 server',
    ])
  })
  it('prints it as text and as JSON, from a file, standard input and gzip', async () => {
    const summary = await summarizeProfileLog(p1, 2)
    const text = profileReport(summary, 120)
    expect(text).toMatch(/^2 requests · 6 records · 2 processes · wall 3\.53 ms/)
    expect(text).toMatch(/\n {2}server_total +server +2 +5\.400 +2\.700 +2,700\.0/)
    const utf8 = (stdout: string) => Buffer.from(stdout, 'latin1').toString()
    expect(utf8((await cli(['show-profile', p1, '2', '--columns', '120'])).stdout)).toBe(text)
    expect(utf8((await cli(['show-profile', '-', '2', '--columns', '120'], vectorP1())).stdout)).toBe(text)
    const packed = logOf(gzipSync(vectorP1()))
    expect(utf8((await cli(['show-profile', packed, '2', '--columns', '120'])).stdout)).toBe(text)
    const json = JSON.parse((await cli(['show-profile', p1, '2', '--json'])).stdout)
    expect(json).toMatchObject({ requests: 2, firstNs: '1700000000000000000', stages: summary.stages })
  })
  it('says what could not be read', async () => {
    const { stdout } = await cli(['show-profile', logOf('PROFILE\tpid:1\ta_0:1 a_1:2 oops b_0:5 b_1:4 c_0:1\n')])
    expect(stdout).toContain(
      '1 event could not be read.\n1 stage left out: the end is before the begin, or a day behind.\n1 event had no begin or no end.\n',
    )
  })
  it('answers a log without a stage, an empty one and none at all', async () => {
    expect((await cli(['show-profile', logOf('nothing\n')])).stdout).toMatch(/^0 requests .+ 0 records/)
    expect((await cli(['show-profile', logOf('')])).code).toBe(0)
    const { code, stderr } = await cli(['show-profile', join(folder, 'none')])
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no such file')])
  })
})

describe('a log of a million lines', () => {
  it('is read in a heap of 64 MB, its figures within their error', async () => {
    const path = join(folder, 'million')
    const file = openSync(path, 'w')
    for (let line = 0; line < 1_000_000; line += 1000) {
      const records = Array.from({ length: 1000 }, (_, index) => {
        const startUs = 1_700_000_000_000_000 + (line + index) * 400
        return `PROFILE\tpid:${100 + (index % 4)}\tclient_infer_0:${startUs} client_infer_1:${startUs + index + 1}\n`
      })
      writeSync(file, records.join(''))
    }
    closeSync(file)
    const options = { env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' }, encoding: 'utf8' as const }
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'show-profile', path, '4', '--json'], options)
    const { requests, stages } = JSON.parse(stdout)
    // 1 to 1,000 µs, a thousand times each.
    const [{ count, totalNs, p50Ns, p99Ns, maxNs, relativeError }] = stages
    expect([requests, count, totalNs, maxNs, relativeError]).toEqual([
      1_000_000,
      1_000_000,
      500_500_000_000,
      1_000_000,
      1 / 2048,
    ])
    expect([p50Ns / 500_000, p99Ns / 990_000].map(ratio => Math.abs(ratio - 1) < 0.0005)).toEqual([true, true])
    rmSync(path)
  })
})

describe('a damaged log', () => {
  // A generator of its own, so that a failure can be repeated.
  function random(seed: number): () => number {
    let state = seed
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }
  it('is read to its end, however it was changed', async () => {
    const next = random(42)
    const pick = (below: number) => Math.floor(next() * below)
    const whole = Buffer.from(vectorP1())
    for (let round = 0; round < 300; round++) {
      const log = Buffer.from(Buffer.concat([whole, whole]))
      for (let change = 0; change < 8; change++) {
        const at = pick(log.length)
        if (pick(2) === 0) log[at] = pick(256)
        else log.copyWithin(at, pick(log.length), pick(log.length))
      }
      const { stages, counts } = await summaryOf(log.subarray(0, pick(log.length)))
      for (const { count, totalNs, p50Ns, maxNs } of stages) {
        expect(count).toBeGreaterThan(0)
        expect(p50Ns).toBeLessThanOrEqual(maxNs)
        expect(maxNs).toBeLessThanOrEqual(totalNs)
      }
      expect(Object.values(counts).every(Number.isSafeInteger)).toBe(true)
    }
  })
  it('of nothing but noise gives nothing', async () => {
    const next = random(7)
    const noise = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(next() * 256)))
    expect((await summaryOf(noise)).stages).toEqual([])
  })
  it('has lines of any length', async () => {
    // 4 MB without a line feed, what is at its end included.
    const long = `x${'PROFILE'.repeat(600_000)} PROFILE\tpid:1\tz_0:1 z_1:2`
    const { stages, counts } = await summaryOf(`PROFILE\tpid:1\ta_0:1 a_1:2\n${long}\nPROFILE\tpid:1\ta_0:1 a_1:2\n`)
    expect([stages.length, stages[0]!.count, counts.longLines]).toEqual([1, 2, 1])
  })
  it('with ever new names stays in bounds: they share one row', async () => {
    const lines = Array.from({ length: 3000 }, (_, at) => `PROFILE\tpid:${at}\ts${at}_0:1 s${at}_1:2 open${at}_0:1`)
    const { stages, lumped, counts } = await summaryOf(`${lines.join('\n')}\n`)
    expect([stages.length, stages.at(-1)!.stage, stages.at(-1)!.count]).toEqual([1001, '(others)', 2000])
    expect([lumped.stages, counts.unpairedEvents]).toEqual([2000, 3000])
  })
})
