// Which spans are requests, and which are their stages. Pure.
import { CATEGORIES, FLAG_ASYNC, FLAG_UNFINISHED, type PageRecording } from '../../recording.js'
import type { SpanPaths } from '../range/span-paths.js'

/** Requests of one name at one place. */
export interface RequestKind {
  path: number
  /** As printed, with what is around it. */
  name: string
  /** Finished ones, by start. */
  spans: number[]
  /** Ascending. */
  sortedNs: Float64Array
}
/** A stage of all requests of a kind, or of one. */
export interface StageRow {
  name: string
  /** Below the request. */
  depth: number
  /** From the start of the request; means over those that have the stage. */
  offsetNs: number
  lengthNs: number
  /** Times that it happened. */
  count: number
}

// What a request is: the outermost async span that is, or has inside of it, one of the first of these categories that has
// any. A span of the program's own around a stage is the request, whatever its category: the stage alone is not.
const CANDIDATES = ['request', 'inference', 'section'].map(name =>
  CATEGORIES.indexOf(name as (typeof CATEGORIES)[number]),
)

export class Requests {
  /** The most requests first. */
  readonly kinds: RequestKind[]
  readonly #recording: PageRecording
  readonly #paths: SpanPaths
  /** By span: the request that it is in or is, -1: none. */
  readonly #requestOf: Int32Array

  constructor(recording: PageRecording, paths: SpanPaths) {
    this.#recording = recording
    this.#paths = paths
    this.#requestOf = requestsOf(recording, candidates(recording), paths)
    this.kinds = this.#findKinds()
  }

  /** Stages of all requests of a kind: where they lie on average, those inside of others below them, by offset. */
  meanStages(kind: RequestKind): StageRow[] {
    const wanted = new Set(kind.spans)
    return this.#stages(span => wanted.has(this.#requestOf[span]!))
  }
  /** Stages of one request. */
  stagesOf(request: number): StageRow[] {
    return this.#stages(span => this.#requestOf[span] === request)
  }

  #findKinds(): RequestKind[] {
    const { spans } = this.#recording
    const kinds = new Map<number, RequestKind>()
    for (let span = 0; span < spans.name.length; span++) {
      if (this.#requestOf[span] !== span || (spans.flags[span]! & FLAG_UNFINISHED) !== 0) continue
      const path = this.#paths.ofSpan[span]!
      const kind = kinds.get(path) ?? { path, name: this.#nameOf(path), spans: [], sortedNs: new Float64Array() }
      kinds.set(path, kind)
      kind.spans.push(span)
    }
    for (const kind of kinds.values()) {
      kind.spans.sort((a, b) => spans.startNs[a]! - spans.startNs[b]! || a - b)
      kind.sortedNs = Float64Array.from(kind.spans, span => spans.durationNs[span]!).sort()
    }
    return [...kinds.values()].sort((a, b) => b.spans.length - a.spans.length)
  }

  #nameOf(path: number): string {
    const names: string[] = []
    for (let at = path; at >= 0; at = this.#paths.parent[at]!) names.push(this.#paths.labels[at]!)
    return names.reverse().join(' / ')
  }

  #stages(isWanted: (span: number) => boolean): StageRow[] {
    const { spans } = this.#recording
    const sums = new Map<number, { offsetNs: number; lengthNs: number; count: number }>()
    for (let span = 0; span < spans.name.length; span++) {
      const request = this.#requestOf[span]!
      if (request < 0 || request === span || (spans.flags[span]! & FLAG_UNFINISHED) !== 0 || !isWanted(span)) continue
      const path = this.#paths.ofSpan[span]!
      const sum = sums.get(path) ?? { offsetNs: 0, lengthNs: 0, count: 0 }
      sums.set(path, sum)
      sum.offsetNs += spans.startNs[span]! - spans.startNs[request]!
      sum.lengthNs += spans.durationNs[span]!
      sum.count++
    }
    return this.#inOrder(sums)
  }

