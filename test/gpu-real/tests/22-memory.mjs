import { recordGpu } from '../rows.mjs'

export const title = 'Allocations'
export const truth = 'blocks asked for and given back'

export async function run({ gpu, check, size }) {
  const count = size(100, 10)
  const released = count / 2
  const bytes = 1 << 20
  const { capture } = await recordGpu(() => gpu.allocate(count, released, bytes), { memory: true })
  const { memory } = capture.devices()[0]
  check.equal('allocations, bytes', `${count}, ${count * bytes}`, `${memory?.allocations}, ${memory?.allocatedBytes}`)
  check.equal('releases, bytes', `${released}, ${released * bytes}`, `${memory?.releases}, ${memory?.releasedBytes}`)
  check.equal('most at one time', count * bytes, memory?.peakBytes)
  check.equal('alive at the stop', (count - released) * bytes, memory?.liveBytes)
}
