import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { OpscopeError } from '../../src/errors.js'
import { profile } from '../../src/profiler.js'
import { StageTimer } from '../../src/serving/stage-timer.js'
import { cli } from '../cli/run-cli.js'
import { LINE } from './paddle-tools.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const at = (name: string) => join(folder, name)
const TIMER = fileURLToPath(new URL('../../lib/serving/stage-timer.js', import.meta.url))

/** A timer and the lines that it wrote. */
function timerWithLines() {
  const lines: string[] = []
  return { lines, timer: new StageTimer({ enabled: true, output: line => lines.push(line) }) }
}
const eventsOf = (line: string) =>
  line
    .trimEnd()
    .split('\t')[2]!
    .split(' ')
    .map(token => token.split(':') as [string, string])

/** Runs a program that has `stage` and `StageTimer`, with these variables. */
async function run(program: string, env: Record<string, string> = {}) {
  const file = at(`program${Math.random()}.mjs`)
  writeFileSync(file, `import { stage, StageTimer } from ${JSON.stringify(TIMER)}\n${program}`)
  const { FLAGS_profile_client: _, OPSCOPE_PROFILE_LINES: __, ...own } = process.env
  return promisify(execFile)(process.execPath, [file], { env: { ...own, ...env }, encoding: 'utf8' })
}

describe('stage', () => {
  it('writes a line of its begin and end, in µs of the wall clock, and returns what the body returns', async () => {
    const { timer, lines } = timerWithLines()
    const before = Date.now() * 1000
    expect(timer.stage('bert_pre', () => 7)).toBe(7)
    expect(await timer.stage('image_pre', async () => 'x')).toBe('x')
    const after = (Date.now() + 1) * 1000
    expect(lines.every(line => LINE.test(line))).toBe(true)
    expect(lines[0]).toContain(`PROFILE\tpid:${process.pid}\tbert_pre_0:`)
    const times = lines.flatMap(eventsOf).map(([, us]) => Number(us))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    // The anchor is taken once; a wall clock that is slewed meanwhile moves some µs.
    expect(times[0]! + 2000).toBeGreaterThanOrEqual(before)
    expect(times.at(-1)! - 2000).toBeLessThanOrEqual(after)
  })
  it('ends an async stage when its promise is settled, and not before', async () => {
    const { timer, lines } = timerWithLines()
    let resolve = () => {}
    const running = timer.stage('slow', () => new Promise<void>(done => (resolve = done)))
    expect(lines).toEqual([])
    resolve()
    await running
    expect(lines.length).toBe(1)
  })
  it('hands on what a body throws or rejects with, and writes its line', async () => {
    const { timer, lines } = timerWithLines()
    const error = new Error('mine')
    const thrown = (() => {
      try {
        return timer.stage('bad', () => {
          throw error
        })
      } catch (caught) {
        return caught
      }
    })()
    expect(thrown).toBe(error)
    await expect(timer.stage('bad', () => Promise.reject(error))).rejects.toBe(error)
    expect(lines.length).toBe(2)
  })
  it('is a span of category request while a session records, on and off', async () => {
    const { timer } = timerWithLines()
    const off = new StageTimer({ enabled: false })
    const capture = await profile({ gpu: 'off', categories: ['section', 'request'] }, async () => {
      timer.stage('bert_pre', () => {})
      await off.stage('image_pre', async () => {})
    })
    const rows = capture
      .rows()
      .toArray()
      .map(({ name, cat }) => [name, cat])
    expect(rows).toEqual([
      ['bert_pre', 'request'],
      ['image_pre', 'request'],
    ])
  })
  it('writes nothing while it is off', () => {
    const lines: string[] = []
    const timer = new StageTimer({ enabled: false, output: line => lines.push(line) })
    expect(timer.stage('a', () => 1)).toBe(1)
    timer.line([{ stage: 'a', startUs: 1, endUs: 2 }])
    expect(lines).toEqual([])
  })
  it('keeps names within the grammar, and tracks as they are given', () => {
    const { timer, lines } = timerWithLines()
    timer.stage('a b\tc:d\ne\u0000', () => {})
    timer.stage('prep#[bert|0]', () => {})
    timer.stage('größe_0', () => {})
    const names = lines.map(line => eventsOf(line)[0]![0])
    expect(names).toEqual(['a_b_c_d_e__0', 'prep#[bert|0]_0', 'größe_0_0'])
    expect(lines.every(line => LINE.test(line))).toBe(true)
  })
  it('refuses what is no name, on and off', () => {
    for (const enabled of [true, false]) {
      const timer = new StageTimer({ enabled, output: () => {} })
      for (const name of ['', 7, undefined]) {
        expect(() => timer.stage(name as string, () => {})).toThrow(OpscopeError)
      }
    }
  })
})

