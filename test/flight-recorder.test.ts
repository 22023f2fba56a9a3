import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import { watchFlight } from '../src/flight-recorder.js'
import { type Capture, loadCapture, op, record, startSession } from '../src/index.js'
import { resolveOptions } from '../src/options.js'
import { until } from './until.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opscope-flight-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

const conv = op('conv')
function work(count: number): void {
  for (let i = 0; i < count; i++) {
    conv.begin()
    conv.end()
  }
}
const callsOf = (capture: Capture) => capture.ops().find(({ path }) => path[0] === 'conv')?.calls ?? 0
const spansOf = ({ spans }: Capture) => spans.name.filter(id => spans.names[id]!.text === 'conv').length
const failure = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    return error as Error & { code: string }
  }
  throw new Error('did not fail')
}

describe('a flight recorder', () => {
  it('keeps the last so many ms, and forgets what is older', async () => {
    const session = startSession({ state: 'CPU', keepMs: 150 })
    work(100)
    await sleep(300)
    work(7)
    const capture = await session.stop()
    expect(callsOf(capture)).toBe(7)
    expect(capture.durationNs / 1e6).toBeCloseTo(150, 1)
  })

  it('writes what it keeps on a call, under the next number, and goes on', async () => {
    writeFileSync(at('f.1.pftrace'), 'of an earlier run')
    const session = startSession({ state: 'CPU', keepMs: 60_000, profilePath: at('f.pftrace') })
    work(3)
    const dump = await session.dump()
    work(4)
    const own = await session.dump(at('own.json'))
    const last = await session.stop()
    expect([dump, own, last].map(callsOf)).toEqual([3, 7, 7])
    expect(dump.attributes).toEqual({ 'dump.reason': 'call' })
    expect(last.attributes).toEqual({})
    expect(readdirSync(folder).sort()).toEqual(['f.1.pftrace', 'f.2.pftrace', 'f.pftrace', 'own.json'])
    expect(callsOf(await loadCapture(at('f.2.pftrace')))).toBe(3)
  })

  it('writes it at a signal', async () => {
    const session = startSession({ state: 'CPU', keepMs: 60_000, dumpSignal: 'SIGUSR2', profilePath: at('s.pftrace') })
    work(5)
    process.kill(process.pid, 'SIGUSR2')
    await until('the dump', () => readdirSync(folder).includes('s.1.pftrace'))
    await session.stop()
    const dump = await loadCapture(at('s.1.pftrace'))
    expect([callsOf(dump), dump.attributes]).toEqual([5, { 'dump.reason': 'signal' }])
  })

  it('writes it when a request is slow', async () => {
    const session = startSession({
      state: 'CPU',
      keepMs: 60_000,
      slowMs: 50,
      flushMs: 10,
      profilePath: at('slow.pftrace'),
    })
    await record('quick', { category: 'request' }, () => sleep(1))
    await record('slow', { category: 'request' }, () => sleep(80))
    await until('the dump', () => readdirSync(folder).includes('slow.1.pftrace'))
    await session.stop()
    expect(readdirSync(folder).sort()).toEqual(['slow.1.pftrace', 'slow.pftrace'])
    const { attributes } = await loadCapture(at('slow.1.pftrace'))
    expect(attributes).toMatchObject({ 'dump.reason': 'slow', 'dump.span': 'slow' })
    expect(attributes['dump.durationMs']).toBeGreaterThanOrEqual(50)
  })

  it('writes once what the windows of slow requests share', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const reasons: unknown[] = []
    const session = {
      takeSlowSpan: () => ({ name: 'slow', durationNs: 60e6 }),
      dump: async (reason: unknown) => reasons.push(reason),
    }
    const options = resolveOptions({ keepMs: 1000, slowMs: 50, flushMs: 10, profilePath: 'slow.pftrace' })
    const unwatch = watchFlight(session, options)
    await vi.advanceTimersByTimeAsync(999)
    expect(reasons).toEqual([{ 'dump.reason': 'slow', 'dump.span': 'slow', 'dump.durationMs': 60 }])
    await vi.advanceTimersByTimeAsync(1000)
    expect(reasons).toHaveLength(2)
    unwatch()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    [{ slowMs: 5, profilePath: 'x.pftrace' }, /"slowMs" option belongs to a flight recorder/],
    [{ dumpSignal: 'SIGUSR2' as const, profilePath: 'x.pftrace' }, /"dumpSignal" option belongs/],
    [{ slowMs: 5, keepMs: 100 }, /needs a place to write to/],
  ])('refuses %j', (options, message) => {
    const error = failure(() => startSession(options))
    expect(error.code).toBe('ERR_OPSCOPE_OPTION_VALUE')
    expect(error.message).toMatch(message)
  })

  it('dumps no session that has stopped, and no path that cannot be written', async () => {
    const session = startSession({ state: 'CPU', keepMs: 1000 })
    await expect(session.dump(at('no/such/folder.pftrace'))).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_WRITE' })
    expect(session.state).toBe('recording')
    await session.stop()
    await expect(session.dump()).rejects.toMatchObject({ code: 'ERR_OPSCOPE_SESSION_STOPPED' })
  })
})

describe('a long recording', () => {
  it('goes to files of a size, which together hold every span once', async () => {
    const session = startSession({ state: 'CPU', maxFileMB: 0.25, flushMs: 10, profilePath: at('long.pftrace') })
    const total = 60_000
    for (let done = 0; done < total; done += 2000) {
      work(2000)
      await session.flush()
    }
    const capture = await session.stop()
    const files = readdirSync(folder).sort()
    expect(files.length).toBeGreaterThan(2)
    expect(files).toContain('long.pftrace')
    const parts = await Promise.all(files.map(file => loadCapture(at(file))))
    // A rotation may find a call open: it stays unfinished in the older file, and is none of the finished ones.
    expect(parts.map(spansOf).reduce((sum, spans) => sum + spans)).toBe(total)
    expect(parts.flatMap(part => part.warnings.map(({ code }) => code))).toEqual(['rotated-files'])
    expect(capture.warnings).toMatchObject([{ code: 'rotated-files', count: files.length - 1 }])
    for (const file of files) expect(statSync(at(file)).size).toBeLessThan(0.25 * 2 ** 20 + 2 ** 20)
  })

  it('is packed, in another format, or forgets its beginning, as asked', async () => {
    const session = startSession({
      state: 'CPU',
      profilePath: at('trace'),
      format: 'chrome',
      compress: 'gzip',
      onFull: 'drop-old',
    })
    work(9)
    await session.stop()
    expect(readdirSync(folder)).toEqual(['trace.gz'])
    expect(callsOf(await loadCapture(at('trace.gz')))).toBe(9)
    expect(failure(() => startSession({ profilePath: at('a.arrow'), compress: 'gzip' })).message).toMatch(/not packed/)
  })
})
