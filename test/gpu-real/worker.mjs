// A worker thread that launches, told what by messages. Its ranges are opscope's ops.
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { op } from 'opscope'

import { openGpu } from './backend.mjs'

const gpu = await openGpu()
const JOBS = {
  /** A span with kernels of its own, and an inner span for each stream. */
  ranges({ name, own, streams }) {
    const outer = op(name)
    outer.begin()
    for (const { stream, count, us } of streams) {
      const inner = op(`${name} stream ${stream}`)
      inner.begin()
      gpu.spin(us, count, stream)
      inner.end()
    }
    gpu.spin(own.us, own.count, streams[0].stream)
    outer.end()
  },
  /** Launches until the flag is set, counting beside it: [flag, launched]. */
  async launchUntil({ shared, batch }) {
    const state = new Int32Array(shared)
    while (Atomics.load(state, 0) === 0) {
      gpu.launch('plain', batch)
      Atomics.add(state, 1, batch)
      await delay(0)
    }
    gpu.sync()
  },
}
parentPort.on('message', async job => {
  await JOBS[job.job](job)
  parentPort.postMessage('done')
})
parentPort.postMessage(`ready ${workerData}`)
