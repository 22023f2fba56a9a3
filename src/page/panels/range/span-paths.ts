// Spans → paths: which op each span is a call of. The rules are those of the native op table (binding/core/op_walk.cc,
// src/model/instances.ts), so that a range of the whole recording has the rows of the report.
import { CATEGORIES, FLAG_ASYNC, FLAG_UNFINISHED, type PageRecording, ROLES } from '../../recording.js'
import { rowsByStart } from '../../rows-by-start.js'

const INSTANCE = ROLES.indexOf('instance')
const SAMPLE = ROLES.indexOf('sample')
// A power of two. Spans of one path come in bursts: nearly all find their path here, which costs a tenth of the map.
const CACHE_SIZE = 4096

/** All paths of a recording, computed once. A path is a name under the path of the span around it, async or not. */
export class SpanPaths {
  /** Path of each span. */
  readonly ofSpan: Uint32Array
  /** Path around each path, -1: none. A path comes after the one around it. */
  readonly parent: readonly number[]
  /** Index into names. */
  readonly name: readonly number[]
  readonly isAsync: readonly boolean[]
  /** Names as they are printed: instances are numbered. */
  readonly labels: readonly string[]
  /** By thread: its rows by start, where they are not in that order already. */
  readonly orders: readonly (Uint32Array | undefined)[]

  constructor(recording: PageRecording) {
    const finder = new PathFinder(recording)
    this.ofSpan = finder.ofSpan
    this.parent = finder.parent
    this.name = finder.name
    this.isAsync = finder.isAsync
    this.labels = labelsOf(recording, this)
    this.orders = recording.threads.map(thread => rowsByStart(recording.spans.startNs, thread))
  }
  get count(): number {
    return this.parent.length
  }
}

/** Not ops: they have tables of their own and never add to a total (src/model/tree.ts). */
export const isNoOp = ({ category, role }: PageRecording['names'][number]): boolean =>
  NOT_OPS.has(CATEGORIES[category]!) || role === SAMPLE
const NOT_OPS: ReadonlySet<string> = new Set(['gc', 'event_loop', 'overhead'])

class PathFinder {
  readonly ofSpan: Uint32Array
  readonly parent: number[] = []
  readonly name: number[] = []
  readonly isAsync: boolean[] = []
  readonly #recording: PageRecording
  readonly #firstOfName: Uint32Array
  readonly #byKey = new Map<number, number>()
  readonly #cacheKeys = new Float64Array(CACHE_SIZE).fill(-1)
  readonly #cachePaths = new Uint32Array(CACHE_SIZE)

  constructor(recording: PageRecording) {
    this.#recording = recording
    this.#firstOfName = firstOfEqualNames(recording)
    const { parent } = recording.spans
    this.ofSpan = new Uint32Array(parent.length)
    const isKnown = new Uint8Array(parent.length)
    const unknown: number[] = []
    for (let span = 0; span < parent.length; span++) {
      // A parent on another thread may come later; then its own path comes first.
      for (let at = span; at >= 0 && isKnown[at] === 0; at = parent[at]!) {
        unknown.push(at)
        isKnown[at] = 1
      }
      for (let at = unknown.pop(); at !== undefined; at = unknown.pop()) {
        const around = parent[at]!
        this.ofSpan[at] = this.#under(around < 0 ? -1 : this.ofSpan[around]!, at)
      }
    }
  }

  #under(around: number, span: number): number {
    const { names, spans } = this.#recording
    const name = this.#firstOfName[spans.name[span]!]!
    const isAsync = spans.flags[span]! & FLAG_ASYNC
    // Exact: paths times names stay far below 2^53.
    const key = ((around + 1) * names.length + name) * 2 + isAsync
    const slot = (Math.imul(around + 1, 0x9e3779b1) + Math.imul(name, 0x85ebca6b) + isAsync) & (CACHE_SIZE - 1)
    if (this.#cacheKeys[slot] === key) return this.#cachePaths[slot]!
    let path = this.#byKey.get(key)
    if (path === undefined) {
      path = this.parent.push(around) - 1
      this.name.push(name)
      this.isAsync.push(isAsync !== 0)
      this.#byKey.set(key, path)
    }
    this.#cacheKeys[slot] = key
    this.#cachePaths[slot] = path
    return path
  }
}

/** Names that say the same are one. */
function firstOfEqualNames({ names }: PageRecording): Uint32Array {
  const first = new Map<string, number>()
  return Uint32Array.from(names, ({ text, instance, category, role }, at) => {
    const key = JSON.stringify([text, instance, category, role])
    const known = first.get(key) ?? at
    first.set(key, known)
    return known
  })
}

/** The k-th variable of a type under one path is `type<k>`, by first start. */
function labelsOf(recording: PageRecording, paths: Pick<SpanPaths, 'ofSpan' | 'parent' | 'name'>): string[] {
  const { names } = recording
  const texts = paths.name.map(name => names[name]!.text)
  const instances = [...paths.name.keys()].filter(path => names[paths.name[path]!]!.role === INSTANCE)
  if (instances.length === 0) return texts
  const starts = firstStarts(recording, paths)
  const numbers = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const path of instances.sort((a, b) => starts[a]! - starts[b]! || a - b)) {
    const { text, instance } = names[paths.name[path]!]!
    const type = JSON.stringify([paths.parent[path], text])
    const variable = JSON.stringify([paths.parent[path], text, instance])
    const number = numbers.get(variable) ?? counts.get(type) ?? 0
    if (!numbers.has(variable)) counts.set(type, number + 1)
    numbers.set(variable, number)
    texts[path] = `${text}${number}`
  }
  return texts
}

/** Of finished calls; of a path without any, of the unfinished ones. */
function firstStarts({ spans }: PageRecording, paths: Pick<SpanPaths, 'ofSpan' | 'parent'>): Float64Array {
  const finished = new Float64Array(paths.parent.length).fill(Number.POSITIVE_INFINITY)
  const open = finished.slice()
  for (let span = 0; span < spans.startNs.length; span++) {
    const starts = (spans.flags[span]! & FLAG_UNFINISHED) === 0 ? finished : open
    const path = paths.ofSpan[span]!
    starts[path] = Math.min(starts[path]!, spans.startNs[span]!)
  }
  return finished.map((start, path) => (Number.isFinite(start) ? start : open[path]!))
}
