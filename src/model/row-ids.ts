import type { RecordingView } from '../binding.js'
import { parseTraceparent, type TraceContext } from '../trace-context.js'
import { parseMeta } from './capture-meta.js'

/** Ids of rows as text. Spans recorded without one, and GPU rows, have one made of their number. */
export class RowIds {
  readonly #ids: RecordingView['ids']
  /** By row of a span, where in the table of ids; -1: nowhere. */
  readonly #at: Int32Array
  readonly #madePrefix: string
  readonly #originEpochNs: bigint
  /** Of spans without a parent, as the session was told. */
  readonly #sessionParent: TraceContext | undefined

  constructor({ ids, spans, originEpochNs, metaJson }: RecordingView) {
    this.#ids = ids
    this.#at = new Int32Array(spans.parent.length).fill(-1)
    ids.row.forEach((row, at) => {
      this.#at[row] = at
    })
    this.#originEpochNs = originEpochNs
    this.#sessionParent = parseTraceparent(parseMeta(metaJson).traceparent)
    this.#madePrefix = freePrefix(ids.spanId)
  }

  /** The same after saving and loading, since rows keep their numbers. */
  spanId(row: number): string {
    const id = this.#ids.spanId[this.#find(row)] ?? 0n
    return id === 0n ? this.#madePrefix + row.toString(16).padStart(8, '0') : hex(id)
  }
  /** The parent in another process of a span without one in this; all zeros: none. */
  remoteParentId(row: number): string {
    const own = this.#ids.remoteParentId[this.#find(row)] ?? 0n
    return own !== 0n || this.hasTraceId(row) ? hex(own) : (this.#sessionParent?.spanId ?? hex(own))
  }
  hasTraceId(row: number): boolean {
    const at = this.#find(row)
    return at >= 0 && (this.#ids.traceIdHigh[at] !== 0n || this.#ids.traceIdLow[at] !== 0n)
  }
  traceId(row: number): string {
    const at = this.#find(row)
    return hex(this.#ids.traceIdHigh[at] ?? 0n) + hex(this.#ids.traceIdLow[at] ?? 0n)
  }
  /** For a root without one: that of the session's parent, else one made of the start of the recording and the id of the root, so that captures do not share it. */
  madeTraceId(root: number): string {
    return this.#sessionParent?.traceId ?? hex(this.#originEpochNs) + this.spanId(root)
  }

  #find(row: number): number {
    return this.#at[row] ?? -1
  }
}

function hex(id: bigint): string {
  return id.toString(16).padStart(16, '0')
}

/** The first eight digits that no id of the recording begins with. */
function freePrefix(ids: BigUint64Array): string {
  const taken = new Set(Array.from(ids, id => Number(id >> 32n)))
  let prefix = 1
  while (taken.has(prefix)) prefix++
  return prefix.toString(16).padStart(8, '0')
}
