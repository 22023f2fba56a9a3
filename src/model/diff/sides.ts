import { callCount, workOf } from './call-counts.js'
import type { Candidate } from './figures.js'
import { movedPaths } from './match.js'
import type { DiffPaths } from './paths.js'
import type { RecordedCalls } from './recorded-calls.js'
import type { BeforeAfter, DiffFigures, DiffRow } from './rows.js'
import {
  type CopyKey,
  type KernelKey,
  type Measured,
  MIN_WITNESSES,
  measuredGpu,
  measuredPaths,
  witnessSpans,
} from './witnesses.js'

export interface PathCandidate extends Candidate {
  /** New or gone, as the row around it is. */
  isNested: boolean
  row: Omit<DiffRow, keyof DiffFigures>
}

/** The recordings of both sides, what they have in common matched. Paths have the numbers that they have before. */
export class Sides {
  readonly work: BeforeAfter
  readonly #hasOutermost: boolean
  readonly #before: readonly RecordedCalls[]
  readonly #after: readonly RecordedCalls[]
  readonly #paths: DiffPaths
  /** Of a path that moved, its number before; and back. */
  readonly #oldOf: ReadonlyMap<number, number>
  readonly #newOf: ReadonlyMap<number, number>
  readonly #calls: Record<'before' | 'after', ReadonlyMap<number, number>>
  /** Of each recording, the span that each of its spans is a witness with. */
  readonly #witness: { before: Int32Array[]; after: Int32Array[] }

