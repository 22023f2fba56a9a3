// What programs do wrong with a recording that goes to a file while it goes on.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { type Capture, loadCapture, op, profile, record, type Session, span } from '../../src/index.js'
import { FAKES, fakeMachine, hasFakes } from '../gpu/fake-gpu.js'
import { runChild } from './child.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-misuse-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const newPath = () => join(folder, `${count++}.pftrace`)

const work = op('work')
function step(): void {
  work.begin()
  work.end()
}
const never = () => new Promise<never>(() => {})
const pathsOf = (capture: Capture) => capture.ops().map(row => [row.path.join('/'), row.calls, row.unfinished])
const codesOf = (capture: Capture) => capture.warnings.map(({ code }) => code)

describe('a session', () => {
  it('that was stopped gives the same capture again, and its file stays as it is', async () => {
    const profilePath = newPath()
    let session: Session | undefined
    const capture = await profile({ profilePath }, own => {
      session = own
      step()
    })
    const file = readFileSync(profilePath)
    expect(await session!.stop()).toBe(capture)
    expect(session!.stopSync()).toBe(capture)
    await expect(session!.stop({ profilePath: newPath() })).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_SESSION_STOPPED',
    })
    await session!.flush()
    session!.pause()
    session!.resume()
    session!.reset()
    expect(session!.state).toBe('stopped')
    expect(session!.capture).toBe(capture)
    expect(readFileSync(profilePath)).toEqual(file)
  })

  it('may be stopped by its own body, once', async () => {
    const profilePath = newPath()
    const stops: Capture[] = []
    const capture = await profile({ profilePath }, async session => {
      step()
      stops.push(await session.stop())
      step()
    })
    expect(stops).toEqual([capture])
    expect(pathsOf(await loadCapture(profilePath))).toEqual([['work', 1, 0]])
  })

  it('that is stopped twice at a time is stopped once', async () => {
    const profilePath = newPath()
    const captures: Capture[] = []
    await profile({ profilePath }, async session => {
      step()
      captures.push(...(await Promise.all([session.stop(), session.stop()])))
    })
    expect(captures[0]).toBe(captures[1])
    expect(pathsOf(await loadCapture(profilePath))).toEqual([['work', 1, 0]])
  })

  it('is in its file after a flush, and complete after the stop', async () => {
    const profilePath = newPath()
    await profile({ profilePath, flushMs: 600_000 }, async session => {
      step()
      await session.flush()
      const soFar = await loadCapture(profilePath)
      expect([pathsOf(soFar), codesOf(soFar)]).toEqual([[['work', 1, 0]], ['recording-cut']])
      step()
    })
    const capture = await loadCapture(profilePath)
    expect([pathsOf(capture), codesOf(capture)]).toEqual([[['work', 2, 0]], []])
  })

  it('has its file from the start, in place of an older one', async () => {
    const profilePath = newPath()
    await profile({ profilePath, flushMs: 600_000 }, step)
    for (let i = 0; i < 20; i++) {
      let begun: Buffer | undefined
      await profile({ profilePath, flushMs: 600_000 }, () => {
        begun = readFileSync(profilePath)
      })
      const path = newPath()
      writeFileSync(path, begun!)
      const capture = await loadCapture(path)
      expect([pathsOf(capture), codesOf(capture)]).toEqual([[], ['recording-cut']])
      await profile({ profilePath, flushMs: 600_000 }, step)
    }
  })

  it('that forgets what it had forgets it in its file too', async () => {
    const profilePath = newPath()
    const forgotten = op('forgotten')
    await profile({ profilePath, flushMs: 600_000 }, async session => {
      forgotten.begin()
      forgotten.end()
      await session.flush()
      session.reset()
      step()
      await session.flush()
      expect(pathsOf(await loadCapture(profilePath))).toEqual([['work', 1, 0]])
    })
    expect(pathsOf(await loadCapture(profilePath))).toEqual([['work', 1, 0]])
  })
})

