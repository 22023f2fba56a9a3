import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { NODE } from '../nodes.js'
import { IMPORT, Project, pathsOf, REQUIRE } from './project.js'

// Another copy of the package, as far as Node can tell.
const SECOND_COPY = ['--import', new URL('../../lib/register.js?copy', import.meta.url).href]

const PROGRAM = `
  const { op } = await import('opscope')
  const work = op('work'); work.begin(); work.end()
  console.log('the output of the program')
  console.error('the errors of the program')
`
const AS_COMMON_JS = `
  const { op } = require('opscope')
  const work = op('work'); work.begin(); work.end()
`
const STAY = 'setTimeout(() => {}, 60_000)'
const endings = {
  'runs out of work.mjs': PROGRAM,
  'calls process.exit.mjs': `${PROGRAM} process.exit(7)`,
  'sets an exit code.mjs': `${PROGRAM} process.exitCode = 9`,
  'throws.mjs': `${PROGRAM} throw new Error('boom')`,
  'throws while it is required.cjs': `${AS_COMMON_JS} throw new Error('boom')`,
  'throws later.cjs': `${AS_COMMON_JS} setTimeout(() => { throw new Error('boom') })`,
  'requires what is missing.cjs': `${AS_COMMON_JS} require('./missing.js')`,
  'rejects.mjs': `${PROGRAM} await Promise.reject(new Error('boom'))`,
  'gets SIGTERM.mjs': `${PROGRAM} process.kill(process.pid, 'SIGTERM'); ${STAY}`,
  'gets SIGINT.mjs': `${PROGRAM} process.kill(process.pid, 'SIGINT'); ${STAY}`,
  'gets SIGHUP.mjs': `${PROGRAM} process.kill(process.pid, 'SIGHUP'); ${STAY}`,
  'handles SIGTERM itself.mjs': `${PROGRAM}
    process.on('SIGTERM', () => { console.log('tidied up'); process.exit(3) }); process.kill(process.pid, 'SIGTERM'); ${STAY}`,
  'handles one SIGINT and gets two.mjs': `${PROGRAM}
    process.once('SIGINT', () => { console.log('once more to quit'); setImmediate(() => process.kill(process.pid, 'SIGINT')) })
    process.kill(process.pid, 'SIGINT'); ${STAY}`,
  // As the package signal-exit does: two that wait for each other to be the last listener would never end.
  'raises a signal again when its listener is alone.mjs': `${PROGRAM}
    const listener = () => {
      if (process.listeners('SIGTERM').length !== 1) return
      process.removeListener('SIGTERM', listener)
      console.log('cleaned up')
      process.kill(process.pid, 'SIGTERM')
    }
    process.on('SIGTERM', listener)
    setImmediate(() => process.kill(process.pid, 'SIGTERM')); setTimeout(() => process.exit(99), 20_000)`,
}

