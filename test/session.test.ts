import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import {
  type Capture,
  currentSession,
  loadCapture,
  op,
  profile,
  profiler,
  recordSync,
  type Session,
  span,
  startSession,
} from '../src/index.js'
import { runChild } from './life-cycle/child.js'
import { until } from './until.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'opscope-session-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const CPU = { state: 'CPU' } as const

/** The names that were recorded, each once for every time, but for what comes by itself. */
function names(capture: Capture): string[] {
  const { spans } = capture
  const all = Array.from(spans.name, name => spans.names[name]!)
  return all.flatMap(({ text, category }) => (category === 9 ? [] : [text]))
}
const run = (name: string) => recordSync(name, () => {})

describe('a session', () => {
  it('records from its start to its stop', async () => {
    run('before')
    const session = startSession(CPU)
    run('inside')
    const capture = await session.stop()
    run('after')
    expect(names(capture)).toEqual(['inside'])
    expect(session.capture).toBe(capture)
  })

  it('gives the same capture when it is stopped again', async () => {
    const session = startSession(CPU)
    run('once')
    const [first, second] = await Promise.all([session.stop(), session.stop()])
    expect(second).toBe(first)
    expect(await session.stop()).toBe(first)
    expect(session.stopSync()).toBe(first)
  })

  it('refuses a path that comes after the stop, and a blocking stop while another is not done', async () => {
    const session = startSession(CPU)
    const stopping = session.stop()
    expect(() => session.stopSync()).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_STOP_BUSY' }))
    await stopping
    await expect(session.stop({ profilePath: join(folder, 'late.json') })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_SESSION_STOPPED',
    })
  })

  it('stays stopped, whatever is called', async () => {
    const session = startSession(CPU)
    const capture = await session.stop()
    session.pause()
    session.resume()
    session.reset()
    session[Symbol.dispose]()
    await session[Symbol.asyncDispose]()
    run('after')
    expect(session.state).toBe('stopped')
    expect(await session.stop()).toBe(capture)
    expect(currentSession()).toBeUndefined()
  })

  it('ends a span that is still open without harm after the stop', async () => {
    const session = startSession(CPU)
    const open = span('open')
    const capture = await session.stop()
    open.setAttribute('late', 1).end()
    expect(names(capture)).toEqual(['open'])
    expect(session.stats).toMatchObject({ recorded: 1, unfinished: 1 })
  })

  it('refuses options that do not exist, and a callback that is none', () => {
    expect(() => startSession({ delayMS: 1 } as never)).toThrow(/Did you mean "delayMs"/)
    expect(() => startSession({ onCapture: 'later' } as never)).toThrow(/"onCapture" option to be a function/)
    expect(currentSession()).toBeUndefined()
  })

  it('tells what is known of it', async () => {
    const session = startSession(CPU)
    run('a')
    run('b')
    expect(session.stats).toMatchObject({ dropped: 0, recorded: undefined, overheadNs: undefined })
    expect(session.stats.bufferBytes).toBeGreaterThan(0)
    expect(session.stats.bufferBytes).toBeLessThanOrEqual(session.stats.bufferLimitBytes)
    expect(inspect(session)).toMatch(/^Session \(recording \d[\d.,]* [µm]?s\)$/)
    session.pause()
    expect(String(session)).toMatch(/^Session \(paused /)
    const capture = await session.stop()
    expect(session.stats).toMatchObject({
      recorded: capture.spans.length,
      unfinished: 0,
      durationNs: capture.durationNs,
    })
    expect(session.stats.overheadNs).toBeGreaterThan(0)
    expect(String(session)).toMatch(/^Session \(stopped .*, \d+ spans\)$/)
  })

  it('counts spans without room while it runs', async () => {
    const session = startSession(CPU)
    const deep = op('deep')
    const limit = 3072 // ThreadLog::kMaxDepth
    for (let depth = 0; depth < limit + 5; depth++) deep.begin()
    expect(session.stats.dropped).toBe(5)
    session.reset()
    expect(session.stats.dropped).toBe(0)
    for (let depth = 0; depth < limit + 5; depth++) deep.end()
    await session.stop()
  })

  it('gives its capture to onCapture once, and prints when asked to', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
    const seen: Capture[] = []
    const session = startSession({ ...CPU, print: true, onCapture: capture => seen.push(capture) })
    run('printed')
    const capture = await session.stop()
    await session.stop()
    const printed = write.mock.calls.join('')
    write.mockRestore()
    expect(seen).toEqual([capture])
    expect(printed.match(/printed/g)?.length).toBeGreaterThan(0)
    expect(printed.match(/Event Summary/g)).toHaveLength(1)
  })

  it('gives its file and its capture when the program ends first', async () => {
    const path = join(folder, 'ended.pftrace')
    const outcome = await runChild(`
      import { recordSync, startSession } from 'opscope'
      startSession({ profilePath: ${JSON.stringify(path)}, onCapture: capture => console.log(capture.ops()[0].name) })
      recordSync('last words', () => {})
      process.exit(4)
    `)
    expect(outcome).toMatchObject({ code: 4, stdout: 'last words\n', stderr: '' })
    expect(names(await loadCapture(path))).toEqual(['last words'])
  })
})

