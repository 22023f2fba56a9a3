import { FORMS } from '../backend.mjs'
import { recordGpu, warningCount } from '../rows.mjs'

// What CUDA 13 compiles calls __cudaLaunchKernel for <<<>>>, older releases cudaLaunchKernel.
const CALLS = {
  runtime: ['__cudaLaunchKernel', 'cudaLaunchKernel'],
  plain: ['cudaLaunchKernel', '__cudaLaunchKernel'],
  ex: ['cudaLaunchKernelExC'],
  driver: ['cuLaunchKernel'],
  driverEx: ['cuLaunchKernelEx'],
  cooperative: ['cudaLaunchCooperativeKernel'],
}
const kernelOf = form => `gs_empty_${form.replace('E', '_e')}`

export const title = 'Launches of every form'
export const truth = 'the loops that launch'

export async function run({ gpu, check, size }) {
  const count = size(10_000, 40)
  for (const form of FORMS) {
    gpu.launch(form, 1)
    gpu.sync()
    const { capture, rows } = await recordGpu(() => gpu.launch(form, count))
    check.equal(`${form}: kernels`, count, rows.kernelCount(kernelOf(form)))
    const calls = rows.callCounts()
    const name = CALLS[form].find(call => calls.has(call)) ?? 'none'
    check.equal(`${form}: calls of ${CALLS[form].join(' or ')}`, count, calls.get(name) ?? 0)
    check.equal(
      `${form}: kernels without their call`,
      0,
      rows.kernels(kernelOf(form)).filter(kernel => kernel.launch === undefined).length,
    )
    check.equal(`${form}: lost`, 0, warningCount(capture, 'gpu-dropped', 'gpu-discarded', 'gpu-unfinished'))
    check.note(`${form}: call seen`, name)
  }
}