describe('a program under opscope/register', () => {
  const project = new Project(endings)

  it.concurrent.each(Object.keys(endings))('that %s ends as it does alone, and has its file', async name => {
    const file = `${name}.pftrace`
    const alone = await project.run([name])
    const profiled = await project.run([...REQUIRE, name], { OPSCOPE_PROFILE_PATH: file })
    const notice = `opscope: profile in ${join(project.folder, file)}\n`
    expect(profiled.stderr).toContain(notice)
    // Node tells an error that nobody caught after the exit handlers.
    expect({ ...profiled, stderr: profiled.stderr.replace(notice, '') }).toEqual(alone)
    expect(pathsOf(await project.capture(file))).toEqual(['work'])
  })

  it('gets one recording, by --require, --import and NODE_OPTIONS alike or together', async () => {
    for (const [index, flags] of [REQUIRE, IMPORT, [...REQUIRE, ...IMPORT, ...SECOND_COPY], []].entries()) {
      const file = `loaded-${index}.json`
      const { stderr } = await project.run([...flags, 'runs out of work.mjs'], {
        OPSCOPE_PROFILE_PATH: file,
        ...(flags.length === 0 && { NODE_OPTIONS: REQUIRE.join(' ') }),
      })
      expect(stderr.match(/^opscope: .*/gm)).toEqual([`opscope: profile in ${join(project.folder, file)}`])
      expect((await project.capture(file)).ops()).toMatchObject([{ path: ['work'], calls: 1 }])
    }
  })

  it('gets its report on standard error with OPSCOPE_SUMMARY, and no other line with OPSCOPE_QUIET', async () => {
    const env = { OPSCOPE_SUMMARY: '1', OPSCOPE_PROFILE_PATH: 'quiet.pftrace', OPSCOPE_QUIET: '1' }
    const { stdout, stderr } = await project.run([...REQUIRE, 'runs out of work.mjs'], env)
    expect(stdout).toBe('the output of the program\n')
    expect(stderr).toMatch(/^the errors of the program\nopscope \d.*\n[\s\S]*Event Summary[\s\S]*\bwork\b/)
    expect(stderr).not.toContain('profile in')
  })

  it('reads the path by the name that other profilers give it', async () => {
    await project.run([...REQUIRE, 'runs out of work.mjs'], { FURIOSA_PROFILER_OUTPUT_PATH: 'alias.json' })
    expect(pathsOf(await project.capture('alias.json'))).toEqual(['work'])
  })

  const harmless: [string, Record<string, string>, string][] = [
    ['no variable', {}, ''],
    ['OPSCOPE_DISABLE', { OPSCOPE_PROFILE_PATH: 'off.pftrace', OPSCOPE_DISABLE: '1' }, ''],
    ['OPSCOPE_PRINT=0', { OPSCOPE_PRINT: '0' }, ''],
    ['an option that is none', { OPSCOPE_STATE: 'Gpu' }, 'OPSCOPE_STATE: .* got "Gpu"'],
    ['a switch that is none', { OPSCOPE_QUIET: 'maybe' }, '.*OPSCOPE_QUIET.* got "maybe"'],
    ['an integration that is none', { OPSCOPE_INTEGRATIONS: '-onnx' }, '.* no integration "onnx"'],
    ['a folder that is not there', { OPSCOPE_PROFILE_PATH: 'no/off.pftrace' }, 'Cannot write .*off.pftrace: .*'],
    ['a GPU that is not there', { OPSCOPE_GPU: 'required', OPSCOPE_CUDA_PATH: '/none' }, 'A GPU is required.*'],
  ]
  it.concurrent.each(harmless)('runs unprofiled and unharmed with %s', async (_, env, reason) => {
    const asked = reason === '' || 'OPSCOPE_PROFILE_PATH' in env ? env : { OPSCOPE_PROFILE_PATH: 'off.pftrace', ...env }
    const outcome = await project.run([...REQUIRE, 'calls process.exit.mjs'], asked)
    const lines = reason === '' ? '' : `opscope: profiling is off: ${reason}.?\n`
    expect(outcome).toMatchObject({ code: 7, signal: null, stdout: 'the output of the program\n' })
    expect(outcome.stderr).toMatch(new RegExp(`^${lines}the errors of the program\n$`))
    expect(project.filesLike(/off\.pftrace/)).toEqual([])
  })

  it.each([{}, { OPSCOPE_STATE: 'Gpu' }])(
    'keeps its exit code when nobody reads standard error, with %j',
    async env => {
      // The shell's `true` is gone before the program writes; then a write fails, where a slow reader would only block.
      const script = '{ "$0" "$@" >out.txt; echo $? >code.txt; } 2>&1 | true'
      const args = [...REQUIRE, '-e', 'setTimeout(() => { console.log("out"); process.exitCode = 7 }, 100)']
      const shell = spawn('bash', ['-c', script, NODE, ...args], {
        cwd: project.folder,
        env: { ...process.env, OPSCOPE_SUMMARY: '1', ...env },
      })
      await once(shell, 'close')
      const written = ['code.txt', 'out.txt'].map(name => readFileSync(join(project.folder, name), 'utf8'))
      expect(written).toEqual(['7\n', 'out\n'])
    },
  )

  it('keeps sessions of its own, which leave the file of the environment alone', async () => {
    const own = new Project({
      'own.mjs': `
        import { op, profile } from 'opscope'
        const [outside, inside] = [op('outside'), op('inside')]
        outside.begin(); outside.end()
        const capture = await profile({}, () => { inside.begin(); inside.end() })
        console.log(capture.ops().length)`,
    })
    const { stdout } = await own.run([...REQUIRE, 'own.mjs'], {
      OPSCOPE_PROFILE_PATH: 'all.pftrace',
      OPSCOPE_PRINT: '1',
    })
    expect(stdout).toBe('1\n')
    expect(pathsOf(await own.capture('all.pftrace'))).toEqual(['inside', 'outside'])
  })
})
