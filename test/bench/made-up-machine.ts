import type { Host } from '../../src/bench/host.js'
import { measurePair, type PairedResults, type PairOptions } from '../../src/bench/measure-pair.js'
import { randomNumbers } from '../../src/model/statistics.js'

export interface MadeUp {
  /** Log of how much longer a sample takes that begins at these ms. */
  noise?: (ms: number, random: () => number) => number
  /** How much slower the head is. */
  slowdown?: number
  /** Log of how far the processes of a launch differ, at most. */
  luck?: number
  /** Log of how much longer samples take of the process of a launch that was started or prepared first. */
  costOfFirst?: number
  waitShare?: number
  /** CPUs that the head keeps busy. */
  headCpus?: number
  /** What recording an op of a sample takes, by how many samples of any side were recorded before. */
  opNs?: (before: number) => number
  /** How fast the machine says to be. */
  pace?: () => Promise<number>
  seed?: number
  /** Called as processes are started. */
  beforeLaunch?: () => void
  options?: Partial<PairOptions>
}

const SAMPLE_MS = 10

/** Compares base and head on a machine whose clock goes by what samples take. */
export function comparePairOn(machine: MadeUp): Promise<PairedResults> {
  const { noise = () => 0, slowdown = 0, luck = 0, waitShare = 0, seed = 1, options = {}, beforeLaunch } = machine
  const { costOfFirst = 0, opNs = () => 1, headCpus = 1, pace = async () => 1e6 } = machine
  const random = randomNumbers(seed)
  let ms = 0
  let recorded = 0
  const hostOf = (side: number, cost: { startedFirst: number; preparedFirst?: number }): Host => {
    const process = (1 + side * slowdown) * Math.exp(luck * (2 * random() - 1))
    return {
      isGone: false,
      prepare: async () => {
        cost.preparedFirst ??= side
        return { isAsync: false, iterationNs: SAMPLE_MS * 1e6, items: 1 }
      },
      sample: async () => {
        const firsts = [cost.startedFirst, cost.preparedFirst].filter(first => first === side).length
        const factor = process * Math.exp(firsts * costOfFirst)
        const ownMs = SAMPLE_MS * factor * Math.exp(noise(ms, random))
        const waitMs = waitShare * random() * ownMs
        ms += ownMs + waitMs
        return {
          ns: (ownMs + waitMs) * 1e6,
          waitNs: waitMs * 1e6,
          cpuNs: (side === 1 ? headCpus : 1) * ownMs * 1e6,
          eachNs: [],
        }
      },
      profiledSample: async () => {
        const ops = [{ path: ['work'], calls: 1, ns: opNs(recorded++), gpuNs: 0 }]
        return { ns: 1, waitNs: 0, cpuNs: 1, ops, warnings: [] }
      },
      paceNs: pace,
      finish: async () => {},
      close: async () => {},
    }
  }
  return measurePair({
    titles: ['base', 'head'],
    caseNames: ['work'],
    leftOut: [],
    launch: async sides => {
      beforeLaunch?.()
      const cost = { startedFirst: sides[0]! }
      return [hostOf(0, cost), hostOf(1, cost)]
    },
    unit: 'round',
    warmupMs: 0,
    sampleMs: SAMPLE_MS,
    budgetMs: 60_000,
    targetInterval: 0.01,
    profile: false,
    threshold: 0.03,
    confidence: 0.99,
    seed: seed + 1,
    now: () => ms,
    ...options,
  })
}

/** A normal value with the standard deviation 1: twelve uniform ones, less their mean. */
export function normal(random: () => number): number {
  let sum = -6
  for (let at = 0; at < 12; at++) sum += random()
  return sum
}
