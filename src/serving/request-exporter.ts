import type { TracedRequest } from './request.js'
import type { TraceRecord } from './trace-file.js'
import type { TraceTree } from './trace-records.js'

/** Tells traced requests to another system. None of its calls throws. */
export interface RequestExporter {
  /** A request is traced from here on. */
  begin(request: TracedRequest): void
  /** Runs code of the request as that system wants it to run. */
  within<T>(request: TracedRequest, body: () => T): T
  /** It is over; `records` are those of the tree, the whole before its steps. */
  finish(request: TracedRequest, tree: TraceTree, records: readonly TraceRecord[]): void
}
