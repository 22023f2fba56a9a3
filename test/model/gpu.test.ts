// What the tables say of the service in fixtures/gpu-rows.ts, by arithmetic on its constants.
import { describe, expect, it } from 'vitest'
import type { MemoryKind } from '../../src/binding.js'
import { buildCapture, type Capture } from '../../src/index.js'
import type { CaptureRows, GpuRow, LaunchRow } from '../../src/row-types.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'

const REQUESTS = 50
const us = 1000
const service = (): Promise<Capture> => buildCapture(gpuServiceRows())

describe('kernels()', () => {
  it('adds up calls and tells shape, occupancy and what limits it', async () => {
    const [gemm, bias] = (await service()).kernels()
    expect(gemm).toMatchObject({
      name: 'void gemm<float, 128>(float const*, float const*, float*, int)',
      device: 0,
      calls: REQUESTS,
      totalNs: REQUESTS * 500 * us,
      aveNs: 500 * us,
      p99Ns: 500 * us,
      ratio: 500 / 504,
      launchNs: REQUESTS * 5 * us,
      configurations: 1,
      grid: [264, 1, 1],
      block: [256, 1, 1],
      registersPerThread: 64,
      dynamicSharedBytes: 16_384,
      // 64 registers: 32 of 64 warps, 4 blocks of 8; the grid of 264 is half of what 132 multiprocessors hold.
      occupancy: { ratio: 0.5, limiter: 'registers', blocksPerSm: 4, warpsPerBlock: 8, waves: 0.5 },
    })
    expect(bias).toMatchObject({ calls: REQUESTS, occupancy: { ratio: 1, limiter: 'warps' } })
  })

  it('says nothing of occupancy where the device or the shape is not known', async () => {
    const kernel = { grid: [1, 1, 1], block: [64, 1, 1] } as const
    const gpu: GpuRow[] = [
      { kind: 'kernel', name: 'k', startNs: 0, endNs: 1, kernel: { ...kernel, grid: [1, 1, 1], block: [64, 1, 1] } },
    ]
    expect((await buildCapture({ gpu })).kernels()[0]).not.toHaveProperty('occupancy')
  })
})

describe('devices()', () => {
  it('tells busy time, concurrency, copies, latency, waits and idle time', async () => {
    const [device] = (await service()).devices()
    const busyUs = 26 + 500 + 20
    expect(device).toMatchObject({
      device: 0,
      name: 'NVIDIA H100 80GB HBM3',
      computeCapability: '9.0',
      multiprocessors: 132,
      windowNs: (49 * 1000 + 590 - 20) * us,
      busyNs: REQUESTS * busyUs * us,
      busyOfRecordedRatio: busyUs / 1000,
      kernelCount: 2 * REQUESTS,
      kernelNs: REQUESTS * 504 * us,
      concurrency: 504 / 500,
      streamCount: 2,
      copyCount: 2 * REQUESTS,
      copyBytes: REQUESTS * (262_144 + 131_072),
      pageableRatio: 262_144 / (262_144 + 131_072),
      // gemm starts 5 µs after its call returned, bias 6.
      launchLatency: { count: 100, minNs: 5 * us, p50Ns: 5.5 * us, p99Ns: 6 * us, negativeCount: 0 },
      tinyKernels: { count: REQUESTS, ratio: 0.5, launchNs: REQUESTS * 4 * us },
      syncs: { count: REQUESTS, totalNs: REQUESTS * 454 * us },
      blockingCopies: { count: REQUESTS, totalNs: REQUESTS * 38 * us },
      memory: { allocations: 2, liveBytes: 402_653_184, peakBytes: 402_653_184 + 4_194_304 },
    })
    expect(device!.kernelNsByDepth.slice(0, 3)).toEqual([REQUESTS * 496 * us, REQUESTS * 4 * us, 0])
    // Between the copy and the kernel, and between two requests.
    expect(device!.gaps).toMatchObject({ count: 99, totalNs: (50 * 24 + 49 * 430) * us })
  })
})

describe('gaps()', () => {
  it('tells the longest first, with the cause and what the host did meanwhile', async () => {
    const gaps = (await service()).gaps()
    expect(gaps).toHaveLength(99)
    expect(gaps[0]).toMatchObject({ startNs: 590 * us, endNs: 1020 * us, cause: 'sync', hostPath: ['postprocess'] })
    expect(gaps[0]!.before).toEqual({
      name: 'Memcpy DtoH (Device -> Pinned)',
      path: ['predict', 'fetch', 'GpuMemcpyAsync:GPU->CUDAPinned'],
    })
    expect(gaps.at(-1)).toMatchObject({ durationNs: 24 * us, hostPath: ['predict', 'matmul'] })
  })
})

