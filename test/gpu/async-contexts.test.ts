// Whose GPU time it is when JavaScript launches between awaits, on a scripted GPU in a process of its own.
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { runChild } from '../life-cycle/child.js'
import { FAKES, fakeMachine, hasFakes } from './fake-gpu.js'

const ADDON = new URL('../../build/test-addon/opscope_test_addon.node', import.meta.url).pathname

// launch(n) launches a kernel of n µs from the JavaScript thread. shown(capture) gives the inclusive GPU µs of each
// path, and the µs of rows that no span got as 'orphans'.
const PRELUDE = `
  import { createRequire } from 'node:module'
  import { setImmediate, setTimeout } from 'node:timers/promises'
  import { op, profile, record, recordSync, span, wrap } from 'opscope'
  const require = createRequire(import.meta.url)
  const gpu = require(${JSON.stringify(`${FAKES}/opscope_fake_gpu.node`)})
  const kernel = us => 'api cudaLaunchKernel dur=100\\nkernel k dur=' + us * 1000 + '\\n'
  const launch = us => gpu.run(kernel(us))
  function shown(capture, launchedUs) {
    const { spans } = capture
    const pathOf = row => (spans.parent[row] < 0 ? '' : pathOf(spans.parent[row]) + '/') + spans.names[spans.name[row]].text
    const times = {}
    let given = 0
    for (let row = 0; row < spans.length; row++) {
      const us = Number(spans.gpuNs[row]) / 1000
      if (us > 0) times[pathOf(row)] = (times[pathOf(row)] ?? 0) + us
      if (spans.parent[row] < 0) given += us
    }
    return { ...times, orphans: launchedUs - given }
  }
`

async function run(body: string, node?: string): Promise<unknown> {
  const outcome = await runChild(`${PRELUDE}\n${body}`, fakeMachine(), [], node)
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  return JSON.parse(outcome.stdout)
}

describe.skipIf(!hasFakes())('launches of JavaScript', () => {
  it('are known without exact mode wherever a span is open on the stack, or a body has not returned', async () => {
    const times = await run(`
      const matmul = op('matmul')
      const wrapped = wrap('wrapped', () => launch(8))
      const capture = await profile({ gpu: 'required' }, () =>
        record('predict', async () => {
          launch(1)
          await setImmediate()
          recordSync('sync', () => launch(2))
          matmul.begin(); launch(4); matmul.end()
          wrapped()
          const download = span('download'); launch(16); download.end()
          await record('inner', async () => { launch(32); await null; launch(64) })
        }))
      console.log(JSON.stringify(shown(capture, 127)))
    `)
    expect(times).toEqual({
      predict: 47,
      'predict/sync': 2,
      'predict/matmul': 4,
      'predict/wrapped': 8,
      'predict/inner': 32,
      orphans: 16 + 64,
    })
  })

  const EXACT = `
    const capture = await profile({ gpu: 'required', attribution: 'exact' }, async () => {
      launch(1)
      const request = (name, first, second, third) => record(name, async () => {
        await setImmediate()
        launch(first)
        await record('inner', async () => { await null; launch(second); await setTimeout(2) })
        launch(third)
      })
      await Promise.all([request('a', 2, 4, 8), request('b', 16, 32, 64)])
      launch(128)
      await record('thrower', async () => { await null; launch(256); throw new Error('late') }).catch(() => launch(512))
      await record('timers', () => new Promise(resolve => globalThis.setTimeout(() => { launch(1024); resolve() }, 1)))
    })
    const { createHook } = await import('node:async_hooks')
    console.log(JSON.stringify(shown(capture, 2047)))
  `
  const expected = {
    a: 14,
    'a/inner': 4,
    b: 112,
    'b/inner': 32,
    thrower: 256,
    timers: 1024,
    orphans: 1 + 128 + 512,
  }

  it('go to the async span whose context runs in exact mode', async () => {
    expect(await run(EXACT)).toEqual(expected)
  })

  const others = (process.env.OPSCOPE_TEST_NODES ?? '').split(':').filter(node => existsSync(node))
  it.each(others)('do so in exact mode of %s', async node => {
    expect(await run(EXACT, node)).toEqual(expected)
  })

  it('in worker threads are followed too', async () => {
    const times = await run(`
      import { Worker } from 'node:worker_threads'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      const body = 'import(' + url + ').then(({ record }) => record("in worker", async () => { await null; ' +
        'require(' + ${JSON.stringify(JSON.stringify(`${FAKES}/opscope_fake_gpu.node`))} + ').run(' + JSON.stringify(kernel(2)) + ') }))'
      const capture = await profile({ gpu: 'required', attribution: 'exact' }, () =>
        new Promise((resolve, reject) => new Worker(body, { eval: true }).on('exit', resolve).on('error', reject)))
      console.log(JSON.stringify(shown(capture, 2)))
    `)
    expect(times).toEqual({ 'in worker': 2, orphans: 0 })
  })

  it('are balanced over a pause in the middle of a context, a reset and a second recording', async () => {
    const times = await run(`
      const exact = { gpu: 'required', attribution: 'exact' }
      const paused = await profile(exact, session =>
        record('paused', async () => {
          await setImmediate()
          session.pause()
          await setImmediate()
          session.resume()
          await setImmediate()
          launch(1)
        }))
      const reset = await profile(exact, async session => {
        await record('before', async () => { await setImmediate(); session.reset(); launch(2); await setImmediate() })
        await record('after', async () => { await setImmediate(); launch(4) })
      })
      const auto = await profile({ gpu: 'required' }, () =>
        record('auto', async () => { await setImmediate(); launch(8) }))
      const { controlSlots } = await import(new URL('lib/span-calls.js', 'file://' + process.cwd() + '/').href)
      console.log(JSON.stringify([shown(paused, 1), shown(reset, 6), shown(auto, 8), controlSlots[10]]))
    `)
    expect(times).toEqual([{ paused: 1, orphans: 0 }, { after: 4, orphans: 2 }, { orphans: 8 }, 0])
  })

  it.skipIf(!existsSync(ADDON))('of an addon go to the span that its thread adopted', async () => {
    const result = await run(`
      const addon = require(${JSON.stringify(ADDON)})
      const capture = await profile({ gpu: 'required' }, async () => {
        await record('request', async () => {
          const token = addon.current()
          await setImmediate()
          const [inside, outside] = addon.work(token, kernel(1))
          if (token === 0n || inside !== token || outside !== 0n) throw new Error('not adopted')
        })
        addon.work(0n, kernel(2))
        addon.work(12345n, kernel(4))
      })
      console.log(JSON.stringify(shown(capture, 7)))
    `)
    expect(result).toEqual({ request: 1, orphans: 6 })
  })
})

