import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { FLAG_ASYNC, native, ROLES } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { CaptureFileBuilder } from '../../src/import/capture-file-rows.js'
import { loadCapture } from '../../src/load-capture.js'
import { mergeCaptures } from '../../src/merge-captures.js'
import { BUSY, profileOf } from '../import/profiles.js'
import { NODE } from '../nodes.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MS = 1_000_000

/** 100 ms on one clock: predict from 10 to 50 with matmul from 20 to 30 and a collection in that; fetch from 60 to 90, async from 70 on. */
function recorded(pid = 42, originClockNs = 1_000_000_000n): Promise<Capture> {
  const builder = new CaptureFileBuilder()
  builder.areParentsKnown = true
  Object.assign(builder, { processId: pid, originClockNs, originEpochNs: 1_763_780_000_000_000_000n })
  builder.durationNs = 100 * MS
  builder.metaJson = JSON.stringify({ spanCostNs: 20, host: 'here' })
  const thread = builder.addThread('main', 7, 0)
  const add = (name: string, from: number, to: number, parent = -1, flags = 0) => {
    builder.parents.push(parent)
    return builder.addSpan(thread, builder.name(name, 'section'), from * MS, to * MS, flags)
  }
  const predict = add('predict', 10, 50)
  const matmul = add('matmul', 20, 30, predict)
  builder.parents.push(matmul)
  builder.addSpan(thread, builder.name('MinorGC', 'gc'), 27 * MS, 29 * MS)
  builder.addReturn(add('fetch', 60, 90, -1, FLAG_ASYNC), 70 * MS)
  return native()
    .build(builder.rows())
    .then(handle => Capture.fromHandle(handle))
}
/** From 5 ms before the recording to 95 ms of it; a sample each so many ms. */
const STACKS: [number, string][] = [
  [5, 'main/load'],
  [12, 'main/predict'],
  [22, 'main/predict/multiply'],
  [28, 'main/predict/multiply'],
  [35, 'main/predict'],
  [55, 'main/poll'],
  [65, 'main/work'],
  [75, 'main/other'],
]
function profileFile(name = 'any.cpuprofile', startUs = 995_000): string {
  const path = join(folder, name)
  const stacks = STACKS.map(([ms, stack]): [number, string] => [(ms + 5) * 1000, stack])
  writeFileSync(path, JSON.stringify(profileOf([[1000, 'early'], ...stacks], 100_000, startUs)))
  return path
}

/** Frames of a profile: `path from-to`, in ms; a path begins with the spans around it. */
function framesOf({ spans }: Capture): string[] {
  const nameOf = (row: number) => spans.names[spans.name[row]!]!
  const pathOf = (row: number): string =>
    (spans.parent[row]! < 0 ? '' : `${pathOf(spans.parent[row]!)} `) + nameOf(row).text.replace(/ .*/, '')
  return [...spans.name.keys()]
    .filter(row => ROLES[nameOf(row).role] === 'sample')
    .map(row => {
      const from = Number(spans.startNs[row]!) / MS
      return `${pathOf(row)} ${from}-${from + Number(spans.durationNs[row]!) / MS}`
    })
}
const FRAMES = [
  'main 5-12',
  'main load 5-12',
  'predict main 12-22',
  'predict main predict 12-22',
  'predict matmul main 22-30',
  'predict matmul main predict 22-30',
  'predict matmul main predict multiply 22-30',
  'predict main 35-50',
  'predict main predict 35-50',
  'main 55-65',
  'main poll 55-65',
  'fetch main 65-70',
  'fetch main work 65-70',
  'main 75-95',
  'main other 75-95',
]

