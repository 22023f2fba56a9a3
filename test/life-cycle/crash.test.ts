// Every way in which a process or a worker thread ends. The file loads, and has what the program had done: all of it
// where the end could be seen coming, else all but the last two flush intervals.
import { describe, expect, it } from 'vitest'

import { FAKES, fakeMachine, hasFakes } from '../gpu/fake-gpu.js'
import { CLI, Project } from '../register/project.js'
import { compare, readTruth, TRUTH } from './truth.js'

const ADDON = new URL('../../build/test-addon/opscope_test_addon.node', import.meta.url).pathname
const FLUSH_MS = 250 // as it is without being set
const FOREVER = 1n << 62n
const msToNs = (ms: number) => BigInt(ms) * 1_000_000n

/** `work` is so many ms of steps, and some on a machine that is busy; `end` tells when the end began. */
const PROGRAM = `
  const { op, record, startProfiler } = require('opscope')
  ${TRUTH}
  if (process.env.WAY === 'startProfiler') startProfiler()
  const [step, outer, inner] = [op('step'), op('outer'), op('inner')]
  let steps = 0
  const doStep = () => deed('step', () => { step.begin(); step.end(); steps++ })
  function work(ms) {
    const least = steps + ms / 20
    for (const untilNs = now() + BigInt(ms * 1e6); now() < untilNs || steps < least;) { doStep(); nap(1) }
  }
  const end = () => tell('end ' + now())
  const stay = () => setTimeout(() => {}, 60_000)
  work(900)
`
/** A worker that does steps of its own for as long, then what is asked. */
const WORKER = (body: string) => `
  const { Worker } = require('node:worker_threads')
  const worker = new Worker(${JSON.stringify(`
    const { parentPort } = require('node:worker_threads')
    const { op } = require('opscope')
    ${TRUTH}
    const step = op('worker step')
    const doStep = () => deed('worker step', () => { step.begin(); step.end() })
    for (const untilNs = now() + 500_000_000n; now() < untilNs;) { doStep(); nap(1) }
    ${body}
  `)}, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } })
`
const LIVES_ON = "parentPort.postMessage('ready'); setInterval(doStep, 1)"

interface Ending {
  body: string
  code?: number
  signal?: NodeJS.Signals
  /** Options of node. */
  flags?: string[]
  /**
   * Whether the recording is not stopped: `always`, or only where nobody but \`startProfiler\` sees to it. `flushed`: it
   * is not, but all of it is in the file.
   */
  cut?: 'always' | 'without register' | 'flushed'
}
const signalled = (signal: NodeJS.Signals): Record<string, Ending> => ({
  [`gets ${signal}`]: {
    body: `end(); process.kill(process.pid, '${signal}'); stay()`,
    signal,
    cut: 'without register',
  },
  [`handles ${signal}`]: {
    body: `process.on('${signal}', () => { work(20); process.exit(3) }); end(); process.kill(process.pid, '${signal}'); stay()`,
    code: 3,
  },
})
const ENDINGS: Record<string, Ending> = {
  'has nothing left to do': { body: 'setTimeout(doStep, 10)', code: 0 },
  'calls process.exit': { body: 'process.exit(7)', code: 7 },
  'calls process.exit inside nested spans': {
    body: 'outer.begin(); inner.begin(); work(20); process.exit(4)',
    code: 4,
  },
  'calls process.exit inside an async span': {
    body: `void record('never', async () => { doStep(); await new Promise(() => {}) }); setTimeout(() => process.exit(5), 10)`,
    code: 5,
  },
  throws: { body: "throw new Error('boom')", code: 1 },
  rejects: { body: "Promise.reject(new Error('boom')); stay()", code: 1 },
  ...signalled('SIGTERM'),
  ...signalled('SIGINT'),
  ...signalled('SIGHUP'),
  'gets SIGTERM while it computes without a pause': {
    body: `end(); process.kill(process.pid, 'SIGTERM')
      for (const untilNs = now() + 1_500_000_000n; now() < untilNs;) doStep()
      stay()`,
    signal: 'SIGTERM',
    cut: 'without register',
  },
  'calls process.reallyExit': { body: 'process.reallyExit(6)', code: 6, cut: 'flushed' },
  'calls process.abort': { body: 'end(); process.abort()', signal: 'SIGABRT', cut: 'always' },
  'gets SIGKILL': { body: "end(); process.kill(process.pid, 'SIGKILL'); stay()", signal: 'SIGKILL', cut: 'always' },
  'crashes in native code': {
    body: `end(); require(${JSON.stringify(ADDON)}).crash()`,
    signal: 'SIGSEGV',
    cut: 'always',
  },
  'runs out of heap': {
    body: 'end(); for (const all = [];;) all.push(new Array(1000).fill(all.length))',
    flags: ['--max-old-space-size=16'],
    signal: 'SIGABRT',
    cut: 'always',
  },
  'has a worker that ends by itself': { body: WORKER(''), code: 0 },
  'has a worker that throws': { body: WORKER("throw new Error('boom')"), code: 1 },
  'has a worker that runs out of heap': {
    body: `${WORKER('for (const all = [];;) all.push(new Array(1000).fill(all.length))')} worker.on('error', () => {})`,
    code: 0,
  },
  'has a worker that calls process.exit': { body: WORKER('process.exit(9)'), code: 0 },
  'terminates a worker': {
    body: `${WORKER(LIVES_ON)} worker.on('message', () => setTimeout(() => worker.terminate(), 20))`,
    code: 0,
  },
  'calls process.exit while a worker lives': {
    body: `${WORKER(LIVES_ON)} worker.on('message', () => setTimeout(() => { tell('stop ' + now()); process.exit(8) }, 20))`,
    code: 8,
  },
  'gets SIGKILL while a worker works': {
    body: `${WORKER(LIVES_ON)} setInterval(doStep, 1)
      worker.on('message', () => setTimeout(() => { end(); process.kill(process.pid, 'SIGKILL') }, 300))`,
    signal: 'SIGKILL',
    cut: 'always',
  },
}

