import { least, ROUNDS } from '../checks.mjs'
import { askChild } from '../children.mjs'
import { recordGpu } from '../rows.mjs'

/** CUPTI alone takes 1,200 ns of a thread on an H200's host. */
const MOST_NS = 2000

export const title = 'What recording costs a launch'
export const truth = 'CLOCK_MONOTONIC around batches of launches, the fastest of some rounds'

export async function run({ gpu, check, size, isFake }) {
  const count = size(100_000, 80)
  for (const threads of [1, 8]) launches({ check, count, threads })
  const pushes = askChild('raw-client.mjs', 'pushes', size(20_000, 20))
  check.note("CUPTI's stack of ids, from JavaScript, per launch", pushes.addedNs, 'ns')
  check.note("CUPTI's stack of ids: records", pushes.externals)
  await longKernels({ gpu, check, size, isFake })
  await graphs({ gpu, check, size })
}

/** Each in a process of its own: once it has recorded, CUPTI costs a launch something for as long as the process lives. */
function launches({ check, count, threads }) {
  const label = threads === 1 ? 'one thread' : `${threads} threads`
  const alone = askChild('raw-client.mjs', 'costs', count, threads)
  if (threads === 1) check.note('reading the clock', alone.clockNs, 'ns')
  for (const [kinds, ns] of alone.added) check.note(`${label}: added by CUPTI alone, ${kinds}`, ns, 'ns')

  const { offNs, onNs, afterNs, kernels } = askChild('launch-cost.mjs', count, threads)
  check.note(`${label}: a launch, nothing recorded`, offNs, 'ns')
  const expected = Math.floor(count / threads) * threads
  check.equal(`${label}: kernels recorded meanwhile`, kernels.map(() => expected).join(', '), kernels.join(', '))
  check.atMost(`${label}: added by opscope`, onNs - offNs, threads === 1 ? MOST_NS : 2.5 * MOST_NS, 'ns')
  // Kernels, runtime and driver calls are what opscope asks for too; the rest is its own.
  const [, floorNs] = alone.added.at(-1)
  check.atMost(`${label}: more than by CUPTI alone`, onNs - offNs - floorNs, threads === 1 ? 500 : 2000, 'ns')
  check.note(`${label}: added after the stop`, afterNs - offNs, 'ns')
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
  const offNs = least(await rounds(time))
  const onNs = least(await rounds(() => whileRecorded(time)))
  const longer = 100 * (onNs / offNs - 1)
  // The bound is for a GPU: how long a script takes to run is no truth.
  if (isFake) check.note('20 µs kernels: longer by', longer, '%')
  else check.atMost('20 µs kernels: longer by', longer, 2, '%')
}

/** Of graphs that are new each time: CUPTI wants to know how to trace one before it is made. */
async function graphs({ gpu, check, size }) {
  const replay = () => gpu.replayGraph(gpu.createGraph(size(100, 10), 1), size(200, 2))
  const off = await rounds(replay)
  const host = replays => least(replays.map(({ hostNs }) => hostNs))
  const events = replays => least(replays.map(({ eventUs }) => eventUs))
  check.note('graph of 1 µs kernels: a launch, nothing recorded', host(off), 'ns')
  for (const [how, graphTrace] of [
    ['a row a node', 'node'],
    ['a row a launch', 'graph'],
  ]) {
    const on = await rounds(() => whileRecorded(replay, { graphTrace }))
    check.note(`graph of 1 µs kernels, ${how}: added to a launch`, host(on) - host(off), 'ns')
    check.note(`graph of 1 µs kernels, ${how}: longer on the GPU by`, 100 * (events(on) / events(off) - 1), '%')
  }
}

async function rounds(once) {
  const results = []
  for (let round = 0; round < ROUNDS; round++) results.push(await once())
  return results
}

async function whileRecorded(body, options) {
  let result
  await recordGpu(() => {
    result = body()
  }, options)
  return result
}
