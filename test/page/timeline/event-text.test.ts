import { describe, expect, it } from 'vitest'

import { counterText, placeLines } from '../../../src/page/timeline/event-text.js'
import { Layout } from '../../../src/page/timeline/layout.js'
import { tracksOf } from '../../../src/page/timeline/tracks.js'
import { buildRecording, type ThreadSpec } from '../recording-builder.js'

/** What is said of the first event of each row. */
function wordsOf(thread: ThreadSpec): string[] {
  const recording = buildRecording({ durationNs: 1e9, threads: [{ name: 'main', ...thread }] })
  return new Layout(tracksOf(recording)).bands.flatMap(band => {
    const rowCount = band.track.kind === 'counter' ? 1 : band.track.rows.rowCount
    return Array.from({ length: rowCount }, (_, row) => {
      const slot = band.track.kind === 'counter' ? 0 : band.track.rows.first(row)
      return placeLines(recording, { band, row, slot }).join(' | ')
    })
  })
}

describe('an event in words', () => {
  it('has the size, the rate and the direction of a copy, the size of a fill, and what is not known of a kernel', () => {
    const gpu = (kind: number, bytes: number, stream: number) => ({
      ...{ name: ['gemm', 'copy', 'fill'][kind]!, kind, bytes, stream },
      ...{ start: 2000, end: 3000 },
    })
    const launches = [
      { name: 'cudaMemcpyAsync', start: 1000, end: 1500, work: [gpu(1, 4096, 1), gpu(2, 1024, 2), gpu(0, 0, 3)] },
    ]
    expect(wordsOf({ launches })).toEqual([
      'cudaMemcpyAsync | 500 ns, from 1 µs | main · launches',
      // 4096 bytes in 1 µs.
      'copy | 1 µs, from 2 µs | stream 1 | 4.00 KiB, 4.10 GB/s | pinned to device memory',
      'fill | 1 µs, from 2 µs | stream 2 | 1.00 KiB, 1.02 GB/s',
      'gemm | 1 µs, from 2 µs | stream 3',
    ])
  })

  it('has the first attributes of a span, and counts the rest', () => {
    const attributes = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`key ${i}`, `value\n${i}`]))
    const [words] = wordsOf({ spans: [{ name: 'a/b', start: 0, end: 5e6, attributes }] })
    expect(words).toMatch(
      /^a\/b \| 5 ms, from 0 ns \| main \| key 0: value\\n0 \| .* \| key 7: value\\n7 \| 3 more attributes$/,
    )
  })

  it('cuts names that nobody would listen to', () => {
    const [words] = wordsOf({ spans: [{ name: 'x'.repeat(100_000), start: 0, end: 1 }] })
    expect(words).toBe(`${'x'.repeat(300)}… | 1 ns, from 0 ns | main`)
  })

  it('tells the moment of a mark to the microsecond', () => {
    expect(wordsOf({ marks: [{ name: 'warm', at: 12_345_678 }] })).toEqual(['warm | mark at 12.346 ms | main · marks'])
  })

  it("tells the runtime's counters in their units", () => {
    expect([
      counterText('rss', 3 * 2 ** 20),
      counterText('event loop delay', 1_500_000),
      counterText('event loop utilization', 0.256),
      counterText('queued', 12_345),
      counterText('load', 1 / 3),
    ]).toEqual(['3.00 MiB', '1.50 ms', '25.6%', '12,345', '0.333333'])
    const counters = [{ name: 'queued', values: [[5_000, 7]] as [number, number][] }]
    expect(wordsOf({ counters })).toEqual(['queued = 7 | at 5 µs'])
  })
})
