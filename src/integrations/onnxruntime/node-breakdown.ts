import { native } from '../../binding.js'
import { addNotBrokenDown, addWarning } from '../../hooks.js'
import { countRunOnly } from './calls.js'
import type { ModelScan } from './model-scan.js'
import type { ModelSource } from './model-source.js'
import type { Feeds, Fetches, NativeSessionClass, Results, RunOptions } from './native-session.js'
import { joinByOrder, NodeRows } from './node-rows.js'
import { nameId, recordCall, records } from './spans.js'
import { ProfiledTwin } from './twin.js'
import { currentWindow, openTwins } from './windows.js'

// Events in one twin's profile. Ending it at this size blocks the JavaScript thread for 11 to 30 ms.
const MAX_EVENTS = 2000
const LOAD_EVENTS = 8

export interface RunRequest {
  feeds: Feeds
  fetches: Fetches
  options: RunOptions
  /** What its node rows go below. */
  spanId: number
  /** Runs it on the user's own session. */
  original(): Results
}

/** Gives the runs of one session that its twin serves their node rows: one twin per window of the profiler. */
export class NodeBreakdown {
  readonly #Native: NativeSessionClass
  readonly #source: ModelSource
  #scan: ModelScan | undefined
  #twin: ProfiledTwin | undefined
  #window = 0
  #runsLeft = 0
  /** The most events of a run; known once a first profile was read. */
  #eventsPerRun: number | undefined

  constructor(Native: NativeSessionClass, source: ModelSource) {
    this.#Native = Native
    this.#source = source
  }

  modelName(): string {
    return this.#source.fileName || (this.#scanned()?.graphName ?? '')
  }

  /** Makes the twin of this window, once, for runs like this one. Blocks while it loads. Never throws. */
  prepare(feeds: Feeds, fetches: Fetches): void {
    const window = currentWindow()
    if (window === this.#window || window === 0 || !records('cpu_op')) return
    this.end()
    this.#window = window
    try {
      const refusal = this.#refusal()
      if (refusal !== undefined) {
        addWarning('onnxruntime-no-twin', `no node rows: ${refusal}`, 1)
        return
      }
      this.#runsLeft = this.#runLimit()
      this.#twin = recordCall(nameId('opscope twin load', 'overhead'), 0, spanId => {
        if (spanId !== 0) native().attribute(spanId, 'model_bytes', this.#source.byteLength)
        const twin = new ProfiledTwin(this.#Native, this.#source)
        if (this.#runsLeft > 1) {
          this.#runsLeft--
          twin.warmUp(feeds, fetches)
        }
        return twin
      })
      openTwins.add(this)
    } catch (error) {
      addWarning('onnxruntime-twin-failed', `no node rows: the twin did not load: ${messageOf(error)}`, 1)
    }
  }

  /** What `original` would return or throw; from the twin while it may serve. */
  run({ feeds, fetches, options, spanId, original }: RunRequest): Results {
    const twin = this.#twin
    if (twin === undefined || this.#runsLeft === 0) {
      countRunOnly()
      return original()
    }
    this.#runsLeft--
    try {
      return twin.run(feeds, fetches, options, spanId)
    } catch (error) {
      // The original tells the caller's mistake, which it repeats, from trouble of the twin.
      const results = original()
      this.#runsLeft = 0
      addWarning('onnxruntime-twin-failed', `the twin failed where the session did not: ${messageOf(error)}`, 1)
      return results
    } finally {
      // Later: the caller's results need not wait for it, nor is it part of the run.
      if (this.#runsLeft === 0) setImmediate(() => this.#twin === twin && this.end())
    }
  }

  /** Ends the twin, if there is one, and adds its node rows. Never throws. */
  end(): void {
    const twin = this.#twin
    if (twin === undefined) return
    this.#twin = undefined
    openTwins.delete(this)
    let notBrokenDown = twin.served.filter(run => !run.isWarmUp).length
    try {
      const runs = recordCall(nameId('opscope twin end', 'overhead'), 0, () => twin.end())
      const rows = new NodeRows()
      for (const [index, served] of joinByOrder(twin.served, runs.length).entries()) {
        if (served.isWarmUp || served.outcome !== 'done') continue
        if (rows.add(runs[index]!, served)) notBrokenDown--
      }
      for (const run of runs) this.#eventsPerRun = Math.max(this.#eventsPerRun ?? 0, run.eventCount)
    } catch (error) {
      addWarning('onnxruntime-twin-failed', `node rows lost: ${messageOf(error)}`, 1)
    }
    if (notBrokenDown > 0) addNotBrokenDown(notBrokenDown)
  }

  #refusal(): string | undefined {
    if (this.#source.refusal !== undefined) return this.#source.refusal
    if (!this.#source.isUnchanged()) return 'the model was changed after the session was made'
    const scan = this.#scanned()
    if (scan === undefined) return 'the model is not in ONNX format'
    return scan.isRandom ? 'the model draws random numbers' : undefined
  }

  #scanned(): ModelScan | undefined {
    this.#scan ??= this.#source.scan()
    return this.#scan
  }

  // Until a profile was read: four events a node, since the optimizer may put layout changes and casts
  // around each. A graph with loops may do anything: one run tells, and twice that is allowed for.
  #runLimit(): number {
    const { hasSubgraphs, nodeCount } = this.#scan!
    const known = this.#eventsPerRun
    if (known === undefined && hasSubgraphs) return 1
    const perRun = known === undefined ? 4 * nodeCount + 2 : hasSubgraphs ? 2 * known : known
    return Math.max(1, Math.floor((MAX_EVENTS - LOAD_EVENTS) / perRun))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
