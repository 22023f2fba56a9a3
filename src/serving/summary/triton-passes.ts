// What Triton's trace_summary.py counts, version by version: sums over all traces of a model, and where it gives up.
import type { RequestTracePiece } from '../../binding.js'
import { OpscopeError } from '../../errors.js'
import { ExactSum } from '../exact-sum.js'
import type { TraceFileFacts, TraceModel } from './read-traces.js'
import { requestTraceOf } from './request-trace.js'
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  GRPC_SEND_END,
  GRPC_SEND_START,
  GRPC_WAITREAD_END,
  GRPC_WAITREAD_START,
  HTTP_RECV_END,
  HTTP_RECV_START,
  HTTP_SEND_END,
  HTTP_SEND_START,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
  SLOT_COUNT,
  SLOTS,
  slotBit,
  TRACE_ABSENT,
  TRACE_FIRST_HAS_PARENT,
  TRACE_FROM_GRPC,
  TRACE_FROM_HTTP,
  TRACE_HAS_ID,
  TRACE_HAS_PARENT,
  TRACE_HAS_VERSION,
  TRACE_V1_NAMES,
  TRACE_V2_NAMES,
} from './slots.js'

/**
 * Whose text: the first releases' under Python 2 (whole µs, rounded down) or 3, that of v2.19 to v2.42, or that since.
 */
export const TRITON_VERSIONS = ['v1', 'v1-python3', 'v2.41', 'v2.43'] as const
export type TritonVersion = (typeof TRITON_VERSIONS)[number]

export type FrontEnd = 'HTTP' | 'GRPC'
export type SpanName =
  | 'INFER'
  | 'RECEIVE'
  | 'SEND'
  | 'REQUEST'
  | 'QUEUE'
  | 'COMPUTE'
  | 'COMPUTE_INPUT'
  | 'COMPUTE_INFER'
  | 'COMPUTE_OUTPUT'

/** The traces of one model that came by one front end. */
export interface TritonGroup {
  model: TraceModel
  count: number
  sums: Map<SpanName, ExactSum>
  /** Groups are shown by it. */
  lowestId: bigint
}
/** A trace of `-t`. */
export interface ShownTrace {
  id: bigint
  parentId: bigint | undefined
  hasId: boolean
  model: TraceModel
  stamps: { name: string; ns: bigint }[]
}

type Interval = readonly [span: SpanName, start: number, end: number]
const FRONT_ENDS: Record<FrontEnd, { flag: number; spans: (version: TritonVersion) => Interval[] }> = {
  HTTP: {
    flag: TRACE_FROM_HTTP,
    spans: () => [
      ['INFER', HTTP_RECV_START, HTTP_SEND_END],
      ['RECEIVE', HTTP_RECV_START, HTTP_RECV_END],
      ['SEND', HTTP_SEND_START, HTTP_SEND_END],
    ],
  },
  GRPC: {
    flag: TRACE_FROM_GRPC,
    spans: version => [
      ['INFER', version === 'v2.43' ? GRPC_WAITREAD_END : GRPC_WAITREAD_START, GRPC_SEND_END],
      ...(version === 'v2.43' ? [] : [['RECEIVE', GRPC_WAITREAD_START, GRPC_WAITREAD_END] as const]),
      ['SEND', GRPC_SEND_START, GRPC_SEND_END],
    ],
  },
}

/** What `-t` leaves out since v2.43. */
const HIDDEN_STAMPS = 'GRPC_WAITREAD'

/** One of the two passes over a file: the requests of one front end, and what they led to. */
export class TritonPass {
  readonly #version: TritonVersion
  readonly #frontEnd: FrontEnd
  readonly #isV1: boolean
  readonly #spans: Interval[]
  readonly #groups = new Map<number, TritonGroup>()
  #end: { id: bigint; error: OpscopeError } | undefined
  readonly shown: ShownTrace[] = []

  constructor(version: TritonVersion, frontEnd: FrontEnd) {
    this.#version = version
    this.#frontEnd = frontEnd
    this.#isV1 = version.startsWith('v1')
    this.#spans = FRONT_ENDS[frontEnd].spans(version)
  }