describe('a CPU profile that is merged with the capture of its process', () => {
  it('lies under the spans that were open at its samples, on a track of its own', async () => {
    const capture = await mergeCaptures([await recorded(), profileFile()])
    expect(framesOf(capture)).toEqual(FRAMES)
    expect(capture.threads.map(({ name, spanCount }) => `${name} ${spanCount}`)).toEqual([
      'main 4',
      'main (JavaScript) 15',
    ])
    expect(capture.warnings).toEqual([])
  })

  it('changes no figure of an op, and is in ops() when asked for', async () => {
    const plain = await recorded()
    const capture = await mergeCaptures([plain, profileFile()])
    expect(capture.ops()).toEqual(plain.ops())
    expect(capture.asyncOps()).toEqual(plain.asyncOps())
    expect(capture.overhead()).toEqual(plain.overhead())
    const [headline = '', ...rest] = capture.report().split('\n')
    expect(headline).toContain('4 spans on 1 thread · 15 frames of a CPU profile')
    expect(rest).toEqual(plain.report().split('\n').slice(1))

    const rows = capture.ops({ samples: true })
    expect(rows.filter(({ role }) => role !== 'sample')).toEqual(plain.ops())
    const multiply = rows.find(({ name }) => name.startsWith('multiply'))!
    expect(multiply).toMatchObject({
      path: ['predict', 'matmul', 'main (app.js:4)', 'predict (app.js:7)', 'multiply (app.js:8)'],
      cpuNs: 8 * MS,
    })
    const predict = rows.find(({ path }) => path.join() === 'predict,main (app.js:4),predict (app.js:7)')!
    expect(predict).toMatchObject({ calls: 2, cpuNs: 25 * MS })
  })

  it.each(['laid.pftrace', 'laid.json', 'laid.json.gz'])('comes back from %s', async name => {
    const capture = await mergeCaptures([await recorded(), profileFile()])
    const path = join(folder, name)
    await capture.export(path)
    const loaded = await loadCapture(path)
    expect(framesOf(loaded)).toEqual(FRAMES)
    expect(loaded.report()).toBe(capture.report())
  })

  it('is left out of pprof, where the time of an op is its own', async () => {
    const plain = await recorded()
    await plain.export(join(folder, 'plain.pb.gz'))
    await (await mergeCaptures([plain, profileFile()])).export(join(folder, 'laid.pb.gz'))
    expect(readFileSync(join(folder, 'laid.pb.gz'))).toEqual(readFileSync(join(folder, 'plain.pb.gz')))
  })

  it('finds its process among several, by the number in its name', async () => {
    const all = await mergeCaptures([
      await recorded(42),
      profileFile('CPU.20261126.044305.43.0.001.cpuprofile'),
      await recorded(43, 1_000_000_000n),
    ])
    expect(all.processes.map(({ pid }) => pid)).toEqual([42, 43])
    const track = all.threads.find(({ name }) => name.endsWith('(JavaScript)'))!
    expect(all.processes[track.process]!.pid).toBe(43)
    expect(framesOf(all)).toEqual(FRAMES)
  })

  it('of a worker lies under the spans of that worker', async () => {
    const capture = await mergeCaptures([await recorded(), profileFile('CPU.20261126.044305.42.3.001.cpuprofile')])
    expect(capture.threads.at(-1)!.name).toBe('worker 3 (JavaScript)')
    expect(framesOf(capture)[0]).toBe('main 5-95') // no spans, no cuts
  })

  it('is refused where it cannot belong', async () => {
    const plain = await recorded()
    const refused = (...captures: (Capture | string)[]) =>
      mergeCaptures(captures).then(
        () => 'merged',
        (error: { code: string; message: string }) => `${error.code}: ${error.message.split('\n', 1)[0]}`,
      )
    const foreign = profileFile('CPU.20261126.044305.41.0.001.cpuprofile')
    expect(await refused(plain, foreign)).toBe(
      `ERR_OPSCOPE_MERGE: ${foreign} is of process 41, captures[0] of process 42.`,
    )
    const late = profileFile('late.cpuprofile', 3_100_000)
    expect(await refused(plain, late)).toBe(
      `ERR_OPSCOPE_MERGE: ${late} and captures[0] lie 2 s apart: they are not of one run.`,
    )
    const any = profileFile()
    expect(await refused(plain, any, await recorded(43, 1_000_000_001n))).toBe(
      `ERR_OPSCOPE_MERGE: ${any} does not say of which process it is, and captures[0], captures[2] fit.`,
    )
    expect(await refused(await recorded(42, 0n), any)).toBe(
      'ERR_OPSCOPE_MERGE: captures[0] does not say when it began, on the clock of its process.',
    )
    expect(await refused(any, late)).toBe(
      'ERR_OPSCOPE_MERGE: There are only CPU profiles, and no capture to lay them under.',
    )
    const merged = await mergeCaptures([plain, await recorded(43, 1_000_000_001n)])
    expect(await refused(merged, any)).toBe(
      `ERR_OPSCOPE_MERGE: captures[0] is of several processes, and ${any} of one.`,
    )
  })

  it('alone is a capture', async () => {
    const capture = await mergeCaptures([profileFile()])
    expect(capture.ops().map(row => row.name)).toContain('early (app.js:5)')
  })
})

