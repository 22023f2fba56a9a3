import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'

import type { OpscopeErrorCode } from '../../src/errors.js'
import { formatOf, openOutput, writeOutput } from '../../src/export/index.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
})
const withFile = (name: string) => writeFileSync(at(name), '')
const at = (name: string) => join(folder, name)
const produce = (text: string) => async (fd: number) => ({ bytes: writeSync(fd, text), warnings: [] })
const fails = async () => {
  throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
}
function failure(run: () => unknown): { code: OpscopeErrorCode; message: string } {
  try {
    run()
  } catch (error) {
    return error as never
  }
  throw new Error('nothing was thrown')
}

describe('formatOf', () => {
  it.each([
    ['trace.pftrace', 'perfetto', false],
    ['trace.json', 'chrome', false],
    ['TRACE.JSON.GZ', 'chrome', true],
    ['profile.paddle.pb', 'paddle', false],
    ['rows.arrow', 'arrow', false],
    ['rows.parquet', 'parquet', false],
    ['rows.csv', 'csv', false],
    ['rows.csv.gz', 'csv', true],
    ['report.html', 'html', false],
    ['report.HTML', 'html', false],
    ['report.html.gz', 'html', true],
    ['profile.paddle.pb.gz', 'paddle', true],
    ['profile.pb.gz', 'pprof', true],
    ['cpu.pprof', 'pprof', true],
    ['trace.xplane.pb', 'xplane', false],
    ['trace.xplane.pb.gz', 'xplane', true],
    ['trace.otlp.json', 'otlp', false],
    ['trace.otlp.json.gz', 'otlp', true],
    ['/tmp/profile', 'perfetto', false],
    ['trace.whatever', 'perfetto', false],
  ])('%s is %s', (path, format, gzip) => {
    expect(formatOf(path)).toEqual({ format, gzip })
  })
})

describe('openOutput', () => {
  it.each<[string, () => string, RegExp]>([
    ['a directory', () => folder, /it is a directory/],
    ['a missing directory', () => at('no/such/trace.json'), /its directory does not exist\.\n {2}Create it/],
    ['a name with a slash behind it', () => at('new/'), /directory/],
    ['a file as a directory', () => at('f/trace.json'), /not a directory/],
    ['a name that is too long', () => at(`${'x'.repeat(300)}.json`), /too long/],
  ])('refuses %s before anything runs', (_, path, message) => {
    withFile('f')
    const error = failure(() => openOutput(path()))
    expect(error.code).toBe('ERR_OPSCOPE_FILE_WRITE')
    expect(error.message).toMatch(message)
  })
  it('leaves nothing behind', () => {
    openOutput(at('trace.json'))
    expect(readdirSync(folder)).toEqual([])
  })
  it.skipIf(process.getuid?.() === 0)('refuses a file that may not be written', () => {
    writeFileSync(at('trace.json'), 'old', { mode: 0o444 })
    expect(failure(() => openOutput(at('trace.json'))).message).toMatch(/permission denied/)
  })
})

describe('writeOutput', () => {
  it('puts the whole content in place', async () => {
    const { bytes } = await writeOutput(openOutput(at('trace.json')), produce('new'))
    expect([bytes, readFileSync(at('trace.json'), 'utf8'), readdirSync(folder)]).toEqual([3, 'new', ['trace.json']])
  })
  it('packs what the name says is packed', async () => {
    const { bytes } = await writeOutput(openOutput(at('trace.json.gz')), produce('new'))
    const packed = readFileSync(at('trace.json.gz'))
    expect([packed.length, gunzipSync(packed).toString(), readdirSync(folder)]).toEqual([
      bytes,
      'new',
      ['trace.json.gz'],
    ])
  })
  it('leaves the old file and no half one when the disk is full', async () => {
    writeFileSync(at('trace.json'), 'old')
    await expect(writeOutput(openOutput(at('trace.json')), fails)).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_FILE_WRITE',
      message: expect.stringContaining('the disk is full'),
    })
    expect([readFileSync(at('trace.json'), 'utf8'), readdirSync(folder)]).toEqual(['old', ['trace.json']])
  })
  it('writes through a link, also one whose file does not exist yet', async () => {
    mkdirSync(at('real'))
    symlinkSync('real/trace.json', at('link.json'))
    await writeOutput(openOutput(at('link.json')), produce('one'))
    await writeOutput(openOutput(at('link.json')), produce('two'))
    expect([readFileSync(at('real/trace.json'), 'utf8'), readdirSync(folder)]).toEqual(['two', ['link.json', 'real']])
  })
  it('keeps the permissions of the file it replaces', async () => {
    writeFileSync(at('trace.json'), 'old')
    chmodSync(at('trace.json'), 0o600)
    await writeOutput(openOutput(at('trace.json')), produce('new'))
    expect(statSync(at('trace.json')).mode & 0o777).toBe(0o600)
  })
  it('writes a pipe as it is', async () => {
    execFileSync('mkfifo', [at('pipe.json')])
    const reader = readFile(at('pipe.json'), 'utf8')
    await writeOutput(openOutput(at('pipe.json')), produce('new'))
    expect([await reader, statSync(at('pipe.json')).isFIFO(), readdirSync(folder)]).toEqual([
      'new',
      true,
      ['pipe.json'],
    ])
  })
  it('reports a full device', async () => {
    const output = openOutput('/dev/full')
    // Before anything is written: a fault here would, as root, replace the device of the whole machine.
    expect(output.isDirect).toBe(true)
    await expect(writeOutput(output, produce('new'))).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_WRITE' })
  })
  it('does not replace what became a pipe since it was checked', async () => {
    const output = openOutput(at('trace.json'))
    execFileSync('mkfifo', [at('trace.json')])
    await expect(writeOutput(output, produce('new'))).rejects.toMatchObject({ code: 'ERR_OPSCOPE_FILE_WRITE' })
    expect([statSync(at('trace.json')).isFIFO(), readdirSync(folder)]).toEqual([true, ['trace.json']])
  })
})
