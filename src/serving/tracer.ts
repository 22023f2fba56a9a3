import { reasonOf } from '../errors.js'
import { FLAG_SAMPLED, parseTraceparent } from '../trace-context.js'
import { Batch } from './batch.js'
import { type GrpcHookOptions, type GrpcInterceptor, grpcInterceptor } from './grpc-server.js'
import {
  expressMiddleware,
  type FastifyPlugin,
  fastifyPlugin,
  hookServer,
  type Middleware,
  type RequestEmitter,
} from './http-hooks.js'
import type { HttpHookOptions } from './http-request.js'
import { type ComputeStages, endWith, type InferStages, runStages } from './infer-stages.js'
import { Inference, type InferenceOptions, readOptions } from './inference.js'
import { OpenTelemetryExporter } from './otel-exporter.js'
import { type RequestFacts, type RequestOwner, TracedRequest } from './request.js'
import type { RequestExporter } from './request-exporter.js'
import { completeSpans, openInferenceSpan, openRequestSpan, recordBatch, within } from './request-spans.js'
import { type RequestSummary, summarize } from './request-stages.js'
import { followRuns } from './runtime-runs.js'
import { closeScope, openScope, scopes } from './scope.js'
import type { Protocol } from './stamps.js'
import type { TraceFileCounts } from './trace-file.js'
import { TraceFiles } from './trace-files.js'
import { requestTree, type TraceTree, traceRecords, traceTree } from './trace-records.js'
import { type ParentDecision, type TraceSetting, TraceSettings } from './trace-settings.js'
import { checkTracerOptions, type ServingTracerOptions, startSettings } from './tracer-options.js'
import { onTrouble, traceFailed, trouble } from './trouble.js'

/** Where a request that a front end asked about stands; undefined settings: traced for others than the file. */
interface Admission {
  setting: TraceSetting | undefined
  isDecided: boolean
}
const LATE: Admission = { setting: undefined, isDecided: false }
const WATCHED: Admission = { setting: undefined, isDecided: true }
const NO_BATCH = new Batch(0, [], 0)

export interface TracerCounts {
  /** Requests that are looked at and not over. */
  open: number
  /** Requests traced so far. */
  traced: number
  /** Of all files so far; a request of several inferences has a trace for each of them. */
  file: TraceFileCounts
}

// A client that is gone may leave a computation behind. What takes longer than this is told as it is.
const LINGER_MS = 30_000
const MAX_LINGERING = 10_000

/**
 * Traces inference requests of a server, stage by stage: to a trace file of Triton's form, to OpenTelemetry, and as
 * spans of the running sessions. Nothing it does can fail a request.
 */
export class ServingTracer implements RequestOwner {
  /** Who is traced, with what; may change at any time. */
  readonly settings: TraceSettings
  /** @internal */
  readonly options: Readonly<ServingTracerOptions>
  /**
   * What requests of node:http are marked with once a hook saw them: a WeakMap would cost a microsecond, and more when
   * garbage is collected.
   * @internal
   */
  readonly mark: symbol = Symbol('opscope.traced')
  /** A request was seen by a hook of a server: what runs in none of them is not one of its own. @internal */
  hasFrontEnd = false
  readonly #files: TraceFiles
  readonly #exporter: RequestExporter | undefined
  readonly #clock: () => bigint
  readonly #listeners = new Set<(summary: RequestSummary) => void>()
  readonly #lingering = new Map<TracedRequest, number>()
  #sweep: NodeJS.Timeout | undefined
  readonly #isPropagating: boolean
  readonly #stopFollowing: () => void
  readonly #stopTelling: () => void
  #nextId = 1
  #nextBatchId = 1
  #openCount = 0
  #tracedCount = 0
  #isClosed = false

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_PACKAGE_MISSING */
  constructor(options: ServingTracerOptions = {}) {
    checkTracerOptions(options)
    this.options = options
    this.#clock = options.clock ?? process.hrtime.bigint
    this.settings = new TraceSettings(startSettings(options))
    this.#exporter = this.settings.exports ? new OpenTelemetryExporter(options) : undefined
    this.#files = new TraceFiles(options, this.settings)
    this.#stopFollowing = followRuns(this)
    this.#stopTelling = options.onWarning === undefined ? () => {} : onTrouble(options.onWarning)
    this.#isPropagating = options.propagate ?? this.#exporter !== undefined
  }

