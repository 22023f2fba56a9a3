import { type Clock, systemClock } from './meter.js'

const STEPS = 400_000
const TRIES = 3

/**
 * ns that a fixed piece of work takes now: a chain of integer multiplications, about 1 ms, the fastest of three. It
 * tells how fast the machine itself is at a moment, so that results of different moments can be told apart from it.
 */
export function machinePaceNs(clock: Clock = systemClock): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const start = clock()
    let value = attempt + 1
    for (let step = 0; step < STEPS; step++) value = (Math.imul(value, 0x5bd1e995) + step) | 0
    const took = clock() - start
    // A compiler may leave out a value that nobody reads.
    fastest = value === 0.5 ? 0 : Math.min(fastest, took)
  }
  return fastest
}
