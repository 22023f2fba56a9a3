import { basename } from 'node:path'

import { areRunsObserved, beginObservedRun } from '../../observed-runs.js'
import { claimCall, countRunOnly, type Instrumented, type RunCall } from './calls.js'
import { rememberModel } from './model-source.js'
import type { Feeds, Fetches, NativeSessionClass, Results, RunOptions } from './native-session.js'
import { NodeBreakdown } from './node-breakdown.js'
import { callerSpanId, isRecordingRuns, nameId, nowNs, recordCall, unseenBracket } from './spans.js'

/**
 * The native session class with its load and its runs recorded. A subclass, since the native methods
 * are not writable. Sessions made from it outlive `uninstrument` and then only pass calls on.
 */
export function recordingSessionClass(Native: NativeSessionClass, state: Instrumented): NativeSessionClass {
  return class InferenceSession extends Native {
    #breakdown: NodeBreakdown | undefined
    #runName: number | undefined

    override loadModel(...args: unknown[]): void {
      const load = () => super.loadModel(...args)
      if (!state.isOn) load()
      else recordCall(nameId(titled('session.load', fileNameOf(args)), 'section'), callerSpanId(), load)
      const source = state.isOn ? rememberModel(args) : undefined
      if (source !== undefined) this.#breakdown = new NodeBreakdown(Native, source)
    }

    override run(feeds: Feeds, fetches: Fetches, options: RunOptions): Results {
      const call = claimCall(fetches)
      const run = () => this.#recorded(call, feeds, fetches, options)
      if (call === undefined || !state.isOn || !areRunsObserved()) return run()
      const model = this.#breakdown?.modelName() || 'model'
      const observed = beginObservedRun({ model, calledNs: call.calledNs, inputs: feeds })
      call.observed = observed
      observed?.inputsReady()
      const results = run()
      observed?.computed(results)
      return results
    }

    #recorded(call: RunCall | undefined, feeds: Feeds, fetches: Fetches, options: RunOptions): Results {
      const original = () => super.run(feeds, fetches, options)
      if (!state.isOn) return original()
      if (!isRecordingRuns()) return unseenBracket(original)
      call?.endQueue(nowNs())
      const parentId = call?.parentId ?? callerSpanId()
      const breakdown = this.#breakdown
      breakdown?.prepare(feeds, fetches)
      this.#runName ??= nameId(titled('session.run', breakdown?.modelName()), 'inference')
      return recordCall(this.#runName, parentId, spanId => {
        if (breakdown !== undefined)
          return breakdown.run({ feeds, fetches, options, original, spanId: spanId || parentId })
        countRunOnly()
        return original()
      })
    }

    override dispose(): void {
      this.#breakdown?.end()
      this.#breakdown = undefined
      super.dispose()
    }
  }
}

function fileNameOf(args: readonly unknown[]): string | undefined {
  return typeof args[0] === 'string' ? basename(args[0]) : undefined
}

function titled(what: string, model: string | undefined): string {
  return model ? `${what} ${model}` : what
}
