// A program that is recorded twice as it runs, one of its ops with more work to do.
import { describe, expect, it } from 'vitest'

import { type Capture, op, profile, recordSync } from '../../src/index.js'

const ROUNDS: Record<string, number> = {
  load: 60_000,
  conv1: 80_000,
  relu: 20_000,
  conv2: 90_000,
  pool: 30_000,
  dense: 50_000,
}
const OPS = Object.keys(ROUNDS).map(name => op(name))

let kept = 0
function spin(rounds: number): void {
  for (let round = 0; round < rounds; round++) kept = (kept ^ (kept << 5) ^ round) | 0
}
function run(batches: number, factors: Record<string, number>): void {
  for (let batch = 0; batch < batches; batch++) {
    recordSync('batch', () => {
      for (const [at, [name, rounds]] of Object.entries(ROUNDS).entries()) {
        OPS[at]!.begin()
        spin(rounds * (factors[name] ?? 1))
        OPS[at]!.end()
      }
    })
  }
}
async function recorded(factors: Record<string, number> = {}): Promise<Capture> {
  run(100, factors)
  return profile({ state: 'CPU', gpu: 'off' }, () => run(200, factors))
}
const changed = (one: Capture, other: Capture) =>
  one.diff(other).ops.flatMap(({ path, verdict }) => {
    return verdict === 'same' || verdict === 'unsure' ? [] : `${path.join('/')} ${verdict}`
  })

// On a machine that is given to others for half of the time, nothing may be told.
describe('a program recorded twice', { retry: 3 }, () => {
  it('differs in the op that was given more work, and only there', async () => {
    expect(changed(await recorded(), await recorded({ conv2: 2 }))).toEqual(['batch/conv2 slower'])
  })
  it('differs in nothing without a change', async () => {
    expect(changed(await recorded(), await recorded())).toEqual([])
  })
})