describe('StageTimer', () => {
  it('writes several stages as one line, in their order', () => {
    const { timer, lines } = timerWithLines()
    timer.line([
      { stage: 'prepro', startUs: 1_700_000_000_000_300, endUs: 1_700_000_000_000_340 },
      { stage: 'client_infer', startUs: 1_700_000_000_000_340 + 0.25, endUs: 1_700_000_000_003_340 },
    ])
    timer.line([])
    expect(lines).toEqual([
      `PROFILE\tpid:${process.pid}\tprepro_0:1700000000000300 prepro_1:1700000000000340 ` +
        'client_infer_0:1700000000000340 client_infer_1:1700000000003340\n',
    ])
  })
  it('refuses what is no time', () => {
    const { timer } = timerWithLines()
    for (const us of [Number.NaN, -1, Number.POSITIVE_INFINITY, '5']) {
      expect(() => timer.line([{ stage: 'a', startUs: us as number, endUs: 5 }])).toThrow(/µs since the Unix epoch/)
    }
  })
  it.each([
    [{ outputs: 'x' }, 'ERR_OPSCOPE_OPTION_UNKNOWN'],
    [{ enabled: 'yes' }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ output: 5 }, 'ERR_OPSCOPE_OPTION_VALUE'],
    [{ enabled: true, output: '/no/such/dir/x' }, 'ERR_OPSCOPE_FILE_WRITE'],
  ])('refuses %j at once', (options, code) => {
    expect(() => new StageTimer(options as object)).toThrow(expect.objectContaining({ code }))
  })
  it('appends to its file', () => {
    const path = at('lines')
    writeFileSync(path, 'first\n')
    for (let count = 0; count < 2; count++) new StageTimer({ enabled: true, output: path }).stage('a', () => {})
    expect(readFileSync(path, 'utf8')).toMatch(/^first\nPROFILE\t.*\nPROFILE\t.*\n$/)
  })
  it('counts lines that its function, a full disk or a broken file do not take', () => {
    const failing = new StageTimer({
      enabled: true,
      output: () => {
        throw new Error('no')
      },
    })
    const full = new StageTimer({ enabled: true, output: '/dev/full' })
    for (const timer of [failing, full]) {
      expect(timer.stage('a', () => 5)).toBe(5)
      timer.stage('a', () => {})
      expect(timer.lostLines).toBe(2)
    }
  })
})

describe('FLAGS_profile_client', () => {
  const PROGRAM = `stage('a', () => {}); await stage('b', async () => {})`
  it.each(['1', 'true', 'YES', 'on', 'T', 'y', ' 1 '])('%j turns it on', async word => {
    const { stdout, stderr } = await run(PROGRAM, { FLAGS_profile_client: word })
    expect([stdout.split('\n').length, stderr]).toEqual([3, ''])
  })
  it.each(['0', 'false', 'No', 'off', 'F', 'n', '', undefined])('%j leaves it off', async word => {
    const { stdout, stderr } = await run(PROGRAM, word === undefined ? {} : { FLAGS_profile_client: word })
    expect([stdout, stderr]).toEqual(['', ''])
  })
  it.each(['2', 'ja', 'nothing\nmore', '-1'])('%j is told once, and means off', async word => {
    const { stdout, stderr } = await run(`${PROGRAM}; new StageTimer()`, { FLAGS_profile_client: word })
    expect([stdout, stderr.split('\n').length]).toEqual(['', 2])
    expect(stderr).toMatch(/^opscope: FLAGS_profile_client is ignored/)
  })
})

