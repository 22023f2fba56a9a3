import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'

import {
  isProfilerEnabled,
  loadCapture,
  op,
  profile,
  profileBatches,
  profiler,
  resetProfiler,
  type Session,
  startProfiler,
  stopProfiler,
  stopProfilerSync,
} from '../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-profiler-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const work = op('work')
function run(times = 1): void {
  for (let i = 0; i < times; i++) {
    work.begin()
    work.end()
  }
}
const calls = (capture: { ops(): { calls: number }[] }) => capture.ops().map(row => row.calls)

afterEach(() => {
  vi.restoreAllMocks()
  if (isProfilerEnabled()) stopProfilerSync({ print: false })
})

describe('startProfiler and stopProfiler', () => {
  it('print the report to stdout, unless told not to', async () => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation(text => written.push(String(text)) > 0)
    startProfiler()
    run()
    await stopProfiler({ print: false })
    expect(written).toEqual([])
    startProfiler()
    run()
    await stopProfiler({ sortedKey: 'total' })
    expect(written.join('')).toContain('work')
  })

  it('have the same names in the profiler object', () => {
    expect(profiler.startProfiler).toBe(startProfiler)
    expect(profiler.stopProfiler).toBe(stopProfiler)
  })

  it('refuse to start twice, to stop or reset what does not run', async () => {
    startProfiler({ print: false })
    expect(() => startProfiler()).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_ALREADY_STARTED' }))
    expect(isProfilerEnabled()).toBe(true)
    await stopProfiler()
    expect(isProfilerEnabled()).toBe(false)
    await expect(stopProfiler()).rejects.toMatchObject({ code: 'ERR_OPSCOPE_NOT_STARTED' })
    expect(() => resetProfiler()).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_NOT_STARTED' }))
  })

  it.each([
    [{ sortKey: 'total' }, 'ERR_OPSCOPE_OPTION_UNKNOWN', 'sortedKey'],
    [{ state: 'gpu' }, 'ERR_OPSCOPE_OPTION_VALUE', 'GPU'],
    [{ tracerOption: 'OpDetails' }, 'ERR_OPSCOPE_OPTION_VALUE', 'OpDetail'],
    [{ sortedKey: 'avg' }, 'ERR_OPSCOPE_OPTION_VALUE', 'ave'],
    [{ categories: ['cpu-op'] }, 'ERR_OPSCOPE_OPTION_VALUE', 'cpu_op'],
    [{ bufferMB: 0 }, 'ERR_OPSCOPE_OPTION_VALUE', 'bufferMB'],
    [{ print: 'yes' }, 'ERR_OPSCOPE_OPTION_VALUE', 'boolean'],
    [{ attributes: { a: [] } }, 'ERR_OPSCOPE_OPTION_VALUE', 'attributes'],
    [{ gpu: 'required' }, 'ERR_OPSCOPE_GPU_UNAVAILABLE', 'auto'],
    [{ profilePath: '/no/such/folder/file.pftrace' }, 'ERR_OPSCOPE_FILE_WRITE', '/no/such/folder'],
  ])('refuse %o before anything starts', (options, code, text) => {
    expect(() => startProfiler(options as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    )
    expect(isProfilerEnabled()).toBe(false)
  })

  it('go on after a stop with a bad path, so that a corrected one loses nothing', async () => {
    startProfiler({ print: false })
    run(3)
    await expect(stopProfiler({ profilePath: join(folder, 'none', 'x.json') })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_FILE_WRITE',
    })
    await expect(stopProfiler({ sortedKey: 'tot' as never })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_OPTION_VALUE',
    })
    run(2)
    const path = join(folder, 'corrected.pftrace')
    const capture = await stopProfiler({ profilePath: path })
    expect(calls(capture)).toEqual([5])
    expect(calls(await loadCapture(path))).toEqual([5])
  })

  it('write to a path given at the start when the recording stops', async () => {
    const path = join(folder, 'start.json')
    startProfiler({ profilePath: path, print: false })
    run()
    await stopProfiler()
    expect(JSON.parse(readFileSync(path, 'utf8')).traceEvents.length).toBeGreaterThan(0)
  })

  it('keep the capture in memory when the disk is full, with a warning', async () => {
    startProfiler({ print: false })
    run()
    const capture = await stopProfiler({ profilePath: '/dev/full' })
    expect(calls(capture)).toEqual([1])
    expect(capture.warnings.map(warning => warning.code)).toContain('file-not-written')
  })

  it('leave an old file that cannot grow alone until the new one is complete', async () => {
    const path = join(folder, 'old.json.gz')
    writeFileSync(path, 'old')
    startProfiler({ profilePath: path, print: false })
    expect(readFileSync(path, 'utf8')).toBe('old')
    await stopProfiler()
    expect(readFileSync(path, 'utf8')).not.toBe('old')
  })

  it('forget the warm-up at a reset', async () => {
    startProfiler({ print: false })
    run(10)
    resetProfiler()
    run(2)
    expect(calls(await stopProfiler())).toEqual([2])
  })

  it('stop in one blocking call too', () => {
    startProfiler({ print: false })
    run(4)
    expect(calls(stopProfilerSync())).toEqual([4])
  })

  it('record only the categories asked for', async () => {
    startProfiler({ print: false, categories: ['section'] })
    run()
    expect(calls(await stopProfiler())).toEqual([])
  })

  it('take what the call leaves out from the environment, and ignore a malformed variable', async () => {
    vi.stubEnv('OPSCOPE_TRACER_OPTION', 'OpDetail')
    vi.stubEnv('OPSCOPE_BUFFER_MB', 'plenty')
    const warned: string[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation(text => warned.push(String(text)) > 0)
    startProfiler({ print: false })
    const capture = await stopProfiler()
    vi.unstubAllEnvs()
    expect(capture.tracerOption).toBe('OpDetail')
    expect(warned.join('')).toContain('OPSCOPE_BUFFER_MB is ignored')
  })
})

