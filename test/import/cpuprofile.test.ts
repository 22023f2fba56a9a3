import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { readCpuSamples } from '../../src/import/cpu-samples.js'
import { importCpuProfile } from '../../src/import/cpuprofile.js'
import { fileKind } from '../../src/import/file-kind.js'
import { drawStacks } from '../../src/import/sample-stacks.js'
import { loadCapture } from '../../src/load-capture.js'
import { BUSY, type Profile, profileOf, runProfiled } from './profiles.js'
import { spansOf, warningsOf } from './rows-of.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

async function rowsOf(profile: Profile | string, chunkBytes = 1 << 20, mostSpans?: number) {
  const bytes = Buffer.from(typeof profile === 'string' ? profile : JSON.stringify(profile))
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  return (await importCpuProfile(chunks(), 'app.cpuprofile', mostSpans))!.rows()
}

describe('a CPU profile', () => {
  it('makes one span of a frame that consecutive samples have in common', async () => {
    const rows = await rowsOf(
      profileOf(
        [
          [100, 'main'],
          [200, 'main/load'],
          [300, 'main/predict/matmul'],
          [400, 'main/predict'],
          [600, 'main/load'],
        ],
        700,
      ),
    )
    expect(spansOf(rows)).toEqual([
      'main: main (app.js:4) user 100000-700000',
      'main: load (app.js:4) user 200000-300000',
      'main: predict (app.js:7) user 300000-600000',
      'main: matmul (app.js:6) user 300000-400000',
      'main: load (app.js:4) user 600000-700000',
    ])
    expect(Array.from(rows.spans.parent!)).toEqual([-1, 0, 0, 2, 0])
    expect(rows.originClockNs).toBe(5_000_000_000n)
    expect(rows.durationNs).toBe(700_000)
  })

  it('has nothing where the thread was idle, and collections inside what they interrupt', async () => {
    const stacks: [number, string][] = [
      [100, 'main/a'],
      [200, '(garbage collector)'],
      [250, '(garbage collector)'],
      [300, 'main/a'],
      [400, '(idle)'],
      [500, '(garbage collector)'],
      [600, '(program)'],
    ]
    const rows = await rowsOf(profileOf(stacks, 700))
    expect(spansOf(rows)).toEqual([
      'main: main (app.js:4) user 100000-400000',
      'main: a (app.js:1) user 100000-400000',
      'main: (garbage collector) gc 200000-300000',
      'main: (garbage collector) gc 500000-600000',
      'main: (program) user 600000-700000',
    ])
    expect(Array.from(rows.spans.parent!)).toEqual([-1, 0, 1, -1, -1])
  })

  it('takes a single stack that V8 could not walk for the one before it', async () => {
    const rows = await rowsOf(
      profileOf(
        [
          [100, 'main/a'],
          [200, '(program)'],
          [300, 'main/b'],
          [400, '(program)'],
          [500, 'other'],
        ],
        600,
      ),
    )
    expect(spansOf(rows)).toEqual([
      'main: main (app.js:4) user 100000-400000',
      'main: a (app.js:1) user 100000-300000',
      'main: b (app.js:1) user 300000-400000',
      'main: (program) user 400000-500000',
      'main: other (app.js:5) user 500000-600000',
    ])
  })

  it('puts samples in order of time, and reads trees that name parents', async () => {
    const profile = profileOf(
      [
        [100, 'a'],
        [300, 'b'],
        [200, 'c'],
      ],
      400,
    )
    for (const node of profile.nodes) {
      for (const child of node.children ?? []) profile.nodes[child - 1]!.parent = node.id
    }
    for (const node of profile.nodes) delete node.children
    expect(spansOf(await rowsOf(profile))).toEqual([
      'main: a (app.js:1) user 100000-200000',
      'main: c (app.js:1) user 200000-300000',
      'main: b (app.js:1) user 300000-400000',
    ])
  })

  it('is the same however the file comes: in small pieces, indented, with fractions', async () => {
    const profile = profileOf(
      [
        [100, 'main/a'],
        [1234567, 'main/b'],
        [2000000, '(idle)'],
      ],
      2500000,
    )
    const wanted = spansOf(await rowsOf(profile))
    for (const chunkBytes of [1, 2, 3, 7, 64]) {
      expect(spansOf(await rowsOf(profile, chunkBytes))).toEqual(wanted)
      expect(spansOf(await rowsOf(JSON.stringify(profile, null, 2), chunkBytes))).toEqual(wanted)
    }
    const { startTime, timeDeltas } = profile
    const text = JSON.stringify({ ...profile, startTime: startTime + 0.25 })
    const written = (deltas: unknown) => text.replace(/"timeDeltas":.*\]/, `"timeDeltas":[${deltas}]`)
    expect(spansOf(await rowsOf(written(timeDeltas.map(us => us.toFixed(3))), 5))).toEqual(wanted)
    const mixed = timeDeltas.map((us, i) => (i === 1 ? us.toFixed(1) : us))
    expect(spansOf(await rowsOf(written(mixed)))).toEqual(wanted)
  })

  it('counts what cannot be right, and goes on', async () => {
    const profile = profileOf(
      [
        [100, 'a'],
        [200, 'b'],
        [300, 'c'],
      ],
      400,
    )
    profile.samples[1] = 99
    profile.nodes[2]!.children = [3]
    const rows = await rowsOf(profile)
    expect(spansOf(rows)).toEqual(['main: a (app.js:1) user 100000-300000', 'main: c (app.js:1) user 300000-400000'])
    expect(warningsOf(rows)).toEqual({ 'events-damaged': 2 })
  })

  it('keeps the samples that have a time of a file that ends in the middle', async () => {
    const text = JSON.stringify(
      profileOf(
        [
          [100, 'a'],
          [200, 'b'],
          [300, 'c'],
        ],
        400,
      ),
    )
    const rows = await rowsOf(text.slice(0, text.lastIndexOf(',') + 1))
    expect(spansOf(rows)).toEqual(['main: a (app.js:1) user 100000-200000', 'main: b (app.js:1) user 200000-200000'])
    expect(warningsOf(rows)).toEqual({ 'file-cut': 1 })
    const path = join(folder, 'cut.cpuprofile')
    writeFileSync(path, text.slice(0, text.indexOf('"samples"')))
    await expect(loadCapture(path)).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_DAMAGED' })
  })

  it('uses fewer samples where all of them would unfold to more spans than fit', async () => {
    // 4 stacks that share nothing, 100 frames deep: 100 spans for each of the 40 samples. One in 3 is 14, still too many.
    const deep = ['a', 'b', 'c', 'd'].map(name => Array.from({ length: 100 }, () => name).join('/'))
    const stacks = Array.from({ length: 40 }, (_, i): [number, string] => [i, deep[i % 4]!])
    const rows = await rowsOf(profileOf(stacks, 40), 1 << 20, 1000)
    expect(warningsOf(rows)).toEqual({ 'samples-thinned': 33 })
    expect(rows.spans.startNs.length).toBe(700) // samples 0, 6, … 36
    expect(rows.spans.endNs[0]).toBe(6_000)
  })

  // Walks are counted by the parents that are read.
  it.each([
    ['stacks that V8 could not walk', 'a', '(program)'],
    ['roots inside of each other', '(root)', '(idle)'],
  ])('is no deeper for each sample, with many %s', async (_what, frame, other) => {
    const deep = Array.from({ length: 500 }, () => frame).join('/')
    const stacks = Array.from({ length: 999 }, (_, i): [number, string] => [i, i % 2 === 0 ? `${deep}/leaf` : other])
    const samples = (await readCpuSamples(Readable.from([Buffer.from(JSON.stringify(profileOf(stacks, 1000)))])))!
    let reads = 0
    const parents = new Proxy(samples.parents, {
      get(array, key) {
        reads++
        return Reflect.get(array, key)
      },
    })
    let opened = 0
    await drawStacks({ ...samples, parents }, { open: () => opened++, close: () => {} })
    expect(opened).toBe(frame === 'a' ? 501 : 500)
    expect(reads).toBeLessThanOrEqual(2 * opened)
  })

  it('shows no root, wherever in a stack it is', async () => {
    const stacks: [number, string][] = [
      [100, 'main/(idle)/(root)/a'],
      [200, 'main/(idle)/(root)/a/b'],
      [300, 'main'],
    ]
    const rows = await rowsOf(profileOf(stacks, 400))
    expect(spansOf(rows)).toEqual([
      'main: main (app.js:4) user 100000-400000',
      'main: a (app.js:1) user 100000-300000',
      'main: b (app.js:1) user 200000-300000',
    ])
    expect(Array.from(rows.spans.parent!)).toEqual([-1, 0, 1])
  })

  it('is known by its content', () => {
    const text = JSON.stringify(profileOf([[1, 'a']], 2))
    expect(fileKind(Buffer.from(text))).toBe('cpuprofile')
    expect(fileKind(Buffer.from(`{ "startTime": 1, ${text.slice(1)}`))).toBe('cpuprofile')
    expect(fileKind(Buffer.from('{"nodes":[{"id":"a"}],"edges":[]}'))).toBe('json')
  })
})