describe('using', () => {
  it('stops the session at the end of its block', async () => {
    let held: Session
    {
      using session = startSession(CPU)
      held = session
      run('in the block')
    }
    run('behind it')
    expect(held.state).toBe('stopped')
    expect(names(held.capture!)).toEqual(['in the block'])
    {
      await using session = startSession(CPU)
      held = session
      run('in the second')
    }
    expect(names(held.capture!)).toEqual(['in the second'])
  })

  it('stops it when the block throws, and lets the error through', () => {
    const problem = new Error('in the block')
    let held: Session | undefined
    expect(() => {
      using session = startSession(CPU)
      held = session
      throw problem
    }).toThrow(problem)
    expect(held?.state).toBe('stopped')
  })

  const nodes = [
    process.execPath,
    ...(process.env.OPSCOPE_TEST_NODES ?? '').split(':').filter(node => existsSync(node)),
  ]
  const versions = nodes.map(node => [execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(), node] as const)
  const able = versions.filter(([version]) => Number(/^v(\d+)/.exec(version)?.[1]) >= 24)
  it.skipIf(able.length === 0)('is syntax of Node.js itself from 24 on', () => {
    const file = join(folder, 'using.mjs')
    writeFileSync(
      file,
      `import { span, startSession } from ${JSON.stringify(join(ROOT, 'lib/index.js'))}
      let held
      {
        using session = held = startSession({ state: 'CPU' })
        using inner = span('inner')
      }
      {
        await using session = startSession({ state: 'CPU' })
      }
      console.log(held.state, held.capture.spans.length, held.stats.unfinished)`,
    )
    // Declared last, disposed first: the span ends inside the session.
    for (const [version, node] of able)
      expect([version, execFileSync(node, [file], { encoding: 'utf8' })]).toEqual([version, 'stopped 1 0\n'])
  })
})