describe('OPSCOPE_PROFILE_LINES', () => {
  const on = { FLAGS_profile_client: '1' }
  const PROGRAM = `console.log('mine'); stage('a', () => {}); console.log('mine')`
  it('is standard output without it, among what the program prints', async () => {
    const { stdout, stderr } = await run(PROGRAM, on)
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^mine\nPROFILE\t.*\nmine\n$/), ''])
  })
  it('sends lines to standard error or a file', async () => {
    const { stdout, stderr } = await run(PROGRAM, { ...on, OPSCOPE_PROFILE_LINES: 'stderr' })
    expect([stdout, LINE.test(stderr)]).toEqual(['mine\nmine\n', true])
    expect((await run(PROGRAM, { ...on, OPSCOPE_PROFILE_LINES: at('by-name') })).stdout).toBe('mine\nmine\n')
    expect(readFileSync(at('by-name'), 'utf8')).toMatch(LINE)
  })
  it.each(['/no/such/dir/lines', '/dev/full'])('%s costs the lines, is told, and nothing else', async path => {
    const { stdout, stderr } = await run(`${PROGRAM}; stage('b', () => {})`, { ...on, OPSCOPE_PROFILE_LINES: path })
    expect(stdout).toBe('mine\nmine\n')
    expect(stderr).toMatch(/^opscope: Stage lines are lost, .*\nopscope: 2 stage lines were lost: E\w+\n$/)
  })
  it('outlives the reader of its pipe', async () => {
    const file = at('pipe.mjs')
    writeFileSync(
      file,
      `import { stage } from ${JSON.stringify(TIMER)}
      stage('a', () => {})
      for await (const _ of process.stdin) break
      for (let i = 0; i < 100; i++) stage('b', () => {})
      process.stderr.write('alive\\n')`,
    )
    const child = spawn(process.execPath, [file], { env: { ...process.env, ...on }, stdio: 'pipe' })
    let stderr = ''
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.stdout.once('data', () => {
      child.stdout.once('close', () => child.stdin.end('go\n'))
      child.stdout.destroy()
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    expect(code).toBe(0)
    expect(stderr).toMatch(/EPIPE\nalive\nopscope: \d+ stage lines were lost: EPIPE\n$/)
  })
  it('loses no part of a line to a pipe that is full: its reader finds every one whole', async () => {
    const file = at('flood.mjs')
    writeFileSync(
      file,
      `import { stage } from ${JSON.stringify(TIMER)}
      process.stdout.write('')
      for (let i = 0; i < 5000; i++) stage('stage_of_some_length_' + i, () => {})`,
    )
    const child = spawn('bash', ['-c', `"$0" "$1" | cat`, process.execPath, file], { env: { ...process.env, ...on } })
    let stdout = ''
    for await (const chunk of child.stdout) stdout += chunk
    const lines = stdout.split('\n').slice(0, -1)
    expect(lines.length).toBe(5000)
    expect(lines.every(line => LINE.test(`${line}\n`))).toBe(true)
  })
})

describe('a worker thread', () => {
  it('has a track of its own, in the clock of its process', async () => {
    const { stdout } = await run(
      `import { isMainThread, Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      if (isMainThread) {
        stage('main', () => {})
        await Promise.all([1, 2].map(() => once(new Worker(new URL(import.meta.url)), 'exit')))
        stage('main', () => {})
      } else stage('inner', () => {})`,
      { FLAGS_profile_client: '1' },
    )
    const lines = stdout.split('\n').slice(0, -1)
    expect(lines.every(line => LINE.test(`${line}\n`))).toBe(true)
    const names = lines.map(line => line.split('\t')[2]!.split('_')[0])
    expect(names.toSorted()).toEqual(['inner#1', 'inner#2', 'main', 'main'])
    const [, ...later] = lines.map(line => eventsOf(line).map(([, us]) => Number(us)))
    expect(Math.max(...later.flat())).toBe(later.at(-1)![1])
    const { stdout: json } = await cli(['timeline', '-', '-'], stdout)
    const threads = JSON.parse(json).traceEvents.filter((event: { name: string }) => event.name === 'thread_name')
    const titles = threads.map(({ args }: { args: { name: string } }) => args.name)
    expect(titles.toSorted()).toEqual(['client', 'client 1', 'client 2'])
  })
})
