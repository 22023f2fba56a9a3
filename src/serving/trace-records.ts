// A request that is over → the traces of it: one for itself, one for each step of an ensemble.
import { type Inference, nameOf } from './inference.js'
import type { TracedRequest } from './request.js'
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  FRONT_STAMPS,
  OUTCOME_STAMPS,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
  Stamps,
} from './stamps.js'
import type { TraceRecord, TraceTensor } from './trace-file.js'

/** A trace before it has numbers, with the traces of its steps. */
export interface TraceTree {
  modelName: string
  modelVersion: number
  requestId: string
  stamps: Stamps
  /** What it tells of; undefined: the request as a whole, of no or of several inferences. */
  inference: Inference | undefined
  tensors: readonly TraceTensor[]
  steps: TraceTree[]
}

/** The traces of a request, with the stamps of its front end. */
export function traceTree(request: TracedRequest): TraceTree {
  const { stamps: front, protocol } = request
  const tree = requestTree(request)
  // What happened in one moment stands in the order of the stages.
  const send = front.names.indexOf(FRONT_STAMPS[protocol]?.sendStart ?? '')
  const answered = send < 0 ? front.names.length : send
  tree.stamps = new Stamps().addFrom(front, 0, answered).addFrom(tree.stamps).addFrom(front, answered).sort()
  return tree
}

/**
 * One inference of a request is the request's own trace. Several are steps of one that has no computation of its own;
 * where there is none, what the handler did stands for it. Without the stamps of the front end.
 */
export function requestTree(request: TracedRequest): TraceTree {
  const { inferences } = request
  return inferences.length === 1 ? inferenceTree(inferences[0]!) : wholeTree(request, inferences)
}

const NO_STAMPS = new Stamps()

/** Numbers the traces, the whole before its steps. Without stamps at a level of tensors alone. */
export function traceRecords(tree: TraceTree, hasStamps: boolean, nextId: () => number): TraceRecord[] {
  const records: TraceRecord[] = []
  const add = (each: TraceTree, parentId: number): void => {
    const id = nextId()
    const { modelName, modelVersion } = each
    const stamps = hasStamps ? withoutRepeat(each.stamps) : NO_STAMPS
    // A request that nobody named is named by its number.
    const requestId = each.requestId || (parentId === 0 ? String(id) : records[0]!.requestId)
    const record = { id, parentId, modelName, modelVersion, requestId, stampNames: stamps.names, stampNs: stamps.ns }
    const batch = each.inference?.batch
    const isPlain = batch === undefined && each.tensors.length === 0
    records.push(isPlain ? record : { ...record, batch, tensors: each.tensors })
    for (const step of each.steps) add(step, id)
  }
  add(tree, 0)
  return records
}

/** How a request ended is told by its inference and by its front end; a trace says it once, as it was first known. */
function withoutRepeat(stamps: Stamps): Stamps {
  for (const name of Object.values(OUTCOME_STAMPS)) {
    if (stamps.names.indexOf(name) === stamps.names.lastIndexOf(name)) continue
    const last = stamps.names.lastIndexOf(name)
    return new Stamps().addFrom(stamps, 0, last).addFrom(stamps, last + 1)
  }
  return stamps
}

function inferenceTree(inference: Inference): TraceTree {
  const { stamps, tensors, steps } = withoutRun(inference)
  return {
    modelName: inference.model,
    modelVersion: inference.version,
    requestId: inference.requestId,
    stamps: stamps.sort(),
    inference,
    tensors,
    steps: steps.map(inferenceTree),
  }
}

/** One run of a runtime inside an inference is its computation; several are its steps. */
function withoutRun({ stamps, tensors, children }: Inference): Pick<Inference, 'stamps' | 'tensors'> & {
  steps: readonly Inference[]
} {
  const [only, ...others] = children
  if (only === undefined || !only.isRun || others.length > 0) return { stamps, tensors, steps: children }
  const all = new Stamps().addFrom(stamps)
  if (!stamps.has(COMPUTE_START)) {
    for (const name of [COMPUTE_START, COMPUTE_INPUT_END, COMPUTE_OUTPUT_START, COMPUTE_END]) {
      const ns = only.stamps.at(name)
      if (ns !== undefined) all.add(name, ns)
    }
  }
  return { stamps: all, tensors: [...tensors, ...only.tensors], steps: only.children }
}

function wholeTree(request: TracedRequest, inferences: readonly Inference[]): TraceTree {
  const { facts, stamps: front } = request
  const names = FRONT_STAMPS[request.protocol]
  const stamps = new Stamps()
  const steps = inferences.map(inferenceTree)
  if (steps.length > 0) {
    // Steps are in the order of their starts.
    const start = inferences[0]!.stamps.at(REQUEST_START)!
    stamps.add(REQUEST_START, start)
    stamps.add(QUEUE_START, start)
    const ends = inferences.flatMap(each => each.stamps.at(REQUEST_END) ?? []).sort(compare)
    if (ends.length === inferences.length) stamps.add(REQUEST_END, ends.at(-1)!)
  } else if (names !== undefined) {
    const [from, to] = [front.at(names.recvEnd) ?? front.at(names.recvStart), front.at(names.sendStart)]
    if (from !== undefined) {
      stamps.add(REQUEST_START, from)
      stamps.add(QUEUE_START, from)
      if (to !== undefined) {
        stamps.add(COMPUTE_START, from)
        stamps.add(COMPUTE_END, to)
        stamps.add(REQUEST_END, to)
      }
    }
  }
  const modelName = nameOf(facts.model) ?? nameOf(facts.name) ?? 'request'
  return { modelName, modelVersion: -1, requestId: request.requestId, stamps, inference: undefined, tensors: [], steps }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b)
}