describe('a profile of V8', () => {
  it('of node --cpu-prof is of its process and threads, on the clock of process.hrtime', async () => {
    const { files, printed } = runProfiled(`
      import { Worker } from 'node:worker_threads'
      ${BUSY}
      const from = process.hrtime.bigint()
      busyFor(60)
      console.log(String(process.pid), String(from), String(process.hrtime.bigint()))
      new Worker(${JSON.stringify(`${BUSY}; function spin() { busyFor(40) } spin()`)}, { eval: true })
    `)
    const [pid, fromNs, toNs] = printed.split(' ').map(BigInt) as [bigint, bigint, bigint]
    const captures = await Promise.all(files.map(path => loadCapture(path)))
    expect(captures.map(({ threads }) => threads[0]!.name)).toEqual(['main', 'worker 1'])
    expect(captures.map(({ processes }) => processes[0]!.pid)).toEqual([Number(pid), Number(pid)])
    const [main, worker] = captures
    expect(worker!.ops().some(({ name }) => name.startsWith('spin '))).toBe(true)

    const { spans } = main!
    const isBusy = (row: number) => spans.names[spans.name[row]!]!.text.startsWith('busyFor (app.mjs:')
    const rows = Array.from(spans.name.keys()).filter(isBusy)
    const { startTime } = JSON.parse(readFileSync(files[0]!, 'utf8')) as Profile
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) {
      const startNs = BigInt(startTime) * 1000n + spans.startNs[row]!
      expect(startNs).toBeGreaterThanOrEqual(fromNs)
      expect(startNs).toBeLessThanOrEqual(toNs)
    }
    expect(main!.warnings).toEqual([])
  })

  it('of node:inspector is read too, also packed', async () => {
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 200 })
    await session.post('Profiler.start')
    function spinHere() {
      const usedUs = () => process.cpuUsage().user
      for (const end = usedUs() + 40_000; usedUs() < end; ) for (let i = 0; i < 1e4; i++) Math.sqrt(i)
    }
    spinHere()
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    const path = join(folder, 'inspector.json.gz')
    writeFileSync(path, gzipSync(JSON.stringify(profile)))
    const capture = await loadCapture(path)
    expect(capture.ops().some(({ name }) => name.startsWith('spinHere (cpuprofile.test.ts'))).toBe(true)
    expect(capture.durationNs).toBe((profile.endTime - profile.startTime) * 1000)
  })
})
