import { median } from '../checks.mjs'
import { recordGpu } from '../rows.mjs'

const KINDS = [
  ['htod', 'pinned', 'device'],
  ['dtoh', 'device', 'pinned'],
  ['dtod', 'device', 'device'],
  ['htod', 'pageable', 'device'],
  ['dtoh', 'device', 'pageable'],
]

// Events are of one engine and the copy of another: an H200 takes 10 µs to hand over, which no empty pair shows.
const HAND_OVER_US = 15

export const title = 'Copy bandwidth'
export const truth = 'cudaEvent pairs around each copy'

export async function run({ gpu, check, size }) {
  const bytes = size(1 << 30, 1 << 24)
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
    const byEventsUs = median(eventUs) - pairUs
    const byEvents = bytes / byEventsUs / 1000
    // Through pageable memory a copy may come in pieces, with gaps that events see and the pieces do not hold.
    const busyUs = copies.reduce((total, copy) => total + copy.durationUs, 0) / 5
    const byRecords = bytes / busyUs / 1000
    if (from === 'pageable' || to === 'pageable')
      check.note(`${label}: by records, by events`, `${byRecords.toFixed(2)}, ${byEvents.toFixed(2)} GB/s`)
    else {
      const allowedUs = Math.max(HAND_OVER_US, byEventsUs / 50)
      const [low, high] = [byEventsUs + allowedUs, byEventsUs - allowedUs].map(us => bytes / us / 1000)
      check.within(`${label}: by records`, byRecords, low, high, 'GB/s')
    }
  }
}
