// Programs that are killed at random moments. `npm run test:kill -- 100 json` kills more of them than the usual run.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { NODE } from '../nodes.js'
import { CLI, Project, REQUIRE } from '../register/project.js'
import { compare, readTruth, TRUTH } from './truth.js'

const FLUSH_MS = 250 // as it is without being set
const COUNT = Number(process.env.OPSCOPE_TEST_KILLS ?? 0)
const ONLY_SUFFIX = process.env.OPSCOPE_TEST_KILL_SUFFIX
/** When a program is killed, by turns: so many ms after its start, or after it said that its recording had begun. */
const MOMENTS: readonly { after: 'start' | 'begun'; fromMs: number; toMs: number }[] = [
  { after: 'start', fromMs: 0, toMs: 3000 },
  { after: 'begun', fromMs: 0, toMs: 60 },
  { after: 'begun', fromMs: 0, toMs: 3000 },
  { after: 'begun', fromMs: 1000, toMs: 3000 },
]

/** Three threads record; the main one has async spans too, six at a time. */
const PROGRAM = `
  const { op, record, startProfiler } = require('opscope')
  const { Worker, isMainThread, threadId } = require('node:worker_threads')
  ${TRUTH}
  const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
  const [outer, inner] = [op('outer ' + threadId), op('inner ' + threadId)]
  function steps(count) {
    for (let i = 0; i < count; i++) {
      deed('outer ' + threadId, () => {
        outer.begin()
        deed('inner ' + threadId, () => { inner.begin(); inner.end() })
        outer.end()
      })
      deed('sync ' + threadId, number => record('sync ' + threadId, { attributes: { number } }, () => {}))
    }
  }
  async function requests() {
    for (;;) {
      await deed('async ' + threadId, number =>
        record('async ' + threadId, { attributes: { number } }, () => sleep(Math.random() * 20)))
    }
  }
  if (isMainThread) {
    if (process.env.WAY === 'startProfiler') startProfiler()
    tell('begun ' + now())
    process.stdout.write('begun')
    for (let i = 0; i < 2; i++) new Worker(__filename)
    for (let i = 0; i < 6; i++) requests()
  }
  setInterval(steps, 5, isMainThread ? 5 : 20)
`

interface Kill {
  /** `early`: before the recording began. `empty`: before its first flush. */
  what: 'read' | 'early' | 'empty'
  due: number
  bytes: number
  faults: string[]
}

/** Starts the program and kills it; when that was. */
async function killAtRandom(project: Project, run: number, path: string): Promise<bigint> {
  // Each way meets each kind of moment.
  const isRegister = (run + (run >> 2)) % 2 === 0
  const env = { OPSCOPE_PROFILE_PATH: path, TRUTH: `${path}.truth`, ...(!isRegister && { WAY: 'startProfiler' }) }
  const child = spawn(NODE, [...(isRegister ? REQUIRE : []), 'program.cjs'], {
    cwd: project.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const { after, fromMs, toMs } = MOMENTS[run % MOMENTS.length]!
  if (after === 'begun') await Promise.race([once(child.stdout!, 'data'), closed])
  await new Promise(resolve => setTimeout(resolve, fromMs + Math.random() * (toMs - fromMs)))
  const killedNs = process.hrtime.bigint()
  child.kill('SIGKILL')
  expect(await closed).toEqual([null, 'SIGKILL'])
  return killedNs
}

async function judge(project: Project, path: string, killedNs: bigint): Promise<Kill> {
  const truth = readTruth(`${path}.truth`)
  const begunNs = truth.momentsNs.get('begun')
  const flushedNs = killedNs - 2n * BigInt(FLUSH_MS) * 1_000_000n
  const file = [path, `${path}.partial.pftrace`].find(each => existsSync(each) && statSync(each).size > 0)
  if (file === undefined) {
    const faults = begunNs !== undefined && begunNs <= flushedNs ? ['nothing was written'] : []
    return { what: begunNs === undefined ? 'early' : 'empty', due: 0, bytes: 0, faults }
  }
  const bytes = statSync(file).size
  const capture = await loadCapture(file).catch((error: Error) => error)
  if (capture instanceof Error) return { what: 'read', due: 0, bytes, faults: [capture.message] }
  const { due, faults } = compare(capture, truth, flushedNs, /^(a?sync) /)
  if (!capture.warnings.some(({ code }) => code === 'recording-cut')) faults.push('is not said to be cut')
  const { code, stderr } = await project.run([CLI, 'convert', file, `${path}.converted.json`])
  if (code !== 0) return { what: 'read', due, bytes, faults: [...faults, `cannot be converted: ${stderr}`] }
  const converted = await loadCapture(`${path}.converted.json`)
  if (converted.spans.length !== capture.spans.length)
    faults.push(`${capture.spans.length} spans become ${converted.spans.length} when they are converted`)
  return { what: 'read', due, bytes, faults }
}

const CASES: [suffix: string, count: number][] = [
  ['.pftrace', COUNT || 10],
  ['.json', COUNT || 4],
]
const SECONDS_EACH = 20
it.each(CASES.filter(([suffix]) => (ONLY_SUFFIX ?? suffix) === suffix))(
  'leaves a %s file that loads and misses no more than two flush intervals, killed %i times',
  async (suffix, count) => {
    const project = new Project({ 'program.cjs': PROGRAM })
    const kills: Kill[] = []
    const read = () => kills.filter(({ what }) => what === 'read').length
    // What died before its recording began is no try of ours. Two at a time, as there may be two cores.
    let run = 0
    const again = async () => {
      while (read() < count && run < 5 * count) {
        const path = join(project.folder, `${run}${suffix}`)
        const killed = await judge(project, path, await killAtRandom(project, run++, path))
        kills.push({ ...killed, faults: killed.faults.slice(0, 5).map(fault => `${path}: ${fault}`) })
      }
    }
    await Promise.all([again(), again()])

    const countOf = (what: Kill['what']) => kills.filter(each => each.what === what).length
    const sum = (key: 'due' | 'bytes') => kills.reduce((total, each) => total + each[key], 0)
    const faults = kills.flatMap(each => each.faults)
    process.stdout.write(
      `${suffix}: ${kills.length} killed, ${countOf('read')} files read, ${countOf('early')} died before the recording began, ` +
        `${countOf('empty')} before its first flush; ${sum('due')} spans due, ${sum('bytes')} bytes; ${faults.length} faults\n`,
    )
    expect(faults).toEqual([])
    expect(read()).toBeGreaterThanOrEqual(count)
    expect(sum('due')).toBeGreaterThan(0)
  },
  SECONDS_EACH * 1000 * (COUNT || 10),
)
