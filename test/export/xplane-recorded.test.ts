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

describe('what the rules are looked through for', () => {
  type Space = ReturnType<typeof decodeXSpace>
  const eventOf = (space: Space, name: string) =>
    space.planes.flatMap(({ lines }) => lines.flatMap(({ events }) => events)).find(event => event.name === name)!
  const setArm = (space: Space, name: string, stat: string, arm: 'int64' | 'uint64') => {
    eventOf(space, name).arms[stat] = arm
  }
  it.each<[string, RegExp, (space: Space) => void]>([
    ['no plane of the host', /the first plane is not/, space => void space.planes.shift()],
    ['a plane told twice', /planes of one name/, space => void space.planes.push(space.planes[0]!)],
    [
      'a plane that nobody shows',
      /no viewer shows/,
      space => void space.planes.push({ ...space.planes[0]!, name: '/host:foo' }),
    ],
    ['two hosts', /hostnames/, space => void space.hostnames.push('b')],
    [
      'times since 1970',
      /not relative/,
      space => {
        space.planes[0]!.lines[0]!.timestampNs = 1_700_000_000_000_000_000n
      },
    ],
    [
      'events that are not sorted',
      /not sorted/,
      space => void space.planes[0]!.lines.find(({ name }) => name === 'main')!.events.reverse(),
    ],
    [
      'events that cross',
      /crosses/,
      space => {
        eventOf(space, 'encode').endPs = 10n ** 12n
      },
    ],
    [
      'a correlation_id that reads as 0',
      /correlation_id is int64/,
      space => setArm(space, 'gemm', 'correlation_id', 'int64'),
    ],
    [
      'work without a launch',
      /no launch 3/,
      space => {
        eventOf(space, 'cudaLaunchKernel').stats.correlation_id = 99n
      },
    ],
    [
      'a number of a line that is cut',
      /is cut/,
      space => {
        space.planes[0]!.lines[0]!.id = 0x7f00_1234_5678
      },
    ],
    [
      'a device that is not there',
      /device_id 2/,
      space => {
        eventOf(space, 'cudaLaunchKernel').stats.device_id = 2n
      },
    ],
    [
      'a kernel that is none',
      /details/,
      space => {
        delete eventOf(space, 'gemm').stats.kernel_details
      },
    ],
    [
      'a name that counts as an op',
      /counts as an op/,
      space => {
        eventOf(space, 'encode').name = 'GET /x:Foo'
      },
    ],
    ['what readers derive', /for readers to derive/, space => setArm(space, 'encode', 'group_id', 'int64')],
  ])('finds %s', async (_, complaint, spoil) => {
    const space = decodeXSpace(await bytesOf(await buildCapture(TWO_GPU_ROWS)))
    expect(lintXSpace(space)).toEqual([])
    spoil(space)
    expect(lintXSpace(space).join('\n')).toMatch(complaint)
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
