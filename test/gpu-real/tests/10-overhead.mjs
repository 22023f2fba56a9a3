import { figure, median } from '../checks.mjs'
import { askChild } from '../children.mjs'
import { recordGpu } from '../rows.mjs'

const ROUNDS = 5

export const title = 'What recording costs a launch'
export const truth = 'CLOCK_MONOTONIC around batches of launches, with and without a recording'

export async function run({ gpu, check, size, isFake }) {
  const count = size(200_000, 80)
  for (const threads of [1, 8]) await launches({ gpu, check, count, threads })
  const pushes = askChild('raw-client.mjs', 'pushes', size(20_000, 20))
  check.note("CUPTI's stack of ids, from JavaScript, per launch", pushes.addedNs, 'ns')
  check.note("CUPTI's stack of ids: records", pushes.externals)
  await longKernels({ gpu, check, size, isFake })
  await graphs({ gpu, check, size })
}

async function launches({ gpu, check, count, threads }) {
  const label = threads === 1 ? 'one thread' : `${threads} threads`
  const alone = askChild('raw-client.mjs', 'costs', count, threads)
  if (threads === 1) check.note('reading the clock', alone.clockNs, 'ns')
  for (const [kinds, ns] of alone.added) check.note(`${label}: added by CUPTI alone, ${kinds}`, ns, 'ns')

  gpu.launchCostNs('runtime', count, threads)
  const cost = () => gpu.launchCostNs('runtime', count, threads)
  const offNs = median(await rounds(cost))
  check.note(`${label}: a launch, nothing recorded`, offNs, 'ns')
  const kernels = []
  const onNs = await rounds(async () => {
    let ns
    const { rows } = await recordGpu(() => {
      ns = cost()
    })
    kernels.push(rows.kernelCount('gs_empty_runtime'))
    return ns
  })
  const expected = Math.floor(count / threads) * threads
  check.equal(`${label}: kernels recorded meanwhile`, Array(ROUNDS).fill(expected).join(', '), kernels.join(', '))
  check.atMost(`${label}: added by opscope`, median(onNs) - offNs, threads === 1 ? 1000 : 2000, 'ns')
  check.note(`${label}: added after the stop`, median(await rounds(cost)) - offNs, 'ns')
}

async function longKernels({ gpu, check, size, isFake }) {
  const count = size(20_000, 20)
  const time = () => {
    const begin = process.hrtime.bigint()
    gpu.spin(20, count)
    gpu.sync()
    return Number(process.hrtime.bigint() - begin)
  }
  time()
  const offNs = median(await rounds(time))
  const onNs = median(await rounds(() => whileRecorded(time)))
  const longer = 100 * (onNs / offNs - 1)
  // The bound is for a GPU: how long a script takes to run is no truth.
  if (isFake) check.note('20 µs kernels: longer by', longer, '%')
  else check.atMost('20 µs kernels: longer by', longer, 2, '%')
}

async function graphs({ gpu, check, size }) {
  const graph = gpu.createGraph(size(100, 10), 1)
  const replay = () => gpu.replayGraph(graph, size(200, 2))
  const off = await rounds(replay)
  const on = await rounds(() => whileRecorded(replay))
  const host = replays => median(replays.map(({ hostNs }) => hostNs))
  const events = replays => median(replays.map(({ eventUs }) => eventUs))
  check.note('graph of 1 µs kernels: a launch, off and on', `${figure(host(off))} ns, ${figure(host(on))} ns`)
  check.note('graph of 1 µs kernels: longer on the GPU by', 100 * (events(on) / events(off) - 1), '%')
}

/** A machine has other work too: the median of some rounds is what counts. */
async function rounds(once) {
  const results = []
  for (let round = 0; round < ROUNDS; round++) results.push(await once())
  return results
}

async function whileRecorded(body) {
  let result
  await recordGpu(() => {
    result = body()
  })
  return result
}
