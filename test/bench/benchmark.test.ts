import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { op, profiler, recordSync } from 'opscope'
import { describe, expect, it } from 'vitest'

import { type BenchData, bench, benchmark, compare, compareCases, loadResults, suite } from '../../src/bench/index.js'
import { OpscopeError } from '../../src/errors.js'
import { randomNumbers } from '../../src/model/statistics.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))
const QUICK = { warmupMs: 2, budgetMs: 300, sampleMs: 1 }

const numbers = Float64Array.from({ length: 1000 }, (_, at) => Math.sin(at))
/** A thousand steps, about 1 µs. */
function sum(): number {
  let total = 0
  for (let at = 0; at < 1000; at++) total += numbers[at]! * numbers[999 - at]!
  return total
}
/** Work of about so many ms, by its amount: a body that watches the clock would do less when others have the CPU. */
function spin(ms: number): number {
  let total = 0
  for (let times = ms * 800; times > 0; times--) total += sum()
  return total
}

describe('benchmark()', () => {
  it('measures sync and async bodies by what they take, and counts items', async () => {
    const { cases, unit } = await benchmark({
      ...QUICK,
      cases: {
        sync: () => spin(1),
        async: { run: async () => void (await new Promise(resolve => setTimeout(resolve, 1))), items: 8 },
      },
    })
    const [sync, async] = cases
    expect(unit).toBe('round')
    expect(sync).toMatchObject({ name: 'sync', isAsync: false, iterations: 1, p99Of: 'iteration' })
    expect(async).toMatchObject({ name: 'async', isAsync: true, items: 8 })
    for (const each of cases) {
      expect(each.medianNs).toBeGreaterThan(0.2e6)
      expect(each.itemsPerSecond).toBeCloseTo((each.items * 1e9) / each.medianNs, 6)
      expect(each.samples).toBe(2 * each.unitsNs.length)
      if (each.interval !== null) {
        expect(each.interval.low).toBeLessThanOrEqual(each.medianNs)
        expect(each.interval.high).toBeGreaterThanOrEqual(each.medianNs)
      }
    }
  })

  it('repeats a short body in a sample, and says that its p99 is of samples', async () => {
    const { cases } = await benchmark({ ...QUICK, cases: { tiny: () => Math.sqrt(2) } })
    expect(cases[0]).toMatchObject({ p99Of: 'sample' })
    expect(cases[0]!.iterations).toBeGreaterThan(1000)
  })

  it('tells the ops of an iteration, and what recording them costs', async () => {
    const matmul = op('matmul')
    const { cases } = await benchmark({
      ...QUICK,
      budgetMs: 5000,
      cases: {
        infer: () =>
          recordSync('infer', () => {
            for (let layer = 0; layer < 3; layer++) {
              matmul.begin()
              spin(0.2)
              matmul.end()
            }
          }),
      },
    })
    const { ops, profilerCost, medianNs } = cases[0]!
    expect(ops.map(({ path, calls }) => [path, calls])).toEqual([
      [['infer'], 1],
      [['infer', 'matmul'], 3],
    ])
    expect(ops[1]!.medianNs).toBeGreaterThan(0.4 * medianNs)
    expect(ops[1]!.medianNs).toBeLessThanOrEqual(ops[0]!.medianNs)
    // Two profiled samples a block.
    expect(ops[0]!.valuesNs.length % 2).toBe(0)
    expect(profilerCost!.interval!.low).toBeLessThanOrEqual(profilerCost!.value)
  })

  it('gives what setup resolves to to the body and to teardown, once each', async () => {
    const seen: unknown[] = []
    const model = { name: 'model' }
    await benchmark({
      ...QUICK,
      profile: false,
      cases: {
        infer: {
          setup: async () => model,
          run: (context: typeof model) => {
            if (!seen.includes(context)) seen.push(context)
          },
          teardown: (context: typeof model) => void seen.push('down', context),
        },
      },
    })
    expect(seen).toEqual([model, 'down', model])
  })

  it('goes on with the others when cases fail, and says where and why', async () => {
    let calls = 0
    const results = await benchmark({
      ...QUICK,
      deadlineMs: 50,
      profile: false,
      cases: {
        'throws late': () => {
          if (++calls > 3) throw new Error('the fourth')
          spin(0.1)
        },
        'never settles': () => new Promise(() => {}),
        'no model': { setup: () => Promise.reject(new Error('no such file')), run: () => 1 },
        'throws nothing': () => {
          throw undefined
        },
        'cannot clean': {
          run: () => 1,
          teardown: () => {
            throw new Error('busy')
          },
        },
        fine: () => spin(0.1),
      },
    })
    expect(results.hasFailures).toBe(true)
    const failures = Object.fromEntries(results.cases.map(({ name, failure }) => [name, failure]))
    expect(failures).toMatchObject({
      'throws late': { message: 'the fourth' },
      'never settles': { stage: 'warm-up', message: 'it did not end within 50 ms' },
      'no model': { stage: 'setup', message: 'no such file' },
      'throws nothing': { message: 'undefined' },
      'cannot clean': { stage: 'teardown', message: 'busy' },
    })
    expect(failures.fine).toBeUndefined()
    expect(results.cases.find(({ name }) => name === 'fine')!.unitsNs.length).toBeGreaterThan(0)
    expect(results.report({ columns: 80 })).toContain('FAILED no model, in its setup: no such file')
  })

  it('says of times that vary tenfold that their interval was not reached', async () => {
    // Not in turns: a sample that has two of them would always take the same.
    const random = randomNumbers(1)
    const results = await benchmark({
      ...QUICK,
      profile: false,
      cases: { wild: () => spin(random() < 0.5 ? 0.3 : 3) },
    })
    expect(results.cases[0]!.isSettled).toBe(false)
    expect(results.report().replaceAll(/\s+/g, ' ')).toContain('! No case reached the interval of ±1.0%')
    expect(results.warnings).toEqual([])
  })

  it('measures without ops where the program profiles itself, and says so', async () => {
    profiler.startProfiler({ print: false })
    try {
      const { cases, warnings } = await benchmark({ ...QUICK, cases: { plain: () => spin(0.1) } })
      expect(warnings).toEqual(['No ops were recorded: The program has started the profiler itself.'])
      expect(cases[0]).toMatchObject({ ops: [], profilerCost: null })
      expect(profiler.isProfilerEnabled()).toBe(true)
    } finally {
      await profiler.stopProfiler()
    }
  })

  it('keeps within its width', async () => {
    const results = await benchmark({
      ...QUICK,
      cases: { ['a name that is long '.repeat(6)]: () => recordSync('an op '.repeat(30), () => spin(0.2)) },
    })
    for (const columns of [60, 80, 120]) {
      const widest = Math.max(
        ...results
          .report({ columns })
          .split('\n')
          .map(line => line.length),
      )
      expect(widest).toBeLessThanOrEqual(columns)
    }
    expect(String(results)).not.toContain('Ops of')
  })

  it.each<[string, Parameters<typeof benchmark>[0], RegExp]>([
    ['no case', { cases: {} }, /There is no case to run/],
    ['two cases of one name', { cases: ['a', 'a'].map(name => ({ name, run: () => 1 })) }, /Two cases are named "a"/],
    ['a body that is no function', { cases: { a: 1 as never } }, /the case "a" to be a function/],
    ['a case without a name', { cases: [{ run: () => 1 } as never] }, /the name of a case to be a text/],
    [
      'an option of a case that there is not',
      { cases: { a: { run: () => 1, setUp: 1 } as never } },
      /"setUp"[\s\S]*setup/,
    ],
    ['a hook that is no function', { cases: { a: { run: () => 1, setup: 1 as never } } }, /"setup" of the case "a"/],
    ['items below 1 item', { cases: { a: { run: () => 1, items: 0 } } }, /"items" of the case "a"/],
    ['an option that there is not', { budget: 1 } as never, /Unknown option "budget"/],
    ['a budget of nothing', { cases: { a: () => 1 }, budgetMs: 0 }, /"budgetMs" option/],
    ['an interval in percent', { cases: { a: () => 1 }, targetInterval: 50 }, /a share: 0.03 is 3 %/],
    ['a filter that fits none', { cases: { a: () => 1 }, filter: 'b' }, /No case has "b"[\s\S]*There are: a/],
    ['a baseline that is a part of a name', { cases: { base: () => 1 }, baseline: 'bas' }, /No case is named "bas"/],
    ['a wrong option of the profiler', { cases: { a: () => 1 }, profile: { state: 'gpu' as never } }, /"state" option/],
  ])('refuses %s before anything runs', async (_, options, message) => {
    const refused = benchmark(options)
    await expect(refused).rejects.toThrow(OpscopeError)
    await expect(refused).rejects.toThrow(message)
  })
})

