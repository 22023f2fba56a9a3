import { recordGpu, warningCount } from '../rows.mjs'

// Every way in which opscope says that a record is missing.
const LOSSES = ['gpu-dropped', 'gpu-discarded', 'gpu-over-limit', 'gpu-unfinished', 'gpu-refused-buffers']

export const title = 'A million launches'
export const truth = 'launched = recorded + what is counted as lost'

export async function run({ gpu, check, size }) {
  const count = size(1_000_000, 2000)
  for (const threads of [1, 8]) {
    const label = threads === 1 ? 'one thread' : `${threads} threads`
    const expected = Math.floor(count / threads) * threads
    const { capture, rows } = await recordGpu(() => {
      gpu.launchCostNs('runtime', expected, threads)
    })
    const kernels = rows.kernelCount('gs_empty_runtime')
    const lost = warningCount(capture, ...LOSSES)
    check.note(`${label}: recorded, counted as lost`, `${kernels}, ${lost}`)
    // A dropped record may be one of a call, so what is lost is at least the kernels that are missing.
    check.within(`${label}: recorded and lost`, kernels + Math.min(lost, expected - kernels), expected, expected)
    check.equal(`${label}: lost`, 0, lost)
  }
}