describe('several sessions at once', () => {
  it('see exactly their own rows: window, pauses, categories, file', async () => {
    const paths = ['a.pftrace', 'b.json', 'c.pftrace'].map(name => join(folder, name))
    const each = (name: string) => {
      recordSync(`${name} section`, () => {})
      recordSync(`${name} op`, { category: 'cpu_op' }, () => {})
    }
    const a = startSession({ ...CPU, profilePath: paths[0]! })
    each('1')
    const b = startSession({ ...CPU, profilePath: paths[1]!, categories: ['cpu_op'] })
    each('2')
    const c = startSession({ ...CPU, profilePath: paths[2]!, startPaused: true, categories: ['-cpu_op', '-gc'] })
    each('3')
    a.pause()
    each('4')
    c.resume()
    each('5')
    expect(currentSession()).toBe(c)
    const captureB = await b.stop()
    each('6')
    a.resume()
    each('7')
    c.reset()
    each('8')
    const captureA = await a.stop()
    each('9')
    const captureC = await c.stop()
    const rows = (numbers: string, ...kinds: string[]) =>
      [...numbers].flatMap(number => kinds.map(kind => `${number} ${kind}`))
    const expected = [rows('12378', 'section', 'op'), rows('2345', 'op'), rows('89', 'section')]
    expect([captureA, captureB, captureC].map(names)).toEqual(expected)
    expect(await Promise.all(paths.map(async path => names(await loadCapture(path))))).toEqual(expected)
  })

  it('record a garbage collection once each', async () => {
    const outcome = await runChild(
      `
      import { startSession } from 'opscope'
      const sessions = [1, 2, 3].map(() => startSession({ state: 'CPU', categories: ['gc'] }))
      // Node tells of it a little later: of the newest observer last.
      const told = new Promise(resolve => new PerformanceObserver(resolve).observe({ entryTypes: ['gc'] }))
      gc()
      await told
      const counts = []
      for (const session of sessions) {
        const { names, name } = (await session.stop()).spans
        counts.push(Array.from(name, each => names[each].text).filter(text => text === 'gc major').length)
      }
      console.log(counts.join())
    `,
      {},
      ['--expose-gc'],
    )
    expect(outcome).toMatchObject({ stdout: '1,1,1\n', stderr: '' })
  })

  it('are told of the same trouble each', async () => {
    const mistake = () => recordSync('mistake', () => Promise.resolve())
    const outer = startSession(CPU)
    mistake()
    const inner = startSession(CPU)
    mistake()
    const counts = [await inner.stop(), await outer.stop()].map(
      ({ warnings }) => warnings.find(({ code }) => code === 'promise-in-record-sync')?.count,
    )
    expect(counts).toEqual([1, 2])
  })
})

