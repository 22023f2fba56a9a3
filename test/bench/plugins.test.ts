import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { op, record, recordSync } from 'opscope'
import { Bench } from 'tinybench'
import { describe, expect, it, vi } from 'vitest'

import { opReports, type TinyBench } from '../../src/bench/plugins/tinybench.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const QUICK = { time: 5, iterations: 5, warmup: false, warmupTime: 0, warmupIterations: 0 }
const require = createRequire(import.meta.url)
// That of vitest is version 2.9.
const old = createRequire(require.resolve('vitest/package.json')).resolve('tinybench')

const matmul = op('matmul')
function infer(): void {
  recordSync('infer', () => {
    for (let layer = 0; layer < 2; layer++) {
      matmul.begin()
      matmul.end()
    }
  })
}
const OPS_OF_INFER = [
  [['infer'], 1],
  [['infer', 'matmul'], 2],
]

describe.each<[string, () => Promise<TinyBench>]>([
  ['6', async () => new Bench(QUICK)],
  ['2.9', async () => new (await import(pathToFileURL(old.replace(/\.cjs$/, '.js')).href)).Bench(QUICK)],
])('tinybench %s, with one line more', (_, make) => {
  it('tells the ops of its tasks and leaves its results as they were', async () => {
    const bench = await make()
    const reports = opReports(bench, { print: false })
    let calls = 0
    bench.add('sync', infer)
    bench.add('async', async () => record('session.run', async () => void calls++))
    bench.add('fails', () => {
      throw new Error('no model')
    })
    bench.add('plain', () => 1)
    await bench.run()
    expect(reports.tasks.map(({ name }) => name)).toEqual(['sync', 'async', 'plain'])
    const [sync, async, plain] = reports.tasks
    expect(sync!.ops.map(({ path, calls }) => [path, calls])).toEqual(OPS_OF_INFER)
    expect(async!.ops.map(({ path, calls }) => [path, calls])).toContainEqual([['session.run (async)'], 1])
    expect(plain!.ops).toEqual([])
    const { result } = bench.getTask('async') as { result: { latency?: { samplesCount: number }; samples?: unknown[] } }
    expect(result.latency?.samplesCount ?? result.samples!.length).toBeLessThan(calls)
    expect(reports.report({ columns: 80 })).toMatch(/^Ops of sync, per iteration\n[\s\S]*\nplain has no ops: wrap/)
  })

  it('runs hooks outside of what is recorded', async () => {
    const bench = await make()
    const reports = opReports(bench, { print: false })
    const seen: string[] = []
    const hook = (name: string) => () => {
      if (seen.at(-1) !== name) seen.push(name)
      recordSync(name, () => {})
    }
    bench.add('infer', infer, {
      beforeAll: hook('beforeAll'),
      beforeEach: hook('beforeEach'),
      afterEach: hook('afterEach'),
      afterAll: hook('afterAll'),
    })
    await bench.run()
    expect(reports.tasks[0]!.ops.map(({ path, calls }) => [path, calls])).toEqual(OPS_OF_INFER)
    expect(seen.at(-1)).toBe('afterAll')
  })

  it('prints when it has run', async () => {
    const bench = await make()
    opReports(bench)
    bench.add('infer', infer)
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    try {
      await bench.run()
      expect(write.mock.calls.join('')).toMatch(/Ops of infer, per iteration[\s\S]*matmul/)
    } finally {
      write.mockRestore()
    }
  })

  it('says what it needs', async () => {
    const bench = await make()
    bench.add('infer', infer)
    expect(() => opReports(bench)).toThrow(/Call opReports\(bench\) right after new Bench\(\)/)
    expect(() => opReports({} as never)).toThrow(/Expected a Bench/)
    expect(() => opReports(bench, { prints: true } as never)).toThrow(/Unknown option "prints"/)
  })
})

it('tinybench that runs without promises gets its ops, too', () => {
  const bench = new Bench(QUICK)
  const reports = opReports(bench, { print: false })
  bench.add('infer', infer, { beforeEach: () => recordSync('hook', () => {}) })
  bench.runSync()
  expect(reports.tasks[0]!.ops.map(({ path, calls }) => [path, calls])).toEqual(OPS_OF_INFER)
})

describe('vitest, with one line of its configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-vitest-'))
  const vitest = async (...args: string[]) => {
    const main = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const env = { ...process.env, NO_COLOR: '1' }
    const run = promisify(execFile)(process.execPath, [main, ...args, '--root', folder], { cwd: folder, env })
    return (await run).stdout
  }
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/opscope'))
  symlinkSync(join(ROOT, 'node_modules/vitest'), join(folder, 'node_modules/vitest'))
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `export default { test: { runner: 'opscope/bench/vitest', reporters: 'default' } }`,
  )
  writeFileSync(
    join(folder, 'infer.bench.mjs'),
    `import { recordSync } from 'opscope'
import { bench, describe } from 'vitest'
describe('models', () => {
  bench('infer', () => recordSync('infer', () => recordSync('matmul', () => {})), { time: 5, warmupTime: 1 })
})`,
  )
  writeFileSync(
    join(folder, 'sum.test.mjs'),
    `import { expect, it } from 'vitest'
it('adds', () => expect(1 + 1).toBe(2))`,
  )

  it('adds op reports to vitest bench', async () => {
    const text = await vitest('bench', '--run')
    expect(text).toMatch(/infer.*hz|hz[\s\S]*infer/)
    expect(text).toMatch(/Ops of infer, per iteration\n.*\n {2}infer .*\n {4}matmul /)
  }, 100_000)
  it('runs tests as before', async () => {
    expect(await vitest('run')).toMatch(/1 passed/)
  }, 100_000)
})
