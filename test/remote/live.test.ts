import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { Server, ServerCredentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'

import { liveLines } from '../../src/cli/live-screen.js'
import { currentSession, op, record, recordSync } from '../../src/index.js'
import { startCaptureServer } from '../../src/remote/capture-server.js'
import { watchLive } from '../../src/remote/live-client.js'
import {
  decodeLiveFrame,
  encodeLiveFrame,
  frameName,
  type LiveFrame,
  type LiveRow,
  MAX_COPIES,
  MAX_DEVICES,
  MAX_FRAME_BYTES,
  MAX_KERNELS,
  MAX_OPS,
  MAX_REQUESTS,
  NO_FRAME,
  NO_ROW,
} from '../../src/remote/live-frame.js'
import { addLiveService, type LiveServiceOptions } from '../../src/remote/live-service.js'
import { textWidth } from '../../src/text-width.js'
import { startCli } from '../cli/run-cli.js'
import { NODE } from '../nodes.js'
import { until } from '../until.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function served(options: LiveServiceOptions = {}) {
  const server = new Server()
  const live = addLiveService(server, options)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  closers.push(() => server.forceShutdown())
  return { address: `127.0.0.1:${port}`, live, server }
}
async function firstFrame(address: string, options: Parameters<typeof watchLive>[1] = {}): Promise<LiveFrame> {
  for await (const frame of watchLive(address, options)) return frame
  throw new Error('no frame')
}
/** The first of them that fits. */
async function frameThat(address: string, fits: (frame: LiveFrame) => boolean): Promise<LiveFrame> {
  for await (const frame of watchLive(address)) if (fits(frame)) return frame
  throw new Error('no frame')
}
/** Does it again and again, until the test is over. */
function again(work: () => unknown): void {
  const timer = setInterval(work, 5)
  closers.push(() => clearInterval(timer))
}
const settled = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('a watched process', () => {
  it('tells its ops, by what they are inside of in their thread', async () => {
    const { address } = await served()
    const matmul = op('matmul')
    again(() =>
      record('infer', async () => {
        recordSync('layer', () => {
          matmul.begin()
          matmul.end()
        })
        await settled(1)
      }),
    )
    const { ops, opCount } = await frameThat(address, ({ ops }) => ops.some(({ name }) => name === 'infer'))
    const names = ops.map(({ name }) => name)
    expect(names.toSorted()).toEqual(['infer', 'layer', 'layer/matmul'])
    expect(opCount).toBe(3)
    const [layer, inner] = ['layer', 'layer/matmul'].map(name => ops.find(row => row.name === name)!)
    expect(layer!.calls).toBe(inner!.calls)
    expect(layer!.totalNs).toBeGreaterThanOrEqual(inner!.totalNs)
  })

  it('tells requests when they end, those too that are longer than a second', async () => {
    const { address, live } = await served()
    const frames = watchLive(address)
    const first = frames.next()
    await until('the watch', () => live.watching === 1 && currentSession() !== undefined)
    let end = () => {}
    const over = record('long', { category: 'request' }, () => new Promise<void>(resolve => (end = resolve)))
    await first
    await frames.next()
    const { value: open } = await frames.next()
    expect((open as LiveFrame).request).toMatchObject({ calls: 0, open: 1 })
    expect((open as LiveFrame).request.oldestNs).toBeGreaterThan(1e9)
    end()
    await over
    const { value: done } = await frames.next()
    expect((done as LiveFrame).request).toMatchObject({ calls: 1, open: 0 })
    expect((done as LiveFrame).request.p99Ns).toBeGreaterThan(2e9)
    expect((done as LiveFrame).requests).toMatchObject([{ name: 'long', calls: 1 }])
    await frames.return()
  }, 20_000)

  it('counts a request once, however many are inside', async () => {
    const { address } = await served()
    again(() =>
      record('HTTP request', { category: 'request' }, async () => {
        await record('queue', { category: 'request' }, () => settled(1))
        await record('infer', { category: 'request' }, () => settled(1))
      }),
    )
    // The first second has stages of requests that began before anybody watched.
    const { request, requests, ops } = await frameThat(address, frame => frame.sequence > 1)
    expect(requests.map(({ name }) => name)).toEqual(['HTTP request'])
    expect(requests[0]!.calls).toBe(request.calls)
    expect(ops.map(({ name }) => name).toSorted()).toEqual(['infer', 'queue'])
  })

  it('says how its event loop and memory are', async () => {
    const { address } = await served()
    const frame = await firstFrame(address)
    expect(frame).toMatchObject({ pid: process.pid, sequence: 1, watchers: 1 })
    expect(frame.rssBytes).toBeGreaterThan(10e6)
    expect(frame.windowNs).toBeGreaterThan(0.5e9)
    expect(frame.noGpuReason).not.toBe('')
  })

  it('records while somebody watches, and for all of them once', async () => {
    const { address, live } = await served()
    expect(currentSession()).toBeUndefined()
    const watches = [watchLive(address), watchLive(address), watchLive(address)]
    const frames = await Promise.all(watches.map(watch => watch.next()))
    expect(new Set(frames.map(({ value }) => (value as LiveFrame).atMs)).size).toBe(1)
    expect((frames[0]!.value as LiveFrame).watchers).toBe(3)
    const session = currentSession()
    await watches[0]!.return()
    await until('the first to be gone', () => live.watching === 2)
    expect(currentSession()).toBe(session)
    await Promise.all(watches.map(watch => watch.return()))
    await until('the end of the recording', () => live.watching === 0 && currentSession() === undefined)
  }, 20_000)

  it('sends each so many seconds', async () => {
    const { address } = await served()
    const sequences: number[] = []
    for await (const { sequence } of watchLive(address, { everySeconds: 2 })) {
      sequences.push(sequence)
      if (sequences.length === 2) break
    }
    expect(sequences).toEqual([1, 3])
  }, 20_000)

  it('lets in who has the token', async () => {
    const { address, live } = await served({ token: 'secret' })
    await expect(firstFrame(address)).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_REMOTE',
      message: expect.stringContaining('The server did not let us in: UNAUTHENTICATED'),
    })
    await expect(firstFrame(address, { token: 'other' })).rejects.toThrow('UNAUTHENTICATED')
    expect(await firstFrame(address, { token: 'secret' })).toMatchObject({ sequence: 1 })
    expect(live.refusals.count).toBe(2)
  })

  it('has no more watchers than it may', async () => {
    const { address } = await served({ maxConcurrent: 1 })
    const watch = watchLive(address)
    await watch.next()
    await expect(firstFrame(address)).rejects.toThrow('RESOURCE_EXHAUSTED')
    await watch.return()
  })

  it('ends its watches when it is closed', async () => {
    const { address, live } = await served()
    const watch = watchLive(address)
    await watch.next()
    live.close()
    await expect(watch.next()).rejects.toThrow('is gone')
    expect(currentSession()).toBeUndefined()
  })

  it('that is gone is told', async () => {
    const { address, server } = await served()
    const watch = watchLive(address)
    await watch.next()
    server.forceShutdown()
    await expect(watch.next()).rejects.toThrow(`The process at ${address} is gone`)
  })

  it('without the service is told', async () => {
    const server = new Server()
    const port = await new Promise<number>(resolve =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)),
    )
    closers.push(() => server.forceShutdown())
    await expect(firstFrame(`127.0.0.1:${port}`)).rejects.toThrow('This gRPC server has no live view of opscope')
  })

  it('is watched at its capture port, by who may capture it', async () => {
    const server = await startCaptureServer({ port: 0, host: '127.0.0.1', token: 'secret' })
    const [address = ''] = server.addresses
    await expect(firstFrame(address)).rejects.toThrow('UNAUTHENTICATED')
    expect(server.refusals.count).toBe(1)
    const watch = watchLive(address, { token: 'secret' })
    expect((await watch.next()).value).toMatchObject({ pid: process.pid })
    expect(server.watching).toBe(1)
    const over = watch.next()
    await Promise.all([server.close(), expect(over).rejects.toThrow('is gone')])
    expect(server.watching).toBe(0)
  })

  it('ends by itself, whoever watches', async () => {
    const index = new URL('../../lib/remote/index.js', import.meta.url).href
    const program = `import { startCaptureServer } from '${index}'
      const server = (await startCaptureServer({ port: 0 })).unref()
      process.stdout.write(server.addresses[0])
      const wait = setInterval(() => { if (server.watching === 1) clearInterval(wait) }, 5)`
    const child = spawn(NODE, ['--input-type=module', '-e', program])
    closers.push(() => child.kill())
    const exited = once(child, 'exit')
    const [address] = await once(child.stdout, 'data')
    await expect(firstFrame(String(address))).rejects.toThrow('Connection dropped')
    expect((await exited)[0]).toBe(0)
  })

  it('is watched until the signal comes', async () => {
    const { address, live } = await served()
    const end = new AbortController()
    let count = 0
    for await (const _ of watchLive(address, { signal: end.signal })) {
      count += 1
      end.abort()
    }
    expect(count).toBe(1)
    await until('nobody to watch', () => live.watching === 0)
  })
})

