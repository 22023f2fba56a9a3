import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { NODE } from '../nodes.js'
import { CLI, Project, pathsOf } from './project.js'

const OP = `
  const { op } = require('opscope')
  const work = op('work'); work.begin(); work.end()
`
const files = {
  'app.cjs': `${OP}
    process.stdin.on('data', data => process.stdout.write('heard ' + data)).on('end', () => {
      console.log(process.argv.slice(2).join(' '))
      process.exit(7)
    })`,
  'signal.cjs': `${OP} process.kill(process.pid, process.argv[2]); setTimeout(() => {}, 60_000)`,
  'wait.cjs': `${OP} console.log('ready'); setTimeout(() => {}, 60_000)`,
  'tidy.cjs': `${OP}
    process.on('SIGINT', () => { console.log('tidied up'); process.exit(3) })
    console.log('ready'); setTimeout(() => {}, 60_000)`,
  'tree.cjs': `${OP}
    const { execFileSync, fork } = require('node:child_process')
    const { Worker } = require('node:worker_threads')
    const probe = 'console.log(globalThis[Symbol.for("opscope.register")])'
    console.log(String(execFileSync(process.execPath, ['-e', probe])).trim())
    for (const options of [{ eval: true }, { eval: true, execArgv: [] }, { eval: true, env: {} }]) new Worker(probe, options)
    fork('./grandchild.cjs', { execArgv: [] })`,
  'grandchild.cjs': OP,
  'flag.cjs': 'console.log(typeof gc, process.env.OPSCOPE_PROFILE_PATH)',
}

describe('opscope run', () => {
  const project = new Project(files)
  const run = (...args: string[]) => project.run([CLI, 'run', ...args])

  it('hands streams, arguments and the exit code through, and names the file', async () => {
    const options = ['--profile-path', 'app.json', '--sorted-key', 'total', '--summary']
    const child = spawn(NODE, [CLI, 'run', ...options, 'app.cjs', '--state', 'ours', '-x'], {
      cwd: project.folder,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', data => (stdout += data))
    child.stderr.on('data', data => (stderr += data))
    child.stdin.end('hello\n')
    const [code] = await once(child, 'close')
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'heard hello\n--state ours -x\n' })
    expect(stderr).toContain('sorted by total time')
    expect(stderr).toMatch(/\nopscope: profile in .*app\.json\n$/)
    expect(pathsOf(await project.capture('app.json'))).toEqual(['work'])
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('ends by %s when the program does', async signal => {
    const file = `${signal}.pftrace`
    expect(await run('--profile-path', file, 'signal.cjs', signal)).toMatchObject({ code: null, signal })
    // What a program leaves that is killed is told in test/life-cycle/crash.test.ts.
    expect(existsSync(join(project.folder, file))).toBe(true)
    if (signal !== 'SIGKILL') expect(pathsOf(await project.capture(file))).toEqual(['work'])
  })

  it.each([
    ['wait.cjs', 'SIGTERM', { code: null, signal: 'SIGTERM', stdout: 'ready\n' }],
    ['tidy.cjs', 'SIGINT', { code: 3, signal: null, stdout: 'ready\ntidied up\n' }],
  ] as const)('sends on to %s what it gets: %s', async (program, signal, end) => {
    const child = spawn(NODE, [CLI, 'run', '--profile-path', `${program}.pftrace`, program], {
      cwd: project.folder,
    })
    let stdout = ''
    child.stdout.on('data', data => {
      stdout += data
      if (stdout === 'ready\n') child.kill(signal)
    })
    const [code, by] = await once(child, 'close')
    expect({ code, signal: by, stdout }).toEqual(end)
    expect(pathsOf(await project.capture(`${program}.pftrace`))).toEqual(['work'])
  })

  it('covers workers and children of every kind, each process with a file', async () => {
    const tree = new Project(files)
    const { code, stdout } = await tree.run([CLI, 'run', 'tree.cjs'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n'.repeat(4) })
    const names = tree.filesLike(/^opscope-\d+\.pftrace$/)
    expect(names).toHaveLength(3)
    const paths = await Promise.all(names.map(async name => pathsOf(await tree.capture(name))))
    expect(paths.flat()).toEqual(['work', 'work'])
  })

  it('records the part of the run that is asked for, and says so when it is complete', async () => {
    const part = new Project({
      'part.cjs': `
        const { currentSession, profile, recordSync } = require('opscope')
        recordSync('too early', () => {})
        const session = currentSession()
        console.log(session.state)
        const timer = setInterval(async () => {
          recordSync('poll', () => {})
          if (session.capture === undefined) return
          clearInterval(timer)
          recordSync('too late', () => {})
          console.log((await profile({ state: 'CPU' }, () => recordSync('own', () => {}))).ops().length)
        }, 2)`,
    })
    const options = [
      '--delay-ms',
      '20',
      '--duration-ms',
      '60',
      '--categories',
      'host,-gc',
      '--profile-path',
      'part.json',
    ]
    const { code, stdout, stderr } = await part.run([CLI, 'run', ...options, 'part.cjs'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'waiting\n1\n' })
    expect(stderr).toMatch(/^opscope: profile in .*part\.json\n$/)
    const capture = await part.capture('part.json')
    expect(pathsOf(capture)).toEqual(['poll'])
    expect(capture.durationNs / 1e6).toBeGreaterThan(58)
  })

  it('sends the signal on that starts a paused recording', async () => {
    const file = 'toggled.pftrace'
    const options = ['--start-paused', '--signal', 'SIGUSR2', '--profile-path', file]
    const toggled = new Project({
      'toggled.cjs': `
        const { currentSession, recordSync } = require('opscope')
        recordSync('paused', () => {})
        console.log('ready')
        const timer = setInterval(() => {
          if (currentSession().state !== 'recording') return
          clearInterval(timer)
          recordSync('resumed', () => {})
        }, 1)`,
    })
    const child = spawn(process.execPath, [CLI, 'run', ...options, 'toggled.cjs'], { cwd: toggled.folder })
    child.stdout.once('data', () => child.kill('SIGUSR2'))
    expect(await once(child, 'close')).toEqual([0, null])
    expect(pathsOf(await toggled.capture(file))).toEqual(['resumed'])
  })

  it('gives node its options after "--"', async () => {
    const { stdout } = await run('--profile-path', 'flag.json', '--', '--expose-gc', 'flag.cjs')
    expect(stdout).toBe(`function ${join(project.folder, 'flag.json')}\n`)
  })

  it.each([
    [['--state', 'Gpu', 'app.cjs'], 2, '"state" option to be one of CPU, GPU, All'],
    [['--signal', 'SIGUSR1', 'app.cjs'], 2, 'SIGUSR1 starts the inspector'],
    [['--duration-ms', 'long', 'app.cjs'], 2, 'a number of ms from 1'],
    [['--integrations', '-onnx', 'app.cjs'], 2, 'there is no integration "onnx"'],
    [['--stat', 'CPU', 'app.cjs'], 2, 'Did you mean --state?'],
    [['--profile-path', 'no/app.json', 'app.cjs'], 1, 'its directory does not exist'],
    [[], 2, "missing required argument 'app'"],
  ])('starts nothing for %j', async (args, code, message) => {
    const outcome = await run(...args)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(message)
  })
})
