import { SLOT_DETAIL, SLOT_GATE, SLOT_NAME } from '../../binding.js'
import { currentDetail } from '../../hooks.js'
import { contextSpanId } from '../../record.js'
import { setAttribute } from '../../span.js'
import { begin, beginChild, beginSpan, controlSlots, end, endSpan, needsContext } from '../../span-calls.js'
import type { Inputs, TensorInfo } from './package.js'

// Own constants: see span-calls.ts.
const slots = controlSlots
const nativeBegin = begin
const nativeEnd = end

/** Off: what was replaced and could not be put back lets every call through. */
export interface Switch {
  isOn: boolean
}

/** Asked first on every call: is anything recorded? */
export function isRecording(): boolean {
  return slots[SLOT_GATE] !== 0
}
/** Does some session want attributes (OpDetail)? */
export function wantsAttributes(): boolean {
  return slots[SLOT_DETAIL] !== 0 || currentDetail() !== 'Default'
}

/** Runs a synchronous body as a span inside whatever is open. */
export function inSpan<T>(nameId: number, body: () => T): T {
  if (needsContext()) {
    beginChild(nameId, contextSpanId())
  } else {
    slots[SLOT_NAME] = nameId
    nativeBegin()
  }
  try {
    return body()
  } finally {
    slots[SLOT_NAME] = nameId
    nativeEnd()
  }
}

/** Likewise, as a span that can have attributes: its id, 0 while its category is off, goes to `describe`. */
export function inDescribedSpan<T>(nameId: number, body: () => T, describe: (spanId: number, result: T) => void): T {
  if (!wantsAttributes()) return inSpan(nameId, body)
  const spanId = beginSpan(nameId, needsContext() ? contextSpanId() : 0)
  if (spanId === 0) return body()
  let hasFailed = true
  try {
    const result = body()
    hasFailed = false
    tryDescribe(() => describe(spanId, result))
    return result
  } finally {
    endSpan(spanId, hasFailed)
  }
}
function tryDescribe(describe: () => void): void {
  try {
    describe()
  } catch {
    // Kernels of others may take and give what are no tensors. Nothing that is said about a call may fail it.
  }
}

const ELEMENT_BYTES: Record<string, number> = { float32: 4, int32: 4, bool: 1, complex64: 8 }

/** Shapes, types and bytes. */
export function describeCall(spanId: number, inputs: Inputs, outputs: TensorInfo | TensorInfo[]): void {
  const given = Object.entries(inputs).flatMap(([name, tensor]) =>
    tensor == null ? [] : `${name} ${typeText(tensor)}`,
  )
  const made = Array.isArray(outputs) ? outputs : [outputs]
  if (given.length > 0) setAttribute(spanId, 'inputs', given.join(', '))
  setAttribute(spanId, 'outputs', made.map(typeText).join(', '))
  describeBytes(
    spanId,
    made.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
  )
}
export function describeBytes(spanId: number, bytes: number): void {
  // Strings have as many bytes as they have; nobody counts them for this.
  if (Number.isFinite(bytes)) setAttribute(spanId, 'bytes', bytes)
}
/** Of what a tensor holds. */
export function bytesOfValues(values: unknown): number {
  return ArrayBuffer.isView(values) ? values.byteLength : Number.NaN
}
function bytesOf({ shape, dtype }: TensorInfo): number {
  return shape.reduce((size, side) => size * side, 1) * (ELEMENT_BYTES[dtype] ?? Number.NaN)
}
/** `float32[1,28,28,3]` */
function typeText({ shape, dtype }: TensorInfo): string {
  return `${dtype}[${shape}]`
}
