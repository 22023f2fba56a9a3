import { tryNative } from '../binding.js'
import { type Instrumented, recordCalls } from './onnxruntime/calls.js'
import { findBinding } from './onnxruntime/find-binding.js'
import type { OrtBinding } from './onnxruntime/native-session.js'
import { recordingSessionClass } from './onnxruntime/session-class.js'
import { endTwins, watchWindows } from './onnxruntime/windows.js'
import { replaceMember } from './replace-member.js'

const instrumented = new WeakMap<OrtBinding, () => void>()
// Outlives uninstrument: sessions made under an earlier instrument are recorded again under a later one.
const states = new WeakMap<OrtBinding, Instrumented>()

/**
 * Records what `onnxruntime-node` does while a profiler session runs: `session.load` and `session.run`
 * (the synchronous native call) as ops, `queue` (the wait before it), and below the runs the operators
 * that ONNX Runtime's own profiler reports, each with its kernel time as `compute`.
 *
 * That profiler can be used once per session and grows with each run. So the first run of a session in
 * a window loads a twin from the same model and options, warms it up with one run of the same feeds, and
 * lets it serve runs until its profile holds 2,000 events (always one run at least); then it is ended. All
 * of that blocks the thread, and is in the trace as `opscope twin load` and `opscope twin end`. The other
 * runs have no operators and are counted as not broken down. While the twin lives, the model's weights are
 * in memory twice. A session made from bytes keeps those bytes until it is released. Sessions made before
 * this call have no operators. Nothing is profiled while no session records.
 *
 * @param ort The package, by `import * as ort` or `require`. A second call for the same copy changes nothing.
 * @returns Puts everything back as it was; sessions made meanwhile go on working, unrecorded.
 * @throws OpscopeError ERR_OPSCOPE_INTEGRATION when `ort` is not onnxruntime-node.
 * @example
 * import * as ort from 'onnxruntime-node'
 * import { instrument } from 'opscope/integrations/onnxruntime'
 * const uninstrument = instrument(ort)
 */
export function instrument(ort: unknown): () => void {
  const { binding, SessionClass } = findBinding(ort)
  const earlier = instrumented.get(binding)
  if (earlier !== undefined) return earlier
  // On a platform without a native core nothing is recorded, and the program runs as it is.
  if (tryNative() === undefined) return () => {}
  watchWindows()
  const state = states.get(binding) ?? { isOn: true }
  state.isOn = true
  states.set(binding, state)
  const restoreClass = replaceMember(binding, 'InferenceSession', Native => recordingSessionClass(Native, state))
  const restoreCalls = recordCalls(SessionClass, state)
  const uninstrument = () => {
    if (instrumented.get(binding) !== uninstrument) return
    state.isOn = false
    instrumented.delete(binding)
    restoreCalls()
    restoreClass()
    endTwins()
  }
  instrumented.set(binding, uninstrument)
  return uninstrument
}
