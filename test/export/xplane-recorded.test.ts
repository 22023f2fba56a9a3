// XSpaces of what was recorded from a GPU, and of what another program makes of their bytes.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { TWO_GPU_ROWS } from '../fixtures/gpu-details-rows.js'
import { hasFakes } from '../gpu/fake-gpu.js'
import { play } from '../gpu/player.js'
import { decodeXSpace, lintXSpace } from './xplane-decoded.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
async function bytesOf(capture: Capture): Promise<Buffer> {
  const { path } = await capture.export(join(folder, 'trace.xplane.pb'))
  return readFileSync(path)
}

// Two requests, each with a copy to the GPU and a kernel.
const REQUESTS: CaptureRows = {
  spans: [0, 1].flatMap(i => [
    { thread: 'main', name: 'request', startNs: i * 100_000, endNs: i * 100_000 + 90_000 },
    { thread: 'main', name: 'load', startNs: i * 100_000 + 1000, endNs: i * 100_000 + 20_000 },
    { thread: 'main', name: 'matmul', startNs: i * 100_000 + 30_000, endNs: i * 100_000 + 80_000 },
  ]),
  launches: [0, 1].flatMap(i => [
    {
      thread: 'main',
      name: 'cudaMemcpyAsync',
      startNs: i * 100_000 + 2000,
      endNs: i * 100_000 + 4000,
      correlationId: 2 * i + 1,
    },
    {
      thread: 'main',
      name: 'cudaLaunchKernel',
      startNs: i * 100_000 + 40_000,
      endNs: i * 100_000 + 42_000,
      correlationId: 2 * i + 2,
    },
  ]),
  gpu: [0, 1].flatMap(i => [
    {
      kind: 'copy' as const,
      name: 'HtoD',
      startNs: i * 100_000 + 5000,
      endNs: i * 100_000 + 9000,
      correlationId: 2 * i + 1,
      bytes: 4096,
      from: 'pageable' as const,
      to: 'device' as const,
      context: 1,
      stream: 7,
    },
    {
      kind: 'kernel' as const,
      name: 'gemm',
      startNs: i * 100_000 + 45_000,
      endNs: i * 100_000 + 75_000,
      correlationId: 2 * i + 2,
      context: 1,
      stream: 7,
    },
  ]),
}

describe.runIf(hasFakes())('what was recorded from a scripted GPU', () => {
  it('keeps the rules of its readers, and has each launch inside the op that made it', async () => {
    const space = decodeXSpace(await bytesOf(await play(REQUESTS)))
    expect(lintXSpace(space)).toEqual([])
    const [host, gpu] = space.planes
    const main = host!.lines.find(({ events }) => events.some(({ displayName }) => displayName === 'matmul'))!
    const inside = main.events.map(({ name, displayName, startPs, endPs }) => {
      const depth = main.events.filter(other => other.startPs <= startPs && endPs <= other.endPs).length - 1
      return `${' '.repeat(depth)}${displayName || name}`
    })
    const request = ['request', ' load', '  cudaMemcpyAsync', ' matmul', '  cudaLaunchKernel']
    expect(inside.map(name => name.replace(/_v\d+$/, ''))).toEqual([...request, ...request])
    const work = gpu!.lines.flatMap(({ events }) => events)
    const kernels = work.filter(({ stats }) => stats.kernel_details !== undefined)
    expect(kernels.map(({ name, stats }) => [name, stats.tf_op])).toEqual(
      Array(2).fill(['gemm', 'request/matmul:Matmul']),
    )
  })
})

const protoc = spawnSync('protoc', ['--version'])
if (protoc.error !== undefined) console.log('protoc is not installed: what it makes of an XSpace is not tested')

describe.skipIf(protoc.error !== undefined)('protoc', () => {
  it('decodes every byte', async () => {
    const proto = fileURLToPath(new URL('../format', import.meta.url))
    const text = execFileSync('protoc', ['-I', proto, '--decode=tensorflow.profiler.XSpace', 'xplane.proto'], {
      input: await bytesOf(await buildCapture(TWO_GPU_ROWS)),
      encoding: 'utf8',
    })
    expect(text).toContain('name: "/host:CPU"')
    // What is in no field of the schema is shown by its number.
    expect(text).not.toMatch(/^\s*\d+[:{]/m)
  })
})
