import { recordGpu } from '../rows.mjs'

export const title = 'NVTX ranges'
export const truth = 'ranges pushed by the program; CUPTI as its injection'

// Read by NVTX at the process's first range, so it is set before the test's process starts.
export const environment = ({ cupti }) => ({ NVTX_INJECTION64_PATH: cupti })

export async function run({ gpu, check, size }) {
  const count = size(1000, 20)
  const { rows } = await recordGpu(() => gpu.ranges(count))
  check.equal('ranges', count, rows.spans('gs range').length)
  check.equal('inner ranges', Math.floor(count / 2), rows.spans('gs inner range').length)
  const kernels = rows.kernels('gs_empty_runtime')
  check.equal('kernels', count, kernels.length)
  // Every second kernel is in an inner range too, and belongs to the innermost.
  const isIn = name => kernels.filter(kernel => kernel.span === name).length
  check.equal(
    'kernels by the range around them',
    `${Math.ceil(count / 2)}, ${Math.floor(count / 2)}`,
    `${isIn('gs range')}, ${isIn('gs inner range')}`,
  )
}
