import { type Attributes, Span } from '../span.js'
import { Inference, type InferenceOptions, nameOf } from './inference.js'
import {
  FRONT_STAMPS,
  type FrontStamps,
  OUTCOME_STAMPS,
  type Outcome,
  outcomeFrom,
  type Protocol,
  Stamps,
} from './stamps.js'
import type { TraceSetting } from './trace-settings.js'

/** What a front end knows of a request when it comes in. */
export interface RequestFacts {
  /** Name of the model, if the front end can tell; else the first inference does. */
  readonly model?: string | undefined
  /** How the client names the request. */
  readonly requestId?: string | undefined
  /** What stands for the model's name where no inference is made: `POST /predict`. */
  readonly name?: string | undefined
  /** Headers of W3C Trace Context. */
  readonly traceparent?: unknown
  readonly tracestate?: unknown
  /** For the request's span. */
  readonly attributes?: Attributes
  /** The client asks for the times of the server's stages (`x-opscope-profile`). */
  readonly isProfiled?: boolean
  /** When it began, where that is told later. @internal */
  readonly startNs?: bigint
}

const FORGOTTEN: RequestFacts = {}

/** What a request needs of its tracer. @internal */
export interface RequestOwner {
  now(): bigint
  /** The settings of a request whose model is known now; undefined: it is not traced. */
  decide(request: TracedRequest, model: string | undefined): TraceSetting | undefined
  /** Everything of it is over. */
  finish(request: TracedRequest): void
  /** The response is out, and an inference still runs. */
  linger(request: TracedRequest): void
}

/**
 * A request on its way through the server. Each call counts once; what comes after the end is ignored, so a handler that
 * throws, hangs or ends twice does no harm.
 */
export class TracedRequest {
  readonly protocol: Protocol
  /** @internal */
  facts: RequestFacts
  /** Of the front end. @internal */
  readonly stamps: Stamps = new Stamps()
  /** Inferences that are no step of another one, by start. @internal */
  readonly inferences: Inference[] = []
  /** Undefined while it waits for its model, and when it is not traced. @internal */
  setting: TraceSetting | undefined
  /** @internal */
  isDecided: boolean
  /** @internal */
  outcome: Outcome | undefined
  /** The span of it, where a session records. @internal */
  span: Span | undefined
  /** What an exporter keeps for it. @internal */
  attachment: unknown
  readonly #owner: RequestOwner
  readonly #names: FrontStamps | undefined
  #openCount = 0
  #isFinished = false

  /** @internal */
  constructor(
    owner: RequestOwner,
    protocol: Protocol,
    facts: RequestFacts,
    setting: TraceSetting | undefined,
    isDecided: boolean,
  ) {
    this.#owner = owner
    this.protocol = protocol
    this.facts = facts
    this.setting = setting
    this.isDecided = isDecided
    this.#names = FRONT_STAMPS[protocol]
    if (this.#names !== undefined) this.stamps.add(this.#names.recvStart, this.now())
  }

  get requestId(): string {
    return nameOf(this.facts.requestId) ?? ''
  }
  get isEnded(): boolean {
    return this.outcome !== undefined
  }
  /** A response began to go out. @internal */
  get isSending(): boolean {
    return this.#names !== undefined && this.stamps.has(this.#names.sendStart)
  }
  /** A response is out. @internal */
  get isSent(): boolean {
    return this.#names !== undefined && this.stamps.has(this.#names.sendEnd)
  }
  /** @internal */
  get isFinished(): boolean {
    return this.#isFinished
  }
  /** @internal */
  get wantsTensors(): boolean {
    return this.setting?.tensors === true
  }
  /** @internal */
  isOwnedBy(owner: RequestOwner): boolean {
    return this.#owner === owner
  }
  /** CLOCK_MONOTONIC, ns. @internal */
  now(): bigint {
    return this.#owner.now()
  }

  /** The request is here in full; the first call counts. */
  received(): this {
    if (this.#names !== undefined && !this.isEnded) this.stamps.set(this.#names.recvEnd, this.now())
    return this
  }

  /** A response begins to go out; of a stream, each one. */
  sending(): this {
    if (this.#names === undefined || this.isEnded) return this
    const now = this.now()
    // A body that nobody waited for is no reason for a request that was never received.
    this.stamps.set(this.#names.recvEnd, now)
    this.stamps.add(this.#names.sendStart, now)
    return this
  }

  /** A response is out; of a stream, each one. */
  sent(): this {
    if (this.#names !== undefined && !this.isEnded) this.stamps.add(this.#names.sendEnd, this.now())
    return this
  }

  /** The front end is done with the request. What is still computed is waited for, half a minute at most. */
  end(given: Outcome = 'ok'): void {
    if (this.isEnded) return
    const outcome = outcomeFrom(given)
    // Without a front end, its inference tells.
    if (outcome !== 'ok' && this.#names !== undefined) this.stamps.add(OUTCOME_STAMPS[outcome], this.now())
    this.outcome = outcome
    if (this.span !== undefined) Span.end(this.span, outcome !== 'ok')
    if (this.#openCount === 0) this.finish()
    else this.#owner.linger(this)
  }

  /** @internal */
  startInference(parent: Inference | undefined, options: InferenceOptions, runNs?: bigint): Inference | undefined {
    if (this.#isFinished) return undefined
    if (!this.isDecided) {
      this.setting = this.#owner.decide(this, options.model)
      this.isDecided = true
    }
    const inference = new Inference(this, parent, options, runNs)
    ;(parent?.children ?? this.inferences).push(inference)
    this.#openCount += 1
    return inference
  }

  /** @internal */
  inferenceEnded(inference: Inference): void {
    this.#openCount -= 1
    if (this.protocol === 'LOCAL' && inference.parent === undefined) this.end(inference.outcome)
    if (this.isEnded && this.#openCount === 0) this.finish()
  }

  /** Takes the request as it is now. @internal */
  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    if (!this.isDecided) {
      this.setting = this.#owner.decide(this, this.facts.model)
      this.isDecided = true
    }
    this.#owner.finish(this)
    // Sockets and timers remember in which request they were used last. That must not keep its body alive with it: old
    // garbage that leads to young garbage makes all of it old, and collecting it cost more than all the rest of a trace.
    this.facts = FORGOTTEN
    this.attachment = undefined
  }
}
