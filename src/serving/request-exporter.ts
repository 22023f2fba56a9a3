import type { TraceCarrier } from '../propagation.js'
import type { TracedRequest } from './request.js'
import type { TraceRecord } from './trace-file.js'
import type { TraceTree } from './trace-records.js'
import type { TraceSetting } from './trace-settings.js'

/** Tells traced requests to another system. None of its calls throws, but for what `body` throws. */
export interface RequestExporter {
  /**
   * A request is traced from here on. Without a setting: it has come in, and may be traced later; then this is called
   * again.
   */
  begin(request: TracedRequest, setting: TraceSetting | undefined): void
  /** Runs code of the request as that system wants it to run. */
  within<T>(request: TracedRequest, body: () => T): T
  /** The span that it has there, as the parent of others. */
  carrierOf(request: TracedRequest): TraceCarrier | undefined
  /** It is over; `records` are those of the tree, the whole before its steps. */
  finish(request: TracedRequest, tree: TraceTree, records: readonly TraceRecord[]): void
}
