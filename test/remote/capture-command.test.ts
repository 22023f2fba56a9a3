import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { progressLines } from '../../src/cli/capture-progress.js'
import type { HostProgress } from '../../src/remote/capture-client.js'
import { cli, startCli } from '../cli/run-cli.js'
import { until } from '../until.js'
import { type Behaviour, fakeProfiler, refuses, sendsXspace, status } from './fake-profiler.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})
async function profiler(behave: Behaviour) {
  const fake = await fakeProfiler(behave)
  closers.push(fake.close)
  return fake
}
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'opscope-capture-'))
  closers.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('opscope capture', () => {
  it('prints where the captures are, and tells the host that failed', async () => {
    const [good, bad] = await Promise.all([profiler(sendsXspace), profiler(refuses(status.PERMISSION_DENIED, 'No.'))])
    const logdir = folder()
    const args = ['capture', `${good.address},${bad.address}`, '--duration', '20ms', '--logdir', logdir, '--no-report']
    const { code, stdout, stderr } = await cli(args)
    const path = stdout.trim()
    expect(code).toBe(0)
    expect(path).toMatch(
      new RegExp(`^${logdir}/plugins/profile/[\\d_]+/${good.address.replace(':', '_')}\\.xplane\\.pb$`),
    )
    expect(stderr).toContain(`opscope: ${bad.address}: The server did not let us in: PERMISSION_DENIED: No.\n`)
    expect(stderr).toContain('captured 1 of 2 hosts')
    expect(stderr).not.toContain('\x1b')
  })

  it('fails when no host gave anything, and leaves nothing behind', async () => {
    const fake = await profiler(() => ({ emptyTrace: true }))
    const logdir = join(folder(), 'tb')
    const { code, stdout, stderr } = await cli(['capture', fake.address, '--duration', '5ms', '--logdir', logdir])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`opscope: ${fake.address}: The server recorded nothing`)
    expect(readdirSync(join(logdir, '..'))).toEqual([])
  })

  it('ends early at Ctrl-C, and keeps what came', async () => {
    const fake = await profiler(sendsXspace)
    const child = startCli(['capture', fake.address, '--duration', '10m', '--logdir', folder(), '--no-report'])
    let stdout = ''
    child.stdout!.on('data', chunk => {
      stdout += chunk
    })
    await until('the request', () => fake.requests.length === 1)
    child.kill('SIGINT')
    expect(await new Promise(resolve => child.on('close', resolve))).toBe(0)
    expect(stdout).toMatch(/\.xplane\.pb\n$/)
    expect(fake.terminated).toHaveLength(1)
  })

  it('reads the token from a file', async () => {
    const fake = await profiler(sendsXspace)
    const file = join(folder(), 'token')
    writeFileSync(file, 'secret\n')
    await cli([
      'capture',
      fake.address,
      '--duration',
      '5ms',
      '--logdir',
      folder(),
      '--no-report',
      '--token',
      `@${file}`,
    ])
    expect(fake.tokens).toEqual(['Bearer secret'])
  })

  it.each([
    [['capture', 'gpu-1'], 'it has no port'],
    [['capture', 'a:1', '--duration', '2'], 'Expected a time with its unit'],
    [['capture', 'a:1', '--logdir', 'gs://bucket'], '"logdir"'],
    [['capture', ','], 'Expected an address'],
  ])('%j is wrong usage', async (args, reason) => {
    const { code, stderr } = await cli(args)
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})

describe('the progress of a capture', () => {
  const host = (address: string, phase: HostProgress['phase']) => ({ address, phase, startMs: 1000 })
  const size = { nowMs: 1500, durationMs: 2000, columns: 80, rows: 24 }

  it('is a line for each host', () => {
    expect(progressLines([host('gpu-1:9012', 'recording'), host('gpu-22:9012', 'failed')], size)).toEqual([
      'gpu-1:9012   recording 0.5 of 2 s      ████',
      'gpu-22:9012  failed',
    ])
  })
  it('counts the hosts that have no room', () => {
    const hosts = Array.from({ length: 30 }, (_, index) => host(`gpu-${index}:9012`, index < 27 ? 'recording' : 'done'))
    expect(progressLines(hosts, size)).toEqual(['27 recording, 3 done'])
  })
  it.each([20, 40, 80])('fits %i columns', columns => {
    const lines = progressLines([host(`${'long-name.'.repeat(20)}:9012`, 'recording')], { ...size, columns })
    expect(lines[0]!.length).toBeLessThanOrEqual(columns)
  })
})