const BIG = 2 ** 53 - 1
const row = (name: string): LiveRow =>
  Object.fromEntries(Object.keys(NO_ROW).map(key => [key, key === 'name' ? name : BIG])) as unknown as LiveRow
const rows = (count: number, name: string) => Array.from({ length: count }, () => row(name))
const LONG = '\u{1f600}'.repeat(500)
const FULL: LiveFrame = {
  ...(Object.fromEntries(
    Object.entries(NO_FRAME).map(([key, value]) => [key, typeof value === 'string' ? LONG : BIG]),
  ) as unknown as LiveFrame),
  request: row(LONG),
  requests: rows(MAX_REQUESTS, LONG),
  ops: rows(MAX_OPS, LONG),
  kernels: rows(MAX_KERNELS, LONG),
  copies: rows(MAX_COPIES, LONG),
  devices: Array.from({ length: MAX_DEVICES }, () => ({ name: LONG, busyPermille: BIG })),
}

describe('a frame', () => {
  it('has at most 16 KiB, whatever the process does', () => {
    expect(encodeLiveFrame(FULL).length).toBeLessThanOrEqual(MAX_FRAME_BYTES)
  })
  it('comes back as it was sent', () => {
    const frame: LiveFrame = {
      ...NO_FRAME,
      sequence: 7,
      program: 'server.mjs',
      noGpuReason: 'no-driver',
      request: { ...NO_ROW, calls: 3, p99Ns: 12_000_000 },
      ops: [{ ...NO_ROW, name: 'infer/matmul', calls: 5, totalNs: 9_007_199_254_740_991 }],
      devices: [{ name: 'NVIDIA H100', busyPermille: 870 }],
    }
    expect(decodeLiveFrame(encodeLiveFrame(frame))).toEqual(frame)
  })
  it('that is cut is refused', () => {
    const bytes = encodeLiveFrame({ ...NO_FRAME, program: 'server.mjs', opCount: 300 })
    expect(() => decodeLiveFrame(bytes.subarray(0, -1))).toThrow('middle of a field')
  })
  it.each(['short', 'x'.repeat(5000), LONG, '日本語'.repeat(100)])('has names of at most 128 bytes: %#', name => {
    expect(Buffer.byteLength(frameName(name))).toBeLessThanOrEqual(128)
    expect(frameName(name)).not.toMatch(/\p{Surrogate}/u)
  })
})

