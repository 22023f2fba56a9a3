import { setTimeout as delay } from 'node:timers/promises'
import { recordSync } from 'opscope'

import { figure } from '../checks.mjs'
import { recordGpu } from '../rows.mjs'

/** The most by which a GPU's stamps may be off: what others have measured is 8 to 9 µs. */
const LARGEST_SKEW_US = 10
/** What the recording's own clock may be off, between two readings of CUPTI's. */
const CLOCK_NS = 2000

export const title = 'Clocks of host and GPU'
export const truth = 'a kernel runs after the call that launches it begins, and before the call that waits for it ends'

export async function run({ gpu, check, size }) {
  gpu.launchAndWait(10)
  const counts = { first: size(100_000, 100), 'after idling': size(10_000, 50) }
  const { capture, rows } = await recordGpu(async () => {
    recordSync('first', () => gpu.launchAndWait(counts.first))
    await delay(size(60_000, 50))
    recordSync('after idling', () => gpu.launchAndWait(counts['after idling']))
  })
  const all = rows.kernels('gs_empty_runtime').sort((a, b) => a.startNs - b.startNs)
  const waits = rows.calls('cudaStreamSynchronize')
  check.equal('kernels', counts.first + counts['after idling'], all.length)
  check.equal('calls that wait', all.length, waits.length)
  if (all.length !== waits.length) return
  for (const name of ['first', 'after idling']) {
    const first = name === 'first' ? 0 : counts.first
    interval({ check, name, rows, kernels: all.slice(first, first + counts[name]), waits: waits.slice(first) })
  }
  const { launchLatency } = capture.devices()[0]
  check.note(
    'launches whose kernel began before they returned',
    `${launchLatency.negativeCount} of ${launchLatency.count}`,
  )
}

function interval({ check, name, rows, kernels, waits }) {
  let before = Infinity
  let after = Infinity
  let outside = 0
  const [span] = rows.spans(name)
  for (const [i, kernel] of kernels.entries()) {
    const { launch } = kernel
    if (launch === undefined || launch.startNs < span.startNs - CLOCK_NS || launch.endNs > span.endNs + CLOCK_NS) {
      outside += 1
      continue
    }
    before = Math.min(before, (kernel.startNs - launch.startNs) / 1000)
    after = Math.min(after, (waits[i].endNs - kernel.endNs) / 1000)
  }
  // Both are stamped by the host, by clocks that know nothing of each other.
  check.equal(`${name}: launches outside the span that made them`, 0, outside)
  // The GPU's stamps can be early by no more than `before`, late by no more than `after`.
  check.within(`${name}: least time from launch to kernel`, before, -LARGEST_SKEW_US, Infinity, 'µs')
  check.within(`${name}: least time from kernel to end of wait`, after, -LARGEST_SKEW_US, Infinity, 'µs')
  check.note(`${name}: skew lies between`, `${figure(-after)} and ${figure(before)} µs`)
}
