import { addNotBrokenDown } from '../../hooks.js'
import { areRunsObserved, beginObservedRun, type ObservedRun } from '../../observed-runs.js'
import { replaceMember } from '../replace-member.js'
import type { Feeds, Fetches, Results, RunOptions } from './native-session.js'
import {
  addCall,
  addSpan,
  beginBracket,
  callerSpanId,
  endSpan,
  isRecordingRuns,
  nameId,
  nowNs,
  records,
} from './spans.js'

/** What a session of onnxruntime-common holds; its `run` queues the native run with setImmediate. */
interface Handler {
  run(feeds: Feeds, fetches: Fetches, options: RunOptions): Promise<Results>
}
/** `InferenceSession` of onnxruntime-common. */
export interface SessionClass {
  prototype: { run(feeds: unknown, arg1?: unknown, arg2?: unknown): Promise<unknown> }
}
/** One instrumented copy of onnxruntime-node. */
export interface Instrumented {
  isOn: boolean
}

/** A call of session.run, from there to the end of its native run. */
export class RunCall {
  readonly calledNs: bigint = nowNs()
  readonly parentId: number = callerSpanId()
  /** The native session is of the recording class, which records the run itself. */
  isClaimed = false
  /** Who follows the run, once its native part began. */
  observed: ObservedRun | undefined

  endQueue(atNs: bigint): void {
    addSpan(nameId('queue', 'request'), { startNs: this.calledNs, endNs: atNs }, this.parentId, true)
  }
}

// onnxruntime-common makes a new `fetches` for each call and hands it through: it names the call.
const calls = new WeakMap<Fetches, RunCall>()
/** The call that a native run belongs to, if one was recorded. */
export function claimCall(fetches: Fetches): RunCall | undefined {
  const call = calls.get(fetches)
  if (call === undefined) return undefined
  calls.delete(fetches)
  call.isClaimed = true
  return call
}

/** Records the wait of every call of session.run, and the runs of sessions that are older than `instrument`. */
export function recordCalls(SessionClass: SessionClass, state: Instrumented): () => void {
  const restores: (() => void)[] = []
  const handlerClasses = new WeakSet<object>()
  const seeHandler = (handler: Handler | undefined) => {
    const owner = handler && (Object.getPrototypeOf(handler) as Handler)
    if (owner === undefined || handlerClasses.has(owner)) return
    handlerClasses.add(owner)
    restores.push(replaceMember(owner, 'run', original => recordingRun(original, state)))
  }
  restores.push(
    replaceMember(SessionClass.prototype, 'run', original => {
      return function run(this: { handler?: Handler }, feeds: unknown, arg1?: unknown, arg2?: unknown) {
        // The handler's class is not exported: the first session at hand shows it.
        seeHandler(this?.handler)
        return original.call(this as never, feeds, arg1, arg2)
      }
    }),
  )
  return () => {
    for (const restore of restores) restore()
  }
}

function recordingRun(original: Handler['run'], state: Instrumented): Handler['run'] {
  const claiming = new WeakSet<Handler>()
  const older = new WeakSet<Handler>()
  return function run(this: Handler, feeds, fetches, options) {
    if (!state.isOn || !(isRecordingRuns() || areRunsObserved())) return original.call(this, feeds, fetches, options)
    const call = new RunCall()
    calls.set(fetches, call)
    if (claiming.has(this)) return observedToEnd(call, original.call(this, feeds, fetches, options))
    const settle = older.has(this) ? openRun(call) : guessRun(call)
    const results = observedToEnd(call, original.call(this, feeds, fetches, options))
    const end = (failed: boolean) => (settle(failed) ? claiming : older).add(this)
    results.then(
      () => end(false),
      () => end(true),
    )
    return results
  }
}

/** Tells who follows the run when the program has its results. The promise is the same one. */
function observedToEnd(call: RunCall, results: Promise<Results>): Promise<Results> {
  if (!areRunsObserved()) return results
  const end = (hasFailed: boolean) => {
    // Of a session that is older than instrument(), neither model nor stages are known.
    if (!call.isClaimed) call.observed = beginObservedRun({ model: 'session', calledNs: call.calledNs, inputs: {} })
    call.observed?.end(hasFailed)
  }
  results.then(
    () => end(false),
    () => end(true),
  )
  return results
}

// The native run of an older session cannot be replaced. An immediate queued right before its own fires
// right before it, and the first reaction to its promise comes right after it: nothing runs in between.

/** For a session that is known to be older: the run is an open span, so that launches find it. */
function openRun(call: RunCall): (failed: boolean) => boolean {
  let spanId = 0
  setImmediate(() => {
    call.endQueue(nowNs())
    spanId = beginBracket(nameId('session.run', 'inference'), call.parentId)
  })
  return failed => {
    if (spanId !== 0) endSpan(spanId, failed)
    countRunOnly()
    return false
  }
}

/** For a session not yet known: recorded afterwards, unless its class claimed the call. */
function guessRun(call: RunCall): (failed: boolean) => boolean {
  let beganNs = call.calledNs
  setImmediate(() => {
    beganNs = nowNs()
  })
  return () => {
    if (call.isClaimed) return true
    call.endQueue(beganNs)
    addCall(nameId('session.run', 'inference'), { startNs: beganNs, endNs: nowNs() }, call.parentId)
    countRunOnly()
    return false
  }
}

/** A run of this window has no node rows. */
export function countRunOnly(): void {
  if (records('cpu_op')) addNotBrokenDown(1)
}
