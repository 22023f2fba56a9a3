import { setTimeout as delay } from 'node:timers/promises'

import { recordGpu } from '../rows.mjs'

export const title = 'Busy time, concurrency and gaps'
export const truth = 'kernels that overlap by construction; pauses of the program'

export async function run({ gpu, check, size }) {
  const us = 2000
  const count = size(50, 3)
  const streams = 3
  gpu.spin(10, 1)
  gpu.sync()
  const { capture: crowd } = await recordGpu(() => {
    gpu.spinStreams(us, count, streams)
    gpu.sync()
  })
  const [crowded] = crowd.devices()
  check.equal('three streams: kernels', count * streams, crowded.kernelCount)
  check.within('three streams: kernels at once', crowded.concurrency, streams * 0.95, streams)
  check.within('three streams: busy', crowded.busyNs / 1e6, (count * us) / 1000, (count * us * 1.05) / 1000 + 0.1, 'ms')

  const pauseMs = size(50, 20)
  const { capture: pauses } = await recordGpu(async () => {
    for (let i = 0; i < 5; i++) {
      gpu.spin(us, 1)
      gpu.sync()
      await delay(pauseMs)
    }
  })
  const long = pauses.gaps().filter(gap => gap.durationNs > (pauseMs * 1e6) / 2)
  check.equal('four pauses: long gaps', 4, long.length)
  // A timer may be late, and by a millisecond early; the GPU was idle at least as long.
  for (const gap of long) check.within('a pause', gap.durationNs / 1e6, pauseMs - 1, pauseMs + 200, 'ms')
  check.within('five kernels: busy', pauses.devices()[0].busyNs / 1e6, (5 * us) / 1000, (5 * us * 1.05) / 1000, 'ms')
  check.note('causes of the gaps', [...new Set(long.map(gap => gap.cause))].join(', '))
}
