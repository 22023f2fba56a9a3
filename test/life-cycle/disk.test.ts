// A disk that fails under a recording: full, full for a while, gone. Nothing of the recording is lost, and nothing of
// it is seen by the program.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { Project } from '../register/project.js'

const FLUSH_MS = 50

/**
 * `work` records so many `steps`, some 20 bytes each: less than 0.2 MB between two flushes, slow machines even less.
 * `limit` bounds what files may grow to, as a full disk does.
 */
const PROGRAM = `
  const { op, profile, loadCapture } = require('opscope')
  const { execFileSync } = require('node:child_process')
  const { rmSync, writeSync } = require('node:fs')
  const step = op('step')
  let steps = 0
  const nap = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  function work(count) {
    for (const last = steps + count; steps < last; nap(1)) {
      for (let i = 0; i < 100; i++) { step.begin(); step.end(); steps++ }
    }
  }
  const limit = bytes => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited'])
  const show = value => writeSync(1, JSON.stringify(value) + '\\n')
  const codeOf = promise => promise.then(() => 'none', error => error.code)
  const facts = capture => {
    const [{ calls }] = capture.ops()
    return {
      isWhole: calls === steps,
      isCounted: calls + capture.dropped === steps,
      warnings: capture.warnings.map(({ code, detail }) => code + ': ' + detail),
    }
  }
  const make = (options, body) => profile({ profilePath: process.env.OUT, flushMs: ${FLUSH_MS}, ...options }, body)
`
const BODIES = {
  full: `
    make({}, async session => {
      limit(2 ** 20)
      work(100_000)
      show(await codeOf(session.flush()))
    }).then(capture => show(facts(capture)))`,
  'full, and memory too': `
    make({ bufferMB: 1 }, () => { limit(65_536); work(100_000) }).then(capture => show(facts(capture)))`,
  'full, and killed': `
    make({}, () => { limit(2 ** 20); work(100_000); process.kill(process.pid, 'SIGKILL'); work(1e9) })`,
  'full for a while': `
    make({}, () => {
      limit(65_536)
      work(20_000)
      limit('unlimited')
      show(steps)
      nap(${10 * FLUSH_MS})
      process.kill(process.pid, 'SIGKILL')
      work(1e9)
    })`,
  'longer than memory': 'make({ bufferMB: 1 }, () => work(100_000)).then(capture => show(facts(capture)))',
  'without its folder': `
    make({}, () => {
      work(20_000)
      rmSync(require('node:path').dirname(process.env.OUT), { recursive: true })
      work(20_000)
    }).then(async capture => {
      show(facts(capture))
      await capture.export('elsewhere.pftrace')
      show(facts(await loadCapture('elsewhere.pftrace')))
    })`,
  'without its file': `
    make({}, () => { work(20_000); rmSync(process.env.OUT); work(20_000) }).then(capture => show(facts(capture)))`,
  'in the file of another': `
    const other = op('other')
    make({ bufferMB: 1 }, async () => {
      work(20_000)
      const second = await make({}, () => { for (let i = 0; i < 200; i++) { other.begin(); other.end(); nap(1) } })
      show([second.ops().map(row => [row.path[0], row.calls]), second.warnings.map(({ code }) => code)])
      show((await loadCapture(process.env.OUT)).ops().map(row => [row.path[0], row.calls]))
      work(80_000)
    }).then(capture => {
      const [row] = capture.ops().filter(({ name }) => name === 'step')
      show([row.calls === steps, capture.dropped, capture.warnings])
    })`,
  'on a small disk': `
    make({}, () => work(100_000)).then(capture => show(facts(capture)))`,
}
const WHOLE = { isWhole: true, isCounted: true, warnings: [] }
const NOT_WRITTEN = expect.stringMatching(/^file-not-written: Cannot write /)