  /** Requests are looked at: they may be traced, or someone measures them all. */
  get isWatching(): boolean {
    return this.settings.isOn || this.#wantsAll
  }
  get #wantsAll(): boolean {
    return this.#listeners.size > 0 || this.options.serverTiming === true
  }
  get counts(): TracerCounts {
    return { open: this.#openCount, traced: this.#tracedCount, file: this.#files.counts }
  }

  /** Calls `listener` with each request that is over, traced or not; returns what takes it away again. */
  onRequest(listener: (summary: RequestSummary) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * For a server that no hook knows: call it when a request comes in. Undefined: it is not traced.
   * @example
   * const request = tracer.start('HTTP', { requestId: '17' })
   * request?.received()
   * const output = await tracer.run(request, () => handle())
   * request?.sending()
   * await send(output)
   * request?.sent().end()
   */
  start(protocol: Protocol, facts: RequestFacts = {}): TracedRequest | undefined {
    if (!this.isWatching && !facts.isProfiled) return undefined
    const admission = this.admit(facts.model, facts.traceparent, facts.isProfiled)
    return admission && this.open(protocol, facts, admission)
  }

  /** Counts a request, and says whether there is anything to do for it. @internal */
  admit(model: string | undefined, traceparent: unknown, isProfiled = false): Admission | undefined {
    if (this.#isClosed) return undefined
    if (this.settings.isOn) {
      if (this.settings.hasModelSettings && model === undefined) return LATE
      const setting = this.settings.sample(model, this.#parentDecision(traceparent))
      if (setting !== undefined) return { setting, isDecided: true }
    }
    return this.#wantsAll || isProfiled ? WATCHED : undefined
  }

  /** @internal */
  open(protocol: Protocol, facts: RequestFacts, { setting, isDecided }: Admission): TracedRequest {
    const request = new TracedRequest(this, protocol, facts, setting, isDecided)
    this.#openCount++
    openScope()
    if (protocol !== 'LOCAL') this.hasFrontEnd = true
    if (setting === undefined && isDecided) return request
    this.#exporter?.begin(request, setting)
    openRequestSpan(request, this.#exporter?.carrierOf(request))
    return request
  }

  /** Runs code of a request; what it infers, and records, belongs to the request, across awaits too. */
  run<T>(request: TracedRequest | undefined, body: () => T): T {
    if (request === undefined) return body()
    return this.#inside(request, () => scopes.run(request, () => within(request.span, body)))
  }

  /**
   * Runs an inference of the running request: as three stages, or as one body that a runtime's integration, or the
   * inference it is given, looks into. Inside another inference it is a step of that one.
   * @throws what the stages throw, unchanged
   * @example
   * await tracer.infer({ model: 'resnet50' }, { input: () => pre(body), infer: x => session.run(x), output: post })
   */
  infer<Input, Output, Result = Output>(
    options: InferenceOptions,
    stages: InferStages<Input, Output, Result>,
  ): Promise<Result>
  infer<T>(options: InferenceOptions, body: (inference: Inference | undefined) => T): T
  infer<T>(
    options: InferenceOptions,
    work: InferStages<unknown, unknown, T> | ((inference: Inference | undefined) => T),
  ): T | Promise<T> {
    const inference = this.#begin(options)
    if (typeof work !== 'function') {
      if (inference === undefined) return runStages(work, undefined)
      inference.isStaged = true
      return this.#infer(inference, () => runStages(work, inference))
    }
    if (inference === undefined) return work(undefined)
    return endWith(inference, () => this.#infer(inference, () => work(inference)))
  }

  /**
   * An inference that goes its own way, through a batcher's queue say: stamp what happens to it, and end it. Undefined:
   * it is not traced.
   */
  startInference(options: InferenceOptions): Inference | undefined {
    const inference = this.#begin(options)
    if (inference !== undefined) openInferenceSpan(inference)
    return inference
  }

  /**
   * Computes several inferences together, each of which gets the same moments. They are still to be ended.
   * @throws what the stages throw, unchanged
   */
  async batch<Input, Output, Result = Output>(
    inferences: readonly (Inference | undefined)[],
    stages: ComputeStages<Input, Output, Result>,
  ): Promise<Result> {
    const traced = inferences.filter(inference => inference instanceof Inference)
    if (traced.length === 0) {
      // A batch may be started by what an earlier request left behind: it is no work of that one.
      const isInScope = scopes.getStore() !== undefined
      return isInScope ? scopes.run(NO_BATCH, () => runStages(stages, undefined)) : runStages(stages, undefined)
    }
    const batch = new Batch(this.#nextBatchId++, traced, inferences.length)
    for (const inference of traced) inference.isStaged = true
    return scopes.run(batch, () => recordBatch(batch, () => runStages(stages, batch)))
  }

  /** What a runtime's integration saw the running request do. @internal */
  startRun(model: string, calledNs: bigint): Inference | undefined {
    return this.#begin({ model }, calledNs)
  }

  /**
   * Traces the requests of a server of node:http, node:https or node:http2, whatever serves them; returns what ends that.
   * @example
   * tracer.http(server)
   */
  http(server: RequestEmitter, options: HttpHookOptions = {}): () => void {
    return hookServer(this, server, options)
  }
  /** A middleware for express; before those that read bodies. */
  express(options: HttpHookOptions = {}): Middleware {
    return expressMiddleware(this, options)
  }
  /** A plugin for fastify: `await server.register(tracer.fastify())`. */
  fastify(options: HttpHookOptions = {}): FastifyPlugin {
    return fastifyPlugin(this, options)
  }
  /** An interceptor for @grpc/grpc-js: `new Server({ interceptors: [tracer.grpc()] })`. */
  grpc(options: GrpcHookOptions = {}): GrpcInterceptor {
    return grpcInterceptor(this, options)
  }

  /** Everything that is over is in the file. */
  async flush(): Promise<void> {
    await this.#files.flush()
  }
  /** Traces nothing from here on, and completes the files. */
  async close(): Promise<void> {
    this.#end()
    await this.#files.close()
    this.#stopTelling()
  }
  /** {@link close} for a process that ends. */
  closeSync(): void {
    this.#end()
    this.#files.closeSync()
    this.#stopTelling()
  }

  #end(): void {
    this.#isClosed = true
    this.#stopFollowing()
    for (const request of this.#lingering.keys()) request.finish()
    clearInterval(this.#sweep)
  }

  #infer<T>(inference: Inference, body: () => T): T {
    openInferenceSpan(inference)
    const inside = () => scopes.run(inference, () => within(inference.span, body))
    // The request may be traced since just now, or have no front end: then nobody has brought its code inside.
    return this.#inside(inference.request, inside)
  }
  #inside<T>(request: TracedRequest, body: () => T): T {
    return this.#exporter === undefined ? body() : this.#exporter.within(request, body)
  }

  #begin(given: InferenceOptions, runNs?: bigint): Inference | undefined {
    const scope = scopes.getStore()
    // A call of no request is one of its own; but of a server's that is not traced, there is nothing to tell it by.
    if (scope instanceof Batch || (scope === undefined && (this.hasFrontEnd || !this.isWatching))) return undefined
    const options = readOptions(given)
    if (scope !== undefined) {
      const request = scope instanceof Inference ? scope.request : scope
      // Of another tracer's request the program tells that one; a run is told to each tracer, and is its own's business.
      if (runNs !== undefined && !request.isOwnedBy(this)) return undefined
      const parent = scope instanceof Inference && !scope.isEnded ? scope : undefined
      return request.startInference(parent, options, runNs)
    }
    const local = this.start('LOCAL', runNs === undefined ? options : { ...options, startNs: runNs })
    return local?.startInference(undefined, options, runNs)
  }

  /** Whoever began the trace that a request comes with has decided for all of it. */
  #parentDecision(traceparent: unknown): ParentDecision | undefined {
    const parent = this.#isPropagating ? parseTraceparent(traceparent) : undefined
    if (parent === undefined) return undefined
    return (parent.traceFlags & FLAG_SAMPLED) === 0 ? 'unsampled' : 'sampled'
  }

  // RequestOwner

  /** @internal */
  now(): bigint {
    return this.#clock()
  }
  /** @internal */
  decide(request: TracedRequest, model: string | undefined): TraceSetting | undefined {
    if (!this.settings.isOn) return undefined
    const setting = this.settings.sample(model, this.#parentDecision(request.facts.traceparent))
    if (setting !== undefined) this.#exporter?.begin(request, setting)
    return setting
  }
  /** @internal */
  linger(request: TracedRequest): void {
    if (this.#lingering.size >= MAX_LINGERING) {
      for (const oldest of this.#lingering.keys()) {
        oldest.finish()
        break
      }
    }
    this.#lingering.set(request, performance.now())
    this.#sweep ??= setInterval(() => this.#endLingering(), LINGER_MS / 3).unref()
  }
  /** @internal */
  finish(request: TracedRequest): void {
    this.#lingering.delete(request)
    this.#openCount--
    closeScope()
    if (request.setting !== undefined) this.#tracedCount++
    try {
      this.#tell(request)
    } catch (error) {
      traceFailed(error)
    }
  }

  #tell(request: TracedRequest): void {
    const { setting } = request
    let tree: TraceTree | undefined
    if (setting !== undefined) {
      tree = traceTree(request)
      this.settings.knowModel(tree.modelName)
      const records = traceRecords(tree, setting.timestamps, () => this.#nextId++)
      this.#files.add(setting, records)
      this.#exporter?.finish(request, tree, records)
      completeSpans(request, tree, records[0]!.id)
    }
    if (this.#listeners.size === 0) return
    const summary = summarize(request, tree ?? requestTree(request))
    for (const listener of this.#listeners) {
      try {
        listener(summary)
      } catch (error) {
        trouble('serving-trace-failed', `a listener of requests failed: ${reasonOf(error)}`)
      }
    }
  }

  #endLingering(): void {
    const due = performance.now() - LINGER_MS
    for (const [request, since] of this.#lingering) {
      if (since > due) break
      request.finish()
    }
    if (this.#lingering.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}

/**
 * Makes a tracer of inference requests.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_PACKAGE_MISSING
 * @example
 * const tracer = servingTracer({ file: 'trace.json', rate: 100 })
 */
export function servingTracer(options: ServingTracerOptions = {}): ServingTracer {
  return new ServingTracer(options)
}
