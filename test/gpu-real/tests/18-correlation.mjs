import { askChild } from '../children.mjs'
import { recordGpu } from '../rows.mjs'

export const title = 'Which kinds give kernels their ids'
export const truth = 'CUPTI asked directly, by a client that only counts'

export async function run({ gpu, check, size }) {
  const count = size(1000, 20)
  const { found, byNumber } = askChild('raw-client.mjs', 'ids', count)
  for (const [kinds, [kernels, withoutId, withoutCall]] of found) {
    check.equal(`${kinds}: kernels`, count, kernels)
    check.note(`${kinds}: without id, without the call of their id`, `${withoutId}, ${withoutCall}`)
  }
  if (typeof byNumber === 'string') check.skip('cuLaunchKernel alone of all driver calls', byNumber)
  else check.note('cuLaunchKernel alone of all driver calls: calls, kernels without one', byNumber.join(', '))
  // What opscope makes of it, whatever CUPTI's habits are.
  for (const form of ['runtime', 'driver']) {
    const { rows } = await recordGpu(() => {
      gpu.launch(form, count)
      gpu.sync()
    })
    const kernels = rows.kernels('gs_empty').filter(kernel => kernel.launch !== undefined)
    check.equal(`opscope, ${form} launches: kernels with their call`, count, kernels.length)
  }
}
