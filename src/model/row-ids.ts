import type { RecordingView } from '../binding.js'

/** Ids of rows as text: the spans, then what the GPU did. */
export class RowIds {
  readonly #ids: RecordingView['rowIds']

  constructor({ rowIds }: RecordingView) {
    this.#ids = rowIds
  }

  spanId(row: number): string {
    return hex(this.#ids.spanId[row]!)
  }
  /** Of the span around it, else of the parent in another process; all zeros: none. */
  parentId(row: number): string {
    return hex(this.#ids.parentId[row]!)
  }
  /** As given to it or one around it, else made for its root; null: GPU work whose span is not known. */
  traceId(row: number): string | null {
    const [high, low] = [this.#ids.traceIdHigh[row]!, this.#ids.traceIdLow[row]!]
    return (high | low) === 0n ? null : hex(high) + hex(low)
  }
}

function hex(id: bigint): string {
  return id.toString(16).padStart(16, '0')
}
