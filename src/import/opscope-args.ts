// What the events of our own Chrome traces have in their args.
import { FLAG_ASYNC, FLAG_BRACKET, FLAG_ERROR, FLAG_TIMED, ROLES, type Role } from '../binding.js'
import type { RowsBuilder, SpanIds } from '../rows-builder.js'
import { type Args, categoryOf, nameOf, numberOf, objectsOf, type TraceEvent, textOf } from './chrome-event.js'

/** Above every process id of the system. */
export const FIRST_GPU_PID = 5_000_000
export const NO_IDS: SpanIds = { spanId: 0n, parentId: 0n, traceIdHigh: 0n, traceIdLow: 0n }

/** The name of a span, mark or counter, as an index into the builder's names. */
export function nameIndexOf(builder: RowsBuilder, event: TraceEvent, args: Args): number {
  const role = ROLES.includes(args.role as Role) ? (args.role as Role) : 'op'
  return builder.name(nameOf(event), categoryOf(event), role, textOf(args.instance))
}
export function flagsOf(args: Args): number {
  return (
    (args.async === true ? FLAG_ASYNC : 0) |
    (args.error === true ? FLAG_ERROR : 0) |
    (args.timed === true ? FLAG_TIMED : 0) |
    (args.bracket === true ? FLAG_BRACKET : 0)
  )
}
/** Without the parent, which may be in the file or not; undefined where there is none. */
export function idsOf(args: Args): SpanIds | undefined {
  const spanId = hexOf(args.span_id)
  const trace = hexOf(args.trace_id)
  if (spanId === 0n && trace === 0n) {
    return undefined
  }
  return { spanId, parentId: 0n, traceIdHigh: trace >> 64n, traceIdLow: BigInt.asUintN(64, trace) }
}
export function addExtras(builder: RowsBuilder, row: number, args: Args): void {
  if (typeof args.attributes === 'object' && args.attributes !== null) {
    for (const [key, value] of Object.entries(args.attributes)) {
      if (isPlain(value)) {
        builder.addAttribute(row, key, value)
      }
    }
  }
  for (const link of objectsOf(args.links)) {
    const trace = hexOf(link.trace_id)
    builder.addLink(row, trace >> 64n, BigInt.asUintN(64, trace), hexOf(link.span_id))
  }
}
/** JSON has no infinity: it is written as text. */
export function counterValueOf(args: Args): number {
  const { value } = args
  return value === 'Infinity' || value === '-Infinity' ? Number(value) : (numberOf(value) ?? Number.NaN)
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
export function hexOf(value: unknown): bigint {
  return typeof value === 'string' && /^[0-9a-f]{1,32}$/.test(value) ? BigInt(`0x${value}`) : 0n
}
export function signedOf(value: unknown): bigint {
  return /^-?\d{1,19}$/.test(textOf(value)) ? BigInt.asIntN(64, BigInt(textOf(value))) : 0n
}
