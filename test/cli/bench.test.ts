import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

import { loadResults } from '../../src/bench/index.js'
import { until } from '../until.js'
import { cli, startCli } from './run-cli.js'

const BENCH = JSON.stringify(fileURLToPath(new URL('../../lib/bench/index.js', import.meta.url)))
const OPSCOPE = JSON.stringify(fileURLToPath(new URL('../../lib/index.js', import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'opscope-cli-bench-'))
const at = (name: string) => join(folder, name)
// Enough after the first look, at 12 rounds, unless the machine is very busy.
const ONE = ['--budget', '30s', '--one-process', '--interval', '30%']
const QUICK = ['--warmup', '5ms', '--sample', '1ms', '--columns', '80']

/** A module with an `infer` that takes about so many ms of CPU, and what else is given. */
function write(name: string, ms: number, more = ''): string {
  const text = `
import { bench } from ${BENCH}
import { recordSync } from ${OPSCOPE}
const numbers = Float64Array.from({ length: 1000 }, (_, at) => Math.sin(at))
function sum() {
  let total = 0
  for (let at = 0; at < 1000; at++) total += numbers[at] * numbers[999 - at]
  return total
}
const work = ms => recordSync('infer', () => { for (let times = ms * 800; times > 0; times--) sum() })
bench('infer', () => work(${ms}))
${more}`
  writeFileSync(at(name), text)
  return at(name)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

let base: string
let slow: string
beforeAll(() => {
  base = write('base.mjs', 0.5)
  slow = write('slow.mjs', 1)
})

// Each starts several processes, which takes its time where others run tests, too.
const PATIENT = { timeout: 120_000 }

describe('opscope bench', PATIENT, () => {
  it('reports cases and ops, and saves results that a later run compares with', async () => {
    const saved = at('base.json')
    const first = await cli(['bench', base, ...QUICK, ...ONE, '--json', saved])
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(first.stdout).toMatch(/^ {2}infer +\d/m)
    expect(first.stdout).toMatch(/Ops of infer, per iteration\n.*\n {2}infer /)
    expect(await loadResults(saved)).toMatchObject({ unit: 'round', cases: [{ name: 'infer' }] })

    const slower = ['bench', slow, ...QUICK, ...ONE, '--against', saved]
    const second = await cli(slower)
    expect(second.code).toBe(3)
    expect(second.stdout).toMatch(/infer .* SLOWER/)
  })

  it('runs each few rounds in a fresh process, all files, and JSON alone on standard output', async () => {
    const args = ['bench', base, slow, ...QUICK, '--budget', '3s', '--no-ops', '--json', '-']
    const { code, stdout } = await cli(args)
    const { cases, unit } = JSON.parse(stdout)
    expect([code, unit]).toEqual([0, 'launch'])
    expect(cases.map(({ name }: { name: string }) => name)).toEqual([`${base} > infer`, `${slow} > infer`])
    for (const { roundsNs } of cases)
      expect(new Set(roundsNs.map(({ length }: number[]) => length))).toEqual(new Set([5]))
  })

  it('ends what does not end, and what it saw is told; the others are measured', async () => {
    const file = write(
      'bad.mjs',
      0.5,
      `bench('endless', () => { for (;;) {} })
bench('never settles', () => new Promise(() => {}))
bench('exits', () => process.exit(7))
bench('crashes', () => process.kill(process.pid, 'SIGKILL'))
bench('throws', () => { throw new Error('no model') })`,
    )
    const { code, stdout } = await cli(['bench', file, ...QUICK, '--budget', '3s', '--deadline', '300ms', '--no-ops'])
    const text = stdout.replaceAll(/\s+/g, ' ')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ {2}infer +\d/m)
    expect(text).toMatch(/FAILED endless, in its warm-up: it did not answer within \d+ ms, and its process was ended/)
    expect(text).toContain('FAILED never settles, in its warm-up: it did not end within 300 ms')
    expect(text).toContain('FAILED exits, in its warm-up: the process ended with code 7')
    expect(text).toContain('FAILED crashes, in its warm-up: the process was ended by SIGKILL')
    expect(text).toContain('FAILED throws, in its warm-up: no model')
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('takes a case that loops with it when %s ends it', async signal => {
    const started = at(`started-by-${signal}`)
    const file = at('loops.mjs')
    writeFileSync(
      file,
      `import { renameSync, writeFileSync } from 'node:fs'
export default {
  loops: () => {
    writeFileSync(${JSON.stringify(`${started}.part`)}, String(process.pid))
    renameSync(${JSON.stringify(`${started}.part`)}, ${JSON.stringify(started)})
    for (;;) {}
  },
}`,
    )
    const command = startCli(['bench', file, ...QUICK])
    const ended = once(command, 'exit')
    await until('the case to loop', () => existsSync(started))
    const pid = Number(readFileSync(started, 'utf8'))
    command.kill(signal)
    expect(await ended).toEqual([null, signal])
    await until('the case to be gone', () => !isRunning(pid))
  })

  it('takes no message of a case for an answer of its own', async () => {
    const file = write(
      'talks.mjs',
      0.5,
      `bench('talks', () => { for (const said of ['hello', null, 7, { value: 1 }, { failure: {} }]) process.send(said) })`,
    )
    const { code, stdout, stderr } = await cli(['bench', file, ...QUICK, '--budget', '2s', '--no-ops'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ {2}talks +\d/m)
  })

  it.each<[string, string, number, RegExp]>([
    ['nothing to run', 'export const x = 1', 1, /has no case to run[\s\S]*bench\(name, body\)/],
    ['a mistake in it', 'throw new Error("typo")', 1, /Cannot run .*: typo/],
    [
      'two cases of one name',
      `import { bench } from ${BENCH}; bench('a', () => 1); bench('a', () => 1)`,
      1,
      /Two cases/,
    ],
    ['a loop that does not end', 'for (;;) {}', 1, /did not answer within/],
    ['an exit', 'process.exit(0)', 1, /the process ended with code 0/],
  ])('answers a file with %s', async (_, text, expected, message) => {
    writeFileSync(at('odd.mjs'), text)
    const { code, stdout, stderr } = await cli(['bench', at('odd.mjs'), ...QUICK, '--deadline', '1s'])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  it.each<[string[], RegExp]>([
    [['bench'], /missing required argument 'files'/],
    [['bench', 'x', '--budget', '3'], /a time with its unit/],
    [['bench', 'x', '--interval', 'narrow'], /a share: 3% or 0.03/],
    [['gate', 'x'], /missing required argument 'head'/],
  ])('answers wrong usage %j with code 2', async (args, message) => {
    const { code, stderr } = await cli(args)
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})

describe('opscope gate', PATIENT, () => {
  const GATE = [...QUICK, '--no-ops', '--budget', '60s']

  it('says 3 when the head is slower, and 0 when it is not, of files that take turns', async () => {
    const json = at('gate.json')
    const regressed = await cli(['gate', base, slow, ...GATE, '--threshold', '50%', '--json', json])
    expect(regressed).toMatchObject({ code: 3, stderr: '' })
    expect(regressed.stdout).toMatch(/infer .* SLOWER/)
    const found = JSON.parse(readFileSync(json, 'utf8'))
    expect(found).toMatchObject({ method: 'interleaved', threshold: 0.5, cases: [{ verdict: 'slower' }] })
    expect((await cli(['gate', slow, base, ...GATE, '--threshold', '50%', '--one-process'])).code).toBe(0)
  })

  it('fails when nothing was compared', async () => {
    const other = at('other.mjs')
    writeFileSync(other, 'export default { another: () => 1 }')
    const { code, stdout } = await cli(['gate', base, other, ...GATE])
    expect(code).toBe(1)
    expect(stdout).toContain('Nothing was compared.')
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`Not compared: another: only in ${other}`)
  })

  it('fails when nothing could be decided', async () => {
    const { code, stdout } = await cli(['gate', base, base, ...QUICK, '--no-ops', '--budget', '1ms'])
    expect([code, stdout]).toEqual([1, expect.stringContaining('Undecided (infer)')])
  })

  it('fails when the head of two results has a case that failed', async () => {
    const saved = at('failed.json')
    const bad = write('fails.mjs', 0.5, `bench('throws', () => { throw new Error('no model') })`)
    await cli(['bench', bad, ...QUICK, '--no-ops', '--one-process', '--budget', '1s', '--json', saved])
    const { code, stdout } = await cli(['gate', saved, saved])
    expect([code, stdout]).toEqual([1, expect.stringContaining('throws: nothing was measured')])
  })

  it('refuses results of another machine', async () => {
    const results = JSON.parse(readFileSync(at('failed.json'), 'utf8'))
    results.environment.cpu = 'another'
    writeFileSync(at('elsewhere.json'), JSON.stringify(results))
    const { code, stderr } = await cli(['gate', at('failed.json'), at('elsewhere.json')])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/unlike machines[\s\S]*--allow-unlike/)])
    expect((await cli(['gate', at('failed.json'), at('elsewhere.json'), '--allow-unlike'])).stderr).toBe('')
  })
})
