// Four processes that write their stage lines to one file, and the tools that read it.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { loadCapture } from '../../src/load-capture.js'
import { cli } from '../cli/run-cli.js'
import { LINE, showProfile, timelineTrace } from './paddle-tools.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)
const LIB = fileURLToPath(new URL('../../lib/serving/', import.meta.url))

describe('four client processes with one log', () => {
  const REQUESTS = 25
  // The server asks nobody: its clock is that of the clients, and its ops are inside the time of its handler.
  const server = createServer((request, response) => {
    const now = () => (performance.timeOrigin + performance.now()) * 1000
    const begin = now()
    request.resume().on('end', () => {
      const middle = now()
      const work = JSON.stringify(Array.from({ length: 2000 }, (_, index) => index * index))
      const times = [begin, middle, middle, now(), begin, now()].map(Math.round)
      if (request.headers['x-opscope-profile'] === '1') response.setHeader('opscope-profile-time', times.join(','))
      response.end(work)
    })
  })
  const profilePath = at('profile')
  let log = ''
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    writeFileSync(
      at('client.mjs'),
      `import { stage } from ${JSON.stringify(`${LIB}stage-timer.js`)}
      import { profiledFetch } from ${JSON.stringify(`${LIB}profiled-fetch.js`)}
      const fetch = profiledFetch()
      for (let index = 0; index < ${REQUESTS}; index++) {
        const body = stage('bert_pre', () => JSON.stringify(Array.from({ length: 300 }, Math.random)))
        const response = await fetch(process.argv[2], { method: 'POST', body })
        await response.json()
      }`,
    )
    const out = openSync(profilePath, 'a')
    const env = { ...process.env, FLAGS_profile_client: '1', FLAGS_profile_server: '1' }
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, [at('client.mjs'), url], { env, stdio: ['ignore', out, 'pipe'] })
        let stderr = ''
        child.stderr!.on('data', chunk => {
          stderr += chunk
        })
        const code = await new Promise(resolve => child.on('close', resolve))
        expect([code, stderr]).toEqual([0, ''])
      }),
    )
    closeSync(out)
    log = readFileSync(profilePath, 'utf8')
  })
  afterAll(() => server.close())

  it('writes whole lines of four processes', () => {
    const lines = log.split('\n').slice(0, -1)
    expect(lines.length).toBe(4 * REQUESTS * 2)
    expect(lines.every(line => LINE.test(`${line}\n`))).toBe(true)
    expect(new Set(lines.map(line => line.split('\t')[1])).size).toBe(4)
  })
  it('is shown with its requests and stages, and as the original shows it', async () => {
    const { stdout } = await cli(['show-profile', profilePath, '4', '--json'])
    const { requests, stages, processes } = JSON.parse(stdout)
    expect([requests, processes.length]).toEqual([4 * REQUESTS, 4])
    const counts = stages.map(({ stage, side, count }: Record<string, unknown>) => [stage, side, count])
    expect(counts.toSorted()).toEqual([
      ['bert_pre', 'client', 100],
      ['client_infer', 'client', 100],
      ['op0', 'server', 100],
      ['op1', 'server', 100],
      ['postpro', 'client', 100],
      ['prepro', 'client', 100],
      ['server_total', 'server', 100],
    ])
    const { costs, queryCount } = showProfile(log, 4)
    const compat = (await cli(['show-profile', profilePath, '4', '--compat'])).stdout.split('\n')
    expect(compat.slice(0, 2)).toEqual(['thread_num: 4', `query_count: ${queryCount}`])
    const shown = compat.slice(2, -1).map(line => /^(\S+) cost: (\S+)s in each thread $/.exec(line)!)
    expect(shown.map(([, stage, seconds]) => [stage, Number(seconds)])).toEqual([...costs])
  })
  it("shows client stages on one row and the server's ops on a second one, for each process", async () => {
    expect((await cli(['timeline', profilePath, at('out.json')])).stderr).toBe('')
    const { traceEvents } = JSON.parse(readFileSync(at('out.json'), 'utf8'))
    const rows = new Map<string, Set<string>>()
    const titles = new Map(
      traceEvents
        .filter(({ name }: { name: string }) => name === 'thread_name')
        .map(({ pid, tid, args }: { pid: number; tid: number; args: { name: string } }) => [
          `${pid} ${tid}`,
          args.name,
        ]),
    )
    const events = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X')
    for (const { pid, tid, name } of events) {
      const key = `${pid} ${titles.get(`${pid} ${tid}`)}`
      rows.set(key, (rows.get(key) ?? new Set()).add(name))
    }
    const pids = [...new Set(log.match(/pid:\d+/g))].map(text => text.slice(4))
    expect(Object.fromEntries([...rows].map(([key, names]) => [key, [...names].sort()]))).toEqual(
      Object.fromEntries(
        pids.flatMap(pid => [
          [`${pid} client`, ['bert_pre', 'client_infer', 'postpro', 'prepro']],
          [`${pid} server`, ['op0', 'op1', 'server_total']],
        ]),
      ),
    )
    const compat = (await cli(['timeline', '--compat', profilePath, '-'])).stdout
    expect(JSON.parse(compat)).toEqual(timelineTrace(log))
  })
  it('is a capture: report, convert and merge take it', async () => {
    const capture = await loadCapture(profilePath)
    expect(capture.processes.map(({ name }) => name)).toEqual(['client', 'client', 'client', 'client'])
    expect(capture.ops().find(({ path }) => path.join() === 'server_total')?.calls).toBe(4 * REQUESTS)
    await capture.export(at('log.pftrace'))
    expect((await loadCapture(at('log.pftrace'))).ops()).toEqual(capture.ops())
    const merged = await cli(['merge', profilePath, '-o', at('merged.pftrace')])
    expect([merged.code, merged.stderr]).toEqual([0, ''])
  })
})
