import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

import { loadCapture } from '../../src/load-capture.js'
import { buildCapture } from '../../src/rows.js'
import { INFERENCE_ROWS } from '../fixtures/inference-rows.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const event = (index: number) => `{"ph":"X","name":"op${index}","ts":${index * 10},"dur":5,"pid":1,"tid":1}`

describe('loadCapture() refuses', () => {
  it.each<[string, () => string, string, RegExp]>([
    ['a file that is not there', () => join(folder, 'nothing.json'), 'ERR_OPSCOPE_FILE_READ', /no such file/],
    ['a directory', () => folder, 'ERR_OPSCOPE_FILE_READ', /is a directory/],
    ['an empty file', () => file('empty.json', ''), 'ERR_OPSCOPE_FILE_DAMAGED', /is empty/],
    ['an empty archive', () => file('empty.json.gz', gzipSync('')), 'ERR_OPSCOPE_FILE_DAMAGED', /is empty/],
    ['text', () => file('notes.txt', 'hello, world'), 'ERR_OPSCOPE_FILE_FORMAT', /no trace that opscope knows/],
    [
      'JSON of another kind',
      () => file('package.json', '{"name":"x","version":"1.0.0"}'),
      'ERR_OPSCOPE_FILE_FORMAT',
      /no "traceEvents"/,
    ],
    [
      'an archive of another kind',
      () => file('x.zip', Buffer.from('504b030414000000', 'hex')),
      'ERR_OPSCOPE_FILE_FORMAT',
      /is a ZIP archive/,
    ],
    [
      'a file that is packed twice',
      () => file('x.gz', gzipSync(gzipSync('[]'))),
      'ERR_OPSCOPE_FILE_FORMAT',
      /compressed twice/,
    ],
    [
      'a trace that was cut inside its first event',
      () => file('cut.json', '{"traceEvents":[{"ph":"X","na'),
      'ERR_OPSCOPE_FILE_DAMAGED',
      /no whole event/,
    ],
    [
      'bytes that begin like a Paddle profile',
      () => file('x.pb', Buffer.from([0x0a, 7, 0x0a, 1, 0x66, 0x10, 5, 0x18, 9, 0x0a, 3, 0x0f, 0x0f, 0x0f, 0x0f])),
      'ERR_OPSCOPE_FILE_DAMAGED',
      /begins like a Paddle profile/,
    ],
  ])('%s', async (_, path, code, message) => {
    await expect(loadCapture(path())).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('loadCapture()', () => {
  it('goes by the content, not by the name', async () => {
    const capture = await loadCapture(file('trace.pftrace', `[${event(1)}]`))
    expect(capture.ops().map(({ name }) => name)).toEqual(['op1'])
  })
  it('takes a URL', async () => {
    const capture = await loadCapture(pathToFileURL(file('url.json', `[${event(1)}]`)))
    expect(capture.durationNs).toBe(5000)
  })
  it.each(['cut.json', 'cut.json.gz'])('gives what is whole of %s, and says so', async name => {
    const text = `{"traceEvents":[${Array.from({ length: 5000 }, (_, index) => event(index)).join(',')}]}`
    const bytes = name.endsWith('.gz') ? gzipSync(text) : Buffer.from(text)
    const capture = await loadCapture(file(name, bytes.subarray(0, Math.floor(bytes.length / 2))))
    expect(capture.spans.length).toBeGreaterThan(1000)
    expect(capture.spans.length).toBeLessThan(5000)
    expect(capture.warnings.map(({ code }) => code)).toEqual(['file-cut'])
  })
  it('gives what is whole of a damaged archive', async () => {
    const packed = gzipSync(`[${Array.from({ length: 50_000 }, (_, index) => event(index)).join(',')}]`)
    packed.fill(0xff, packed.length - 2000, packed.length - 1000)
    const capture = await loadCapture(file('damaged.json.gz', packed))
    expect(capture.spans.length).toBeGreaterThan(0)
    expect(capture.warnings.map(({ code }) => code)).toContain('file-cut')
  })
  it('reads a pipe', async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const { spawn } = await import('node:child_process')
    const writer = spawn('sh', ['-c', `cat '${file('piped.json', `[${event(3)}]`)}' > '${path}'`])
    expect((await loadCapture(path)).ops()[0]!.name).toBe('op3')
    writer.kill()
  })

  describe('of a Perfetto trace', () => {
    let path: string
    beforeAll(async () => {
      path = join(folder, 'whole.pftrace')
      await (await buildCapture(INFERENCE_ROWS)).export(path)
    })
    it('gives what is whole of a cut one', async () => {
      const copy = file('cut.pftrace', readFileSync(path))
      truncateSync(copy, Math.floor(readFileSync(path).length * 0.8))
      const capture = await loadCapture(copy)
      expect(capture.spans.length).toBeGreaterThan(0)
      expect(capture.warnings.length).toBeGreaterThan(0)
    })
    it('names the file in its errors', async () => {
      const garbage = file('garbage.pftrace', Buffer.from([0x0a, 0x03, 0x40, 0x05, 0x50, ...Array(200).fill(0xff)]))
      await expect(loadCapture(garbage)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_OPSCOPE_FILE_/),
        message: expect.stringContaining(garbage),
      })
    })
  })
})
