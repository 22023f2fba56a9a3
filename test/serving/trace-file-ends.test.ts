// How a trace file ends, and what is in it then: with its process, in any way, or on a disk that is full.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

import { NODE } from '../nodes.js'
import { Project } from '../register/project.js'
import { filesOf, fragmentsIn, fragmentsInTorn, idsIn, idsOf, isJson, range } from './trace-files.js'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../lib/serving/trace-file.js')).href
const PROGRAM = `
  import { execFileSync } from 'node:child_process'
  import { readFileSync, writeSync } from 'node:fs'
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
  import { TraceFile } from '${MODULE}'
  const path = process.env.OUT
  const names = ['HTTP_RECV_START', 'REQUEST_START', 'REQUEST_END', 'HTTP_SEND_END']
  let id = 0
  function add(file, count = 1) {
    for (let i = 0; i < count; i++) {
      const ns = process.hrtime.bigint()
      file.add({
        id: ++id, parentId: 0, modelName: 'm', modelVersion: 1, requestId: 'request ' + id,
        stampNames: names, stampNs: [ns, ns, ns, ns],
      })
    }
  }
  const limit = bytes => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited'])
  const show = value => writeSync(1, JSON.stringify(value) + '\\n')
`
const BODIES = {
  end: 'add(new TraceFile({ path }), 1000)',
  exit: 'add(new TraceFile({ path }), 1000); process.exit(3)',
  reallyExit: `
    const file = new TraceFile({ path, logFrequency: 300 })
    add(file, 1000)
    await file.flush()
    process.reallyExit(3)`,
  throw: 'add(new TraceFile({ path }), 1000); throw new Error("intended")',
  'late listener': `
    const file = new TraceFile({ path })
    process.once('exit', () => add(file, 1000))`,
  numbered: 'add(new TraceFile({ path, logFrequency: 300 }), 1000); process.exit()',
  handled: `
    const file = new TraceFile({ path, logFrequency: 300 })
    add(file, 1000)
    process.once('SIGTERM', () => { file.closeSync(); process.exit() })
    process.kill(process.pid, 'SIGTERM')
    setInterval(() => {}, 1000)`,
  worker: `
    if (isMainThread) {
      new Worker(new URL(import.meta.url))
    } else {
      add(new TraceFile({ path, logFrequency: 300 }), 1000)
    }`,
  'worker exit': `
    if (isMainThread) {
      new Worker(new URL(import.meta.url))
    } else {
      add(new TraceFile({ path, logFrequency: 300 }), 1000)
      process.exit()
    }`,
  'worker terminated': `
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url))
      worker.once('message', () => worker.terminate())
    } else {
      const file = new TraceFile({ path, logFrequency: 300 })
      add(file, 1000)
      await file.flush()
      parentPort.postMessage('flushed')
      setInterval(() => {}, 1000)
    }`,
  'two threads': `
    if (isMainThread) {
      const ready = new Int32Array(new SharedArrayBuffer(4))
      for (let i = 0; i < 2; i++) new Worker(new URL(import.meta.url), { workerData: ready })
    } else {
      const file = new TraceFile({ path })
      add(file, 500)
      await file.flush()
      if (Atomics.add(workerData, 0, 1) === 0) Atomics.wait(workerData, 0, 1)
      Atomics.notify(workerData, 0)
      add(file, 500)
    }`,
  'one of several': `
    const file = new TraceFile({ path, logFrequency: 300 })
    add(file, 500)
    await file.flush()
    show('flushed')
    process.stdin.once('end', () => add(file, 500)).resume()`,
  stdout: 'add(new TraceFile({ path: "/dev/stdout" }), 1000)',
  stalled: `
    add(new TraceFile({ path: "/dev/stdout", maxPendingMB: 1 }), 100_000)
    process.exit(4)`,
  kill: `
    const file = new TraceFile({ path, flushMs: 5, logFrequency: Number(process.env.LOG_FREQUENCY) })
    for (;;) {
      add(file, 1 + Math.floor(Math.random() * 400))
      if (Math.random() < 0.5) {
        const flushed = id
        await file.flush()
        show(flushed)
      } else {
        await new Promise(setImmediate)
      }
    }`,
  full: `
    const isJson = () => {
      try {
        return Boolean(JSON.parse(readFileSync(path, 'utf8')))
      } catch {
        return false
      }
    }
    const warnings = []
    const file = new TraceFile({ path, flushMs: 5, onWarning: (...warning) => warnings.push(warning) })
    add(file, 100)
    await file.flush()
    limit(65_536)
    const outcomes = new Set()
    for (let round = 0; round < 20; round++) {
      add(file, 100)
      await file.flush().then(() => outcomes.add('written'), error => outcomes.add(error.code))
      // A try on a disk that is full is no completed write: what it left is taken back, which a reader may see happen.
      const deadline = Date.now() + 10_000
      while (!isJson()) if (Date.now() > deadline) throw new Error('the file stays torn')
    }
    const counts = file.counts
    limit('unlimited')
    await file.flush()
    show({ outcomes: [...outcomes], warnings, whileFull: counts, then: file.counts })`,
  'small disk': `
    const warnings = []
    const file = new TraceFile({
      path, flushMs: 5, maxPendingMB: 1, logFrequency: 1000, onWarning: code => warnings.push(code),
    })
    for (let round = 0; round < 200; round++) {
      add(file, 100)
      await file.flush().catch(() => {})
    }
    file.closeSync()
    show({ counts: file.counts, warnings })`,
}
const project = new Project(
  Object.fromEntries(Object.entries(BODIES).map(([name, body]) => [`${name}.mjs`, PROGRAM + body])),
)
function pathFor(name: string): string {
  const folder = join(project.folder, `in ${name}`)
  mkdirSync(folder, { recursive: true })
  return join(folder, 'trace.json')
}
async function run(name: keyof typeof BODIES, path = pathFor(name)) {
  return { ...(await project.run([`${name}.mjs`], { OUT: path })), path }
}

