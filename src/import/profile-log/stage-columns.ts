import { float64, uint32 } from '../../columns.js'
import type { ProfileRecord } from './records.js'
import { type Side, sidedStages } from './sides.js'

/**
 * A capture is in memory as a whole, and no viewer shows this many: loading them takes about 1 GB.
 * `opscope show-profile` has no such limit.
 */
export const MOST_STAGES = 2_000_000
/** A record with more stages than this is no request: its stages are placed each for itself. */
const LARGEST_GROUP = 64
/** Half of the 104 days that whole ns have room for in a capture. What is further from the middle is damage. */
const FARTHEST_US = 52 * 86_400e6

const SIDES: readonly Side[] = ['client', 'py', 'server']

/** What one thread did, or what the servers told it of theirs. */
export interface LogThread {
  pid: number
  track: string
  row: 'client' | 'server'
}
export interface PlacedStage {
  name: string
  side: Side
  startUs: number
  endUs: number
  /** Index into the threads. */
  thread: number
  /** The number of a Pipeline server's request; -1: none. */
  request: number
}

/** The stages of a log as plain columns, until all are known. */
export class StageColumns {
  readonly threads: LogThread[] = []
  leftOut = 0
  outOfRange = 0
  readonly #startUs = float64()
  readonly #endUs = float64()
  readonly #name = uint32()
  readonly #side = uint32()
  readonly #thread = uint32()
  readonly #request = float64()
  /** Stages of one record and thread have the same. */
  readonly #group = uint32()
  #groupCount = 0
  readonly #names: string[] = []
  readonly #nameIndex = new Map<string, number>()
  readonly #threadIndex = new Map<string, number>()

  take(record: ProfileRecord): void {
    const sided = sidedStages(record)
    const groups = new Map<number, number>()
    for (const { name, track, side, startUs, endUs, request } of sided) {
      if (this.#startUs.length >= MOST_STAGES) {
        this.leftOut += 1
        continue
      }
      const row = side === 'server' ? 'server' : 'client'
      const key = `${record.pid} ${row} ${track}`
      const thread = indexOf(this.#threadIndex, this.threads, key, { pid: record.pid, track, row })
      this.#startUs.push(startUs)
      this.#endUs.push(endUs)
      this.#name.push(indexOf(this.#nameIndex, this.#names, name, name))
      this.#side.push(SIDES.indexOf(side))
      this.#thread.push(thread)
      this.#request.push(request === undefined ? -1 : Number(request))
      const group = (sided.length <= LARGEST_GROUP ? groups.get(thread) : undefined) ?? this.#groupCount++
      groups.set(thread, group)
      this.#group.push(group)
    }
  }

  /** To be called once, when all are taken: takes out what is no time of this log. */
  dropFarTimes(): void {
    const starts = this.#startUs.values.slice()
    const ends = this.#endUs.values.slice()
    const middleUs = starts.toSorted()[starts.length >> 1] ?? 0
    const isNear = (_: number, index: number) =>
      starts[index]! >= middleUs - FARTHEST_US && ends[index]! <= middleUs + FARTHEST_US
    for (const column of [this.#startUs, this.#endUs, this.#request]) column.keep(isNear)
    for (const column of [this.#name, this.#side, this.#thread, this.#group]) column.keep(isNear)
    this.outOfRange = starts.length - this.#startUs.length
  }

  /** From the first begin to the last end of each process. */
  ranges(): Map<number, { startUs: number; endUs: number }> {
    const ranges = new Map<number, { startUs: number; endUs: number }>()
    for (const [index, thread] of this.#thread.values.entries()) {
      const { pid } = this.threads[thread]!
      const range = ranges.get(pid) ?? { startUs: Number.POSITIVE_INFINITY, endUs: 0 }
      range.startUs = Math.min(range.startUs, this.#startUs.values[index]!)
      range.endUs = Math.max(range.endUs, this.#endUs.values[index]!)
      ranges.set(pid, range)
    }
    return ranges
  }

  /** The stages of each record and thread, in order of their starts, of two the longer one first. */
  *groups(): Generator<PlacedStage[]> {
    const starts = this.#startUs.values
    const ends = this.#endUs.values
    const group = this.#group.values
    const startOf = new Float64Array(this.#groupCount).fill(Number.POSITIVE_INFINITY)
    const endOf = new Float64Array(this.#groupCount)
    for (let index = 0; index < starts.length; index++) {
      startOf[group[index]!] = Math.min(startOf[group[index]!]!, starts[index]!)
      endOf[group[index]!] = Math.max(endOf[group[index]!]!, ends[index]!)
    }
    const order = Uint32Array.from(starts.keys()).sort((a, b) => {
      const one = group[a]!
      const other = group[b]!
      if (one !== other) return startOf[one]! - startOf[other]! || endOf[other]! - endOf[one]! || one - other
      return starts[a]! - starts[b]! || ends[b]! - ends[a]! || a - b
    })
    for (let first = 0; first < order.length; ) {
      let next = first + 1
      while (next < order.length && group[order[next]!] === group[order[first]!]) next += 1
      yield Array.from(order.subarray(first, next), index => this.#stage(index))
      first = next
    }
  }

  #stage(index: number): PlacedStage {
    return {
      name: this.#names[this.#name.values[index]!]!,
      side: SIDES[this.#side.values[index]!]!,
      startUs: this.#startUs.values[index]!,
      endUs: this.#endUs.values[index]!,
      thread: this.#thread.values[index]!,
      request: this.#request.values[index]!,
    }
  }
}

function indexOf<T>(indices: Map<string, number>, values: T[], key: string, value: T): number {
  let index = indices.get(key)
  if (index === undefined) {
    index = values.push(value) - 1
    indices.set(key, index)
  }
  return index
}
