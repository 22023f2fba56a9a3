import { median } from '../checks.mjs'
import { recordGpu } from '../rows.mjs'

const KINDS = [
  ['htod', 'pinned', 'device'],
  ['dtoh', 'device', 'pinned'],
  ['dtod', 'device', 'device'],
  ['htod', 'pageable', 'device'],
  ['dtoh', 'device', 'pageable'],
]

export const title = 'Copy bandwidth'
export const truth = 'cudaEvent pairs around each copy'

export async function run({ gpu, check, size }) {
  const bytes = size(1 << 30, 1 << 20)
  gpu.prepareCopies(bytes, false)
  for (const [direction, from, to] of KINDS) {
    gpu.timedCopies(direction, from, to, bytes, 1)
    const pairUs = median(gpu.eventPairsUs(50))
    let eventUs
    const { rows } = await recordGpu(() => {
      eventUs = gpu.timedCopies(direction, from, to, bytes, 5)
    })
    const copies = rows.copies()
    const label = `${direction} ${from}→${to}`
    check.equal(
      `${label}: bytes`,
      5 * bytes,
      copies.reduce((total, copy) => total + copy.bytes, 0),
    )
    const byEvents = bytes / (median(eventUs) - pairUs) / 1000
    // Through pageable memory a copy may come in pieces, with gaps that events see and the pieces do not hold.
    const busyUs = copies.reduce((total, copy) => total + copy.durationUs, 0) / 5
    const byRecords = bytes / busyUs / 1000
    if (from === 'pageable' || to === 'pageable')
      check.note(`${label}: by records, by events`, `${byRecords.toFixed(2)}, ${byEvents.toFixed(2)} GB/s`)
    else check.within(`${label}: by records`, byRecords, byEvents * 0.98, byEvents * 1.02, 'GB/s')
  }
}
