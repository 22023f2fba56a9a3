import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { FAKES, fakeMachine, hasFakes } from './fake-gpu.js'

// The suite for real GPUs (test/gpu-real) on the scripted one: its arithmetic must hold where the records are true, and
// must not hold where they are not.
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'opscope-gpu-suite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MACHINE = { ...fakeMachine({ devices: 2 }), GPU_SUITE_FAKES: FAKES }
const NO_DRIVER = fakeMachine({ driver: false })

interface Result {
  number: number
  verdict: string
  failure?: string
  rows: { claim: string; expected: string; measured: string; verdict: string }[]
}

function run(args: string[], env: Record<string, string>): Promise<{ code: number | null; stdout: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } })
    let stdout = ''
    child.stdout.on('data', data => (stdout += data))
    child.stderr.on('data', data => (stdout += data))
    child.on('close', code => resolve({ code, stdout }))
  })
}
const suite = (...args: string[]) => ['test/gpu-real/run.mjs', ...args]
const inNoTime = ['--fake', '--only', '1,2', '--seconds', '0', '--out', join(folder, 'none')]

// Concurrent: most of their time they wait for scripted kernels to end.
describe.skipIf(!hasFakes()).concurrent('the GPU suite on the scripted GPU', () => {
  beforeAll(() => run(suite(...inNoTime), MACHINE), 120_000) // compiles the library that all of them load

  it('passes every test, and writes a table of them', { timeout: 120_000 }, async () => {
    const out = join(folder, 'all')
    const { code, stdout } = await run(suite('--fake', '--small', '--out', out), MACHINE)
    const { tests } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as { tests: Result[] }
    const faults = tests.flatMap(({ number, verdict, failure, rows }) => {
      const failed = rows.filter(row => row.verdict === 'FAIL').map(row => `${number} ${row.claim}: ${row.measured}`)
      return verdict === 'PASS' ? [] : [`${number} ${verdict} ${failure ?? ''}`, ...failed]
    })
    expect(faults).toEqual([])
    expect(stdout).toContain(`\n${tests.length} passed, 0 failed, 0 skipped\n`)
    expect(code).toBe(0)
    const table = readFileSync(join(out, 'results.md'), 'utf8')
    for (const { number } of tests) expect(table).toMatch(new RegExp(`^\\| ${number} \\|.* PASS \\|$`, 'm'))
  })

  // The lies are explained in test/gpu-real/fake-gpu.mjs; each with the test that must notice, and a claim of it.
  const lies = [
    ['drop', 2, 'runtime: kernels'],
    ['drop', 11, 'one thread: recorded and lost'],
    ['counted', 11, 'one thread: lost'],
    ['slow', 1, '100 µs: median by events'],
    ['slow', 4, 'htod pinned→device: by records'],
    ['bytes', 3, 'htod pageable→device sync: bytes'],
    ['bytes', 15, 'bytes'],
    ['form', 3, 'htod pinned→device async: row'],
    ['memory', 3, 'dtoh device→pinned sync: memory'],
    ['thread', 5, 'range 0 stream 1: kernels'],
    ['node', 6, 'kernels of a graph made before the recording'],
    ['skew', 7, 'first: least time from kernel to end of wait'],
    ['cost', 10, 'one thread: added by opscope'],
    ['occupancy', 16, 'gs_shape<2> 256 threads: blocks, share of warps'],
    ['uncorrelated', 18, 'opscope, runtime launches: kernels with their call'],
    ['marker', 19, 'ranges'],
    ['slow', 21, 'three streams: busy'],
    ['bytes', 22, 'releases, bytes'],
  ] as const
  it.each(lies)('fails when the records lie: %s, test %i', async (lie, number, claim) => {
    const file = join(folder, `${lie}-${number}.json`)
    await run(['test/gpu-real/one.mjs', String(number), file], {
      ...MACHINE,
      GPU_SUITE_BACKEND: 'fake',
      GPU_SUITE_SIZE: 'small',
      GPU_SUITE_CUPTI: `${FAKES}/cupti-13/libcupti.so.13`,
      GPU_SUITE_LIE: lie,
    })
    const { verdict, rows, failure } = JSON.parse(readFileSync(file, 'utf8')) as Result
    expect(failure).toBeUndefined()
    expect(rows.find(row => row.claim === claim)).toMatchObject({ verdict: 'FAIL' })
    expect(verdict).toBe('FAIL')
  })

  it('names the tests that it found no time for', async () => {
    const { stdout } = await run(suite(...inNoTime), MACHINE)
    expect(stdout).toContain('Not run within 0 s: --only 1,2\n')
    expect(stdout).toContain('\n0 passed, 0 failed, 2 skipped\n')
  })
})

describe('without a GPU', () => {
  it('skips the suite with the reason that doctor gives', async () => {
    const { code, stdout } = await run(suite(), NO_DRIVER)
    expect(stdout).toMatch(/^GPU suite skipped: no-driver: .+\n$/)
    expect(code).toBe(0)
  })
  it('fails where one is required', async () => {
    const { code, stdout } = await run(suite('--required'), NO_DRIVER)
    expect(stdout).toContain('GPU suite skipped: no-driver')
    expect(code).toBe(1)
  })
  it('says what the demo needs', async () => {
    const { code, stdout } = await run(['examples/demo-gpu.mjs'], NO_DRIVER)
    expect(stdout).toMatch(/^This demo needs a GPU, a driver and a CUDA toolkit: no-driver: /)
    expect(code).toBe(0)
  })
})