describe('profile', () => {
  it('leaves out what ran while paused', async () => {
    const capture = await profile({ startPaused: true }, session => {
      run(10)
      session.resume()
      session.resume()
      run(1)
      session.pause()
      run(10)
      session.resume()
      run(2)
    })
    expect(calls(capture)).toEqual([3])
  })

  it('finishes the recording when the body throws, and throws the same error', async () => {
    const problem = new Error('body')
    const seen: unknown[] = []
    let held: Session | undefined
    const path = join(folder, 'thrown.pftrace')
    const promise = profile(
      { profilePath: path, onCapture: (capture, error) => seen.push(calls(capture), error) },
      session => {
        held = session
        run()
        throw problem
      },
    )
    await expect(promise).rejects.toBe(problem)
    expect(seen).toEqual([[1], problem])
    expect(held?.capture && calls(held.capture)).toEqual([1])
    expect(existsSync(path)).toBe(true)
  })

  it('runs several at once, each with its own window', async () => {
    const outer = await profile({}, async () => {
      run(1)
      const inner = await profile({}, () => run(2))
      expect(calls(inner)).toEqual([2])
      run(4)
    })
    expect(calls(outer)).toEqual([7])
  })

  it('keeps facts about the recording', async () => {
    const capture = await profile({ state: 'CPU', attributes: { model: 'resnet', batch: 8 } }, () => {})
    expect(capture.attributes).toEqual({ model: 'resnet', batch: 8 })
    expect(capture.state).toBe('CPU')
    expect(capture.gpu).toEqual({ available: false, reason: expect.any(String) })
    expect(JSON.parse(JSON.stringify(capture))).toMatchObject({ state: 'CPU', ops: [] })
  })
})

describe('profileBatches', () => {
  it('profiles the half-open range of batches', async () => {
    const batches = profileBatches({ batchRange: [2, 5], print: false })
    for (let batch = 0; batch < 8; batch++) {
      run(10 ** (batch % 8) > 1e4 ? 1 : 2)
      await batches.step()
    }
    expect(batches.capture && calls(batches.capture)).toEqual([6])
  })

  it('starts at once when the range starts at 0, and ends early with finish()', async () => {
    const batches = profileBatches({ batchRange: [0, 100], print: false })
    run()
    await batches.step()
    const capture = await batches.finish()
    expect(capture && calls(capture)).toEqual([1])
    expect(isProfilerEnabled()).toBe(false)
  })

  it("reads Paddle's option text", async () => {
    const path = join(folder, 'batches')
    const batches = profileBatches(
      `batch_range=[1, 2];state=CPU;sorted_key=None;tracer_option=OpDetail;profile_path=${path};print=False;exit_on_finished=False`,
    )
    for (let batch = 0; batch < 3; batch++) {
      run()
      await batches.step()
    }
    expect(batches.capture).toMatchObject({ state: 'CPU', tracerOption: 'OpDetail' })
    expect(existsSync(path)).toBe(true)
  })

  it.each(['batch_rage=[1,2]', 'batch_range=[2,1]', 'batch_range=ten', 'state', 'exit_on_finished=maybe'])(
    'refuses "%s"',
    text => {
      expect(() => profileBatches(text)).toThrow(expect.objectContaining({ name: 'OpscopeError' }))
    },
  )
})
