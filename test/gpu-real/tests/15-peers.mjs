import { recordGpu } from '../rows.mjs'

export const title = 'Copies between GPUs'
export const truth = 'the arguments of each call'

export async function run({ gpu, check, size }) {
  const { devices } = gpu.device()
  if (devices < 2) return check.skip('peer copies', 'this machine has one GPU')
  const bytes = size(64 << 20, 1 << 16)
  gpu.peerCopies(bytes, 1)
  const { rows } = await recordGpu(() => gpu.peerCopies(bytes, 10))
  const copies = rows.copies()
  check.equal(
    'bytes',
    10 * bytes,
    copies.reduce((total, copy) => total + copy.bytes, 0),
  )
  check.equal('row', 'GpuMemcpyPeerAsync:GPU->GPU', [...rows.copyNames().keys()].join(', '))
  check.equal('charged to GPU', '0', [...new Set(copies.map(copy => copy.device))].join(', '))
}