describe('a window', () => {
  it('opens after its delay and closes after its duration, and the file is complete then', async () => {
    const path = join(folder, 'window.pftrace')
    const seen: Capture[] = []
    const delayMs = 30
    const durationMs = 40
    const startMs = performance.now()
    const session = startSession({ ...CPU, profilePath: path, delayMs, durationMs, onCapture: each => seen.push(each) })
    expect([session.state, session.stats.durationNs]).toEqual(['waiting', 0])
    run('too early')
    await until('the window', () => session.state === 'recording')
    expect(performance.now() - startMs).toBeGreaterThan(delayMs - 1)
    run('inside')
    await until('its end', () => session.capture !== undefined)
    run('too late')
    await until('the callback', () => seen.length > 0)
    expect(seen).toEqual([session.capture])
    expect(names(session.capture!)).toEqual(['inside'])
    expect(names(await loadCapture(path))).toEqual(['inside'])
    // Its own length, not the delay's; a busy machine makes it longer, never much shorter.
    expect(session.capture!.durationNs / 1e6).toBeGreaterThan(durationMs - 2)
    expect(session.capture!.durationNs / 1e6).toBeLessThan(performance.now() - startMs - delayMs + 2)
    expect(session.capture!.rows().toArray()[0]).toMatchObject({ name: 'inside', paused_ns: 0 })
    expect(await session.stop()).toBe(session.capture)
  })

  it('opens in the state that was asked for meanwhile', async () => {
    const paused = startSession({ ...CPU, delayMs: 5 })
    const resumed = startSession({ ...CPU, delayMs: 5, startPaused: true })
    paused.pause()
    resumed.resume()
    expect([paused.state, resumed.state]).toEqual(['waiting', 'waiting'])
    await until('the windows', () => paused.state !== 'waiting' && resumed.state !== 'waiting')
    expect([paused.state, resumed.state]).toEqual(['paused', 'recording'])
    run('one')
    paused.resume()
    run('two')
    expect(names(await paused.stop())).toEqual(['two'])
    expect(names(await resumed.stop())).toEqual(['one', 'two'])
  })

  it('goes on in pauses, and ends where it ends whatever is reset', async () => {
    const durationMs = 60
    const session = startSession({ ...CPU, durationMs })
    const startMs = performance.now()
    session.pause()
    await new Promise(resolve => setTimeout(resolve, durationMs / 2))
    session.reset()
    session.resume()
    run('after the reset')
    await until('the end', () => session.state === 'stopped')
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeGreaterThan(durationMs - 2)
    expect(names(await session.stop())).toEqual(['after the reset'])
    expect(session.capture!.durationNs / 1e6).toBeLessThan(tookMs - durationMs / 2 + 2)
  })

  it('is empty when the session stops before it opens', async () => {
    const session = startSession({ ...CPU, delayMs: 60_000 })
    run('too early')
    expect(String(session)).toBe('Session (waiting)')
    expect(names(await session.stop())).toEqual([])
  })

  it('neither opens nor closes once its session has stopped', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const waiting = startSession({ ...CPU, delayMs: 5 })
    const limited = startSession({ ...CPU, durationMs: 5 })
    const captures = await Promise.all([waiting.stop(), limited.stop()])
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(20)
    expect([waiting, limited].map(({ state }) => state)).toEqual(['stopped', 'stopped'])
    expect([waiting, limited].map(({ capture }) => capture)).toEqual(captures)
  })

  it('keeps no program alive', async () => {
    const outcome = await runChild(`
      import { startSession } from 'opscope'
      startSession({ delayMs: 600_000 })
      startSession({ durationMs: 600_000, signal: 'SIGUSR2' })
      console.log('done')
    `)
    expect(outcome).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' })
  })

  it('ends profile() early, which resolves when its body is done', async () => {
    let held: Session | undefined
    const capture = await profile({ ...CPU, durationMs: 5 }, async session => {
      held = session
      run('inside')
      await until('the end', () => session.capture !== undefined)
      run('too late')
    })
    expect(capture).toBe(held?.capture)
    expect(names(capture)).toEqual(['inside'])
  })

  it('ends the profiler, which prints once, and stopProfiler() still gives the capture', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
    profiler.startProfiler({ ...CPU, durationMs: 5 })
    run('inside')
    await until('the end', () => !profiler.isProfilerEnabled())
    const capture = await profiler.stopProfiler()
    const printed = write.mock.calls.join('')
    write.mockRestore()
    expect(names(capture)).toEqual(['inside'])
    expect(printed.match(/Event Summary/g)).toHaveLength(1)
    await expect(profiler.stopProfiler()).rejects.toMatchObject({ code: 'ERR_OPSCOPE_NOT_STARTED' })
  })

  it.each([
    [{ delayMs: -1 }, 'a number of ms from 0 to 2147483647'],
    [{ durationMs: 0 }, 'a number of ms from 1 to 2147483647'],
    [{ durationMs: Number.POSITIVE_INFINITY }, 'a number of ms from 1'],
  ])('refuses %o', (options, message) => {
    expect(() => startSession(options)).toThrow(message)
  })
})

