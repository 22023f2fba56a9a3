import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

export const rssBytes = () => process.memoryUsage.rss()

/**
 * Call it right before what needs that much memory. Some virtual machines hand free memory back to their host within
 * two seconds, and getting it again runs at 0.4 GB/s, a tenth of the usual speed; what this process
 * has just given back it gets again at once.
 */
export async function warmFreeMemory(bytes) {
  const PIECE_BYTES = 2 ** 28
  for (let left = bytes; left > 0; left -= PIECE_BYTES) Buffer.alloc(Math.min(left, PIECE_BYTES), 1)
  // Buffers are freed by another thread, some time after the collection.
  for (let i = 0; i < 2; i++) {
    gc()
    await setTimeout(20)
  }
}

const SOURCE = Buffer.alloc(64 << 20, 1)
const TARGET = Buffer.alloc(64 << 20, 1)

/** Seconds that copying as many bytes within memory takes, at the speed of pieces too large for the caches. */
export function copySeconds(bytes) {
  const copies = Math.max(Math.round(bytes / SOURCE.length), 2)
  const start = performance.now()
  for (let i = 0; i < copies; i++) SOURCE.copy(TARGET)
  return ((performance.now() - start) / 1000) * (bytes / (copies * SOURCE.length))
}

/** What `work` makes of this process at its highest, in bytes beyond what it held before; sampled by another thread. */
export async function peakRssBeyond(work) {
  gc()
  const peak = new Float64Array(new SharedArrayBuffer(8))
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const sampler = new Worker(
    `const { workerData: { peak, flag }, parentPort } = require('node:worker_threads')
     parentPort.postMessage('ready')
     while (Atomics.wait(flag, 0, 0, 1) === 'timed-out') peak[0] = Math.max(peak[0], process.memoryUsage.rss())`,
    { eval: true, workerData: { peak, flag } },
  )
  await new Promise(resolve => sampler.once('message', resolve))
  const before = rssBytes()
  await work()
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  await new Promise(resolve => sampler.once('exit', resolve))
  return Math.max(peak[0] - before, rssBytes() - before, 0)
}
