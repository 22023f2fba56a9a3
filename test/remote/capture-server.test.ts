import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { profile, recordSync } from '../../src/index.js'
import { decodeXSpace } from '../export/xplane-decoded.js'
import { until } from '../until.js'
import { serve, work } from './server.js'
import { call, failureOf, profileRequest, type Reply, trace } from './stock-client.js'

const logdir = () => mkdtempSync(join(tmpdir(), 'opscope-logdir-'))
const busy = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('a stock client', () => {
  it('has the capture in its own logdir, named as TensorBoard finds it', async () => {
    const { address, told } = await serve()
    work()
    const folder = logdir()
    const [file = '', ...others] = await trace(`grpc://${address}`, folder, 100, { sessionId: '2026_11_26_01_02_03' })
    expect(others).toEqual([])
    const host = address.replace(':', '_')
    expect(file).toBe(join(folder, 'plugins/profile/2026_11_26_01_02_03', `${host}.xplane.pb`))
    const { planes, warnings, errors } = decodeXSpace(readFileSync(file))
    const names = planes.flatMap(({ lines }) => lines.flatMap(({ events }) => events.map(({ name }) => name)))
    expect(names).toContain('served')
    expect([warnings, errors]).toEqual([[], []])
    expect(told).toEqual([])
  })

  it('captures several processes at one moment, each to a file of its own', async () => {
    const first = await serve()
    const second = await serve()
    work()
    const files = await trace(`${first.address},${second.address}`, logdir(), 50, { startDelayMs: 100 })
    const named = [first, second].map(({ address }) => `${address.replace(':', '_')}.xplane.pb`)
    expect(files.map(file => basename(file)).sort()).toEqual(named.sort())
  })

  it('is told of an idle process as of one without events, and the operator why', async () => {
    const { address, told } = await serve()
    await expect(trace(address, logdir(), 20, { attempts: 3 })).rejects.toThrow('no trace event was collected')
    expect(told.map(({ code }) => code)).toEqual(['capture-empty', 'capture-empty', 'capture-empty'])
    const request = { ...profileRequest(address, { durationMs: 20 }), emit_xspace: true }
    const reply = await call<Reply>(address, 'Profile', request)
    expect(reply).toMatchObject({ empty_trace: true, tool_data: [] })
    expect(decodeXSpace(reply.xspace!).errors).toEqual([expect.stringMatching(/^Nothing was recorded in 0\.0\d+ s: /)])
  })

  it('gets the XSpace in the reply itself when it asks so', async () => {
    const { address } = await serve()
    work()
    const request = { ...profileRequest(address, { durationMs: 20 }), emit_xspace: true }
    const { xspace, ...rest } = await call<Reply>(address, 'Profile', request)
    expect(rest).toEqual({ empty_trace: false, tool_data: [] })
    expect(xspace!.length).toBeGreaterThan(100)
  })

  it('waits for no moment that is far away, and is told so', async () => {
    const { address } = await serve()
    work()
    const startNs = BigInt(Date.now() + 31_536_000_000) * 1_000_000n
    const request = { ...profileRequest(address, { durationMs: 20, startNs }), emit_xspace: true }
    const { xspace } = await call<Reply>(address, 'Profile', request, { deadlineMs: 1000 })
    expect(String(xspace)).toMatch(/The capture began \d+ ms before it was to\./)
  })
})

describe('how long a capture lasts', () => {
  it('is what its client asked for, within the limit', async () => {
    const { address } = await serve({ maxDurationMs: 50 })
    work()
    const year = 31_536_000_000
    const request = { ...profileRequest(address, { durationMs: year }), emit_xspace: true }
    const { xspace } = await call<Reply>(address, 'Profile', request)
    expect(String(xspace)).toContain(`${year} ms were asked for; this process lets a capture last 50 ms.`)
  })

  it('is a millisecond where nothing was said', async () => {
    const { address } = await serve()
    const reply = await call<Reply>(address, 'Profile', {})
    expect(reply.empty_trace).toBe(true)
  })

  it('is shorter when its client would not wait for the reply', async () => {
    const { address } = await serve()
    work()
    const request = { ...profileRequest(address, { durationMs: 50_000 }), emit_xspace: true }
    const { xspace } = await call<Reply>(address, 'Profile', request, { deadlineMs: 1500 })
    expect(String(xspace)).toMatch(/The capture ended after \d+ ms: its client waits for the reply only \d+ ms\./)
  })

  it('is up to Terminate, and what there is comes back', async () => {
    const { server, address } = await serve()
    work()
    const running = call<Reply>(address, 'Profile', profileRequest(address, { durationMs: 50_000, sessionId: 'mine' }))
    await until('the capture to run', () => server.running === 1)
    recordSync('something', () => {})
    expect(await call(address, 'Terminate', { session_id: 'another' })).toEqual({})
    expect(server.running).toBe(1)
    await call(address, 'Terminate', { session_id: 'mine' })
    expect((await running).tool_data.map(({ name }) => name)).toEqual(['xplane.pb'])
  })

  it('covers its window when the event loop is busy, and says how late it is', async () => {
    const { server, address } = await serve()
    work()
    const request = { ...profileRequest(address, { durationMs: 20 }), emit_xspace: true }
    const running = call<Reply>(address, 'Profile', request)
    await until('the capture to run', () => server.running === 1)
    busy(300)
    const { xspace } = await running
    const [, lateMs] = /The event loop was busy: the capture ended (\d+) ms late/.exec(String(xspace)) ?? []
    expect(Number(lateMs)).toBeGreaterThan(200)
  })
})

