// A client of CUPTI that only counts, and what else native code does to a process (native/*.cc), through koffi.
import { HOST, load } from './libraries.mjs'

/** Bits of rawBegin's kinds. */
export const RAW = { kernel: 1, runtime: 2, driver: 4, copy: 8, external: 16 }

export function openHost() {
  const host = load(
    HOST,
    'raw_error',
    [
      'int raw_open(const char *path)',
      'int raw_hold()',
      'int raw_release()',
      'int raw_begin(uint32_t kinds, uint32_t driver_call)',
      'int raw_push(uint64_t id)',
      'int raw_end(_Out_ double *counts)',
    ],
    ['int raw_pop()', 'int host_fork()', 'double host_clock_cost(int count)'],
  )
  host.raw_open(process.env.GPU_SUITE_CUPTI)
  return {
    hold: () => host.raw_hold(),
    release: () => host.raw_release(),
    /** What CUPTI records of `body`, without opscope; `body` waits for the GPU. */
    record(kinds, body, driverCall = 0) {
      host.raw_begin(kinds, driverCall)
      const counts = new Float64Array(9)
      let result
      try {
        result = body({ push: id => host.raw_push(id), pop: () => host.raw_pop() })
      } finally {
        host.raw_end(counts)
      }
      const [kernels, runtimeCalls, driverCalls, copies, externals, withoutId, withoutCall, dropped, bytes] = counts
      return { result, kernels, runtimeCalls, driverCalls, copies, externals, withoutId, withoutCall, dropped, bytes }
    },
    fork: () => host.host_fork(),
    clockCostNs: count => host.host_clock_cost(count),
  }
}
