import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { type Capture, loadCapture, mark, op, profile, record, span } from '../../src/index.js'
import { runChild } from './child.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-chrome-stream-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const codesOf = (capture: Capture) => capture.warnings.map(({ code }) => code)
const callsOf = (capture: Capture) =>
  Object.fromEntries(capture.ops().map(({ path, calls, unfinished }) => [path.join(' > '), [calls, unfinished]]))

// Prints how many of each op had ended before each flush that is complete. Killed while no flush is under way: the
// system may cut a write in two at SIGKILL, and such a file is that of the test after this one.
const PROGRAM = `
  import { writeSync } from 'node:fs'
  import { op, profile, record } from 'opscope'
  const work = op('work'), inner = op('inner')
  await profile({ state: 'CPU', profilePath: process.env.OUT, flushMs: 60_000 }, session =>
    record('request', async () => {
      for (let round = 1; ; round++) {
        for (let i = 0; i < 50; i++) { work.begin(); inner.begin(); inner.end(); work.end() }
        if (round > Number(process.env.ROUNDS)) process.kill(process.pid, 'SIGKILL')
        await session.flush()
        writeSync(1, 50 * round + '\\n')
      }
    }))
`

describe('a profilePath that ends in .json', () => {
  it.each(['1', '2', '40', '400'])('is a valid trace when the process is killed after %s flushes', async rounds => {
    const out = join(folder, `killed-${rounds}.json`)
    const { signal, stdout, stderr } = await runChild(PROGRAM, { OUT: out, ROUNDS: rounds })
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
    const flushed = Number(stdout.trim().split('\n').at(-1))
    expect(flushed).toBe(50 * Number(rounds))

    const trace = JSON.parse(readFileSync(out, 'utf8'))
    expect(trace.opscope.stopped).toBe(false)
    const capture = await loadCapture(out)
    expect(codesOf(capture)).toContain('recording-cut')
    const ops = Object.fromEntries(capture.ops().map(row => [row.path.join(' > '), row]))
    expect(ops['request > work']?.calls).toBe(flushed)
    expect(ops['request > work > inner']?.calls).toBe(flushed)
    expect(codesOf(capture)).toContain('unfinished-spans')
  })

  it('loads with all that ended, wherever its end is torn', async () => {
    const out = join(folder, 'torn.json')
    let text = ''
    await profile({ state: 'CPU', profilePath: out, flushMs: 60_000 }, async session => {
      const work = op('work')
      const open = span('open')
      for (let i = 0; i < 20; i++) {
        work.begin()
        work.end()
      }
      await session.flush()
      text = readFileSync(out, 'latin1')
      open.end()
    })
    const whole = text.slice(0, text.lastIndexOf('"opscope":'))
    expect(JSON.parse(`${whole.trimEnd().replace(/,$/, '')}}`).traceEvents.length).toBeGreaterThan(20)
    const torn = join(folder, 'torn-now.json')
    const lastOfWork = whole.indexOf('\n', whole.lastIndexOf('"work"'))
    for (let end = lastOfWork; end < text.trimEnd().length; end++) {
      writeFileSync(torn, text.slice(0, end), 'latin1')
      const capture = await loadCapture(torn)
      expect(codesOf(capture)).toContain('recording-cut')
      expect(capture.ops().find(({ path }) => path.at(-1) === 'work')?.calls).toBe(20)
    }
  })

  it('tells while it grows what the capture tells at the end', async () => {
    const out = join(folder, 'growing.json')
    let early: Capture | undefined
    const capture = await profile({ state: 'CPU', profilePath: out, flushMs: 60_000 }, async session => {
      const conv = op('conv')
      await record('request', { category: 'inference', attributes: { model: 'tiny', batch: 4 } }, async () => {
        conv.begin()
        const phase = conv.phase('compute')
        phase.begin()
        mark('half')
        phase.end()
        conv.end()
        await new Promise(resolve => setImmediate(resolve))
      })
      session.pause()
      session.resume()
      await session.flush()
      expect(JSON.parse(readFileSync(out, 'utf8')).metadata.opscope_stream).toBe(1)
      early = await loadCapture(out)
    })
    expect(early).toBeDefined()
    const plain = (given: Capture) =>
      given.ops().map(({ path, category, role, calls, totalNs }) => ({ path, category, role, calls, totalNs }))
    expect(plain(early as Capture)).toEqual(plain(capture))
    expect(capture.ops().map(({ path }) => path.join(' > '))).toContain('request > conv > compute')
    expect((early as Capture).inferences().toArray()).toEqual(capture.inferences().toArray())
    expect((early as Capture).originEpochNs).toBe(capture.originEpochNs)
    // The complete file has taken its place.
    expect(JSON.parse(readFileSync(out, 'utf8')).metadata.opscope_format).toBe(1)
    expect(existsSync(`${out}.partial.pftrace`)).toBe(false)
  })

  it('is complete when the complete file cannot take its place', async () => {
    const out = join(folder, 'blocked.json')
    const moved = `${out}.moved`
    const capture = await profile({ state: 'CPU', profilePath: out, flushMs: 60_000 }, () => {
      renameSync(out, moved)
      mkdirSync(join(out, 'in-the-way'), { recursive: true })
      op('late').begin()
      op('late').end()
    })
    expect(codesOf(capture)).toContain('file-not-written')
    const trace = JSON.parse(readFileSync(moved, 'utf8'))
    expect(trace.opscope.stopped).toBe(true)
    const loaded = await loadCapture(moved)
    expect(codesOf(loaded)).not.toContain('recording-cut')
    expect(callsOf(loaded)).toEqual({ late: [1, 0] })
  })
})
