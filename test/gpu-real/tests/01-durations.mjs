import { median } from '../checks.mjs'
import { recordGpu } from '../rows.mjs'

// Microseconds, and how many: long ones fewer, so that all take two seconds.
const SIZES = [
  [10, 1000, 50],
  [100, 1000, 20],
  [1000, 200, 5],
  [10_000, 50, 2],
  [100_000, 10, 1],
]

export const title = 'Kernel durations'
export const truth = 'cudaEvent pairs less an empty pair; the GPU timer read inside the kernel'

export async function run({ gpu, check, size }) {
  gpu.spinTimed(10, 10)
  const pairUs = median(gpu.eventPairsUs(200))
  check.note('empty event pair', pairUs, 'µs')
  for (const [us, full, small] of SIZES) {
    const count = size(full, small)
    let truth
    const { capture, rows } = await recordGpu(() => {
      truth = gpu.spinTimed(us, count)
    })
    const kernels = rows.kernels('gs_spin_kernel')
    const durations = kernels.map(kernel => kernel.durationUs)
    const label = `${us.toLocaleString('en')} µs`
    check.equal(`${label}: kernels`, count, kernels.length)
    if (kernels.length === 0) continue
    const eventUs = median(truth.eventUs) - pairUs
    const allowed = Math.max(2, eventUs / 100)
    check.within(`${label}: median by events`, median(durations), eventUs - allowed, eventUs + allowed, 'µs')
    // A record shorter than what ran inside it would be wrong; the timer's own grain is up to 1 µs.
    const shortest = Math.min(...durations.map((duration, i) => duration - (truth.insideUs[i] ?? 0)))
    check.within(`${label}: longer than inside by`, shortest, -1, Infinity, 'µs')
    const table = capture.kernels?.().find(row => row.name.startsWith('gs_spin_kernel'))
    if (table !== undefined)
      check.equal(
        `${label}: kernels() calls and total`,
        `${count}, ${Math.round(durations.reduce((a, b) => a + b) * 1000)} ns`,
        `${table.calls}, ${Math.round(table.totalNs)} ns`,
      )
  }
}