describe('the screen', () => {
  const sizes = [80, 120, 40, 10].flatMap(columns => [24, 50, 8, 3, 1].map(rows => ({ columns, rows })))
  it.each(sizes)('fits %j', ({ columns, rows }) => {
    const lines = liveLines(decodeLiveFrame(encodeLiveFrame(FULL)), { columns, rows })
    expect(lines.length).toBeLessThanOrEqual(rows)
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns)
  })
  it('shows nothing that steers the terminal', () => {
    const frame = { ...NO_FRAME, program: 'a\x1b[2Jb', ops: [{ ...NO_ROW, name: 'op\x1b]0;title\x07', calls: 1 }] }
    const text = liveLines(frame, { columns: 80, rows: 24 }).join('\n')
    expect(text).toContain('a?[2Jb')
    expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  })
})

describe('opscope top', () => {
  async function output(args: string[], onData: (text: string) => void = () => {}) {
    const child = startCli(['top', ...args])
    let stdout = ''
    let stderr = ''
    child.stdout!.on('data', chunk => {
      stdout += chunk
      onData(stdout)
    })
    child.stderr!.on('data', chunk => {
      stderr += chunk
    })
    const code = await new Promise<number | null>(resolve => child.on('close', resolve))
    return { code, stdout, stderr }
  }

  it('prints one second as text, where there is no terminal', async () => {
    const { address } = await served()
    again(() => recordSync('work', () => {}))
    const { code, stdout } = await output([address, '--once'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\S+ \d+ on /)
    expect(stdout).toMatch(/^ {2}work +\d+ /m)
    expect(stdout).not.toContain('\x1b')
  })
  it('prints a line of JSON for each', async () => {
    const { address } = await served()
    const { code, stdout } = await output([address, '--once', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ pid: process.pid, sequence: 1, ops: [] })
  })
  it('ends with 1 when the process is gone', async () => {
    const { address, server } = await served()
    const { code, stderr } = await output([address], () => server.forceShutdown())
    expect(stderr).toContain(`opscope: The process at ${address} is gone`)
    expect(code).toBe(1)
  })
  it.each([
    [['nowhere'], 'it has no port'],
    [['a:1', '--ops', '41'], 'at most 40'],
    [['a:1', '--interval', '0'], 'positive whole number'],
  ])('%j is wrong usage', async (args, reason) => {
    const { code, stderr } = await output(args)
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})