describe('captures at the same time', () => {
  it('share the recorder, with each other and with recordings of the program', async () => {
    const { address } = await serve()
    work()
    const capture = await profile({}, async () => {
      const replies = await Promise.all(
        [20, 60, 40].map(durationMs => call<Reply>(address, 'Profile', profileRequest(address, { durationMs }))),
      )
      for (const reply of replies) expect(reply.tool_data).toHaveLength(1)
    })
    expect(capture.ops()[0]).toMatchObject({ name: 'served' })
  })

  it('are at most as many as allowed', async () => {
    const { server, address, told } = await serve({ maxConcurrent: 1 })
    work()
    const running = call<Reply>(address, 'Profile', profileRequest(address, { durationMs: 50_000, sessionId: 'a' }))
    await until('the capture to run', () => server.running === 1)
    recordSync('something', () => {})
    const second = () => call(address, 'Profile', profileRequest(address, { durationMs: 1 }))
    expect(await failureOf(second())).toBe('RESOURCE_EXHAUSTED 1 captures are running, which is the limit.')
    expect(await failureOf(second())).toMatch(/^RESOURCE_EXHAUSTED/)
    expect(told.map(({ code }) => code)).toEqual(['capture-refused'])
    await call(address, 'Terminate', { session_id: 'a' })
    expect((await running).tool_data).toHaveLength(1)
  })

  it('and in a minute too', async () => {
    const { address } = await serve({ maxPerMinute: 2 })
    const one = () => call(address, 'Profile', profileRequest(address, { durationMs: 1 }))
    await one()
    await one()
    expect(await failureOf(one())).toBe('RESOURCE_EXHAUSTED 2 captures began in the last minute, which is the limit.')
  })
})

describe('a client that goes away', () => {
  it.each([
    ['cancels', { cancels: true }],
    ['waits no longer', { deadlineMs: 400 }],
  ])(
    'and %s ends its capture',
    async (_, { cancels = false, deadlineMs = 60_000 }: { cancels?: boolean; deadlineMs?: number }) => {
      const { server, address } = await serve()
      work()
      const controller = new AbortController()
      const startNs = BigInt(Date.now() + 5000) * 1_000_000n
      const request = cancels
        ? profileRequest(address, { durationMs: 50_000 })
        : profileRequest(address, { durationMs: 350, startNs })
      const running = failureOf(call(address, 'Profile', request, { deadlineMs, signal: controller.signal }))
      await until('the capture to run', () => server.running === 1)
      if (cancels) controller.abort()
      else busy(600)
      expect(await running).toMatch(cancels ? /^CANCELLED/ : /^DEADLINE_EXCEEDED/)
      await until('the capture to end', () => server.running === 0)
      // The next one finds everything as it was.
      expect(
        (await call<Reply>(address, 'Profile', profileRequest(address, { durationMs: 20 }))).tool_data,
      ).toHaveLength(1)
    },
  )
})

describe('bytes that are no request', () => {
  it.each([
    ['that are cut', '0a'],
    ['of a field of the wrong kind', '0a00'],
    ['at random', 'ffffffffffffffffffffffffff'],
    ['with text that is no UTF-8', '3202fffe'],
  ])('%s are refused', async (_, hex) => {
    const { address } = await serve()
    for (const method of ['Profile', 'Monitor', 'NewSession', 'StartContinuousProfiling'] as const) {
      expect(await failureOf(call(address, method, Buffer.from(hex, 'hex')))).toMatch(
        /^(INVALID_ARGUMENT The message cannot be read: |did not fail)/,
      )
    }
    expect(await failureOf(call(address, 'Profile', Buffer.from(hex, 'hex')))).toMatch(/^INVALID_ARGUMENT/)
    work()
    expect((await call<Reply>(address, 'Profile', profileRequest(address, { durationMs: 20 }))).empty_trace).toBe(false)
  })

  it('that are too many are refused', async () => {
    const { address } = await serve()
    expect(await failureOf(call(address, 'Profile', Buffer.alloc(1 << 20)))).toMatch(/^RESOURCE_EXHAUSTED/)
  })
})