describe('syncs(), copies() and memory()', () => {
  it('belong to the op that made the call', async () => {
    const capture = await service()
    expect(capture.syncs()).toEqual([
      { name: 'Stream Sync', path: ['predict', 'fetch'], thread: 0, count: 50, totalNs: 22_700 * us, maxNs: 454 * us },
    ])
    expect(capture.memory()[0]).toMatchObject({ path: ['predict'], kind: 'device', allocatedBytes: 402_653_184 })
    expect(capture.copies().rows[0]).toMatchObject({
      name: 'GpuMemcpySync:CPU->GPU',
      bytes: REQUESTS * 262_144,
      bytesPerSecond: (262_144 / 26) * 1e6,
      blocking: { calls: REQUESTS, totalNs: REQUESTS * 38 * us },
      kinds: [
        { from: 'pageable', to: 'device', copies: REQUESTS, bytes: REQUESTS * 262_144, gpuNs: REQUESTS * 26 * us },
      ],
    })
  })
})

describe('findings of the GPU', () => {
  /** `count` kernels of `workUs`, one per `periodUs`, each launched `launchUs` before it starts. */
  function steady(count: number, periodUs: number, workUs: number, launchUs = 2): CaptureRows {
    const launches: LaunchRow[] = []
    const gpu: GpuRow[] = []
    for (let i = 0; i < count; i++) {
      const start = (i * periodUs + 10) * us
      const call = { startNs: start - (launchUs + 1) * us, endNs: start - launchUs * us, correlationId: i + 1 }
      launches.push({ thread: 'main', name: 'cudaLaunchKernel', ...call })
      gpu.push({ kind: 'kernel', name: 'k', startNs: start, endNs: start + workUs * us, correlationId: i + 1 })
    }
    const spans = [{ thread: 'main', name: 'serve', startNs: 0, endNs: count * periodUs * us }]
    return { spans, launches, gpu }
  }
  const codes = async (rows: CaptureRows): Promise<string[]> =>
    (await buildCapture(rows)).findings().map(finding => finding.code)
  const found = async (rows: CaptureRows, code: string) =>
    (await buildCapture(rows)).findings().find(finding => finding.code === code)

  it('names what the host does while the GPU idles', async () => {
    const finding = await found(steady(50, 100, 20), 'gpu-idle')
    expect(finding).toMatchObject({ op: ['serve'], severity: 'high' })
    // 49 gaps of 80 µs in a window of 4,920 µs.
    expect(finding?.figure).toBe(
      'GPU 0 idles for 79.7% of the 4.92 ms that it has work; 3.92 ms of it while the host is here',
    )
    expect(await codes(steady(50, 100, 60))).not.toContain('gpu-idle')
    expect(await codes(steady(10, 100, 20))).not.toContain('gpu-idle')
  })

  it('calls a GPU launch-bound when its kernels find it idle right after their launch', async () => {
    const finding = await found(steady(50, 8, 4), 'launch-bound')
    expect(finding?.figure).toBe(
      'GPU 0 waits for launches: 98.0% of 50 kernels found it idle; 50 run below 5 µs, and launching those took 50 µs of host time',
    )
    // Launched long before: the GPU never waits for the host.
    expect(await codes(steady(50, 8, 4, 9))).not.toContain('launch-bound')
  })

  it('points at blocking, pageable and small copies, each beyond its threshold', async () => {
    const copies = (bytes: number, from: MemoryKind, callUs: number): CaptureRows => {
      const rows: CaptureRows = { spans: [], launches: [], gpu: [] }
      for (let i = 0; i < 200; i++) {
        const start = i * 100 * us
        const correlationId = i + 1
        rows.launches!.push({
          thread: 'main',
          name: 'cudaMemcpyAsync',
          startNs: start,
          endNs: start + callUs * us,
          correlationId,
        })
        const work = { kind: 'copy', name: 'Memcpy HtoD', from, to: 'device', bytes, correlationId } as const
        rows.gpu!.push({ ...work, startNs: start + 5 * us, endNs: start + 25 * us })
      }
      return { ...rows, durationNs: 20_000 * us }
    }
    expect(await codes(copies(1 << 20, 'pageable', 30))).toEqual(
      expect.arrayContaining(['blocking-copies', 'pageable-copies']),
    )
    const pinned = await codes(copies(1 << 20, 'pinned', 3))
    for (const code of ['blocking-copies', 'pageable-copies', 'small-copies']) expect(pinned).not.toContain(code)
    expect((await found(copies(4096, 'pinned', 10), 'small-copies'))?.figure).toBe(
      '200 copy calls of 4.00 KiB on average took 6 ms',
    )
  })

  it('names the limiter of a kernel that fills little of the GPU', async () => {
    const rows = gpuServiceRows()
    const finding = await found(rows, 'low-occupancy')
    expect(finding?.figure).toBe('99.2% of the kernel time; its grid fills 50.0% of the GPU')
    for (const row of rows.gpu!) if (row.kernel) row.kernel.grid = [10_000, 1, 1]
    expect(await codes(rows)).not.toContain('low-occupancy')
    for (const row of rows.gpu!) if (row.kernel) row.kernel.registersPerThread = 200
    expect((await found(rows, 'low-occupancy'))?.figure).toBe(
      '99.2% of the kernel time; 12.5% of the warps fit, limited by registers',
    )
  })
})