describe('the end of a process', () => {
  it.each([
    ['end', 0],
    ['exit', 3],
    ['throw', 1],
    ['late listener', 0],
  ] as const)('leaves a file with all traces: %s', async (name, code) => {
    const outcome = await run(name)
    expect(outcome.code).toBe(code)
    expect(idsIn(outcome.path)).toEqual(range(1, 1000))
  })

  it.each(['numbered', 'reallyExit', 'handled', 'worker', 'worker exit', 'worker terminated'] as const)(
    'completes the last of several files: %s',
    async name => {
      const { path, stderr } = await run(name)
      expect(stderr).toBe('')
      expect(filesOf(path)).toEqual(range(0, 3).map(number => `${path}.${number}`))
      expect(filesOf(path).flatMap(idsIn)).toEqual(range(1, 1000))
    },
  )

  it('keeps the threads of a process apart', async () => {
    const { path } = await run('two threads')
    expect(filesOf(path)).toHaveLength(2)
    for (const file of filesOf(path)) expect(idsIn(file)).toEqual(range(1, 1000))
  })

  it('keeps processes apart', async () => {
    const path = pathFor('several')
    const children = range(1, 3).map(() =>
      spawn(NODE, [join(project.folder, 'one of several.mjs')], {
        env: { ...process.env, OUT: path },
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    await Promise.all(children.map(child => once(child.stdout, 'data')))
    for (const child of children) child.stdin.end()
    await Promise.all(children.map(child => once(child, 'exit')))
    const stems = [...new Set(filesOf(path).map(file => file.replace(/\.\d+$/, '')))]
    expect(stems).toHaveLength(3)
    expect(stems).toContain(path)
    for (const stem of stems) {
      expect(range(0, 3).flatMap(number => idsIn(`${stem}.${number}`))).toEqual(range(1, 1000))
    }
  })

  it('closes the array on its stdout', async () => {
    const { stdout, path } = await run('stdout')
    writeFileSync(path, stdout)
    expect(idsIn(path)).toEqual(range(1, 1000))
  })

  it('does not wait for a reader that does not read', async () => {
    const child = spawn(NODE, [join(project.folder, 'stalled.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
    // Nothing reads stdout: what the system takes is far less than what there is.
    expect((await once(child, 'exit'))[0]).toBe(4)
  })
})

describe('a process that is killed', () => {
  it.each(range(1, 12))('leaves a file that reads, with all that was flushed (%i)', async number => {
    const logFrequency = number % 2 === 0 ? 500 : 0
    const path = pathFor(`kill ${number}`)
    const env = { ...process.env, OUT: path, LOG_FREQUENCY: String(logFrequency) }
    const child = spawn(NODE, [join(project.folder, 'kill.mjs')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let shown = ''
    child.stdout.on('data', data => (shown += data))
    await once(child.stdout, 'data')
    // The moment is what the test is about.
    await new Promise(resolve => setTimeout(resolve, Math.random() * 200))
    child.kill('SIGKILL')
    await once(child, 'close')
    const flushed = Number(/(\d+)\n[^\n]*$/.exec(shown)?.[1])
    const files = filesOf(path).filter(name => !name.endsWith('.next'))
    // Only the one that grows may have a torn end.
    const ids = files.flatMap((file, index) =>
      idsOf(index === files.length - 1 ? fragmentsInTorn(file) : fragmentsIn(file)),
    )
    expect(ids).toEqual(range(1, ids.length))
    expect(ids.length).toBeGreaterThanOrEqual(flushed)
    if (logFrequency > 0) for (const file of files.slice(0, -1)) expect(idsIn(file)).toHaveLength(logFrequency)
  })
})

const canLimit = spawnSync('prlimit', ['--version']).status === 0
if (!canLimit) console.log('A full disk is not tested: prlimit (util-linux) is not there.')

describe.runIf(canLimit)('a disk that is full', () => {
  it('leaves a valid file, and loses nothing when it has room again', async () => {
    const { path, stdout, stderr } = await run('full')
    expect(stderr).toBe('')
    const { outcomes, warnings, whileFull, then } = JSON.parse(stdout)
    expect(outcomes).toEqual(['written', 'ERR_OPSCOPE_FILE_WRITE'])
    expect(warnings).toEqual([['trace-file-write', `Cannot write ${path}: File too large`, expect.any(Number)]])
    expect(whileFull).toMatchObject({ added: 2100, dropped: 0 })
    expect(whileFull.written).toBeLessThan(1000)
    expect(then).toMatchObject({ added: 2100, written: 2100, dropped: 0, bytes: statSync(path).size })
    expect(idsIn(path)).toEqual(range(1, 2100))
    expect(isJson(path)).toBe(true)
  })

  it('drops and counts what has no room in memory either, on a disk of 1 MB', async context => {
    const disk = join(project.folder, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { encoding: 'utf8' })
    if (mounted.status !== 0) context.skip(`no disk can be mounted here: ${mounted.stderr ?? mounted.error}`)
    try {
      const { path, stdout, stderr } = await run('small disk', join(disk, 'trace.json'))
      expect(stderr).toBe('')
      const { counts, warnings } = JSON.parse(stdout)
      expect(counts.written + counts.dropped).toBe(20_000)
      expect(new Set(warnings)).toEqual(new Set(['trace-file-write', 'trace-file-dropped']))
      const files = filesOf(path)
      expect(files.length).toBeGreaterThan(1)
      expect(files.flatMap(idsIn)).toEqual(range(1, counts.written))
      expect(readdirSync(disk).filter(name => name.endsWith('.next'))).toEqual([])
    } finally {
      execFileSync('umount', [disk])
    }
  })
})
