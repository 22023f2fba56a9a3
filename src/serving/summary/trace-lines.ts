// Which lines a summary has, and which traces count for them.
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  FILLED_SHIFT,
  GRPC_SEND_END,
  GRPC_SEND_START,
  GRPC_WAITREAD_END,
  GRPC_WAITREAD_START,
  HTTP_RECV_END,
  HTTP_RECV_START,
  HTTP_SEND_END,
  HTTP_SEND_START,
  INFER_RESPONSE_COMPLETE,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
  SLOTS,
  slotBit,
  TRACE_IS_CHILD,
} from './slots.js'

/** How a request came: by a front end, in the process, or from another request (an ensemble's step, a BLS call). */
export const TRACE_ROLES = ['HTTP', 'GRPC', 'LOCAL', 'CHILD'] as const
export type TraceRole = (typeof TRACE_ROLES)[number]
const HTTP = 0
const GRPC = 1
const LOCAL = 2
const CHILD = 3

/**
 * In the order they are shown; names are those of stages (request-stages.ts) where a line is one. `depth` is that of the indentation: a line's
 * time is within that of the line it is under.
 */
export const LINES = [
  { name: 'request', label: 'infer request', depth: 0 },
  { name: 'wait_read', label: 'Wait/Read, before it', depth: 1 },
  { name: 'recv', label: 'Receive', depth: 1 },
  { name: 'send', label: 'Send', depth: 1 },
  { name: 'front_end_overhead', label: 'Overhead', depth: 1 },
  { name: 'handler', label: 'Handler', depth: 1 },
  { name: 'handler_overhead', label: 'Overhead', depth: 2 },
  { name: 'respond', label: 'Respond', depth: 3 },
  { name: 'queue', label: 'Queue', depth: 2 },
  { name: 'compute', label: 'Compute', depth: 2 },
  { name: 'compute_input', label: 'Input', depth: 3 },
  { name: 'infer', label: 'Infer', depth: 3 },
  { name: 'compute_output', label: 'Output', depth: 3 },
] as const
export type LineName = (typeof LINES)[number]['name']

export const REQUEST = 0
export const WAIT_READ = 1
export const RECEIVE = 2
export const SEND = 3
export const FRONT_END_OVERHEAD = 4
export const HANDLER = 5
export const HANDLER_OVERHEAD = 6
const RESPOND = 7
export const QUEUE = 8
export const COMPUTE = 9
const INPUT = 10
const INFER = 11
const OUTPUT = 12

// In the order of a request's life: the first one missing says how far it came.
const REQUIRED: Record<TraceRole, readonly number[]> = {
  HTTP: [HTTP_RECV_START, HTTP_RECV_END, REQUEST_START, REQUEST_END, HTTP_SEND_START, HTTP_SEND_END],
  GRPC: [GRPC_WAITREAD_END, REQUEST_START, REQUEST_END, GRPC_SEND_START, GRPC_SEND_END],
  LOCAL: [REQUEST_START, REQUEST_END],
  CHILD: [REQUEST_START, REQUEST_END],
}
/** By index into {@link TRACE_ROLES}: the bits of the stamps without which a trace is incomplete. */
export const REQUIRED_BITS: readonly number[] = TRACE_ROLES.map(
  role => REQUIRED[role].reduce((bits, slot) => bits | slotBit(slot), 0) >>> 0,
)

/** Why a trace is incomplete: the first stamp that it lacks, or `reversed`, an end before its start. */
export function missingStamp(role: number, flags: number): string {
  const missing = REQUIRED[TRACE_ROLES[role]!].find(slot => (flags & slotBit(slot)) === 0)
  return missing === undefined ? 'reversed' : SLOTS[missing]!
}

const HTTP_BITS = 0b1111 << FILLED_SHIFT
const GRPC_BITS = 0b11110000 << FILLED_SHIFT
/** Index into {@link TRACE_ROLES}. */
export function roleOf(flags: number): number {
  if ((flags & TRACE_IS_CHILD) !== 0) return CHILD
  if ((flags & HTTP_BITS) !== 0) return HTTP
  return (flags & GRPC_BITS) !== 0 ? GRPC : LOCAL
}

type LineInterval = readonly [line: number, start: number, end: number]
const HTTP_INTERVALS: readonly LineInterval[] = [
  [REQUEST, HTTP_RECV_START, HTTP_SEND_END],
  [RECEIVE, HTTP_RECV_START, HTTP_RECV_END],
  [SEND, HTTP_SEND_START, HTTP_SEND_END],
]
const GRPC_INTERVALS: readonly LineInterval[] = [
  // From v2.43 on the wait for a request is no part of it: it may have begun hours before the client asked.
  [REQUEST, GRPC_WAITREAD_END, GRPC_SEND_END],
  [WAIT_READ, GRPC_WAITREAD_START, GRPC_WAITREAD_END],
  [SEND, GRPC_SEND_START, GRPC_SEND_END],
]
/**
 * The interval of each line that is one, by index into {@link LINES}; what has none is computed. Those of the front end by
 * index into {@link TRACE_ROLES}.
 */
export const FRONT_END_INTERVALS: readonly (readonly LineInterval[])[] = [HTTP_INTERVALS, GRPC_INTERVALS, [], []]
export const HANDLER_INTERVALS: readonly LineInterval[] = [
  [HANDLER, REQUEST_START, REQUEST_END],
  [QUEUE, QUEUE_START, COMPUTE_START],
  [COMPUTE, COMPUTE_START, COMPUTE_END],
  [INPUT, COMPUTE_START, COMPUTE_INPUT_END],
  [INFER, COMPUTE_INPUT_END, COMPUTE_OUTPUT_START],
  [OUTPUT, COMPUTE_OUTPUT_START, COMPUTE_END],
  [RESPOND, COMPUTE_END, INFER_RESPONSE_COMPLETE],
]