  /** @throws OpscopeError ERR_OPSCOPE_FILE_DAMAGED where the script ends with an exception. */
  get groups(): TritonGroup[] {
    if (this.#end !== undefined) throw this.#end.error
    return Array.from(this.#groups.values()).sort((a, b) => (a.lowestId < b.lowestId ? -1 : 1))
  }

  /** Whether the script looks at this trace. Parents come first, and theirs is in `selected`. */
  selects(piece: RequestTracePiece, row: number, selected: Uint8Array): boolean {
    const flags = piece.flags[row]!
    if ((flags & TRACE_ABSENT) !== 0) return false
    if (
      (flags & (this.#isV1 ? TRACE_V1_NAMES : TRACE_V2_NAMES)) !== 0 &&
      (flags & FRONT_ENDS[this.#frontEnd].flag) !== 0
    )
      return true
    // The first release had no ids, and nothing to select by.
    if ((flags & TRACE_HAS_ID) === 0) return this.#isV1 && this.#frontEnd === 'GRPC' && (flags & TRACE_FROM_HTTP) === 0
    const parent = piece.parentRows[row]!
    // It goes through the ids once, upwards.
    return (
      (flags & TRACE_HAS_PARENT) !== 0 && parent >= 0 && selected[parent] === 1 && piece.ids[parent]! < piece.ids[row]!
    )
  }

  add(piece: RequestTracePiece, row: number, facts: TraceFileFacts, isShown: boolean): void {
    const flags = piece.flags[row]!
    if ((flags & (this.#isV1 ? TRACE_V1_NAMES : TRACE_V2_NAMES)) === 0) return
    if ((flags & TRACE_HAS_ID) === 0 && !this.#isV1) return
    const has = (slot: number) => (flags & slotBit(slot)) !== 0
    if (!has(REQUEST_START) || !has(REQUEST_END)) return
    const id = piece.ids[row]!
    const model = piece.models[row]!
    if (model < 0 || (flags & TRACE_HAS_VERSION) === 0) {
      this.#stop(id, `KeyError: trace ${id} has no ${model < 0 ? 'model_name' : 'model_version'}`)
      return
    }
    let group = this.#groups.get(model)
    if (group === undefined) {
      group = { model: facts.models[model]!, count: 0, sums: new Map(), lowestId: id }
      this.#groups.set(model, group)
    }
    if (id < group.lowestId) group.lowestId = id
    group.count++
    const { sums } = group
    const add = ([span, start, end]: Interval) => {
      for (const slot of [start, end])
        if (!has(slot)) return this.#stop(id, `ValueError: trace ${id} has no ${SLOTS[slot]}`)
      const ns = piece.stamps[row * SLOT_COUNT + end]! - piece.stamps[row * SLOT_COUNT + start]!
      if (ns < 0) return this.#stop(id, `ValueError: in trace ${id}, ${SLOTS[end]} is before ${SLOTS[start]}`)
      const sum = sums.get(span) ?? new ExactSum()
      sums.set(span, sum)
      sum.add(ns)
    }
    const [infer] = this.#spans
    if (has(infer![1]) && has(infer![2])) this.#spans.forEach(add)
    add(['REQUEST', REQUEST_START, REQUEST_END])
    if (has(QUEUE_START) && has(COMPUTE_START)) add(['QUEUE', QUEUE_START, COMPUTE_START])
    if (has(COMPUTE_START) && has(COMPUTE_END)) add(['COMPUTE', COMPUTE_START, COMPUTE_END])
    if (has(COMPUTE_INPUT_END) && has(COMPUTE_OUTPUT_START)) {
      add(['COMPUTE_INPUT', COMPUTE_START, COMPUTE_INPUT_END])
      add(['COMPUTE_INFER', COMPUTE_INPUT_END, COMPUTE_OUTPUT_START])
      add(['COMPUTE_OUTPUT', COMPUTE_OUTPUT_START, COMPUTE_END])
    }
    if (isShown) this.#show(piece, row, facts, group.model)
  }

  #show(piece: RequestTracePiece, row: number, facts: TraceFileFacts, model: TraceModel): void {
    const { stamps } = requestTraceOf(piece, row, facts)
    const flags = piece.flags[row]!
    this.shown.push({
      id: piece.ids[row]!,
      parentId: (flags & TRACE_FIRST_HAS_PARENT) === 0 ? undefined : piece.parentIds[row]!,
      hasId: (flags & TRACE_HAS_ID) !== 0,
      model,
      stamps: this.#version === 'v2.43' ? stamps.filter(({ name }) => !name.includes(HIDDEN_STAMPS)) : stamps,
    })
  }

  // Of several, the script meets the lowest id first.
  #stop(id: bigint, what: string): void {
    if (this.#end !== undefined && this.#end.id <= id) return
    const error = new OpscopeError(
      'ERR_OPSCOPE_FILE_DAMAGED',
      `Triton's trace_summary.py ends here with ${what}.`,
      'Without --compat, such traces are left out and counted.',
    )
    this.#end = { id, error }
  }
}

/** 0 where no trace has it. */
export function sumOf(group: TritonGroup, span: SpanName): bigint {
  return group.sums.get(span)?.value ?? 0n
}
