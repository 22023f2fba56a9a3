import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { importProfileLog } from '../../src/import/profile-log.js'
import { loadCapture } from '../../src/load-capture.js'
import { vectorP1 } from '../serving/paddle-tools.js'
import { spansOf } from './rows-of.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
let fileCount = 0
async function load(content: string | Uint8Array) {
  const path = join(folder, `log${fileCount++}`)
  writeFileSync(path, content)
  return loadCapture(path)
}
async function builderOf(content: string | Uint8Array) {
  async function* chunks() {
    const bytes = Buffer.from(content)
    // Boundaries anywhere: 97 is in step with nothing.
    for (let at = 0; at < bytes.length; at += 97) yield bytes.subarray(at, at + 97)
  }
  return importProfileLog(chunks())
}
const spans = async (content: string) => spansOf((await builderOf(content)).rows())
const warningsOf = async (content: string) =>
  Object.fromEntries((await builderOf(content)).rows().warnings.map(({ code, count }) => [code, count]))
/** A record of a request that begins at `startUs`: 10 µs, 100 µs, 10 µs. */
const request = (startUs: number, pid = 1) =>
  `PROFILE\tpid:${pid}\tprepro_0:${startUs} prepro_1:${startUs + 10} client_infer_0:${startUs + 10} ` +
  `client_infer_1:${startUs + 110} postpro_0:${startUs + 110} postpro_1:${startUs + 120}\n`

describe('importProfileLog', () => {
  it("gives a process for each pid, with the client on one thread and the server's ops on another", async () => {
    const capture = await load(vectorP1())
    expect(capture.processes.map(({ pid, name }) => [pid, name])).toEqual([
      [87322, 'client'],
      [87324, 'client'],
    ])
    expect(capture.originEpochNs).toBe(1_700_000_000_000_000_000n)
    const rows = capture.rows().toArray()
    const of = (pid: number, name: string) => rows.find(row => row.pid === pid && row.name === name)!
    // By hand from the log: request 2 is 125 µs later.
    expect([of(87322, 'server_total').start, of(87322, 'server_total').dur]).toEqual([480_000, 2_700_000])
    expect([of(87324, 'op1').start, of(87324, 'op1').dur]).toEqual([665_000, 2_560_000])
    expect(of(87322, 'op0').parent_span_id).toBe(of(87322, 'server_total').span_id)
    expect(of(87322, 'client_infer').parent_span_id).toBe(of(87322, 'py_client_infer').span_id)
    expect(rows.map(({ attrs }) => JSON.parse(String(attrs)).side).toSorted()).toEqual([
      ...Array(8).fill('client'),
      ...Array(6).fill('py'),
      ...Array(8).fill('server'),
    ])
  })
  it('puts requests that overlap on rows of their own, and those that do not on one', async () => {
    expect(await spans(request(1000) + request(1050) + request(1200))).toEqual([
      'client: prepro request 0-10000',
      'client: client_infer request 10000-110000',
      'client: postpro request 110000-120000',
      'client (2): prepro request 50000-60000',
      'client (2): client_infer request 60000-160000',
      'client (2): postpro request 160000-170000',
      'client: prepro request 200000-210000',
      'client: client_infer request 210000-310000',
      'client: postpro request 310000-320000',
    ])
  })
  it('keeps what happens while a request waits out of it, and what encloses it around it', async () => {
    const inside = 'PROFILE\tpid:1\tbert_pre_0:1030 bert_pre_1:1040\n'
    const around = 'PROFILE\tpid:1\tpredict_0:1990 predict_1:2200\n'
    const threads = (await spans(request(1000) + inside + request(2000) + around)).map(
      text => text.split(' request')[0],
    )
    expect(threads.filter(text => text!.includes('bert_pre'))).toEqual(['client (2): bert_pre'])
    expect(threads.filter(text => text!.includes('predict'))).toEqual(['client: predict'])
  })
  it('draws what is more than 64 rows as overlapping', async () => {
    const all = await spans(Array.from({ length: 70 }, (_, index) => request(1000 + index)).join(''))
    expect(all.filter(text => text.endsWith('flags 1')).length).toBe(6 * 3)
    expect(new Set(all.map(text => text.split(':')[0])).size).toBe(64)
  })
  it('joins the requests of a Pipeline server, which names each after its number', async () => {
    const log =
      'PROFILE\tpid:9\tcall_1#DAG-1_0:10 call_1#DAG-1_1:20 call_2#DAG-2_0:30 call_2#DAG-2_1:40 ' +
      'prepack_1#@DAGExecutor_0:5 prepack_1#@DAGExecutor_1:6 prep#[bert|0]_0:11 prep#[bert|0]_1:12\n'
    expect(await spans(log)).toEqual([
      'server @DAGExecutor: prepack request 0-1000',
      'server DAG: call request 5000-15000',
      'server DAG: call request 25000-35000',
      'server [bert|0]: prep request 6000-7000',
    ])
  })
  it('counts what could not be read', async () => {
    const log = `${request(1000)}PROFILE\tpid:1\toops b_0:5 b_1:4 c_0:1\n`
    expect(await warningsOf(log)).toEqual({ 'stages-damaged': 2, 'stages-unpaired': 1 })
  })
  it('leaves out times that are decades from the others', async () => {
    const log = `${request(1_700_000_000_000_000)}${request(1_700_000_000_000_500)}PROFILE\tpid:1\ta_0:1 a_1:2\n`
    expect([(await spans(log)).length, await warningsOf(log)]).toEqual([6, { 'stages-damaged': 1 }])
    expect((await load(log)).warnings).toMatchObject([{ code: 'stages-damaged', count: 1 }])
  })
})

describe('loadCapture of a log', () => {
  it.each([
    ['a plain one', vectorP1()],
    ['a packed one', gzipSync(vectorP1())],
    ['one with \\r\\n', vectorP1().replaceAll('\n', '\r\n')],
    ['one that begins with a line feed', `\n${vectorP1()}`],
    ['one whose lines begin like JSON', vectorP1().replaceAll(/^/gm, '[2023-11-14T22:13:20] ')],
    ['one with much before its first record', `${'something else\n'.repeat(20_000)}${vectorP1()}`],
    ['one with bytes of any kind', Buffer.concat([Buffer.from([0, 1, 2, 255, 10]), Buffer.from(vectorP1())])],
  ])('takes %s by its content', async (_, content) => {
    expect((await load(content)).ops().find(({ path }) => path[0] === 'bert_pre')?.calls).toBe(2)
  })
  it('says of a log without a whole stage that it is damaged, of one without a record that it is none', async () => {
    await expect(load('PROFILE\tpid:1\ta_0:1\n')).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_DAMAGED' })
    await expect(load('PROFILE\tpid:1\n')).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_FORMAT' })
  })
  it('reads damaged logs to their end', async () => {
    let state = 11
    const pick = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const whole = Buffer.from(vectorP1())
    for (let round = 0; round < 100; round++) {
      const log = Buffer.from(whole)
      for (let change = 0; change < 10; change++) log[100 + pick(log.length - 100)] = pick(256)
      const capture = await load(log)
      expect(capture.ops().length).toBeGreaterThan(0)
      expect(capture.report()).toContain('Event Summary')
    }
  })
})