describe('bench() and suite()', () => {
  it('collect cases that benchmark() runs', async () => {
    bench('outside', () => 1)
    suite('models', () => suite('small', () => bench('infer', () => 1, { items: 4 })))
    expect(() => bench('outside', () => 2)).toThrow(/Two cases are named "outside"/)
    const { cases } = await benchmark({ ...QUICK, profile: false })
    expect(cases.map(({ name, items }) => [name, items])).toEqual([
      ['outside', 1],
      ['models > small > infer', 4],
    ])
  })
})

describe('a comparison', () => {
  it('of cases of one run tells which is slower, and which is the same', async () => {
    const results = await benchmark({
      warmupMs: 5,
      sampleMs: 1,
      budgetMs: 20_000,
      profile: false,
      baseline: 'base',
      cases: { base: () => spin(1), same: () => spin(1), slow: () => spin(1.3) },
    })
    const found = compareCases(results, 'base')
    expect(found.cases.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['same', 'same'],
      ['slow', 'slower'],
    ])
    expect(found.cases[1]!.ratio).toBeCloseTo(1.3, 1)
    expect(found.isRegression).toBe(true)
    expect(found.report({ columns: 80 })).toMatch(/slow .* \+\d\d\.\d% .* SLOWER/)
    for (const [base, heads] of [['bass'], ['bas'], ['base', ['same', 'slo']]] as [string, string[]?][]) {
      const message = /No case is named "(bass?|slo)"[\s\S]*There are: base, same, slow/
      expect(() => compareCases(results, base, heads === undefined ? {} : { heads })).toThrow(message)
    }
  })

  it('of saved results knows what was saved', async () => {
    const results = await benchmark({ ...QUICK, cases: { a: () => recordSync('a', () => spin(0.5)) } })
    const path = join(folder, 'results.json')
    writeFileSync(path, JSON.stringify(results))
    const loaded = await loadResults(path)
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(results))
    expect(loaded.report({ columns: 80 })).toBe(results.report({ columns: 80 }))
    const found = compare(loaded, results)
    expect(found).toMatchObject({ method: 'separate', leftOut: [], isRegression: false })
    // A run of one process does not say how far another would differ: a change of 3 % cannot be excluded.
    expect(found.cases[0]!.verdict).toBe('undecided')
  })

  it('refuses results of which a part is missing or of another kind, whichever it is', async () => {
    const results = await benchmark({ ...QUICK, cases: { a: () => recordSync('a', () => spin(0.5)) } })
    const path = join(folder, 'damaged.json')
    const whole = JSON.stringify(results)
    const refused = async (damage: (data: BenchData) => unknown) => {
      const data = JSON.parse(whole) as BenchData
      damage(data)
      writeFileSync(path, JSON.stringify(data))
      await expect(loadResults(path)).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_DAMAGED' })
    }
    const parts: ((data: BenchData) => object)[] = [
      data => data,
      data => data.environment,
      data => data.cases[0]!,
      data => data.cases[0]!.ops[0]!,
    ]
    for (const part of parts) {
      for (const key of Object.keys(part(results)).filter(each => each !== 'format' && each !== 'version')) {
        await refused(data => Object.assign(part(data), { [key]: { an: 'object' } }))
        if (key === 'interval' || key === 'profilerCost') continue
        await refused(data => delete (part(data) as Record<string, unknown>)[key])
      }
    }
    const numbers = (values: readonly unknown[]) => values as number[]
    await refused(({ cases }) => numbers(cases[0]!.unitsNs).pop())
    await refused(({ cases }) => numbers(cases[0]!.paceNs).push(1))
    await refused(({ cases }) => numbers(cases[0]!.roundsNs[0]!).push(1))
    await refused(({ cases }) => numbers(cases[0]!.unitsNs).fill(-1))
  })

  it.each<[string, string, RegExp]>([
    ['no JSON', 'bench("a")', /is no JSON/],
    ['other JSON', '{"cases":[]}', /holds no benchmark results/],
    ['null', 'null', /holds no benchmark results/],
    ['a newer format', '{"format":"opscope-bench","version":2}', /newer opscope/],
    ['half a file', '{"format":"opscope-bench","version":1,"title":"x"}', /lacks parts/],
  ])('refuses a file that is %s', async (_, text, message) => {
    const path = join(folder, 'bad.json')
    writeFileSync(path, text)
    await expect(loadResults(path)).rejects.toThrow(message)
    await expect(loadResults(join(folder, 'nothing.json'))).rejects.toThrow(/Cannot read/)
  })
})