const PROGRAM = `
import { op, profiler, recordSync } from '${join(ROOT, 'lib/index.js')}'
${BUSY}
function multiply() { busyFor(40) }
function before() { busyFor(30) }
const matmul = op('matmul')
before()
profiler.startProfiler({ state: 'CPU' })
recordSync('predict', () => {
  matmul.begin()
  multiply()
  matmul.end()
})
await profiler.stopProfiler({ print: false, profilePath: 'run.pftrace' })
`

it('opscope merge lays what node --cpu-prof wrote under the spans of the same run', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'opscope-test-'))
  writeFileSync(join(cwd, 'app.mjs'), PROGRAM)
  execFileSync(NODE, ['--cpu-prof', '--cpu-prof-interval=500', 'app.mjs'], { cwd })
  const profile = readdirSync(cwd).find(name => name.endsWith('.cpuprofile'))!
  const cli = [join(ROOT, 'lib/cli/main.js'), 'merge', 'run.pftrace', profile, '-o', 'both.pftrace']
  const printed = execFileSync(process.execPath, cli, { cwd, encoding: 'utf8' })
  expect(printed).toContain('merged 1 capture and 1 CPU profile: 1 process on 1 host')

  const capture = await loadCapture(join(cwd, 'both.pftrace'))
  expect(capture.ops()).toEqual((await loadCapture(join(cwd, 'run.pftrace'))).ops())
  const seen = capture.ops({ samples: true }).filter(({ role }) => role === 'sample')
  const multiply = seen.filter(({ name }) => name.startsWith('multiply (app.mjs'))
  // Times of V8 are whole µs: a sample right at a begin may lie before it.
  const timeOf = (rows: typeof multiply) => rows.reduce((ns, { cpuNs }) => ns + cpuNs, 0)
  const inside = multiply.filter(({ path }) => path.slice(0, 2).join() === 'predict,matmul')
  expect(timeOf(inside)).toBeGreaterThan(0.9 * timeOf(multiply))
  expect(timeOf(inside)).toBeGreaterThan(20 * MS)
  expect(seen.some(({ name }) => name.startsWith('before '))).toBe(false) // before the recording
  const { spans } = capture
  for (const row of spans.name.keys()) {
    const parent = spans.parent[row]!
    if (parent < 0) continue
    expect(spans.startNs[row]!).toBeGreaterThanOrEqual(spans.startNs[parent]!)
    const endOf = (each: number) => spans.startNs[each]! + spans.durationNs[each]!
    expect(endOf(row)).toBeLessThanOrEqual(endOf(parent))
  }
})

it('opscope merge lays it under the trace events of Node too', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'opscope-test-'))
  const program = `
    import { statSync } from 'node:fs'
    ${BUSY}
    setTimeout(function later() { busyFor(40) }, 1)`
  writeFileSync(join(cwd, 'app.mjs'), program)
  execFileSync(NODE, ['--trace-event-categories', 'node.async_hooks', '--cpu-prof', 'app.mjs'], { cwd })
  const profile = readdirSync(cwd).find(name => name.endsWith('.cpuprofile'))!
  const capture = await mergeCaptures([join(cwd, 'node_trace.1.log'), join(cwd, profile)])
  const busy = capture.ops({ samples: true }).filter(({ name }) => name.startsWith('busyFor (app.mjs'))
  expect(busy.map(({ path }) => path[0])).toContain('Timeout_CALLBACK')
})