describe('a span', () => {
  it('that is ended after the stop is unfinished, and the file stays as it is', async () => {
    const profilePath = newPath()
    const late = span('late')
    const spans = [late]
    const capture = await profile({ profilePath }, () => {
      spans.push(span('open'))
      work.begin()
    })
    const file = readFileSync(profilePath)
    work.end()
    for (const each of spans) {
      each.setAttribute('late', true)
      each.end()
      each.end()
    }
    for (const each of [capture, await loadCapture(profilePath)]) {
      expect(pathsOf(each)).toEqual([['work', 0, 1]])
      expect(each.asyncOps()).toMatchObject([{ path: ['open'], calls: 0, unfinished: 1 }])
      expect(codesOf(each)).toEqual(['unfinished-spans'])
    }
    expect(readFileSync(profilePath)).toEqual(file)
  })

  it('of a promise that never settles is unfinished, in the file of a flush too', async () => {
    const profilePath = newPath()
    await profile({ profilePath, flushMs: 600_000 }, async session => {
      void record('never', never)
      await session.flush()
      expect((await loadCapture(profilePath)).asyncOps()).toMatchObject([{ path: ['never'], calls: 0, unfinished: 1 }])
    })
    const capture = await loadCapture(profilePath)
    expect(capture.asyncOps()).toMatchObject([{ path: ['never'], calls: 0, unfinished: 1 }])
    expect(codesOf(capture)).toEqual(['unfinished-spans'])
  })

  it('of a thenable that is no promise ends at once, and nobody calls its then', async () => {
    const profilePath = newPath()
    let calls = 0
    // biome-ignore lint/suspicious/noThenProperty: the thenable is the point
    const query = { then: () => calls++ }
    await profile({ profilePath }, () => {
      expect(record('query', () => query)).toBe(query)
    })
    expect(calls).toBe(0)
    expect(pathsOf(await loadCapture(profilePath))).toEqual([['query', 1, 0]])
  })
})

describe('a start that fails', () => {
  it('for want of a GPU leaves the file that was there, and makes none', async () => {
    const [old, none] = [newPath(), newPath()]
    writeFileSync(old, 'of another program')
    const outcome = await runChild(
      `import { startProfiler } from 'opscope'
       for (const profilePath of ${JSON.stringify([old, none])}) {
         try { startProfiler({ gpu: 'required', profilePath }) } catch (error) { console.log(error.code) }
       }`,
      { OPSCOPE_CUDA_PATH: '/none' },
    )
    expect(outcome.stdout).toBe('ERR_OPSCOPE_GPU_UNAVAILABLE\n'.repeat(2))
    expect(readFileSync(old, 'utf8')).toBe('of another program')
    expect(existsSync(none)).toBe(false)
  })

  it.runIf(hasFakes())('for want of room beside the file leaves the GPU alone', async () => {
    // It used to be started for a session that never came, and stayed so to the end of the process.
    const profilePath = join(folder, 'blocked.json.gz')
    mkdirSync(`${profilePath}.partial.pftrace`)
    const outcome = await runChild(
      `import { createRequire } from 'node:module'
       import { startProfiler } from 'opscope'
       const fake = createRequire(import.meta.url)('${FAKES}/opscope_fake_gpu.node')
       const subscriptions = () => fake.calls().split('cuptiSubscribe').length - 1
       try { startProfiler({ profilePath: process.env.OUT }) } catch (error) { console.log(error.code, subscriptions()) }
       startProfiler()
       console.log(subscriptions())`,
      { ...fakeMachine(), OUT: profilePath },
    )
    expect(outcome).toMatchObject({ code: 0, stdout: 'ERR_OPSCOPE_FILE_WRITE 0\n1\n', stderr: '' })
    expect(existsSync(profilePath)).toBe(false)
  })
})

describe('a program', () => {
  it.each(['pftrace', 'json'])(
    'that waits for ever in profile() ends as it does alone, with its file (%s)',
    async suffix => {
      const out = join(folder, `for-ever.${suffix}`)
      const ending = await runChild(
        `import { op, profile } from 'opscope'
       const work = op('work')
       await profile({ profilePath: process.env.OUT }, () => { work.begin(); work.end(); return new Promise(() => {}) })`,
        { OUT: out },
      )
      // What Node says of a program whose top level waits for what cannot come.
      expect(ending).toMatchObject({ code: 13, signal: null })
      expect(pathsOf(await loadCapture(out))).toEqual([['work', 1, 0]])
    },
  )
})
