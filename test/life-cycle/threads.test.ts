import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { loadCapture } from '../../src/index.js'
import { runChild } from './child.js'

const ADDON = new URL('../../build/test-addon/opscope_test_addon.node', import.meta.url).pathname

describe('worker threads', () => {
  it('account for every begin while sessions start and stop: 8 threads, a million spans each', async () => {
    // Catches a record that is published after its session has read the logs, and a drop that nobody counts.
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      import { profile } from 'opscope'
      const url = JSON.stringify(new URL('lib/binding.js', 'file://' + process.cwd() + '/').href)
      const source = \`
        const { parentPort } = require('node:worker_threads')
        import(\${url}).then(({ native, SLOT_NAME }) => {
          const { control, internName, beginCounted, end } = native()
          const slots = control()
          const id = internName('span', 3, 0, '')
          let tokens = 0
          const run = left => {
            for (let i = 0; i < 10_000; i++) {
              slots[SLOT_NAME] = id
              if (beginCounted()) tokens++
              slots[SLOT_NAME] = id
              end()
            }
            if (left > 1) setImmediate(run, left - 1)
            else parentPort.postMessage(tokens)
          }
          run(100)
        })
      \`
      let running = 8
      let tokens = 0
      for (let i = 0; i < 8; i++) new Worker(source, { eval: true }).on('message', count => { tokens += count; running -= 1 })
      let kept = 0, dropped = 0, unfinished = 0, sessions = 0
      while (running > 0) {
        const capture = await profile({ categories: ['cpu_op'] }, () => new Promise(resolve => setTimeout(resolve, 1)))
        for (const row of capture.ops()) { kept += row.calls; unfinished += row.unfinished }
        dropped += capture.dropped
        sessions += 1
      }
      console.log(JSON.stringify({ balance: kept + dropped + unfinished - tokens, isRecorded: kept > 100_000, isMany: sessions > 3 }))
    `)
    expect(outcome.stderr).toBe('')
    expect(JSON.parse(outcome.stdout)).toEqual({ balance: 0, isRecorded: true, isMany: true })
  })

  it('are named, keep their spans after their end, and may be terminated at any time', async () => {
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      import { profile, op } from 'opscope'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      const worker = body => new Promise(resolve => {
        const thread = new Worker('import(' + url + ').then(({ op, record, startProfiler }) => {' + body + '})', { eval: true })
        thread.on('message', () => thread.terminate())
        thread.on('exit', resolve)
      })
      const main = op('main op')
      const capture = await profile({}, async () => {
        main.begin(); main.end()
        await worker("const w = op('in worker'); w.begin(); w.end()")
        await worker("const w = op('terminated'); w.begin(); require('node:worker_threads').parentPort.postMessage(1); for (;;) { w.begin(); w.end() }")
      })
      const paths = capture.ops().map(row => row.path.join('/')).sort()
      console.log(JSON.stringify({ paths, threads: capture.threads.map(thread => thread.name) }))
    `)
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    const { paths, threads } = JSON.parse(outcome.stdout)
    expect(paths).toContain('in worker')
    expect(paths).toContain('main op')
    expect(paths.join()).toContain('terminated')
    expect(threads).toEqual(['main', 'worker 1', 'worker 2'])
  })

  it('may end while their recording is merged, again and again', async () => {
    // The merge thread used to hand its result to an environment that Node was taking down, which aborted the process.
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      const source = \`import(\${url}).then(({ op, profile }) => {
        const span = op('op')
        const spans = () => { for (let i = 0; i < 20_000; i++) { span.begin(); span.end() } }
        for (let i = 0; i < 3; i++) profile({}, spans)
        require('node:worker_threads').parentPort.postMessage(1)
        setTimeout(() => process.exit(0), Math.random() * 6)
      })\`
      const one = () => new Promise(resolve => {
        const thread = new Worker(source, { eval: true })
        if (Math.random() < 0.5) thread.on('message', () => setTimeout(() => thread.terminate(), Math.random() * 6))
        thread.on('exit', resolve)
      })
      for (let round = 0; round < 25; round++) await Promise.all([one(), one(), one()])
      console.log('alive')
    `)
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'alive\n', stderr: '' })
  })

  it('release the recorder when a worker that started a session ends without stopping it', async () => {
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      import { native, SLOT_GATE } from ${JSON.stringify(new URL('../../lib/binding.js', import.meta.url).href)}
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      await new Promise(resolve => new Worker('import(' + url + ').then(({ startProfiler }) => startProfiler())', { eval: true }).on('exit', resolve))
      console.log(native().control()[SLOT_GATE])
    `)
    expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: '0\n' })
  })

  it('complete the file of a session whose worker is terminated', async () => {
    const out = join(mkdtempSync(join(tmpdir(), 'opscope-worker-')), 'worker.pftrace')
    const outcome = await runChild(
      `
      import { Worker } from 'node:worker_threads'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      const body = "op('w').begin(); op('w').end(); require('node:worker_threads').parentPort.postMessage(1); setInterval(() => {}, 1000)"
      await new Promise(resolve => {
        const source = 'import(' + url + ').then(({ startProfiler, op }) => { startProfiler({ profilePath: process.env.OUT });' + body + '})'
        const worker = new Worker(source, { eval: true })
        worker.on('message', () => worker.terminate())
        worker.on('exit', resolve)
      })
    `,
      { OUT: out },
    )
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect((await loadCapture(out)).ops()).toMatchObject([{ path: ['w'], calls: 1 }])
  })
})

describe('a native addon that uses the C header', () => {
  const orders = [
    ['before', `const addon = load(); const opscope = await import('opscope')`],
    ['after', `const opscope = await import('opscope'); const addon = load()`],
  ] as const
  it.each(orders)('loaded %s opscope records from its own threads and under JavaScript spans', async (_, loading) => {
    const outcome = await runChild(`
      import { createRequire } from 'node:module'
      const load = () => createRequire(process.cwd() + '/')(${JSON.stringify(ADDON)})
      ${loading}
      const js = opscope.op('js op')
      let tokens = addon.record(1, 10)
      if (tokens !== 0) throw new Error('recorded while off')
      const capture = await opscope.profile({}, () => {
        tokens = addon.record(4, 1000)
        js.begin()
        addon.around(() => { const inner = opscope.op('js inner'); inner.begin(); inner.end() })
        js.end()
        addon.endElsewhere()
      })
      const rows = Object.fromEntries(capture.ops().map(row => [row.path.join(' > '), [row.calls, row.unfinished]]))
      const attributes = capture.attributesOf([...capture.spans.name].findIndex(name => capture.spans.names[name].text === 'native around'))
      console.log(JSON.stringify({
        tokens, rows, layout: attributes.layout, number: String(attributes.rows),
        marks: capture.marks().length, counters: capture.counters().filter(c => c.name === 'native counter').map(c => c.value),
        workers: capture.threads.filter(thread => thread.name === 'native worker').length,
        foreign: capture.warnings.filter(warning => warning.code === 'foreign-ends').map(warning => warning.count),
      }))
    `)
    expect(outcome.stderr).toBe('')
    expect(JSON.parse(outcome.stdout)).toEqual({
      tokens: 8000,
      rows: {
        'native outer': [4000, 0],
        'native outer > native inner': [4000, 0],
        'js op': [1, 0],
        'js op > native around': [1, 0],
        'js op > native around > js inner': [1, 0],
        'native misplaced': [0, 1],
      },
      layout: 'NCHW',
      number: '7',
      marks: 4,
      counters: [42, 42, 42, 42],
      workers: 4,
      foreign: [1],
    })
  })

  it('runs untouched while opscope is not loaded', async () => {
    const outcome = await runChild(`
      import { createRequire } from 'node:module'
      const addon = createRequire(process.cwd() + '/')(${JSON.stringify(ADDON)})
      console.log(addon.record(2, 1000), addon.isConnected())
    `)
    expect(outcome).toMatchObject({ code: 0, stdout: '0 false\n' })
  })
})
