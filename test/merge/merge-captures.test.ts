import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture, loadCapture, mergeCaptures } from '../../src/index.js'
import { contentOf } from '../export/capture-content.js'
import { decodePerfetto } from '../export/perfetto-decoded.js'
import { CLIENT, EPOCH_NS, LATER_NS, SERVER, TRACE_ID } from './two-hosts.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-merge-'))
const at = (name: string) => join(folder, name)
let client: Capture
let server: Capture
let merged: Capture
beforeAll(async () => {
  client = await buildCapture(CLIENT)
  server = await buildCapture(SERVER)
  merged = await mergeCaptures([server, client])
})

const rowsOf = (capture: Capture, of: number) => capture.rows().filter('host', of === 0 ? 'host-a' : 'host-b')
const startsOf = (capture: Capture, process: number, name: string) =>
  rowsOf(capture, process).filter('name', name).column('start')

describe('two captures merged', () => {
  it('begin with the first, whatever their order, and end with the last', () => {
    expect(merged.originEpochNs).toBe(EPOCH_NS)
    expect(merged.durationNs).toBe(10_000)
    expect(merged.processes).toEqual([
      {
        host: 'host-a',
        pid: 12,
        name: 'client.mjs',
        startNs: 0,
        durationNs: 10_000,
        originEpochNs: EPOCH_NS,
        dropped: 0,
        attributes: { model: 'bert', side: 'client' },
      },
      {
        host: 'host-b',
        pid: 12,
        name: 'server.mjs',
        startNs: LATER_NS,
        durationNs: 6_000,
        originEpochNs: EPOCH_NS + BigInt(LATER_NS),
        dropped: 0,
        attributes: { model: 'bert', side: 'server' },
      },
    ])
    expect(merged.threads.map(({ name, process }) => [name, process])).toEqual([
      ['main', 0],
      ['main', 1],
    ])
  })

  it('stand where their wall clocks say, to the nanosecond', () => {
    expect(startsOf(merged, 0, 'encode')).toEqual([200])
    expect(startsOf(merged, 1, 'encode')).toEqual([200 + LATER_NS])
    expect(startsOf(merged, 1, 'gemm')).toEqual([700 + LATER_NS])
    expect(merged.marks().map(({ name, atNs, thread }) => [name, atNs, thread])).toEqual([
      ['sent', 1_250, 0],
      ['received', 10 + LATER_NS, 1],
    ])
    expect(merged.counters().map(({ value, atNs, thread }) => [value, atNs, thread])).toEqual([
      [1, 100, 0],
      [2, 100 + LATER_NS, 1],
    ])
  })

  it('have the sums of their op rows', () => {
    const sums = new Map<string, number[]>()
    for (const { path, calls, totalNs, cpuNs, gpuNs, selfNs, unfinished } of [...client.ops(), ...server.ops()]) {
      const figures = [calls, totalNs, cpuNs, gpuNs, selfNs, unfinished]
      const key = path.join('/')
      sums.set(
        key,
        figures.map((figure, at) => figure + (sums.get(key)?.[at] ?? 0)),
      )
    }
    const own = merged.ops().map(({ path, calls, totalNs, cpuNs, gpuNs, selfNs, unfinished }) => {
      return [path.join('/'), [calls, totalNs, cpuNs, gpuNs, selfNs, unfinished]] as const
    })
    expect(sums.size).toBeGreaterThan(4)
    expect(new Map(own)).toEqual(sums)
  })

  it('tell host and pid in every row, which a plain capture does not', () => {
    expect(rowsOf(merged, 1).filter('name', 'encode').toArray()).toMatchObject([{ host: 'host-b', pid: 12 }])
    expect(merged.rows().numRows).toBe(client.rows().numRows + server.rows().numRows)
    expect(client.rows().columns).not.toContain('host')
  })

  it('keep what both were given, and leave the rest to the processes', () => {
    expect(merged.attributes).toEqual({ model: 'bert' })
    expect([merged.host, client.host]).toEqual(['', 'host-a'])
  })

  it('say in the report how many they are, and whose the threads', () => {
    const report = merged.report({ columns: 160 })
    expect(report).toContain('2 processes on 2 hosts')
    expect(report).toContain('thread 1 (main) of server.mjs 12 on host-b')
    expect(report).toContain('GPU 1 (host-b GPU 0) H100')
    expect(client.report()).not.toMatch(/processes|host-a|client\.mjs/)
  })

  it('count a pause against the rows of its own process alone', async () => {
    const pauses = [{ startNs: 2_000, endNs: 3_000 }]
    const both = await mergeCaptures([
      await buildCapture({ ...CLIENT, pauses }),
      await buildCapture({ ...SERVER, pauses: [] }),
    ])
    expect(rowsOf(both, 0).filter('name', 'call').column('paused_ns')).toEqual([1_000])
    expect(rowsOf(both, 1).filter('name', 'handle').column('paused_ns')).toEqual([0])
  })

  it('are recorded while one of them is: the wall time of the report', async () => {
    const whole = { ...CLIENT, pauses: [{ startNs: 0, endNs: 4_000 }] }
    const part = { ...SERVER, pauses: [{ startNs: 0, endNs: 1_000 }], durationNs: 3_000 }
    const both = await mergeCaptures([await buildCapture(whole), await buildCapture(part)])
    // The second records [2500, 4500), the first [4000, 10000): paused are the 2500 ns before.
    expect(both.report({ columns: 160 })).toContain('wall 10 µs (paused 2.50 µs)')
  })

  it('count sessions of one process as one process', async () => {
    const again = await buildCapture({ ...CLIENT, originEpochNs: EPOCH_NS + 50_000n })
    const both = await mergeCaptures([client, again, server])
    expect(both.report({ columns: 160 })).toContain('3 sessions of 2 processes on 2 hosts')
    expect(both.processes.map(({ startNs }) => startNs)).toEqual([0, LATER_NS, 50_000])
  })

  it('end what they left open with their own session', () => {
    const { spans } = merged
    const open = [...spans.name].flatMap((name, row) => (spans.names[name]!.text === 'left open' ? [row] : []))
    expect(open.map(row => spans.startNs[row]! + spans.durationNs[row]!)).toEqual([10_000n, 6_000n + BigInt(LATER_NS)])
  })
})

