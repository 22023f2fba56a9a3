// What a launch costs in a process that no profiler has touched, while opscope records, and after it has stopped.
// node launch-cost.mjs COUNT THREADS
import { openGpu } from '../backend.mjs'
import { least, ROUNDS } from '../checks.mjs'
import { recordGpu } from '../rows.mjs'

const [count, threads] = process.argv.slice(2).map(Number)
const gpu = await openGpu()
const cost = () => gpu.launchCostNs('runtime', count, threads)
cost()
const off = Array.from({ length: ROUNDS }, cost)
const on = []
const kernels = []
for (let round = 0; round < ROUNDS; round++) {
  const { rows } = await recordGpu(() => on.push(cost()))
  kernels.push(rows.kernelCount('gs_empty_runtime'))
}
const after = Array.from({ length: ROUNDS }, cost)
console.log(JSON.stringify({ offNs: least(off), onNs: least(on), afterNs: least(after), kernels }))
// Threads of CUPTI would keep the process alive.
process.exit(0)
