import { setTimeout as delay } from 'node:timers/promises'
import { record, recordSync } from 'opscope'

import { recordGpu } from '../rows.mjs'
import { startWorkers } from '../workers.mjs'

const THREADS = 4
const STREAMS = [1, 2, 3, 4]
// Different for every span, so that a swap shows.
const countOf = (thread, stream) => 3 + 5 * thread + stream
const ownOf = thread => 2 + thread

export const title = 'Threads, streams and ranges'
export const truth = 'launches per range, known by construction'

export async function run({ gpu, check, size }) {
  const times = size(20, 1)
  const us = 20
  const workers = await startWorkers(THREADS)
  const jobs = Array.from({ length: THREADS }, (_, thread) => ({
    job: 'ranges',
    name: `range ${thread}`,
    own: { us, count: ownOf(thread) * times },
    streams: STREAMS.map(stream => ({ stream, us, count: countOf(thread, stream) * times })),
  }))
  const { capture, rows } = await recordGpu(async () => {
    const running = workers.run(jobs)
    await record('awaited', async () => {
      gpu.spin(us, 7 * times)
      await delay(1)
      recordSync('after await', () => gpu.spin(us, 11 * times))
    })
    gpu.threadSpin(us, 2 * times, 2)
    await running
    gpu.sync()
  })
  await workers.end()

  const bySpan = new Map()
  for (const kernel of rows.kernels('gs_spin_kernel')) {
    const span = kernel.span ?? 'no range'
    bySpan.set(span, [...(bySpan.get(span) ?? []), kernel.durationUs])
  }
  const expected = new Map([
    ['awaited', 7],
    ['after await', 11],
    ['no range', 4],
  ])
  for (let thread = 0; thread < THREADS; thread++) {
    expected.set(`range ${thread}`, ownOf(thread))
    for (const stream of STREAMS) expected.set(`range ${thread} stream ${stream}`, countOf(thread, stream))
  }
  for (const [span, count] of expected) {
    const durations = bySpan.get(span) ?? []
    check.equal(`${span}: kernels`, count * times, durations.length)
    const row = capture.ops().find(({ path }) => path.at(-1) === span)
    if (span === 'no range' || !span.includes('stream')) continue
    // The report's GPU time of an inner range is the sum of its kernels, to the ns.
    check.equal(
      `${span}: GPU time in the report`,
      `${Math.round(durations.reduce((a, b) => a + b, 0) * 1000)} ns`,
      `${row?.gpuNs} ns`,
    )
  }
  const unexpected = [...bySpan.keys()].filter(span => !expected.has(span))
  check.equal('other spans with kernels', 'none', unexpected.join(', ') || 'none')
}