describe('numbers that two processes share', () => {
  it('name GPUs of their hosts', () => {
    expect(
      merged
        .devices()
        .map(({ device, process, ordinal, uuid, kernelCount }) => [device, process, ordinal, uuid, kernelCount]),
    ).toEqual([
      [0, 0, 0, 'aa'.repeat(16), 1],
      [1, 1, 0, 'bb'.repeat(16), 1],
    ])
    const kernels = merged.rows().filter('name', 'gemm').toArray()
    expect(new Set(kernels.map(row => row.context)).size).toBe(2)
    expect(new Set(kernels.map(row => row.correlation_id)).size).toBe(2)
  })

  it('name one GPU where host and uuid are one, whatever each process calls it', async () => {
    const twin = await buildCapture({
      ...SERVER,
      host: 'host-a',
      processId: 13,
      devices: [
        { id: 0, name: 'other' },
        { id: 1, name: 'H100', uuid: 'aa'.repeat(16) },
      ],
      gpu: SERVER.gpu!.map(row => ({ ...row, device: 1 })),
      contexts: [{ id: 1, device: 1 }],
      gpuMemory: [
        { ...SERVER.gpuMemory![0]!, device: 1 },
        { ...SERVER.gpuMemory![0]!, device: 1, atNs: 400, isRelease: true },
        { ...SERVER.gpuMemory![0]!, device: 1, atNs: 500, isRelease: true }, // of older memory
      ],
    })
    const both = await mergeCaptures([client, twin])
    expect(
      both.devices().map(({ device, name, kernelCount, ordinal }) => [device, name, kernelCount, ordinal]),
    ).toEqual([
      [0, 'H100', 2, 0],
      [1, 'other', 0, 0],
    ])
    // Both allocated at one address: 100 bytes and 30 were live at once, and each released its own.
    expect(both.devices()[0]!.memory).toEqual({
      allocations: 2,
      allocatedBytes: 130,
      releases: 2,
      releasedBytes: 130,
      liveBytes: 0,
      peakBytes: 130,
    })
    const path = at('shared-gpu.json')
    await both.export(path)
    expect(contentOf(await loadCapture(path))).toEqual(contentOf(both))
    // Two processes on one stream number of one GPU have tracks of their own.
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8')) as {
      traceEvents: { name: string; ph: string; pid: number; tid: number; args: { bytes?: number } }[]
    }
    const inUse = traceEvents.flatMap(({ name, args }) => (name === 'GPU 0 memory' ? [args.bytes] : []))
    expect(inUse).toEqual([100, 130, 100, 100, 0])
    const kernels = traceEvents.filter(({ name, ph }) => name === 'gemm' && ph === 'X')
    expect(new Set(kernels.map(({ pid }) => pid))).toEqual(new Set([5_000_000]))
    expect(new Set(kernels.map(({ tid }) => tid)).size).toBe(2)
  })

  it('leave GPU work without an open span to the one bracket of its own process', async () => {
    const rows = (bracketed: boolean) => ({
      host: bracketed ? 'host-a' : 'host-b',
      processId: 1,
      originEpochNs: EPOCH_NS,
      threads: [{ name: 'main', jsThreadId: 0 }, { name: 'pool' }],
      spans: [{ thread: 'main', name: bracketed ? 'run a' : 'run b', startNs: 0, endNs: 1_000, isBracket: true }],
      launches: [{ thread: 'pool', name: 'cudaLaunchKernel', startNs: 100, endNs: 110, correlationId: 1 }],
      gpu: [{ kind: 'kernel' as const, name: 'k', startNs: 200, endNs: 300, correlationId: 1 }],
    })
    const both = await mergeCaptures([await buildCapture(rows(true)), await buildCapture(rows(false))])
    const gpuTimes = (capture: Capture) => capture.ops().map(({ name, gpuNs }) => [name, gpuNs])
    expect(gpuTimes(both)).toEqual([
      ['run a', 100],
      ['run b', 100],
    ])
    // A file holds no attribution: it is found again when the file is loaded.
    await both.export(at('brackets.pftrace'))
    expect(gpuTimes(await loadCapture(at('brackets.pftrace')))).toEqual(gpuTimes(both))
  })
})

