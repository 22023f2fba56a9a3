import { Span } from '../span.js'
import type { TracedRequest } from './request.js'
import {
  COMPUTE_END,
  COMPUTE_START,
  MAX_STAMPS,
  OUTCOME_STAMPS,
  type Outcome,
  outcomeFrom,
  QUEUE_START,
  REQUEST_END,
  REQUEST_START,
  Stamps,
} from './stamps.js'
import { type TensorLike, tensorDump } from './tensor-dump.js'
import type { TraceTensor } from './trace-batch.js'

export interface InferenceOptions {
  /** Name of the model, as trace files and settings know it. */
  model: string
  /** @default -1, the latest */
  version?: number
  /** How the client names the request. @default the request's own id */
  requestId?: string
}

/** A name that a program gave, perhaps as a number; undefined for what is none. */
export function nameOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given
  return typeof given === 'number' || typeof given === 'bigint' ? String(given) : undefined
}

/** What is wrong with the options must not fail the one inference in a thousand that is traced. */
export function readOptions(given: InferenceOptions): InferenceOptions {
  try {
    const { model, version, requestId } = given
    const [versionNumber, id] = [Number(version ?? -1), nameOf(requestId)]
    return {
      model: nameOf(model) ?? NO_NAME,
      version: Number.isSafeInteger(versionNumber) ? versionNumber : -1,
      ...(id !== undefined && { requestId: id }),
    }
  } catch {
    return { model: NO_NAME }
  }
}
const NO_NAME = 'unnamed'

/** Which other requests were computed together with one. */
export interface BatchMembership {
  id: number
  size: number
}

/**
 * One inference of a request. Made by `infer`, `startInference`, or the integration of a runtime. Not traced any more
 * once it has ended: every call is a no-op then.
 */
export class Inference {
  /** @internal */
  readonly request: TracedRequest
  /** Of an ensemble's step: what it is a step of. @internal */
  readonly parent: Inference | undefined
  readonly model: string
  readonly version: number
  readonly requestId: string
  /** @internal */
  readonly stamps: Stamps = new Stamps()
  /** Inferences inside this one, by start. @internal */
  readonly children: Inference[] = []
  /** A run that an integration saw: it was asked for at `runNs`. @internal */
  readonly isRun: boolean
  /** @internal */
  readonly tensors: TraceTensor[] = []
  /** @internal */
  batch: BatchMembership | undefined
  /** Its stages ran as functions of ours, each with a span. @internal */
  isStaged = false
  /** @internal */
  outcome: Outcome | undefined
  /** The span of it, where a session records. @internal */
  span: Span | undefined

  /** @internal */
  constructor(
    request: TracedRequest,
    parent: Inference | undefined,
    { model, version = -1, requestId }: InferenceOptions,
    runNs?: bigint,
  ) {
    this.request = request
    this.parent = parent
    this.model = model
    this.version = version
    this.requestId = requestId ?? parent?.requestId ?? request.requestId
    this.isRun = runNs !== undefined
    const startNs = runNs ?? request.now()
    this.stamps.add(REQUEST_START, startNs)
    this.stamps.add(QUEUE_START, startNs)
  }

  get isEnded(): boolean {
    return this.outcome !== undefined
  }

  /**
   * A moment of the inference: one of Triton's (`COMPUTE_START`, `COMPUTE_INPUT_END`, `COMPUTE_OUTPUT_START`,
   * `COMPUTE_END`, `INFER_RESPONSE_COMPLETE`), the first of each name counts; or a custom one, where `X_START` and
   * `X_END` make a stretch; at most 4096 are kept. `QUEUE_START` is for work before the queue, which else counts as a wait.
   */
  stamp(name: string): this {
    return this.stampAt(name, this.request.now())
  }
  /** @internal */
  stampAt(name: string, ns: bigint): this {
    if (this.isEnded || this.stamps.names.length >= MAX_STAMPS || typeof name !== 'string') return this
    if (name === QUEUE_START) this.stamps.move(name, ns)
    else this.stamps.set(name, ns)
    return this
  }

  /**
   * Writes a tensor into the trace, at level TENSORS.
   * @param activity `TENSOR_QUEUE_INPUT`, `TENSOR_BACKEND_INPUT` or `TENSOR_BACKEND_OUTPUT`
   */
  tensor(activity: string, name: string, tensor: TensorLike): this {
    if (!this.isEnded && this.request.wantsTensors) this.tensors.push(tensorDump(activity, name, tensor))
    return this
  }

  /** The inference is over; the first call counts. */
  end(given: Outcome = 'ok'): void {
    if (this.isEnded) return
    const outcome = outcomeFrom(given)
    const now = this.request.now()
    // What nobody looked into is computation from one end to the other.
    if (outcome === 'ok' && this.children.length === 0 && !this.stamps.has(COMPUTE_START)) {
      this.stamps.add(COMPUTE_START, this.stamps.at(QUEUE_START)!)
      this.stamps.set(COMPUTE_END, now)
    }
    if (outcome !== 'ok') this.stamps.add(OUTCOME_STAMPS[outcome], now)
    this.stamps.set(REQUEST_END, now)
    this.outcome = outcome
    if (this.span !== undefined) Span.end(this.span, outcome !== 'ok')
    this.request.inferenceEnded(this)
  }
}
