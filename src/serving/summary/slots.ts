// The stamps of a request trace, and what the native reader tells of one; binding/format/request_trace.h is its source.

import { V1_STAMP_NAMES } from '../v1-stamp-names.js'

/** Slots of {@link RequestTracePiece.stamps}, under the names of v2. */
export const SLOTS = [
  'HTTP_RECV_START',
  'HTTP_RECV_END',
  'HTTP_SEND_START',
  'HTTP_SEND_END',
  'GRPC_WAITREAD_START',
  'GRPC_WAITREAD_END',
  'GRPC_SEND_START',
  'GRPC_SEND_END',
  'REQUEST_START',
  'QUEUE_START',
  'COMPUTE_START',
  'COMPUTE_INPUT_END',
  'COMPUTE_OUTPUT_START',
  'COMPUTE_END',
  'INFER_RESPONSE_COMPLETE',
  'REQUEST_END',
] as const
export const SLOT_COUNT: number = SLOTS.length

// INFER_RESPONSE_COMPLETE came later.
const V1_NAMES = SLOTS.map(name => V1_STAMP_NAMES.get(name) ?? '')

export const HTTP_RECV_START = 0
export const HTTP_RECV_END = 1
export const HTTP_SEND_START = 2
export const HTTP_SEND_END = 3
export const GRPC_WAITREAD_START = 4
export const GRPC_WAITREAD_END = 5
export const GRPC_SEND_START = 6
export const GRPC_SEND_END = 7
export const REQUEST_START = 8
export const QUEUE_START = 9
export const COMPUTE_START = 10
export const COMPUTE_INPUT_END = 11
export const COMPUTE_OUTPUT_START = 12
export const COMPUTE_END = 13
export const INFER_RESPONSE_COMPLETE = 14
export const REQUEST_END = 15

/** Bits of {@link RequestTracePiece.flags}. */
export const TRACE_HAS_ID = 1
export const TRACE_HAS_PARENT = 2
export const TRACE_FIRST_HAS_PARENT = 4
export const TRACE_ABSENT = 8
export const TRACE_WHOLE = 16
export const TRACE_V1_NAMES = 32
export const TRACE_V2_NAMES = 64
export const TRACE_BAD_STAMPS = 128
export const TRACE_FROM_HTTP = 256
export const TRACE_FROM_GRPC = 512
export const TRACE_HAS_VERSION = 1024
export const TRACE_IS_CHILD = 2048
/** From here on, a bit for each slot that has a stamp. */
export const FILLED_SHIFT = 16

export const slotBit = (slot: number): number => (1 << (slot + FILLED_SHIFT)) >>> 0

const FIRST_CUSTOM_NAME = 2 * SLOT_COUNT
/** A stamp's name as its file spells it. `custom` are the names that the reader found. */
export function stampName(name: number, custom: readonly string[]): string {
  if (name < SLOT_COUNT) return SLOTS[name]!
  if (name < FIRST_CUSTOM_NAME) return V1_NAMES[name - SLOT_COUNT]!
  return custom[name - FIRST_CUSTOM_NAME] ?? '(one name too many)'
}
