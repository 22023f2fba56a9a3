import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { runChild } from './child.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-exit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const START = `
  import { startProfiler, stopProfiler, op, record } from 'opscope'
  const work = op('work')
  startProfiler({ profilePath: process.env.OUT })
  work.begin(); work.end()
`

describe('a program that ends while it is profiled', () => {
  const endings = [
    ['runs out of work', '', 0],
    ['calls process.exit', 'process.exit(7)', 7],
    ['throws', "throw new Error('boom')", 1],
    ['rejects', "await Promise.reject(new Error('boom'))", 1],
    ['exits inside an open span', 'work.begin(); process.exit(3)', 3],
    ['exits inside an async span', "void record('never', () => new Promise(() => {})); process.exit(4)", 4],
    ['exits while stopProfiler is merging', 'void stopProfiler({ print: false }); process.exit(5)', 5],
  ] as const
  it.each(endings)('that %s keeps its exit code', async (name, ending, code) => {
    const out = join(folder, `${name.replaceAll(' ', '-')}.pftrace`)
    const outcome = await runChild(START + ending, { OUT: out })
    expect(outcome).toMatchObject({ code, signal: null, stdout: '' })
    expect((await loadCapture(out)).ops()[0]).toMatchObject({ path: ['work'], calls: 1 })
  })

  it('that exits inside the body of profile() gets its whole file', async () => {
    const out = join(folder, 'profile.pftrace')
    const outcome = await runChild(
      `import { profile, op } from 'opscope'
       const work = op('work')
       await profile({ profilePath: process.env.OUT }, () => { work.begin(); work.end(); process.exit(8) })`,
      { OUT: out },
    )
    expect(outcome).toMatchObject({ code: 8, signal: null, stdout: '' })
    const capture = await loadCapture(out)
    expect(capture.ops()[0]).toMatchObject({ path: ['work'], calls: 1 })
    expect(capture.warnings).toEqual([])
  })

  it('is killed by a signal as it would be without opscope', async () => {
    const outcome = await runChild(`${START} process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000)`)
    expect(outcome).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  it('does not stay alive because of opscope', async () => {
    const outcome = await runChild("import { startProfiler } from 'opscope'; startProfiler()")
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' })
  })

  it('can be started and stopped many times', async () => {
    const outcome = await runChild(`
      import { profile, op } from 'opscope'
      const work = op('work')
      let calls = 0
      for (let i = 0; i < 300; i++) {
        const capture = await profile({}, () => { for (let j = 0; j < 100; j++) { work.begin(); work.end() } })
        calls += capture.ops()[0].calls
      }
      console.log(calls)
    `)
    expect(outcome).toMatchObject({ code: 0, stdout: '30000\n' })
  })

  it('loads a second copy of the package without harm', async () => {
    const outcome = await runChild(`
      import * as one from 'opscope'
      import { createRequire } from 'node:module'
      const two = createRequire(process.cwd() + '/')('./lib/index.cjs')
      const work = two.op('work')
      const capture = await one.profile({}, () => { work.begin(); work.end() })
      console.log(capture.ops().length, one.OpscopeError === two.OpscopeError)
    `)
    expect(outcome).toMatchObject({ code: 0, stdout: '1 true\n' })
  })
})
