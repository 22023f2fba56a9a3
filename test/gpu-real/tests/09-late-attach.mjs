import { setTimeout as delay } from 'node:timers/promises'

import { recordGpu } from '../rows.mjs'
import { startWorkers } from '../workers.mjs'

export const title = 'Late attach, restarts, racing launches'
export const truth = 'launches counted by the threads that make them'

export async function run({ gpu, check, size }) {
  gpu.launch('runtime', size(10_000, 50))
  const inside = size(500, 20)
  for (let cycle = 1; cycle <= 10; cycle++) {
    // Not waited for: work from before the window may still be running when it opens.
    gpu.launch('ex', 7)
    const { rows } = await recordGpu(() => gpu.launch('runtime', inside + cycle))
    gpu.launch('ex', 7)
    const counts = rows.kernelCounts()
    check.equal(
      `recording ${cycle}: kernels inside, outside`,
      `${inside + cycle}, 0`,
      `${counts.get('gs_empty_runtime') ?? 0}, ${counts.get('gs_empty_ex') ?? 0}`,
    )
  }

  const workers = await startWorkers(1)
  const shared = new SharedArrayBuffer(8)
  const state = new Int32Array(shared)
  const batch = size(50, 5)
  const running = workers.run([{ job: 'launchUntil', shared, batch }])
  for (let cycle = 1; cycle <= 5; cycle++) {
    const before = Atomics.load(state, 1)
    let first
    let last
    const { rows } = await recordGpu(async () => {
      first = Atomics.load(state, 1)
      await delay(size(200, 20))
      last = Atomics.load(state, 1)
    })
    const after = Atomics.load(state, 1)
    const kernels = rows.kernelCount('gs_empty_plain')
    // A batch that is under way while a number is read is counted before or after.
    check.within(`racing recording ${cycle}: kernels`, kernels, last - first - batch, after - before + batch)
    const calls = ['cudaLaunchKernel', '__cudaLaunchKernel'].reduce((total, name) => total + rows.calls(name).length, 0)
    // A call that is under way at the stop has a kernel and no end.
    check.within(`racing recording ${cycle}: launch calls`, calls, kernels - 1, kernels + 1)
  }
  Atomics.store(state, 0, 1)
  await running
  await workers.end()
}
