import type { RowsBuilder } from '../rows-builder.js'

/** A decoded MemEvent: a block of memory from its allocation to its release. */
export interface MemoryEvent {
  allocNs: number
  freeNs: number
  bytes: number
  place: number
  device: number
}
const PLACES = ['CUDAPlace', 'CPUPlace', 'CUDAPinnedPlace', 'XPUPlace', 'NPUPlace']

/** One counter of bytes in use per place and device (Paddle's own timeline mixes all places into one). */
export function memoryCounters(builder: RowsBuilder, events: MemoryEvent[]): void {
  const byPlace = new Map<string, { atNs: number; delta: number }[]>()
  for (const { allocNs, freeNs, bytes, place, device } of events) {
    const name = `memory ${PLACES[place] ?? `place ${place}`}:${device}`
    const points = byPlace.get(name) ?? []
    points.push({ atNs: allocNs, delta: bytes }, { atNs: freeNs, delta: -bytes })
    byPlace.set(name, points)
  }
  if (byPlace.size === 0) {
    return
  }
  const thread = builder.addThread('memory')
  for (const [name, points] of byPlace) {
    const index = builder.name(name, 'device')
    points.sort((a, b) => a.atNs - b.atNs)
    let inUse = 0
    for (const [i, { atNs, delta }] of points.entries()) {
      inUse += delta
      // One value per moment: what is in use after all that happened then.
      if (points[i + 1]?.atNs !== atNs) {
        builder.addCounter(thread, index, atNs, inUse)
      }
    }
  }
}
