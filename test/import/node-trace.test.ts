import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { CATEGORIES, native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'
import { NODE } from '../nodes.js'
import { until } from '../until.js'
import { nodeTrace } from './node-trace-events.js'
import { chromeRows, spansOf, warningsOf } from './rows-of.js'

describe("Node's own trace", () => {
  it('nests the callbacks of async resources, and draws the resources on lanes', async () => {
    const rows = await chromeRows(nodeTrace())
    expect(spansOf(rows)).toEqual([
      'JavaScriptMainThread: TickObject user 0-40000 flags 1',
      'JavaScriptMainThread: fs.sync.open user 10000-20000',
      'JavaScriptMainThread: MinorGC gc 22000-25000',
      'JavaScriptMainThread: TickObject_CALLBACK user 5000-30000',
      'JavaScriptMainThread: http.server.request request 50000-80000 flags 1',
    ])
    expect(rows.marks.atNs).toEqual(Float64Array.of(2_000))
    expect(rows.names[rows.marks.name[0]!]!.text).toBe('PROMISE')
    expect(warningsOf(rows)).toEqual({})
  })

  it('begins with its first row, on the clock of process.hrtime', async () => {
    const rows = await chromeRows(nodeTrace(7_000_000))
    expect(rows.originClockNs).toBe(7_000_010_000n)
    expect(rows.processId).toBe(44)
  })

  it('keeps resources apart whose ids come again, as those of a worker do', async () => {
    const at = { pid: 44, tid: 45, cat: 'node,node.async_hooks', name: 'Timeout', id: '0x5' }
    const rows = await chromeRows([
      { ph: 'b', ts: 1, ...at },
      { ph: 'e', ts: 2, ...at },
      { ph: 'b', ts: 3, ...at },
      { ph: 'e', ts: 9, ...at },
      { ph: 'e', ts: 9, ...at, id: '0x6' },
    ])
    expect(spansOf(rows)).toEqual([
      'thread 45: Timeout user 0-1000 flags 1',
      'thread 45: Timeout user 2000-8000 flags 1',
    ])
    expect(warningsOf(rows)).toEqual({})
  })
})

const PROGRAM = `
import { createServer } from 'node:http'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
console.log(String(process.hrtime.bigint()))
for (let i = 0; i < 3; i++) statSync('app.mjs')
await readFile('app.mjs')
globalThis.gc()
console.time('work')
console.timeEnd('work')
const server = createServer((_, response) => response.end('x'))
await once(server.listen(0, '127.0.0.1'), 'listening')
await (await fetch('http://127.0.0.1:' + server.address().port)).text()
server.closeAllConnections()
server.close()
console.log(String(process.hrtime.bigint()))
`
function runTraced(categories: string, program = PROGRAM): { path: string; printed: string[] } {
  const cwd = mkdtempSync(join(tmpdir(), 'opscope-test-'))
  writeFileSync(join(cwd, 'app.mjs'), program)
  const flags = ['--expose-gc', '--trace-event-categories', categories, 'app.mjs']
  const { stdout } = spawnSync(NODE, flags, { cwd, encoding: 'utf8' })
  return { path: join(cwd, 'node_trace.1.log'), printed: stdout.split('\n') }
}
const namesOf = ({ spans }: Capture) => Array.from(spans.name, name => spans.names[name]!.text)

describe('a trace that node wrote', () => {
  it('is read with all its categories, and nothing in it is unknown', async () => {
    const all = 'node,v8,node.async_hooks,node.perf,node.fs.sync,node.fs.async,node.http,node.console,node.environment'
    const { path, printed } = runTraced(all)
    const capture = await loadCapture(path)
    expect(capture.warnings).toEqual([])
    const truth = (JSON.parse(readFileSync(path, 'utf8')) as { traceEvents: { name: string; ph: string }[] })
      .traceEvents
    const count = (name: string, ph: string) => truth.filter(each => each.name === name && each.ph === ph).length
    const names = namesOf(capture)
    const spanCount = (name: string) => names.filter(each => each === name).length
    expect(count('fs.sync.stat', 'B')).toBe(3)
    for (const name of ['fs.sync.stat', 'MajorGC']) expect(spanCount(name)).toBe(count(name, 'B'))
    expect(count('MajorGC', 'B')).toBeGreaterThan(0)
    for (const name of ['PROMISE_CALLBACK', 'http.server.request', 'time::work', 'open', 'read', 'Environment'])
      expect(spanCount(name)).toBe(count(name, 'b'))
    expect(spanCount('PROMISE') + capture.marks().filter(({ name }) => name === 'PROMISE').length).toBe(
      count('PROMISE', 'b'),
    )
    const { spans, threads } = capture
    for (const [row, name] of names.entries()) {
      const { category } = spans.names[spans.name[row]!]!
      if (name === 'MajorGC' || name === 'MinorGC') expect(CATEGORIES[category]).toBe('gc')
    }
    expect(capture.asyncOps().map(({ name }) => name)).not.toContain('PROMISE_CALLBACK')
    expect(threads.map(({ name }) => name)).toContain('JavaScriptMainThread')
    expect(capture.report()).toContain('Garbage collection')
    const { originClockNs, durationNs } = native().view(Capture.recordingOf(capture))
    const [fromNs, toNs] = printed.filter(line => /^\d+$/.test(line)).map(BigInt) as [bigint, bigint]
    expect(fromNs).toBeGreaterThan(originClockNs)
    expect(toNs).toBeLessThan(originClockNs + BigInt(durationNs))
  })

  it('of V8 alone tells collections as such', async () => {
    const capture = await loadCapture(runTraced('v8', 'globalThis.gc()').path)
    expect(capture.report()).toMatch(/Garbage collection +\d+ pause/)
  })

  it('is read up to where its process was killed', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'opscope-test-'))
    // Node writes a buffer when it is full: enough of promises fill some.
    writeFileSync(join(cwd, 'app.mjs'), 'for (;;) await new Promise(setImmediate)')
    const child = spawn(NODE, ['--trace-event-categories', 'node.async_hooks', 'app.mjs'], { cwd })
    const path = join(cwd, 'node_trace.1.log')
    const exit = new Promise(resolve => child.on('exit', resolve))
    await until('events in the file', () => existsSync(path) && readFileSync(path).length > 200_000)
    child.kill('SIGKILL')
    await exit
    const text = readFileSync(path, 'utf8')
    expect(() => JSON.parse(text)).toThrow()
    const capture = await loadCapture(path)
    expect(capture.warnings.map(({ code }) => code)).toContain('file-cut')
    expect(namesOf(capture).filter(name => name === 'Immediate_CALLBACK').length).toBeGreaterThan(100)
  })
})
