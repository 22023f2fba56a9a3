// The tensors of one request, and of those that it led to.
import type { RequestTracePiece } from '../../binding.js'
import type { TraceTensor } from '../trace-batch.js'
import { forEachFamily } from './families.js'
import type { TraceModel } from './read-traces.js'
import { TRACE_ABSENT, TRACE_FROM_GRPC, TRACE_FROM_HTTP, TRACE_V2_NAMES } from './slots.js'

export interface DataFlowTrace {
  id: string
  /** Empty where the file does not tell. */
  model: string
  version: string
  tensors: TraceTensor[]
  children: DataFlowTrace[]
}
/** With what the layout of trace_summary.py depends on. */
export interface FlowNode {
  id: bigint
  model: number
  flags: number
  tensors: TraceTensor[]
  children: FlowNode[]
  /** Whether the script puts its fragments together: it came by a front end, or from a request with a lower id that did. */
  isSelected: boolean
}

/**
 * Keeps the request that Triton's trace_summary.py shows: the one that led to the trace with the lowest id of all that
 * have a parent; without any such, the lowest id with a tensor.
 */
export class DataFlowChoice {
  #childId: bigint | undefined
  #ofChild: FlowNode | undefined
  #tensorId: bigint | undefined
  #ofTensor: FlowNode | undefined

  add(piece: RequestTracePiece): void {
    for (const { row } of piece.tensors) {
      const id = piece.ids[row]!
      if (this.#tensorId !== undefined && id >= this.#tensorId) continue
      this.#tensorId = id
      this.#ofTensor = nodeOf(piece, row)
    }
    forEachFamily(piece, (first, end) => {
      if (end - first > 1) this.#addFamily(piece, first, end)
    })
  }

  #addFamily(piece: RequestTracePiece, first: number, end: number): void {
    let lowest = first + 1
    for (let row = lowest; row < end; row++) if (piece.ids[row]! < piece.ids[lowest]!) lowest = row
    const id = piece.ids[lowest]!
    if (this.#childId !== undefined && id >= this.#childId) return
    this.#childId = id
    const nodes: FlowNode[] = []
    for (let row = first; row < end; row++) {
      const node = nodeOf(piece, row)
      nodes.push(node)
      if (row === first) continue
      const parent = nodes[piece.parentRows[row]! - first]!
      parent.children.push(node)
      node.isSelected ||= parent.isSelected && parent.id < node.id
    }
    for (const { children } of nodes) children.sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#ofChild = nodes[piece.parentRows[lowest]! - first]
  }

  get hasParents(): boolean {
    return this.#ofChild !== undefined
  }
  get chosen(): FlowNode | undefined {
    return this.#ofChild ?? this.#ofTensor
  }
  /** For people: the request with its tensors, undefined where the trace has none. */
  summary(models: readonly TraceModel[]): DataFlowTrace | undefined {
    const node = this.#ofChild !== undefined && hasTensors(this.#ofChild) ? this.#ofChild : this.#ofTensor
    return node && traceOf(node, models)
  }
}

function nodeOf(piece: RequestTracePiece, row: number): FlowNode {
  const flags = piece.flags[row]!
  return {
    id: piece.ids[row]!,
    model: piece.models[row]!,
    flags,
    isSelected: (flags & TRACE_V2_NAMES) !== 0 && (flags & (TRACE_FROM_HTTP | TRACE_FROM_GRPC)) !== 0,
    tensors: piece.tensors.filter(tensor => tensor.row === row).map(({ row: _, ...tensor }) => tensor),
    children: [],
  }
}

const hasTensors = (node: FlowNode): boolean => node.tensors.length > 0 || node.children.some(hasTensors)

function traceOf(node: FlowNode, models: readonly TraceModel[]): DataFlowTrace {
  const isKnown = (node.flags & TRACE_ABSENT) === 0
  return {
    id: String(node.id),
    model: (isKnown && models[node.model]?.name) || '',
    version: (isKnown && models[node.model]?.version) || '',
    tensors: node.tensors,
    children: node.children.map(child => traceOf(child, models)),
  }
}
