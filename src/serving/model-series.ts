import type { InferenceSummary, RequestSummary } from './request-stages.js'
import type { TraceRole } from './summary/trace-lines.js'

/** What a number is told of. */
export interface SeriesLabels {
  model: string
  /** -1: the latest. */
  version: number
  /** CHILD: an inference inside a request. */
  protocol: TraceRole
}
interface Entry<T> extends SeriesLabels {
  readonly hasModel: boolean
  readonly value: T
}

/** What all those share that came when there were too many. */
const OTHER = '(other)'

// Routes and paths stand in for models where no inference is made. Somebody's guesses must not take the place of models.
const MOST_ROUTES = 20
const LONGEST_NAME = 256

/**
 * A `T` for each model, version and protocol that comes. Names of models may come with the requests, so only so many
 * pairs of name and version have one of their own.
 */
export class ModelSeries<T> {
  readonly #mostModels: number
  readonly #make: () => T
  #byName = new Map<string, Entry<T>[]>()
  #modelCount = 0
  #routeCount = 0

  constructor(mostModels: number, make: () => T) {
    this.#mostModels = mostModels
    this.#make = make
  }

  /** @param hasModel false: the name is that of a route */
  of(model: string, version: number, protocol: TraceRole, hasModel: boolean): T {
    const found = this.#find(model, version, protocol)
    if (found !== undefined) return found
    if (this.#hasRoom(model, version, hasModel)) return this.#add({ model, version, protocol, hasModel })
    const other = { model: OTHER, version: -1, protocol, hasModel }
    return this.#find(OTHER, -1, protocol) ?? this.#add(other)
  }

  entries(): readonly Entry<T>[] {
    return [...this.#byName.values()].flat()
  }

  /** Makes room: forgets all that is not kept. */
  keep(isKept: (value: T) => boolean): void {
    const kept = this.entries().filter(({ value }) => isKept(value))
    this.#byName = new Map()
    this.#modelCount = 0
    this.#routeCount = 0
    for (const entry of kept) this.#put(entry)
  }

  #find(model: string, version: number, protocol: TraceRole): T | undefined {
    const entries = this.#byName.get(model)
    if (entries === undefined) return undefined
    for (const entry of entries) if (entry.version === version && entry.protocol === protocol) return entry.value
    return undefined
  }
  #hasRoom(model: string, version: number, hasModel: boolean): boolean {
    if (model.length > LONGEST_NAME) return false
    if (this.#isKnown(model, version)) return true
    return hasModel ? this.#modelCount < this.#mostModels : this.#routeCount < MOST_ROUTES
  }
  #isKnown(model: string, version: number): boolean {
    return this.#byName.get(model)?.some(entry => entry.version === version) === true
  }
  #add(labels: Omit<Entry<T>, 'value'>): T {
    const value = this.#make()
    this.#put({ ...labels, value })
    return value
  }
  #put(entry: Entry<T>): void {
    const { model, version, hasModel } = entry
    if (model !== OTHER && !this.#isKnown(model, version)) {
      if (hasModel) this.#modelCount++
      else this.#routeCount++
    }
    const entries = this.#byName.get(model)
    if (entries === undefined) this.#byName.set(model, [entry])
    else entries.push(entry)
  }
}

/** Calls `visit` with each inference that the request tells of: itself, and its steps. */
export function forEachSummary(
  request: RequestSummary,
  visit: (summary: InferenceSummary, protocol: TraceRole, hasModel: boolean) => void,
): void {
  visit(request, request.protocol, request.hasModel)
  for (const step of request.steps) visit(step, 'CHILD', true)
}