describe('a parent in another process', () => {
  it('stays an id beside the span, so that no op of the parent costs more', () => {
    const [handle] = merged.rows().filter('name', 'handle').toArray()
    expect(handle).toMatchObject({ parent_span_id: '00000000000000c1', trace_id: TRACE_ID })
    const [call] = merged
      .rows()
      .filter('span_id', handle!.parent_span_id as string)
      .filter('trace_id', TRACE_ID)
      .toArray()
    expect(call).toMatchObject({ name: 'call', host: 'host-a' })
    expect(merged.ops().find(({ name }) => name === 'handle')!.path).toEqual(['handle'])
  })

  it('is an arrow in a Perfetto trace and in a Chrome trace', async () => {
    await merged.export(at('arrow.pftrace'))
    const arrows = decodePerfetto(readFileSync(at('arrow.pftrace'))).events.filter(({ flows }) => flows.length > 0)
    expect(arrows.map(({ name }) => name).sort()).toEqual(['call', 'handle'])
    expect(new Set(arrows.flatMap(({ flows }) => flows)).size).toBe(1)
    await merged.export(at('arrow.json'))
    const { traceEvents } = JSON.parse(readFileSync(at('arrow.json'), 'utf8')) as {
      traceEvents: Record<string, unknown>[]
    }
    const ends = traceEvents.filter(({ cat }) => cat === 'remote').map(({ ph, pid, ts }) => [ph, pid, ts])
    const [clientPid, serverPid] = [12, 4_900_000]
    expect(ends).toEqual([
      ['s', clientPid, 0.1],
      ['f', serverPid, LATER_NS / 1000],
    ])
  })
})

