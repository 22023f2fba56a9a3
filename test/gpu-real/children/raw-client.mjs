// CUPTI asked directly, in a process in which opscope records nothing: two clients in turn would be handed each
// other's buffers. Prints what it found as a line of JSON.
// node raw-client.mjs costs COUNT THREADS | ids COUNT | pushes COUNT
import { openGpu } from '../backend.mjs'
import { least, ROUNDS } from '../checks.mjs'
import { openHost, RAW } from '../host.mjs'

const [job, ...given] = process.argv.slice(2)
const [count, threads] = given.map(Number)
/** cuLaunchKernel. */
const LAUNCH_KERNEL = 307
/** CUPTI_ERROR_NOT_SUPPORTED. */
const NOT_SUPPORTED = 27
const gpu = await openGpu()
const host = openHost()
const kinds = {
  kernels: RAW.kernel,
  'kernels and runtime calls': RAW.kernel | RAW.runtime,
  'kernels and driver calls': RAW.kernel | RAW.driver,
  'kernels, runtime and driver calls': RAW.kernel | RAW.runtime | RAW.driver,
}

const JOBS = {
  /** ns that each set of kinds adds to a launch. */
  costs() {
    gpu.launchCostNs('runtime', count, threads)
    const offNs = cost(() => gpu.launchCostNs('runtime', count, threads))
    const added = Object.entries(kinds).map(([name, mask]) => {
      const measure = () => gpu.launchCostNs('runtime', count, threads)
      return [name, cost(() => host.record(mask, () => waited(measure)).result) - offNs]
    })
    return { offNs, added, clockNs: host.clockCostNs(100_000) }
  },
  /** Kernels, those without an id, those without the call of their id. */
  ids() {
    const found = ['runtime', 'driver'].flatMap(form =>
      Object.entries(kinds).map(([name, mask]) => {
        const { kernels, withoutId, withoutCall } = host.record(mask, () => waited(() => gpu.launch(form, count)))
        return [`${form} launches, ${name}`, [kernels, withoutId, withoutCall]]
      }),
    )
    return { found, byNumber: byNumber() }
  },
  /** What exact attribution through CUPTI's own stack of ids costs: two calls around each launch. */
  pushes() {
    const mask = RAW.kernel | RAW.runtime
    const each = body => calls => {
      const begin = process.hrtime.bigint()
      for (let i = 1; i <= count; i++) body(calls, i)
      return Number(process.hrtime.bigint() - begin) / count
    }
    const record = (body, more) => host.record(mask | more, calls => waited(() => each(body)(calls)))
    const launch = () => gpu.launch('runtime', 1)
    const within = (calls, i) => {
      calls.push(i)
      launch()
      calls.pop()
    }
    const withoutNs = cost(() => record(launch, 0).result)
    const pushedNs = cost(() => record(within, RAW.external).result)
    return { addedNs: pushedNs - withoutNs, externals: record(within, RAW.external).externals }
  },
}

/** One driver call asked for by its number while the kind is off. Where CUDA runs already, an H200 recorded none. */
function byNumber() {
  try {
    const launches = () => waited(() => gpu.launch('driver', count))
    const { driverCalls, withoutId, withoutCall } = host.record(RAW.kernel | RAW.runtime, launches, LAUNCH_KERNEL)
    return [driverCalls, withoutId + withoutCall]
  } catch (error) {
    if (error.code !== NOT_SUPPORTED) throw error
    return 'CUPTI enables single driver calls from 12.5 on'
  }
}

function waited(body) {
  const result = body()
  gpu.sync()
  return result
}
const cost = once => least(Array.from({ length: ROUNDS }, once))

console.log(JSON.stringify(JOBS[job]()))
// Threads of CUPTI would keep the process alive.
process.exit(0)