const project = new Project(
  Object.fromEntries(Object.entries(BODIES).map(([name, body]) => [`${name}.cjs`, PROGRAM + body])),
)
async function run(name: keyof typeof BODIES, folder: string = join(project.folder, `in ${name}`)) {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'out.pftrace')
  const outcome = await project.run([`${name}.cjs`], { OUT: path })
  expect(outcome.stderr).toBe('')
  const shown = outcome.stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  return { outcome, path, folder, shown }
}
/** How many steps a file has, which must say that it was cut. */
async function stepsInCut(path: string): Promise<number> {
  const capture = await loadCapture(path)
  expect(capture.warnings.map(({ code }) => code)).toContain('recording-cut')
  return capture.ops().reduce((sum, row) => sum + row.calls, 0)
}

const canLimit = spawnSync('prlimit', ['--version']).status === 0
if (!canLimit) console.log('A full disk is not tested: prlimit (util-linux) is not there.')

describe.runIf(canLimit)('a disk that is full', () => {
  it('leaves the capture whole, and a file with what had room', async () => {
    const { path, folder, shown } = await run('full')
    expect(shown).toEqual(['ERR_OPSCOPE_FILE_WRITE', { ...WHOLE, warnings: [NOT_WRITTEN] }])
    expect(await stepsInCut(path)).toBeGreaterThan(0)
    expect(readdirSync(folder)).toEqual(['out.pftrace'])
  })

  it('lets spans be dropped when memory is full too, and counts them', async () => {
    const { shown } = await run('full, and memory too')
    const warnings = expect.arrayContaining([expect.stringMatching(/^dropped-spans: /), NOT_WRITTEN])
    expect(shown).toEqual([{ isWhole: false, isCounted: true, warnings }])
  })

  it('leaves a file that loads when the process is killed', async () => {
    const { outcome, path } = await run('full, and killed')
    expect(outcome.signal).toBe('SIGKILL')
    expect(await stepsInCut(path)).toBeGreaterThan(0)
  })

  it('costs nothing once it has room again', async () => {
    const { outcome, path, shown } = await run('full for a while')
    expect(outcome.signal).toBe('SIGKILL')
    expect(await stepsInCut(path)).toBeGreaterThanOrEqual(shown[0])
  })

  it('is told by its name, on a disk of 1 MB', async context => {
    const disk = join(project.folder, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { encoding: 'utf8' })
    if (mounted.status !== 0) context.skip(`no disk can be mounted here: ${mounted.stderr ?? mounted.error}`)
    try {
      const { path, shown } = await run('on a small disk', disk)
      expect(shown).toEqual([{ ...WHOLE, warnings: [expect.stringMatching(/out\.pftrace: No space left on device$/)] }])
      expect(await stepsInCut(path)).toBeGreaterThan(0)
    } finally {
      execFileSync('umount', [disk])
    }
  })
})

describe('a recording', () => {
  it('may be longer than memory has room for: it is read back from its file', async () => {
    const { path, shown } = await run('longer than memory')
    expect(shown).toEqual([WHOLE])
    expect((await loadCapture(path)).warnings).toEqual([])
  })

  it('is whole when the folder of its file is removed', async () => {
    const { shown } = await run('without its folder')
    expect(shown).toEqual([{ ...WHOLE, warnings: [NOT_WRITTEN] }, WHOLE])
  })

  it('gets its file again when that was removed', async () => {
    const { path, shown } = await run('without its file')
    expect(shown).toEqual([WHOLE])
    expect((await loadCapture(path)).warnings).toEqual([])
  })

  it('leaves the file of another to it, and is written at its stop', async () => {
    // Two that grew in one file wrote over each other, and the longer one was lost.
    const { path, shown } = await run('in the file of another')
    const second = [['other', 200]]
    expect(shown).toEqual([[second, ['buffer-size-kept', 'file-shared']], second, [true, 0, []]])
    expect((await loadCapture(path)).ops()).toMatchObject([{ path: ['step'], calls: 100_000 }, { path: ['other'] }])
  })
})
