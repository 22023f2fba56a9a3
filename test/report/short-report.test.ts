import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { buildCapture, type Capture } from '../../src/index.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MS = 1_000_000

/** Ops of 1, 2, 3, … ms, one after the other. */
function captureOf(names: readonly string[]): Promise<Capture> {
  let atNs = 0
  const spans = names.map((name, at) => {
    const startNs = atNs
    atNs += (at + 1) * MS
    return { thread: 'main', name, startNs, endNs: atNs }
  })
  return buildCapture({ state: 'CPU', spans })
}

describe('a capture in the REPL', () => {
  it('is its length, its state, and the ops that took the most time', async () => {
    const capture = await captureOf(['load', 'infer'])
    expect(inspect(capture)).toBe(
      [
        'Capture (3 ms, 2 spans on 1 thread, state CPU)',
        '  op     calls  total  self   p50   p99  ratio',
        '  infer      1   2 ms  2 ms  2 ms  2 ms  66.7%',
        '  load       1   1 ms  1 ms  1 ms  1 ms  33.3%',
      ].join('\n'),
    )
    expect(String(capture)).toBe(inspect(capture))
    expect(inspect({ capture })).toContain('Capture (3 ms')
  })

  it('is short however many ops there are', async () => {
    const capture = await captureOf(Array.from({ length: 300 }, (_, at) => `op ${at}`))
    const lines = inspect(capture).split('\n')
    expect(lines).toHaveLength(13)
    expect(lines[2]).toContain('op 299')
    expect(lines.at(-1)).toBe('  … and 290 rows: report() has all')
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(100)
  })

  it('shows async spans where there is nothing else, and nothing where nothing was recorded', async () => {
    const capture = await buildCapture({
      state: 'CPU',
      spans: [{ thread: 'main', name: 'request', startNs: 0, endNs: MS, isAsync: true }],
    })
    expect(inspect(capture)).toMatch(/\n {2}request +1 +1 ms +1 ms +1 ms$/)
    expect(inspect(await buildCapture({ state: 'All' }))).toBe('Capture (0 ns, 0 spans on 0 threads, state All)')
  })
})

describe('a capture in a notebook', () => {
  it('is a table, and text for those that have none', async () => {
    const capture = await captureOf(['a <b> & "c"'])
    const shown = (capture as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]!()
    expect(shown['text/plain']).toBe(String(capture))
    expect(shown['text/html']).toContain('<td style="text-align:left">a &lt;b&gt; &amp; &quot;c&quot;</td>')
    expect(shown['text/html']?.match(/<tr>/g)).toHaveLength(2)
  })
})

describe('the REPL', () => {
  it('starts, records, stops and prints', async () => {
    const child = spawn(process.execPath, ['-i'], {
      cwd: ROOT,
      env: { ...process.env, NODE_NO_READLINE: '1', TERM: 'dumb' },
    })
    let text = ''
    child.stdout.on('data', data => (text += data))
    child.stderr.on('data', data => (text += data))
    // Each line when the one before has been answered, as a person types.
    const lines = [
      ["const { startSession, record } = await import('./lib/index.js')", 'undefined\n'],
      ["const session = startSession({ state: 'CPU' })", 'undefined\n'],
      ['session', /Session \(recording [\d.]+ [mµ]?s\)\n/],
      ["record('typed', () => 42)", '42\n'],
      ['await session.stop()', /Capture \(.*\)\n.*op .*\n.*typed +1 /],
      ['session.capture.ops()[0].name', "'typed'\n"],
    ] as const
    for (const [line, answer] of lines) {
      const from = text.length
      child.stdin.write(`${line}\n`)
      const deadline = performance.now() + 20_000
      while (text.slice(from).search(answer) < 0) {
        if (performance.now() > deadline) throw new Error(`no answer to ${line}: ${text.slice(from)}`)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
    child.stdin.end('.exit\n')
    expect(await new Promise(resolve => child.on('close', resolve))).toBe(0)
  })
})
