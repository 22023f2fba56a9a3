import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { median } from '../checks.mjs'
import { askChild } from '../children.mjs'
import { KERNELS } from '../libraries.mjs'
import { recordGpu } from '../rows.mjs'

export const title = "PyTorch's profiler beside opscope"
export const truth = 'torch.profiler over the same kernels and copies, in a process of its own'

export async function run({ gpu, check, size, isFake }) {
  const plan = {
    spins: size(500, 20),
    spinUs: 100,
    copies: size(50, 5),
    copyBytes: 1 << 20,
    launches: size(50_000, 100),
    rounds: 8,
  }
  const peer = isFake ? recited(plan) : torch(plan)
  if (peer.reason !== undefined) return check.skip('comparison', peer.reason)
  // It is there and did not do the work: that is no reason to skip.
  if (peer.failure !== undefined) return check.equal('torch_peer.py', 'done', peer.failure)
  check.note('PyTorch', peer.version)

  gpu.prepareCopies(plan.copyBytes, false)
  const { capture, rows } = await recordGpu(() => {
    gpu.spin(plan.spinUs, plan.spins)
    gpu.sync()
    for (let i = 0; i < plan.copies; i++) {
      gpu.copy('htod', 'pinned', 'device', true, plan.copyBytes)
      gpu.copy('dtoh', 'device', 'pinned', true, plan.copyBytes)
    }
  })
  const spins = rows.kernels('gs_spin_kernel').map(kernel => kernel.durationUs)
  check.equal('kernels', peer.kernels, spins.length)
  check.within('median kernel', median(spins), peer.kernelUs * 0.99, peer.kernelUs * 1.01, 'µs')
  check.equal(
    'copied bytes',
    peer.copyBytes,
    rows.copies().reduce((total, copy) => total + copy.bytes, 0),
  )
  check.equal(
    'copies() bytes',
    peer.copyBytes,
    capture.copies().rows.reduce((total, row) => total + row.bytes, 0),
  )

  const { offNs, onNs } = askChild('launch-cost.mjs', plan.launches, 1)
  check.note('added to a launch by opscope', onNs - offNs, 'ns')
  check.note('added to a launch by torch.profiler', peer.addedNs, 'ns')
  // Both pay for CUPTI, which is most of it, and a machine's noise is a tenth of it.
  if (!isFake) check.atMost('ours of theirs', (100 * (onNs - offNs)) / peer.addedNs, 130, '%')
}

function torch(plan) {
  const script = fileURLToPath(new URL('../torch_peer.py', import.meta.url))
  const { error, status, stdout, stderr } = spawnSync('python3', [script, KERNELS, JSON.stringify(plan)], {
    encoding: 'utf8',
    timeout: 240_000,
  })
  if (error?.code === 'ENOENT') return { reason: 'python3 is not on the path' }
  if (error !== undefined) return { failure: error.message }
  if (status !== 0) return { failure: stderr.trim().split('\n').at(-1) || `code ${status}` }
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

/** What torch_peer.py says of this plan when all is well. */
function recited({ spins, spinUs, copies, copyBytes }) {
  return {
    version: 'none, recited',
    kernels: spins,
    kernelUs: spinUs,
    copyBytes: 2 * copies * copyBytes,
    addedNs: 1000,
  }
}
