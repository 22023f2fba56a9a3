import { describe, expect, it } from 'vitest'

import { buildCapture, type Capture } from '../../src/index.js'
import type { CaptureRows } from '../../src/row-types.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'

const service = (): Promise<Capture> => buildCapture(gpuServiceRows())
/** The lines of a block, without its title. */
function block(report: string, title: string): string[] {
  const lines = report.split('\n')
  const first = lines.findIndex(line => line.startsWith(title))
  if (first < 0) throw new Error(`no block ${title} in\n${report}`)
  return lines.slice(first + 1, lines.indexOf('', first))
}

describe('the report of a GPU service', () => {
  it.each([80, 120])('looks like its golden at %i columns', async columns => {
    const report = (await service()).report({ sortedKey: 'total', columns })
    await expect(`${report}\n`).toMatchFileSnapshot(`../fixtures/report/gpu-service.${columns}.txt`)
  })

  it('has no line that is wider than asked', async () => {
    const capture = await service()
    for (const columns of [60, 80, 97, 120, 160]) {
      const widest = Math.max(
        ...capture
          .report({ columns })
          .split('\n')
          .map(line => line.length),
      )
      expect(widest, `at ${columns}`).toBeLessThanOrEqual(columns)
    }
  })

  it('says of a GPU that did nothing that it did nothing, and of no GPU nothing', async () => {
    const idle = await buildCapture({ spans: [], devices: [{ id: 3, name: 'Idle GPU' }] })
    expect(block(idle.report(), 'GPU 3 Idle GPU').at(-1)).toMatch(/Busy +nothing ran on it/)
    const none = await buildCapture({ spans: [{ thread: 'main', name: 'a', startNs: 0, endNs: 5 }] })
    expect(none.report()).not.toMatch(/GPU|Kernel/)
  })

  it('shortens kernels to their name and template, unless only the parameters tell them apart', async () => {
    const names = [
      'void gemm<float>(float*)',
      'gelu(half*)',
      'gelu(float*)',
      'ampere_sgemm_128x64',
      'f<(int)3>(g(*)(int))',
    ]
    const rows: CaptureRows = {
      gpu: names.map((name, i) => ({ kind: 'kernel', name, startNs: i * 100, endNs: i * 100 + 50 - i })),
    }
    const lines = block((await buildCapture(rows)).report({ columns: 100 }), 'Kernel Summary')
    expect(lines.slice(-5).map(line => line.trim().split(/ {2,}/)[0])).toEqual([
      'gemm<float>',
      'gelu(half*)',
      'gelu(float*)',
      'ampere_sgemm_128x64',
      'f<(int)3>',
    ])
  })

  it('shows the twenty kernels that took most, and sums up the rest', async () => {
    const gpu = Array.from({ length: 23 }, (_, i) => {
      return { kind: 'kernel' as const, name: `k${i}`, startNs: i * 1000, endNs: i * 1000 + 100 - i }
    })
    const lines = block((await buildCapture({ gpu })).report(), 'Kernel Summary')
    expect(lines).toHaveLength(1 + 1 + 20 + 1)
    // 80 + 79 + 78 of the sum of 100 down to 78.
    expect(lines.at(-1)).toBe('  … 3 more kernels, 237 ns (11.6%)')
  })

  it('tells devices apart where there are several', async () => {
    const gpu = [0, 1].map(device => ({ kind: 'kernel' as const, name: 'k', device, startNs: 0, endNs: 10 + device }))
    const report = (await buildCapture({ gpu })).report()
    expect(
      block(report, 'Kernel Summary')
        .slice(-2)
        .map(line => line.trim().split(/ {2,}/)[0]),
    ).toEqual(['k (GPU 1)', 'k (GPU 0)'])
  })
})
