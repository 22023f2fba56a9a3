import { CATEGORIES, type Category } from '../binding.js'

/** An event of a Chrome trace, as files hold it: every field may be missing or of another type. */
export type TraceEvent = Record<string, unknown>
export type Args = Record<string, unknown>

/** Collections, as V8 names them in traces of Node and Chrome, from the whole to its steps. */
const COLLECTION = /^(MinorGC|MajorGC|V8\.GC\w+)$/

export function argsOf(event: TraceEvent): Args {
  const { args } = event
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? (args as Args) : {}
}
export function textOf(value: unknown, fallback = ''): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : fallback
}
export function nameOf(event: TraceEvent): string {
  return textOf(event.name) || '(unnamed)'
}
/** A number, also one that is written as text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}
/** A whole number from 0 as a 64-bit id, 0 for anything else. */
export function idOf(value: unknown): bigint {
  const isWhole =
    typeof value === 'string' ? /^\d+$/.test(value) : Number.isSafeInteger(value) && (value as number) >= 0
  return isWhole ? BigInt.asUintN(64, BigInt(value as string | number)) : 0n
}
export function categoryOf(event: TraceEvent): Category {
  const all = textOf(event.cat)
  const first = all.split(',', 1)[0] as Category
  if (CATEGORIES.includes(first)) return first
  return all.includes('v8') && COLLECTION.test(nameOf(event)) ? 'gc' : 'user'
}
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
export function objectsOf(value: unknown): Args[] {
  return listOf(value).filter((item): item is Args => typeof item === 'object' && item !== null)
}
