// From a row to what belongs to it, the other way round than the columns point.
import { lowerBound } from '../../model/lower-bound.js'
import type { PageRecording } from '../recording.js'

export class DetailIndex {
  readonly #recording: PageRecording
  #launchesBySpan: RowLists | undefined
  #workByLaunch: RowLists | undefined

  constructor(recording: PageRecording) {
    this.#recording = recording
  }

  /** API calls that belong to the span itself, not to one inside of it. */
  launchesOf(span: number): number[] {
    const { launches, spans } = this.#recording
    this.#launchesBySpan ??= new RowLists(launches.span, spans.name.length)
    return this.#launchesBySpan.of(span)
  }
  /** What a GPU did for the launch, by start. */
  workOf(launch: number): number[] {
    const { launches, gpu } = this.#recording
    this.#workByLaunch ??= new RowLists(gpu.launch, launches.name.length)
    return this.#workByLaunch.of(launch)
  }
  attributesOf(span: number): [key: string, value: string][] {
    const { attributes, strings } = this.#recording
    const found: [string, string][] = []
    for (let at = lowerBound(attributes.row, span); attributes.row[at] === span; at++) {
      found.push([strings[attributes.key[at]!]!, strings[attributes.value[at]!]!])
    }
    return found
  }
  threadOf(span: number): number {
    // Threads are few; those without rows share their first row with the next one.
    return this.#recording.threads.findIndex(({ firstRow, rowCount }) => span >= firstRow && span < firstRow + rowCount)
  }
}

/** Rows by the row that they point to, in their order. */
class RowLists {
  readonly #first: Uint32Array
  readonly #rows: Uint32Array

  constructor(targets: Int32Array, targetCount: number) {
    this.#first = new Uint32Array(targetCount + 1)
    for (const target of targets) if (target >= 0) this.#first[target + 1]!++
    for (let i = 0; i < targetCount; i++) this.#first[i + 1]! += this.#first[i]!
    const next = this.#first.slice()
    this.#rows = new Uint32Array(this.#first[targetCount]!)
    for (const [row, target] of targets.entries()) if (target >= 0) this.#rows[next[target]!++] = row
  }
  of(target: number): number[] {
    return [...this.#rows.subarray(this.#first[target], this.#first[target + 1])]
  }
}