describe('files in places that a client names', () => {
  const ask = (address: string, root: string, sessionId = 's') =>
    call<Reply>(address, 'Profile', profileRequest(address, { durationMs: 20, repositoryRoot: root, sessionId }))

  it('are not written unless that was allowed', async () => {
    const { address } = await serve()
    work()
    const root = logdir()
    expect((await ask(address, root)).tool_data).toHaveLength(1)
    expect(readdirSync(root)).toEqual([])
  })

  it('are written below the folders that were', async () => {
    const allowed = logdir()
    const { address, told } = await serve({ writeRoots: [allowed] })
    work()
    const [tool] = (await ask(address, join(allowed, 'tb/plugins/profile'))).tool_data
    const path = join(allowed, 'tb/plugins/profile/s', `${address.replace(':', '_')}.xplane.pb`)
    expect(readFileSync(path)).toEqual(tool!.data)
    expect(readdirSync(join(path, '..'))).toHaveLength(1)
    expect(told).toEqual([])
  })

  it.each(['../../x', '..', '/etc', '', 'a\0b', '.hidden', 'x'.repeat(300)])(
    'are refused for the session %j',
    async sessionId => {
      const allowed = logdir()
      const { address, told } = await serve({ writeRoots: [allowed] })
      work()
      expect((await ask(address, allowed, sessionId)).tool_data).toHaveLength(1)
      expect(told.map(({ code }) => code)).toEqual(['capture-not-written'])
      expect(readdirSync(allowed)).toEqual([])
    },
  )

  it('are not written elsewhere by way of a link or of ".."', async () => {
    const allowed = logdir()
    const other = logdir()
    symlinkSync(other, join(allowed, 'link'))
    const { address } = await serve({ writeRoots: [allowed] })
    work()
    for (const root of [
      join(allowed, 'link'),
      `${allowed}/../${basename(other)}`,
      `${allowed}x`,
      'relative',
      'gs://bucket',
    ]) {
      expect((await ask(address, root)).tool_data).toHaveLength(1)
    }
    await ask(address, allowed, 'link')
    expect(readdirSync(other)).toEqual([])
    expect(existsSync(`${allowed}x`)).toBe(false)
  })

  it('are what a client with a list of workers wants, of this process alone', async () => {
    const allowed = logdir()
    const { address } = await serve({ writeRoots: [allowed] })
    work()
    const request = profileRequest('localhost', { durationMs: 20 })
    const asked = { request, repository_root: allowed, session_id: 's' }
    expect(await call(address, 'NewSession', { ...asked, hosts: [address] })).toEqual({
      error_message: '',
      empty_trace: false,
    })
    expect(readdirSync(join(allowed, 's'))).toEqual(['localhost.xplane.pb'])
    expect(await call(address, 'NewSession', { ...asked, hosts: [address, '10.0.0.1:1'] })).toEqual({
      error_message: expect.stringMatching(/captures itself alone/),
      empty_trace: true,
    })
    expect(await call(address, 'NewSession', { ...asked, hosts: [address], repository_root: '/etc' })).toEqual({
      error_message: expect.stringMatching(/does not write there/),
      empty_trace: true,
    })
  })
})

describe('a recording that goes on', () => {
  it('is started once, gives what it keeps, and is stopped once', async () => {
    const { address } = await serve()
    work()
    const request = profileRequest(address, { durationMs: 5000 })
    expect(await failureOf(call(address, 'GetSnapshot', {}))).toMatch(/^NOT_FOUND/)
    await call(address, 'StartContinuousProfiling', request)
    expect(await failureOf(call(address, 'StartContinuousProfiling', request))).toBe(
      'ALREADY_EXISTS A profiling session is already running.',
    )
    let reply: Reply
    do reply = await call<Reply>(address, 'GetSnapshot', {})
    while (reply.empty_trace)
    expect(reply).toMatchObject({ tool_data: [], empty_trace: false })
    expect((await call<Reply>(address, 'GetSnapshot', {})).xspace!.length).toBeGreaterThan(100)
    await call(address, 'StopContinuousProfiling', {})
    expect(await failureOf(call(address, 'StopContinuousProfiling', {}))).toMatch(/^NOT_FOUND/)
  })
})

describe('Monitor', () => {
  it('says what the process does, a line for each figure', async () => {
    const { address } = await serve()
    work()
    const { data, monitor_result } = await call<{ data: string; monitor_result: object }>(address, 'Monitor', {
      duration_ms: 50,
      monitoring_level: 2,
      timestamp: true,
    })
    expect(data).toMatch(
      /^ {2}Timestamp: \d\d:\d\d:\d\d\n {2}GPU.*\n {2}Event loop utilization: [\d.]+%\n {2}RSS: \d+ MiB\n {2}Step time: [\d.]+ms \(avg\), [\d.]+ms \(min\), [\d.]+ms \(max\)\n {2}Kernels per second: \d+\n {2}Memcpy: [\d.]+ GB\/s\n {2}Dropped events: 0\n$/,
    )
    expect(monitor_result).toMatchObject({ response_type: 0 })
    const short = await call<{ data: string }>(address, 'Monitor', { duration_ms: 1, monitoring_level: 1 })
    expect(short.data.split('\n')).toHaveLength(4)
  })
})