  /** Async stages with all that is async around them; where a request has none, what is right inside of it. */
  #inOrder(sums: Map<number, { offsetNs: number; lengthNs: number; count: number }>): StageRow[] {
    const paths = [...sums.keys()]
    const isAround = (path: number): boolean => sums.has(path)
    const asyncs = paths.filter(path => this.#paths.isAsync[path])
    const shown = new Set(asyncs.length > 0 ? asyncs : paths.filter(path => !isAround(this.#paths.parent[path]!)))
    const stages = new Map<number, { path: number; around: number; mean: StageRow; inside: number[] }>()
    const top: number[] = []
    // A path comes after the one around it.
    for (const path of [...shown].sort((a, b) => a - b)) {
      const { offsetNs, lengthNs, count } = sums.get(path)!
      let around = this.#paths.parent[path]!
      while (isAround(around) && !stages.has(around)) around = this.#paths.parent[around]!
      const home = stages.get(around)
      const depth = home === undefined ? 0 : home.mean.depth + 1
      const name = this.#paths.labels[path]!
      const mean = { name, depth, offsetNs: offsetNs / count, lengthNs: lengthNs / count, count }
      stages.set(path, { path, around, mean, inside: [] })
      ;(home?.inside ?? top).push(path)
    }
    const rows: StageRow[] = []
    const offsetOf = (path: number): number => stages.get(path)!.mean.offsetNs
    const pending = (list: number[]): number[] => list.sort((a, b) => offsetOf(b) - offsetOf(a) || b - a)
    const open = pending(top)
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const { mean, inside } = stages.get(path)!
      rows.push(mean)
      for (const child of pending(inside)) open.push(child)
    }
    return rows
  }
}

/** By name: 1 where its async spans tell requests. */
function candidates({ names, spans }: PageRecording): Uint8Array {
  const isAsync = new Uint8Array(names.length)
  for (let span = 0; span < spans.name.length; span++) isAsync[spans.name[span]!]! |= spans.flags[span]! & FLAG_ASYNC
  const category = CANDIDATES.find(wanted => names.some((name, at) => name.category === wanted && isAsync[at] === 1))
  return Uint8Array.from(names, (name, at) => Number(name.category === category && isAsync[at] === 1))
}

/** By span: the request that it is in or is, -1: none. */
function requestsOf({ spans }: PageRecording, isCandidate: Uint8Array, paths: SpanPaths): Int32Array {
  const outermost = outermostAsync(spans)
  // By path, so that a request which never came to the stage is one too.
  const isRequest = new Uint8Array(paths.labels.length)
  for (let span = 0; span < outermost.length; span++) {
    const isOne = isCandidate[spans.name[span]!] === 1 && (spans.flags[span]! & FLAG_ASYNC) !== 0
    if (isOne) isRequest[paths.ofSpan[outermost[span]!]!] = 1
  }
  return outermost.map(span => (span >= 0 && isRequest[paths.ofSpan[span]!] === 1 ? span : -1))
}

/** By span: the outermost async span that it is in or is, -1: none. */
function outermostAsync(spans: PageRecording['spans']): Int32Array {
  const outermost = new Int32Array(spans.name.length)
  const isKnown = new Uint8Array(spans.name.length)
  const unknown: number[] = []
  for (let span = 0; span < outermost.length; span++) {
    // A parent on another thread may come later; then it is looked at first.
    for (let at = span; at >= 0 && isKnown[at] === 0; at = spans.parent[at]!) {
      unknown.push(at)
      isKnown[at] = 1
    }
    for (let at = unknown.pop(); at !== undefined; at = unknown.pop()) {
      const around = spans.parent[at]!
      const outer = around < 0 ? -1 : outermost[around]!
      const isAsync = (spans.flags[at]! & FLAG_ASYNC) !== 0
      outermost[at] = outer >= 0 ? outer : isAsync ? at : -1
    }
  }
  return outermost
}