  constructor(before: readonly RecordedCalls[], after: readonly RecordedCalls[], paths: DiffPaths) {
    this.#before = before
    this.#after = after
    this.#paths = paths
    const newCalls = added(after.map(({ calls }) => calls))
    this.#calls = { before: added(before.map(({ calls }) => calls)), after: new Map() }
    this.#oldOf = movedPaths(paths, finished(this.#calls.before), finished(newCalls))
    this.#newOf = new Map([...this.#oldOf].map(([path, old]) => [old, path]))
    this.#calls.after = this.#renumbered(newCalls)
    const outermost = [...this.#calls.before.keys()].filter(path => paths.list[path]!.parent < 0)
    this.#hasOutermost = outermost.length > 0
    this.work = workOf(outermost.map(path => this.#callsOf(path)))
    const least = (path: number) =>
      Math.min(
        ...before.map(each => each.calls.get(path) ?? 0),
        ...after.map(each => each.calls.get(this.#newOf.get(path) ?? path) ?? 0),
      )
    const isEnough = new Map([...this.#calls.before.keys()].map(path => [path, least(path) >= MIN_WITNESSES]))
    this.#witness = {
      before: before.map(each => witnessSpans(each, path => isEnough.get(path) === true)),
      after: after.map(each => witnessSpans(each, path => isEnough.get(this.#oldOf.get(path) ?? path) === true)),
    }
  }

  /** All rows of ops and stages, in the order in which the recordings have them. */
  pathCandidates(): PathCandidate[] {
    const before = this.#before.map((each, at) => measuredPaths(each, this.#witness.before[at]!))
    const after = this.#after.map((each, at) => this.#renumbered(measuredPaths(each, this.#witness.after[at]!)))
    const totals = {
      before: added(this.#before.map(({ totalNs }) => totalNs)),
      after: this.#renumbered(added(this.#after.map(({ totalNs }) => totalNs))),
    }
    const all = new Set([...this.#calls.before.keys(), ...this.#calls.after.keys()])
    return [...all].flatMap(path => {
      const count = this.#countOf(path)
      if (count.before + count.after === 0) return [] // of unfinished calls only
      const own = this.#newOf.get(path) ?? path
      const { category, isAsync } = this.#paths.list[own]!
      const totalNs = { before: totals.before.get(path) ?? 0, after: totals.after.get(path) ?? 0 }
      return {
        before: before.map(each => each.get(path)),
        after: after.map(each => each.get(path)),
        count,
        callNs: count.before > 0 ? totalNs.before / count.before : 0,
        isWait: isAsync,
        isNested: this.#isNested(path, count),
        row: {
          path: this.#paths.namesOf(own),
          ...(own === path ? {} : { movedFrom: this.#paths.namesOf(path) }),
          category,
          totalNs,
        },
      }
    })
  }

  gpuCandidates(): { kernels: (Candidate & { key: KernelKey })[]; copies: (Candidate & { key: CopyKey })[] } {
    const before = this.#before.map((each, at) => measuredGpu(each, this.#witness.before[at]!))
    const after = this.#after.map((each, at) => measuredGpu(each, this.#witness.after[at]!))
    const of = <K>(kind: 'kernels' | 'copies') => {
      const sides = [before.map(each => each[kind]), after.map(each => each[kind])] as const
      const keys = new Set(sides.flat().flatMap(each => [...each.keys()]))
      const callsOf = (key: string) => ({ before: callsIn(sides[0], key), after: callsIn(sides[1], key) })
      // Where no host span tells how much was done, what the GPU did most alike does.
      const work = this.#hasOutermost ? this.work : workOf([...keys].map(callsOf))
      return Array.from(keys, key => ({ key: JSON.parse(key) as K, ...gpuCandidate(key, ...sides, work) }))
    }
    return { kernels: of<KernelKey>('kernels'), copies: of<CopyKey>('copies') }
  }

  #countOf(path: number): Candidate['count'] {
    const { parent } = this.#paths.list[path]!
    // What moved, or is under what moved, was called by something else.
    const newParent = this.#paths.list[this.#newOf.get(path) ?? path]!.parent
    const isSameParent = (this.#oldOf.get(newParent) ?? newParent) === parent && parent >= 0
    return callCount(this.#callsOf(path), isSameParent ? this.#callsOf(parent) : this.work)
  }
  #isNested(path: number, { before, after }: BeforeAfter): boolean {
    if (before > 0 && after > 0) return false
    const { parent } = this.#paths.list[path]!
    const around = this.#callsOf(this.#oldOf.get(parent) ?? parent)
    return before === 0 ? around.before === 0 && around.after > 0 : around.before > 0 && around.after === 0
  }
  #callsOf(path: number): BeforeAfter {
    return { before: this.#calls.before.get(path) ?? 0, after: this.#calls.after.get(path) ?? 0 }
  }
  #renumbered<V>(byPath: ReadonlyMap<number, V>): Map<number, V> {
    // Unfinished calls at the place that a path has left are no row.
    const kept = [...byPath].filter(([path]) => !this.#newOf.has(path))
    return new Map(kept.map(([path, value]) => [this.#oldOf.get(path) ?? path, value]))
  }
}

function finished(calls: ReadonlyMap<number, number>): Set<number> {
  return new Set([...calls].flatMap(([path, count]) => (count > 0 ? [path] : [])))
}

function added(maps: readonly ReadonlyMap<number, number>[]): Map<number, number> {
  const sums = new Map<number, number>()
  for (const map of maps) for (const [key, value] of map) sums.set(key, (sums.get(key) ?? 0) + value)
  return sums
}

type MeasuredByKey = ReadonlyMap<string, Measured>

function gpuCandidate(
  key: string,
  beforeAll: readonly MeasuredByKey[],
  afterAll: readonly MeasuredByKey[],
  work: BeforeAfter,
): Candidate {
  const before = beforeAll.map(each => each.get(key))
  const after = afterAll.map(each => each.get(key))
  const ownNs = before.reduce((ns, each) => ns + (each?.ownNs ?? 0), 0)
  const count = callCount({ before: callsIn(beforeAll, key), after: callsIn(afterAll, key) }, work)
  return { before, after, count, callNs: count.before > 0 ? ownNs / count.before : 0, isWait: false }
}

function callsIn(side: readonly MeasuredByKey[], key: string): number {
  return side.reduce((calls, each) => calls + (each.get(key)?.calls ?? 0), 0)
}