describe.each(['all.pftrace', 'all.pftrace.gz', 'all.json', 'all.json.gz'])('%s', name => {
  it('loads a merged capture back as it was', async () => {
    await merged.export(at(name))
    expect(contentOf(await loadCapture(at(name)))).toEqual(contentOf(merged))
  })
  it('can be merged again, with the same result as all at once', async () => {
    await merged.export(at(name))
    const third = await buildCapture({ ...SERVER, host: 'host-c', originEpochNs: EPOCH_NS - 700n })
    const inSteps = await mergeCaptures([at(name), third])
    const atOnce = await mergeCaptures([client, third, server])
    expect(inSteps.processes.map(({ host, startNs }) => [host, startNs])).toEqual([
      ['host-c', 0],
      ['host-a', 700],
      ['host-b', 700 + LATER_NS],
    ])
    expect(contentOf(inSteps)).toEqual(contentOf(atOnce))
  })
})

describe('the files of a merged capture, read by others', () => {
  it('a Perfetto trace has a track for each process with its threads, though both have one pid', async () => {
    await merged.export(at('tracks.pftrace'))
    const { processes, threads, events, gpus } = decodePerfetto(readFileSync(at('tracks.pftrace')))
    expect(processes).toEqual([
      { pid: 12, name: 'client.mjs · host-a' },
      { pid: 4_900_000, name: 'server.mjs · host-b · pid 12' },
    ])
    expect(threads.map(({ pid, parentPid, name }) => [pid, parentPid, name])).toEqual([
      [12, 12, 'main'],
      [4_900_000, 4_900_000, 'main'],
    ])
    expect(new Set(threads.map(({ tid }) => tid)).size).toBe(2)
    const begins = events.filter(({ type }) => type === 1).map(({ name, pid, atNs }) => [name, pid, atNs])
    expect(begins).toContainEqual(['handle', 4_900_000, LATER_NS])
    expect(begins).toContainEqual(['paused', 12, 9_100])
    expect(begins).toContainEqual(['paused', 4_900_000, 5_100 + LATER_NS])
    expect(begins).toContainEqual(['buffer flush', 4_900_000, 15 + LATER_NS])
    expect(gpus.map(({ name }) => name)).toEqual(['H100 · host-a GPU 0', 'H100 · host-b GPU 0'])
  })

  it('a Chrome trace has a pid for each process', async () => {
    await merged.export(at('tracks.json.gz'))
    const { traceEvents } = JSON.parse(gunzipSync(readFileSync(at('tracks.json.gz'))).toString()) as {
      traceEvents: { ph: string; name: string; pid: number; args: { name: string } }[]
    }
    const names = traceEvents.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [pid, args.name])
    expect(names).toEqual([
      [12, 'client.mjs · host-a'],
      [4_900_000, 'server.mjs · host-b · pid 12'],
      [5_000_000, 'GPU 0 · host-a GPU 0 · H100'],
      [5_000_001, 'GPU 1 · host-b GPU 0 · H100'],
    ])
    const pids = traceEvents.filter(({ name, ph }) => name === 'encode' && ph === 'X').map(({ pid }) => pid)
    expect(pids).toEqual([12, 4_900_000])
  })

  it('a Paddle profile says that it knows no processes', async () => {
    const { warnings } = await merged.export(at('all.paddle.pb'))
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'processes-as-threads', count: 2 }))
  })
})
