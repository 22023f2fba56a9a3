// Requests that made others: which took how long, and how much of it by themselves.
import type { RequestTracePiece } from '../../binding.js'
import { type ValueBudget, ValueDistribution } from '../value-distribution.js'
import { type LineFigures, lineFigures } from './line-figures.js'
import type { TraceModel } from './read-traces.js'
import { REQUEST_END, REQUEST_START, SLOT_COUNT, TRACE_ABSENT, TRACE_BAD_STAMPS } from './slots.js'
import { roleOf, TRACE_ROLES, type TraceRole } from './trace-lines.js'

/** A model in its place below those that called it. */
export interface EnsembleSummary {
  /** Empty: the file does not tell of the requests that made these. */
  model: string
  version: string
  role: TraceRole
  calls: number
  /** Of the calls with both stamps: REQUEST_END − REQUEST_START. Undefined without any. */
  handler: LineFigures | undefined
  /** What is left of it without the time in which a request that it made was handled. */
  self: LineFigures | undefined
  children: EnsembleSummary[]
}

// A damaged file may nest anything in anything.
const MOST_NODES = 4096
const ABSENT = -2

class Node {
  calls = 0
  readonly children: Map<number, Node> = new Map<number, Node>()
  readonly handler: ValueDistribution
  readonly self: ValueDistribution
  constructor(
    readonly model: number,
    readonly role: number,
    budget: ValueBudget,
  ) {
    this.handler = new ValueDistribution(budget)
    this.self = new ValueDistribution(budget)
  }
}

export class Ensembles {
  /** Calls that found no place in the tree. */
  leftOut = 0
  /** Children of requests that the file does not tell of. */
  orphans = 0
  readonly #budget: ValueBudget
  readonly #roots = new Map<number, Node>()
  #nodeCount = 0

  constructor(budget: ValueBudget) {
    this.#budget = budget
  }

  /** Rows `first` to `end` are one family: a request, and all that it led to. */
  add(piece: RequestTracePiece, first: number, end: number): void {
    const { models, flags, parentRows } = piece
    const nodes: (Node | undefined)[] = []
    const handlers: (Interval | undefined)[] = []
    const below: Interval[][] = []
    for (let row = first; row < end; row++) {
      const handler = handlerOf(piece, row, first)
      handlers.push(handler)
      below.push([])
      if (row > first && handler !== undefined) below[parentRows[row]! - first]!.push(handler)
    }
    for (let row = first; row < end; row++) {
      const isAbsent = (flags[row]! & TRACE_ABSENT) !== 0
      const model = isAbsent ? ABSENT : models[row]!
      const role = roleOf(flags[row]!)
      const parent = row === first ? undefined : nodes[parentRows[row]! - first]
      const siblings = row === first ? this.#roots : parent?.children
      const key = row === first ? model * TRACE_ROLES.length + role : model
      const node = siblings && this.#node(siblings, key, model, role)
      nodes.push(node)
      if (isAbsent) continue
      if (parent?.model === ABSENT) this.orphans++
      if (node === undefined) {
        this.leftOut++
        continue
      }
      node.calls++
      const handler = handlers[row - first]
      if (handler === undefined) continue
      const ns = handler.endNs - handler.startNs
      node.handler.add(ns)
      node.self.add(ns - unionNs(below[row - first]!, handler))
    }
  }

  #node(siblings: Map<number, Node>, key: number, model: number, role: number): Node | undefined {
    let node = siblings.get(key)
    if (node === undefined && this.#nodeCount < MOST_NODES) {
      this.#nodeCount++
      node = new Node(model, role, this.#budget)
      siblings.set(key, node)
    }
    return node
  }

  summaries(models: readonly TraceModel[]): EnsembleSummary[] {
    const summaryOf = (node: Node): EnsembleSummary => ({
      model: models[node.model]?.name ?? '',
      version: models[node.model]?.version ?? '',
      role: TRACE_ROLES[node.role]!,
      calls: node.calls,
      handler: lineFigures(node.handler),
      self: lineFigures(node.self),
      children: Array.from(node.children.values(), summaryOf),
    })
    return Array.from(this.#roots.values(), summaryOf)
  }
}

interface Interval {
  startNs: number
  endNs: number
}
// On the clock of the family's first row.
function handlerOf({ stamps, bases, flags }: RequestTracePiece, row: number, first: number): Interval | undefined {
  const shift = bases[row] === bases[first] ? 0 : Number(bases[row]! - bases[first]!)
  const startNs = stamps[row * SLOT_COUNT + REQUEST_START]! + shift
  const endNs = stamps[row * SLOT_COUNT + REQUEST_END]! + shift
  if ((flags[row]! & TRACE_BAD_STAMPS) !== 0 && startNs + Number(bases[first]) <= 0) return undefined
  return endNs >= startNs ? { startNs, endNs } : undefined
}

/** How much of `within` the intervals take together, that in which several run once. */
function unionNs(intervals: Interval[], within: Interval): number {
  intervals.sort((a, b) => a.startNs - b.startNs)
  let covered = 0
  let upTo = within.startNs
  for (const { startNs, endNs } of intervals) {
    const start = Math.max(upTo, startNs)
    const stop = Math.min(within.endNs, endNs)
    if (stop > start) {
      covered += stop - start
      upTo = stop
    }
  }
  return covered
}