describe('a signal', () => {
  const send = async (count: () => number) => {
    const before = count()
    process.kill(process.pid, 'SIGUSR2')
    await until('the signal', () => count() > before)
  }

  it("pauses and resumes its session beside the program's own handler", async () => {
    let seen = 0
    const handler = () => {
      seen += 1
    }
    process.on('SIGUSR2', handler)
    const session = startSession({ ...CPU, signal: 'SIGUSR2' })
    const other = startSession(CPU)
    const waiting = startSession({ ...CPU, signal: 'SIGUSR2', delayMs: 1 })
    await send(() => seen)
    await until('the window', () => waiting.state !== 'waiting')
    expect(waiting.state).toBe('paused')
    await waiting.stop()
    expect([session.state, other.state]).toEqual(['paused', 'recording'])
    run('while paused')
    await send(() => seen)
    run('resumed')
    expect(names(await session.stop())).toEqual(['resumed'])
    expect(names(await other.stop())).toEqual(['while paused', 'resumed'])
    await send(() => seen)
    expect(session.state).toBe('stopped')
    process.removeListener('SIGUSR2', handler)
  })

  it('does not end the program when it comes after the session', async () => {
    const outcome = await runChild(`
      import { startSession } from 'opscope'
      await startSession({ signal: 'SIGUSR2' }).stop()
      process.kill(process.pid, 'SIGUSR2')
      setTimeout(() => console.log('alive'), 50)
    `)
    expect(outcome).toMatchObject({ code: 0, signal: null, stdout: 'alive\n' })
  })

  it.each([
    ['SIGUSR1', 'SIGUSR1 starts the inspector of Node.js. SIGUSR2 is free'],
    ['SIGKILL', 'SIGKILL cannot be handled'],
    ['SIGTERM', 'SIGTERM ends the program'],
    ['SIGUSR', 'Did you mean "SIGUSR2"?'],
    ['usr2', 'SIGUSR2'],
    [12, 'the name of a signal, or false, got 12'],
    [true, 'the name of a signal, or false, got true'],
  ])('refuses %s', (signal, message) => {
    expect(() => startSession({ signal } as never)).toThrow(message)
    expect(currentSession()).toBeUndefined()
  })

  it('is refused in a worker thread, which gets none', async () => {
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      new Worker('import(' + url + ').then(({ startSession }) => startSession({ signal: "SIGUSR2" })).catch(e => console.log(e.message))', { eval: true })
    `)
    expect(outcome.stdout).toContain('SIGUSR2 does not reach worker threads')
  })
})

describe('categories', () => {
  const HOST = ['user', 'section', 'inference', 'cpu_op', 'runtime_api', 'overhead', 'gc', 'event_loop', 'request']
  const DEVICE = ['device', 'memcpy', 'sync']
  const recorded = async (categories: unknown) => {
    const session = startSession({ ...CPU, categories } as never)
    for (const category of [...HOST, ...DEVICE]) recordSync(category, { category } as never, () => {})
    const known = new Set(names(await session.stop()))
    const isGcKept = session.options.categories.includes('gc')
    return new Set([...known, ...(isGcKept ? ['gc'] : [])])
  }
  it.each([
    ['all', [...HOST, ...DEVICE]],
    ['host', HOST],
    ['device', DEVICE],
    [
      ['device', 'inference'],
      [...DEVICE, 'inference'],
    ],
    [['-device', '-gc'], HOST.filter(category => category !== 'gc')],
    [
      ['device', '-sync'],
      ['device', 'memcpy'],
    ],
    [['-sync', 'host', 'sync'], HOST],
    [['all', '-host'], DEVICE],
  ])('%j records what it says', async (categories, expected) => {
    expect([...(await recorded(categories))].sort()).toEqual([...expected].sort())
  })

  it.each([
    [['-gpu'], 'made of user'],
    [['-cpu_opp'], 'Did you mean "cpu_op"?'],
    [['gc', '-gc'], 'a choice that leaves a category'],
    [[], "'all' or a list of categories"],
  ])('%j is refused', (categories, message) => {
    expect(() => startSession({ categories } as never)).toThrow(message)
  })

  it('come from the environment too', async () => {
    vi.stubEnv('OPSCOPE_CATEGORIES', 'host, -section')
    const session = startSession(CPU)
    vi.unstubAllEnvs()
    run('section')
    recordSync('op', { category: 'cpu_op' }, () => {})
    expect(names(await session.stop())).toEqual(['op'])
  })
})