describe.skipIf(!existsSync(ADDON))('an adoption by native code', () => {
  const withAddon = async (body: string) => {
    const outcome = await runChild(`
      import { createRequire } from 'node:module'
      import { profile, op, record } from 'opscope'
      const addon = createRequire(import.meta.url)(${JSON.stringify(ADDON)})
      ${body}
    `)
    expect(outcome).toMatchObject({ stderr: '', code: 0 })
    return JSON.parse(outcome.stdout)
  }

  it('makes the spans of its thread children of the span, also of one that was left', async () => {
    const paths = await withAddon(`
      const matmul = op('matmul')
      const capture = await profile({ gpu: 'off' }, async () => {
        let token
        await record('request', async () => {
          await null
          matmul.begin()
          token = addon.current()
          matmul.end()
          addon.work(token, '')
        })
        addon.work(0n, '')
      })
      const { spans } = capture
      const pathOf = row => (spans.parent[row] < 0 ? '' : pathOf(spans.parent[row]) + '/') + spans.names[spans.name[row]].text
      console.log(JSON.stringify(Array.from(spans.parent, (_, row) => pathOf(row)).sort()))
    `)
    expect(paths).toEqual(['native job', 'request', 'request/matmul', 'request/native job'])
  })

  it('that is released twice or elsewhere is counted, and costs nothing else', async () => {
    const { codes, current } = await withAddon(`
      const capture = await profile({ gpu: 'off' }, () =>
        record('request', async () => { addon.misrelease(addon.current()); await null }))
      console.log(JSON.stringify({
        codes: capture.warnings.map(({ code, count }) => code + ' ' + count),
        current: String(addon.current()),
      }))
    `)
    expect(codes).toEqual(['unmatched-releases 2'])
    expect(current).toBe('0')
  })

  it('while nothing is recorded is none', async () => {
    expect(await withAddon(`console.log(JSON.stringify(addon.work(7n, '').map(String)))`)).toEqual(['0', '0'])
  })
})