describe.each(['startProfiler', 'opscope run'])('a program under %s', way => {
  const names = Object.keys(ENDINGS)
  const programs = Object.values(ENDINGS).map(({ body }, i) => [`${i}.cjs`, PROGRAM + body] as const)
  const project = new Project(Object.fromEntries(programs))

  it.concurrent.each(names)('that %s ends as it does alone, and leaves what it did', async name => {
    const { code = null, signal = null, flags = [], cut } = ENDINGS[name] as Ending
    const [program, file] = [`${names.indexOf(name)}.cjs`, `${names.indexOf(name)}.pftrace`]
    const truthPath = `${project.folder}/${name}.truth`
    const outcome =
      way === 'opscope run'
        ? await project.run(
            [CLI, 'run', '--profile-path', file, '--flush-ms', `${FLUSH_MS}`, '--', ...flags, program],
            { TRUTH: truthPath },
          )
        : await project.run([...flags, program], {
            TRUTH: truthPath,
            WAY: way,
            OPSCOPE_PROFILE_PATH: file,
            OPSCOPE_FLUSH_MS: `${FLUSH_MS}`,
          })
    expect(outcome).toMatchObject({ code, signal })

    const capture = await project.capture(file)
    const truth = readTruth(truthPath)
    const isCut = cut === 'without register' ? way === 'startProfiler' : cut !== undefined
    const isLossy = isCut && cut !== 'flushed'
    const { due, faults } = compare(
      capture,
      truth,
      isLossy ? truth.momentsNs.get('end')! - 2n * msToNs(FLUSH_MS) : (truth.momentsNs.get('stop') ?? FOREVER),
    )
    expect(faults).toEqual([])
    expect(due).toBeGreaterThan(20)
    expect(capture.warnings.some(warning => warning.code === 'recording-cut')).toBe(isCut)
  })
})

describe.runIf(hasFakes())('the GPU work of a program that is killed', () => {
  // A thread takes it from CUPTI so often.
  const DRAIN_MS = 200
  const project = new Project({
    'gpu.cjs': `${PROGRAM}
      const fake = require('${FAKES}/opscope_fake_gpu.node')
      const launch = number => fake.run('api cudaLaunchKernel\\nkernel k' + number + ' dur=5000\\n')
      const predict = op('predict')
      for (const untilNs = now() + 1_200_000_000n; now() < untilNs; nap(2)) {
        deed('predict', number => { predict.begin(); launch(number); predict.end() })
      }
      end(); process.kill(process.pid, 'SIGKILL'); stay()`,
  })

  it('is in the file one look at CUPTI later than spans, with the spans that launched it', async () => {
    const env = { TRUTH: `${project.folder}/gpu.truth`, OPSCOPE_FLUSH_MS: `${FLUSH_MS}`, ...fakeMachine() }
    const outcome = await project.run([CLI, 'run', '--profile-path', 'gpu.pftrace', 'gpu.cjs'], env)
    expect(outcome).toMatchObject({ code: null, signal: 'SIGKILL' })

    const capture = await project.capture('gpu.pftrace')
    const truth = readTruth(env.TRUTH)
    const flushedNs = truth.momentsNs.get('end')! - 2n * msToNs(FLUSH_MS)
    expect(compare(capture, truth, flushedNs).faults).toEqual([])
    const launches = truth.deeds.filter(({ name }) => name === 'predict')
    const due = launches.filter(({ toNs }) => toNs <= flushedNs - msToNs(DRAIN_MS)).map(({ number }) => `k${number}`)
    const kernels = new Set(capture.kernels().map(({ name }) => name))
    expect(due.length).toBeGreaterThan(20)
    expect(due.filter(name => !kernels.has(name))).toEqual([])
    const [row] = capture.ops({ sortedKey: 'gpu' })
    expect(row).toMatchObject({ path: ['predict'] })
    expect(row!.gpuNs).toBeGreaterThanOrEqual(due.length * 5000)
    expect(capture.gpu.available).toBe(true)
  })
})
