import { setTimeout as delay } from 'node:timers/promises'

import { recordGpu } from '../rows.mjs'

const STREAMS = 3

export const title = 'Busy time, concurrency, overlap and gaps'
export const truth = 'kernels that overlap by construction; pauses of the program'

export async function run({ gpu, check, size }) {
  gpu.spin(10, 1)
  gpu.sync()
  await streams({ gpu, check, count: size(50, 3) })
  await overlap({ gpu, check, us: size(20_000, 2000), bytes: size(64 << 20, 1 << 16) })
  await pauses({ gpu, check, pauseMs: size(50, 20) })
}

async function streams({ gpu, check, count }) {
  const us = 2000
  const { capture } = await recordGpu(() => {
    gpu.spinStreams(us, count, STREAMS)
    gpu.sync()
  })
  const [device] = capture.devices()
  const leastMs = (count * us) / 1000
  check.equal('three streams: kernels', count * STREAMS, device.kernelCount)
  check.within('three streams: kernels at once', device.concurrency, STREAMS * 0.95, STREAMS)
  check.within('three streams: busy', device.busyNs / 1e6, leastMs, leastMs * 1.05 + 0.1, 'ms')
}

async function overlap({ gpu, check, us, bytes }) {
  gpu.prepareCopies(bytes, false)
  const { capture } = await recordGpu(() => gpu.copyBesideSpin(us, bytes))
  const [device] = capture.devices()
  check.equal('a copy beside a kernel: bytes', bytes, device.copyBytes)
  check.within('a copy beside a kernel: its time that the kernel covers', 100 * device.overlapRatio, 99, 100, '%')
}

async function pauses({ gpu, check, pauseMs }) {
  const us = 2000
  const { capture } = await recordGpu(async () => {
    for (let i = 0; i < 5; i++) {
      gpu.spin(us, 1)
      gpu.sync()
      await delay(pauseMs)
    }
  })
  const long = capture.gaps().filter(gap => gap.durationNs > (pauseMs * 1e6) / 2)
  check.equal('four pauses: long gaps', 4, long.length)
  // A timer may be late, and by a millisecond early; the GPU was idle at least as long.
  for (const gap of long) check.within('a pause', gap.durationNs / 1e6, pauseMs - 1, pauseMs + 200, 'ms')
  check.within('five kernels: busy', capture.devices()[0].busyNs / 1e6, (5 * us) / 1000, (5 * us * 1.05) / 1000, 'ms')
  check.note('causes of the gaps', [...new Set(long.map(gap => gap.cause))].join(', '))
}
