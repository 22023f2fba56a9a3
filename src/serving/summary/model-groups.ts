// Traces → the lines of each model and role.
import type { RequestTracePiece } from '../../binding.js'
import { type ValueBudget, ValueDistribution } from '../value-distribution.js'
import { type LineFigures, lineFigures } from './line-figures.js'
import { FILLED_SHIFT, REQUEST_END, REQUEST_START, SLOT_COUNT, TRACE_ABSENT, TRACE_BAD_STAMPS } from './slots.js'
import {
  COMPUTE,
  FRONT_END_INTERVALS,
  FRONT_END_OVERHEAD,
  HANDLER,
  HANDLER_INTERVALS,
  HANDLER_OVERHEAD,
  LINES,
  type LineName,
  missingStamp,
  QUEUE,
  RECEIVE,
  REQUEST,
  REQUIRED_BITS,
  roleOf,
  SEND,
  TRACE_ROLES,
  type TraceRole,
} from './trace-lines.js'

/** How many traces lack something, by what it is. */
export interface IncompleteTraces {
  /** The first stamp that is missing; `reversed`: an end before its start; `model`: the fragment with the model. */
  reason: string
  count: number
}
export interface LineSummary extends LineFigures {
  name: LineName
  label: string
  depth: number
}
/** What the requests to one model took that came the same way. */
export interface ModelSummary {
  model: string
  version: string
  role: TraceRole
  traces: number
  complete: number
  incomplete: IncompleteTraces[]
  /** Of the complete ones; a line is over those that have all its stamps. */
  lines: LineSummary[]
}

const NO_STAMP = Number.NaN

class ModelGroup {
  traces = 0
  complete = 0
  readonly incomplete: Map<string, number> = new Map<string, number>()
  readonly lines: ValueDistribution[]

  constructor(
    readonly model: number,
    readonly role: number,
    budget: ValueBudget,
  ) {
    this.lines = LINES.map(() => new ValueDistribution(budget))
  }
}

export class ModelGroups {
  /** All that the file tells of, and of them those that count in the lines. */
  traces = 0
  complete = 0
  withoutModel = 0
  /** Stamps that are zero or negative, and intervals that end before they start. */
  badStamps = 0
  readonly #budget: ValueBudget
  readonly #groups: ModelGroup[] = []
  readonly #byKey: (ModelGroup | undefined)[] = []
  // A trace whose stamps are to be looked at first goes through this one.
  readonly #checked = new Float64Array(SLOT_COUNT)
  readonly #intervals = new Float64Array(LINES.length)

  constructor(budget: ValueBudget) {
    this.#budget = budget
  }

  add(piece: RequestTracePiece, row: number): void {
    const { flags: allFlags, models } = piece
    let flags = allFlags[row]!
    if ((flags & TRACE_ABSENT) !== 0) return
    this.traces++
    const model = models[row]!
    if (model < 0) {
      this.withoutModel++
      return
    }
    const role = roleOf(flags)
    const key = model * TRACE_ROLES.length + role
    const group = this.#byKey[key] ?? this.#newGroup(key, model, role)
    group.traces++
    let stamps = piece.stamps
    let first = row * SLOT_COUNT
    if ((flags & TRACE_BAD_STAMPS) !== 0) {
      flags = this.#check(piece, row)
      stamps = this.#checked
      first = 0
    }
    const required = REQUIRED_BITS[role]!
    if ((flags & required) >>> 0 !== required || !this.#addLines(group, role, stamps, first)) {
      const reason = missingStamp(role, flags)
      group.incomplete.set(reason, (group.incomplete.get(reason) ?? 0) + 1)
      return
    }
    group.complete++
    this.complete++
  }

  #newGroup(key: number, model: number, role: number): ModelGroup {
    const group = new ModelGroup(model, role, this.#budget)
    this.#byKey[key] = group
    this.#groups.push(group)
    return group
  }

  /** Takes out the stamps that make no sense; the flags without them. */
  #check(piece: RequestTracePiece, row: number): number {
    let flags = piece.flags[row]!
    const base = Number(piece.bases[row])
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const ns = piece.stamps[row * SLOT_COUNT + slot]!
      const isBad = ns + base <= 0
      this.#checked[slot] = isBad ? NO_STAMP : ns
      if (isBad) {
        this.badStamps++
        flags &= ~(1 << (slot + FILLED_SHIFT))
      }
    }
    return flags
  }

  // The intervals of the trace are NaN where a stamp is missing, which all sums and differences then are as well.
  #addLines(group: ModelGroup, role: number, stamps: Float64Array, first: number): boolean {
    const intervals = this.#intervals
    intervals.fill(NO_STAMP)
    let isWhole = stamps[first + REQUEST_END]! >= stamps[first + REQUEST_START]!
    for (const [line, start, end] of FRONT_END_INTERVALS[role]!) {
      const ns = stamps[first + end]! - stamps[first + start]!
      if (ns >= 0) intervals[line] = ns
      else if (ns < 0) {
        this.badStamps++
        isWhole &&= line !== REQUEST && line !== SEND && line !== RECEIVE
      }
    }
    if (!isWhole) return false
    for (const [line, start, end] of HANDLER_INTERVALS) {
      const ns = stamps[first + end]! - stamps[first + start]!
      if (ns >= 0) intervals[line] = ns
      else if (ns < 0) this.badStamps++
    }
    const handler = intervals[HANDLER]!
    const receive = TRACE_ROLES[role] === 'HTTP' ? intervals[RECEIVE]! : 0
    intervals[FRONT_END_OVERHEAD] = intervals[REQUEST]! - handler - receive - intervals[SEND]!
    intervals[HANDLER_OVERHEAD] = handler - intervals[QUEUE]! - intervals[COMPUTE]!
    const { lines } = group
    for (let line = 0; line < lines.length; line++) {
      const ns = intervals[line]!
      if (!Number.isNaN(ns)) lines[line]!.add(ns)
    }
    return true
  }

  /** In the order that the file has them. */
  summaries(models: readonly { name: string; version: string }[]): ModelSummary[] {
    return this.#groups.map(group => {
      const { name, version } = models[group.model]!
      return {
        model: name,
        version,
        role: TRACE_ROLES[group.role]!,
        traces: group.traces,
        complete: group.complete,
        incomplete: incompleteOf(group.incomplete),
        lines: LINES.flatMap((line, at) => {
          const figures = lineFigures(group.lines[at]!)
          if (figures === undefined) return []
          const label = at === REQUEST ? `${TRACE_ROLES[group.role]} ${line.label}` : line.label
          return [{ name: line.name, label, depth: line.depth, ...figures }]
        }),
      }
    })
  }
}

export function incompleteOf(counts: ReadonlyMap<string, number>): IncompleteTraces[] {
  return Array.from(counts, ([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count)
}
